//! What is usual for a step.

use serde::{Deserialize, Serialize};

use super::{Past, samples::Samples, whole};

/// The band is from this share of the runs to [`HIGH`].
const LOW: f64 = 0.2;
const HIGH: f64 = 0.8;
/// By how much the band is wider for a single sample; half as much for two, and so on.
const DOUBT: f64 = 0.6;

/// How long a step usually takes, in milliseconds: `low <= median <= high`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// One run of five takes less.
    pub low: f64,
    /// Half of the runs take less.
    pub median: f64,
    /// One run of five takes more.
    pub high: f64,
}

impl Past {
    /// What is usual; none without a past.
    pub fn usual(&self) -> Option<Usual> {
        Samples::of(&self.durations).map(Usual::of)
    }
}

impl Usual {
    pub(super) fn of(samples: Samples) -> Self {
        let doubt = 1.0 + DOUBT / samples.count() as f64;
        let samples = samples.tamed();
        let (low, median, high) = (samples.quantile(LOW), samples.quantile(0.5), samples.quantile(HIGH));
        Self { low: low / doubt, median, high: high * doubt }
    }

    /// Its median in whole milliseconds.
    pub fn median_ms(self) -> u64 {
        whole(self.median)
    }

    /// Its band in whole milliseconds: from, to.
    pub fn band_ms(self) -> [u64; 2] {
        [whole(self.low), whole(self.high)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(durations: &[u64]) -> Usual {
        Past { durations: durations.to_vec(), silences: Vec::new() }.usual().expect("it has a past")
    }

    #[test]
    fn without_a_past_nothing_is_usual() {
        assert_eq!(Past::default().usual(), None);
    }

    #[test]
    fn one_run_is_a_guess_with_a_wide_band_and_many_alike_make_it_narrow() {
        let one = usual(&[1000]);
        assert_eq!((one.median_ms(), one.band_ms()), (1000, [625, 1600]));
        let many = usual(&[1000; 20]);
        assert_eq!((many.median_ms(), many.band_ms()), (1000, [971, 1030]));
    }

    #[test]
    fn newer_runs_count_for_more() {
        let mut durations = vec![2000; 8];
        durations.extend([1000; 12]);
        assert_eq!(usual(&durations).median_ms(), 2000);
    }

    #[test]
    fn of_two_kinds_of_runs_the_median_is_one_and_the_band_holds_both() {
        let durations = [10_000, 60_000, 10_100, 9_900, 60_500, 10_000, 10_050, 61_000, 9_950, 10_000];
        let usual = usual(&durations);
        assert!((9_900.0..=10_100.0).contains(&usual.median), "{usual:?}");
        assert!(usual.low < 10_000.0 && usual.high >= 60_000.0, "{usual:?}");
    }

    #[test]
    fn one_wild_run_of_five_does_not_widen_the_band() {
        assert_eq!(usual(&[100_000, 1000, 1000, 1000, 1000]).band_ms(), usual(&[1000; 5]).band_ms());
    }
}
