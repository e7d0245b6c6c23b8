//! What a step at work still needs.

use super::{Past, Span, samples::Samples, usual::Usual};

/// The least that a step which is late still needs, as a part of the time it has had.
const LATE_MIN: f64 = 0.05;
/// From here on a step's own percent says something about its rate.
const HEARD_MIN: f64 = 1.0;
/// How far off a step's own rate may be at its beginning and at its end, as a part of the whole time.
const RATE_DOUBT: (f64, f64) = (0.5, 0.05);

/// What a step last said of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// How far it was, 0.0..=100.0.
    pub percent: f64,
    /// Milliseconds after its beginning.
    pub after_ms: u64,
}

impl Past {
    /// What a step needs from `elapsed_ms` after its beginning until its end; none if neither its past nor what it said
    /// tells anything.
    ///
    /// By the past it is what those runs needed that took longer than that. A step that has had its median may also need
    /// as long again as it is late: that counts as one run more, so that a step that is later than any before has an
    /// estimate, which grows. A step that tells its percent is taken at its word the more, the
    /// further it is.
    pub fn remaining(&self, elapsed_ms: u64, heard: Option<Heard>) -> Option<Span> {
        let elapsed = elapsed_ms as f64;
        let by_past = Samples::of(&self.durations).and_then(|samples| by_past(&samples, elapsed));
        match (heard.and_then(|heard| by_rate(elapsed, heard)), by_past) {
            (Some((share, by_rate)), Some(by_past)) => Some(by_rate.blend(share, by_past)),
            (Some((_, by_rate)), None) => Some(by_rate),
            (None, by_past) => by_past,
        }
    }
}

fn by_past(samples: &Samples, elapsed: f64) -> Option<Span> {
    let median = samples.quantile(0.5);
    let as_long_again = (elapsed >= median).then(|| late(median, elapsed));
    samples.longer(elapsed, as_long_again).map(|longer| left(Usual::of(longer), elapsed))
}

/// The whole time of a step that should have been done: as long again as it is late.
fn late(whole: f64, elapsed: f64) -> f64 {
    elapsed + (elapsed - whole).max(elapsed * LATE_MIN)
}

/// Of a whole time, what is left after the elapsed one.
fn left(Usual { low, median, high }: Usual, elapsed: f64) -> Span {
    let after = |whole: f64| (whole - elapsed).max(0.0);
    Span { low: after(low), likely: after(median), high: after(high) }
}

/// By the step's own rate, and how much that counts.
fn by_rate(elapsed: f64, heard: Heard) -> Option<(f64, Span)> {
    let done = heard.percent.min(100.0) / 100.0;
    let after = (heard.after_ms as f64).min(elapsed);
    if done.is_nan() || done * 100.0 < HEARD_MIN || after <= 0.0 {
        return None;
    }
    let whole = after / done;
    // One that is over the time it seemed to need is late, as above.
    let whole = if whole > elapsed { whole } else { late(whole, elapsed) };
    let doubt = RATE_DOUBT.0 + (RATE_DOUBT.1 - RATE_DOUBT.0) * done;
    let usual = Usual { low: whole * (1.0 - doubt), median: whole, high: whole * (1.0 + doubt) };
    Some((done.sqrt(), left(usual, elapsed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(durations: &[u64]) -> Past {
        Past { durations: durations.to_vec(), silences: Vec::new() }
    }

    fn likely(durations: &[u64], elapsed_ms: u64) -> u64 {
        past(durations).remaining(elapsed_ms, None).expect("it has a past").likely_ms()
    }

    #[test]
    fn it_is_what_is_left_of_the_median_while_the_step_is_in_time() {
        assert_eq!(likely(&[10_000, 11_000, 9_000], 0), 10_000);
        assert_eq!(likely(&[10_000, 11_000, 9_000], 4_000), 6_000);
    }

    #[test]
    fn a_step_that_has_taken_exactly_what_its_only_run_took_still_needs_something() {
        assert!(past(&[4]).remaining(4, None).expect("it has a past").likely > 0.0);
    }

    #[test]
    fn a_late_step_needs_what_late_ones_needed() {
        let cached = [10, 60, 10, 10, 60, 10, 10, 60, 10, 10].map(|seconds| seconds * 1000);
        assert_eq!(likely(&cached, 2_000), 8_000);
        assert_eq!(likely(&cached, 15_000), 45_000);
    }

    #[test]
    fn a_step_later_than_any_before_needs_ever_more_time() {
        let over = [11_000, 15_000, 30_000, 60_000, 600_000].map(|elapsed| likely(&[10_000; 6], elapsed));
        assert_eq!(over, [1_000, 5_000, 20_000, 50_000, 590_000]);
    }

    #[test]
    fn one_wild_run_is_not_what_a_slightly_late_step_expects() {
        let mut durations = [10_000; 10];
        durations[3] = 1_000_000;
        assert!(likely(&durations, 10_500) < 2_000);
        let span = past(&durations).remaining(10_500, None).expect("it has a past");
        assert!(span.high >= 900_000.0, "but it may be: {span:?}");
    }

    #[test]
    fn a_step_that_tells_its_percent_is_believed_the_more_the_further_it_is() {
        let past = past(&[10_000; 10]);
        let heard = |percent| Some(Heard { percent, after_ms: 8_000 });
        let early = past.remaining(8_000, heard(4.0)).expect("it is known");
        let half = past.remaining(8_000, heard(50.0)).expect("it is known");
        let nearly = past.remaining(8_000, heard(99.0)).expect("it is known");
        assert!(early.likely < 100_000.0, "by its rate alone it would be 192 s: {early:?}");
        assert!((5_000.0..8_000.0).contains(&half.likely), "{half:?}");
        assert!(nearly.likely < 150.0, "{nearly:?}");
    }

    #[test]
    fn a_step_without_a_past_goes_by_its_own_rate_once_it_has_one() {
        let past = Past::default();
        assert_eq!(past.remaining(5_000, None), None);
        assert_eq!(past.remaining(5_000, Some(Heard { percent: 0.2, after_ms: 5_000 })), None);
        let span = past.remaining(6_000, Some(Heard { percent: 50.0, after_ms: 5_000 })).expect("it is known");
        assert_eq!(span.likely_ms(), 4_000, "what it said a second ago counts down");
    }

    #[test]
    fn a_step_stuck_at_its_last_word_needs_ever_more_time() {
        let stuck = |elapsed_ms| Past::default().remaining(elapsed_ms, Some(Heard { percent: 90.0, after_ms: 9_000 }));
        let (soon, late) = (stuck(12_000).expect("it is known"), stuck(60_000).expect("it is known"));
        assert!(soon.likely < late.likely, "{soon:?} {late:?}");
    }
}
