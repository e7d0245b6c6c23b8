//! Values that must not be shown.

use std::fmt;

use memchr::memmem::Finder;

use super::command::text;

/// Shortest value that is masked, in characters: shorter ones would turn a log into stars.
pub const MASK_MIN: usize = 3;
/// Most values of one execution; more are not taken.
pub const MASKS_MAX: usize = 100;
/// Longest piece that is looked for as one, in bytes: a longer value is looked for in pieces. So much of a line that is
/// too long is held back, so that no value lies across a cut unseen.
pub const MASK_PIECE_MAX: usize = 4 * 1024;
/// Most pieces of all values: a value with several lines has one for each.
pub const MASK_PIECES_MAX: usize = 1000;

/// What stands in the place of a value.
const STARS: &str = "***";

/// A set of values, and what replaces them: `***`.
///
/// A value is masked wherever it stands in a line or a message, also where a line is cut for its length, and where values
/// overlap all of them are. Of a value with several lines, each line of [`MASK_MIN`] characters or more is a value.
#[derive(Clone, Default)]
pub struct Masks {
    /// As they were given. At most [`MASKS_MAX`].
    values: Vec<String>,
    /// What is looked for: lines of values, at most [`MASK_PIECE_MAX`] bytes each; at most [`MASK_PIECES_MAX`].
    pieces: Vec<Finder<'static>>,
    /// The longest of them, in bytes.
    longest: usize,
    /// Values with several lines as a whole, for texts with several lines.
    blocks: Vec<Finder<'static>>,
}

impl Masks {
    /// Takes a value in. Says whether it is masked from now on: not if it is shorter than [`MASK_MIN`], not if there are
    /// [`MASKS_MAX`] others, and not if it has more lines than [`MASK_PIECES_MAX`] leaves room for.
    pub fn add(&mut self, value: &str) -> bool {
        if self.values.iter().any(|known| known == value) {
            return true;
        }
        let pieces: Vec<&str> = value.split(['\n', '\r']).filter(|line| is_long_enough(line)).flat_map(cut).collect();
        let room = self.values.len() < MASKS_MAX && self.pieces.len() + pieces.len() <= MASK_PIECES_MAX;
        if !is_long_enough(value) || !room {
            return false;
        }
        self.values.push(value.to_owned());
        if value.contains(['\n', '\r']) {
            self.blocks.push(Finder::new(value).into_owned());
        }
        for piece in pieces {
            if !self.pieces.iter().any(|known| known.needle() == piece.as_bytes()) {
                self.longest = self.longest.max(piece.len());
                self.pieces.push(Finder::new(piece).into_owned());
            }
        }
        true
    }

    /// The values, in the order in which they were added.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The text with `***` in place of each value.
    pub fn apply(&self, text: String) -> String {
        let spans = spans(self.pieces.iter().chain(&self.blocks), text.as_bytes(), text.len());
        if spans.is_empty() { text } else { starred(text.as_bytes(), 0, spans).0 }
    }

    /// How many bytes after a cut must be known to mask what lies on it.
    pub(super) fn reach(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// The first `end` of these bytes as text, masked, and how many bytes after them belong to a value that begins in
    /// them. Of the bytes the first `hidden` belong to one that began before, whose stars were shown there.
    ///
    /// [`Masks::reach`] bytes must follow `end`, or all there are.
    pub(super) fn show(&self, bytes: &[u8], end: usize, hidden: usize) -> (String, usize) {
        let spans = spans(self.pieces.iter(), bytes, end);
        starred(bytes.get(..end).unwrap_or(bytes), hidden, spans)
    }
}

/// Where such values are that begin before `end`, overlapping ones as well.
fn spans<'f>(values: impl Iterator<Item = &'f Finder<'static>>, bytes: &[u8], end: usize) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for value in values {
        let length = value.needle().len();
        let within = bytes.get(..end + length - 1).unwrap_or(bytes);
        let mut from = 0;
        while let Some(found) = within.get(from..).and_then(|rest| value.find(rest)) {
            spans.push((from + found, from + found + length));
            from += found + 1;
        }
    }
    spans.sort_unstable();
    spans
}

/// The bytes as text without the first `hidden` and with stars in place of these spans, and how far the last of them
/// goes beyond the end.
fn starred(shown: &[u8], hidden: usize, spans: Vec<(usize, usize)>) -> (String, usize) {
    if spans.is_empty() && hidden == 0 {
        return (text(shown), 0);
    }
    let mut out = String::with_capacity(shown.len());
    let (mut done, mut starred) = (hidden, hidden > 0);
    for (from, to) in spans {
        // What touches or overlaps the one before has its stars already.
        if from > done || !starred {
            out.push_str(&text(shown.get(done..from).unwrap_or_default()));
            out.push_str(STARS);
            starred = true;
        }
        done = done.max(to);
    }
    out.push_str(&text(shown.get(done..).unwrap_or_default()));
    (out, done.saturating_sub(shown.len()))
}

/// Says how many there are, and none of them.
impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

/// Whether it has [`MASK_MIN`] characters.
pub(super) fn is_long_enough(line: &str) -> bool {
    line.chars().nth(MASK_MIN - 1).is_some()
}

/// Pieces of much the same length, none longer than [`MASK_PIECE_MAX`].
fn cut(line: &str) -> impl Iterator<Item = &str> {
    // A few bytes less, since a piece may begin up to three later than it should.
    let count = line.len().div_ceil(MASK_PIECE_MAX - 4).max(1);
    let place = move |n: usize| line.floor_char_boundary(line.len() * n / count);
    (0..count).map(move |n| &line[place(n)..place(n + 1)])
}
