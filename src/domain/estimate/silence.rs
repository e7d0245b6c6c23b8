//! How long a silence is unusual.

use super::{PAST_MAX, Past};

/// Fewer runs than this say nothing about what silences are usual.
pub const SILENCES_MIN: usize = 5;
/// What is added to the longest silence for a single run; a fifth of it for five. It makes up for how little so few say
/// about the rarest: the 99th percentile of so few is the longest of them.
const MARGIN: f64 = 5.0;

impl Past {
    /// After how long a silence, in milliseconds, a step is not what it usually is; `least_ms` or more. None if too little
    /// is known.
    pub fn stall_after(&self, least_ms: u64) -> Option<u64> {
        let silences = self.silences.get(..self.silences.len().min(PAST_MAX))?;
        if silences.len() < SILENCES_MIN {
            return None;
        }
        let longest = silences.iter().copied().max()? as f64;
        let unusual = longest * (1.0 + MARGIN / silences.len() as f64);
        Some(super::whole(unusual).max(least_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stall_after(silences: &[u64]) -> Option<u64> {
        Past { durations: Vec::new(), silences: silences.to_vec() }.stall_after(10_000)
    }

    #[test]
    fn five_runs_must_be_known_and_twice_their_longest_silence_is_unusual() {
        assert_eq!(stall_after(&[20_000; 4]), None);
        assert_eq!(stall_after(&[1_000, 30_000, 2_000, 1_000, 1_000]), Some(60_000));
    }

    #[test]
    fn more_runs_need_less_of_a_margin_and_short_silences_are_never_worth_a_word() {
        assert_eq!(stall_after(&[20_000; 20]), Some(25_000));
        assert_eq!(stall_after(&[5; 20]), Some(10_000));
    }
}
