//! Weighed samples and their quantiles: what all estimates are made of.

use super::PAST_MAX;

/// After so many newer runs one counts half.
const HALF_LIFE: f64 = 4.0;
/// From so many samples on a single wild one can be told from the others.
const OUTLIER_FROM: usize = 5;
/// What is so many times the next one, or so small a part of it, is wild.
const OUTLIER_RATIO: f64 = 4.0;

/// Durations with their weights, shortest first; at least one.
#[derive(Clone, Debug)]
pub(super) struct Samples(Vec<(f64, f64)>);

impl Samples {
    /// From milliseconds, newest first. None if there are none.
    pub(super) fn of(durations: &[u64]) -> Option<Self> {
        let weighed = durations.iter().take(PAST_MAX).enumerate();
        Self::sorted(weighed.map(|(age, ms)| (*ms as f64, 0.5_f64.powf(age as f64 / HALF_LIFE))).collect())
    }

    fn sorted(mut samples: Vec<(f64, f64)>) -> Option<Self> {
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        if samples.is_empty() { None } else { Some(Self(samples)) }
    }

    /// Those that took longer than `elapsed`, and one more of full weight.
    pub(super) fn longer(&self, elapsed: f64, also: Option<f64>) -> Option<Self> {
        let longer = self.0.iter().copied().filter(|(ms, _)| *ms > elapsed);
        Self::sorted(longer.chain(also.map(|ms| (ms, 1.0))).collect())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The same, with one wild sample at either end brought to the next one's size.
    pub(super) fn tamed(mut self) -> Self {
        let count = self.0.len();
        if count >= OUTLIER_FROM {
            if self.0[count - 1].0 > self.0[count - 2].0 * OUTLIER_RATIO {
                self.0[count - 1].0 = self.0[count - 2].0;
            }
            if self.0[0].0 * OUTLIER_RATIO < self.0[1].0 {
                self.0[0].0 = self.0[1].0;
            }
        }
        self
    }

    /// The shortest that at least this share (0.0..=1.0) of the weight does not exceed: always one of the samples, so that
    /// of two kinds of runs it is one or the other and never something between.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let whole: f64 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut through = 0.0;
        for (ms, weight) in &self.0 {
            through += weight;
            if through >= whole * share {
                return *ms;
            }
        }
        self.0.last().map_or(0.0, |(ms, _)| *ms)
    }
}
