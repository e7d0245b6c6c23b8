//! Values that must not be shown.

/// Shortest value that is masked, in characters: shorter ones would turn a log into stars.
pub const MASK_MIN: usize = 3;
/// Most values of one execution; more are not taken.
pub const MASKS_MAX: usize = 100;

/// A set of values, and what replaces them: `***`.
///
/// A value is masked where it lies within one line or message; of a line that was cut for its length the pieces are
/// looked at one by one.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// The longest first, so that a value that holds another is masked as a whole. At most [`MASKS_MAX`].
    values: Vec<String>,
}

impl Masks {
    /// Takes a value in. Says whether it is masked from now on: not if it is shorter than [`MASK_MIN`], and not if
    /// there are [`MASKS_MAX`] others.
    pub fn add(&mut self, value: &str) -> bool {
        if self.values.iter().any(|known| known == value) {
            return true;
        }
        if value.chars().count() < MASK_MIN || self.values.len() >= MASKS_MAX {
            return false;
        }
        let place = self.values.partition_point(|known| known.len() >= value.len());
        self.values.insert(place, value.to_owned());
        true
    }

    /// The values, the longest first.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The text with `***` in place of each value.
    pub fn apply(&self, mut text: String) -> String {
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), "***");
            }
        }
        text
    }
}
