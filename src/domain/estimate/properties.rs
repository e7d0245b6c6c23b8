//! What holds for any past.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::domain::execution::PERCENT_BEFORE_END;

/// From a millisecond to some weeks.
fn duration() -> impl Strategy<Value = u64> {
    (0.0..9.3_f64).prop_map(|magnitude| 10_f64.powf(magnitude) as u64)
}

fn past() -> impl Strategy<Value = Past> {
    (vec(duration(), 0..30), vec(duration(), 0..30)).prop_map(|(durations, silences)| Past { durations, silences })
}

fn heard() -> impl Strategy<Value = Option<(f64, f64)>> {
    proptest::option::of((prop_oneof![Just(f64::NAN), -10.0..200.0_f64], 0.0..1.0_f64))
}

fn is_sound(span: Span) -> bool {
    let all = [span.low, span.likely, span.high];
    all.iter().all(|value| value.is_finite()) && span.low >= 0.0 && span.low <= span.likely && span.likely <= span.high
}

/// Steps, each of which needs some before it.
fn graph() -> impl Strategy<Value = Vec<Ahead>> {
    let standing = (0..6_u8, duration(), 0.0..1.0_f64, 0.0..3.0_f64);
    vec((standing, vec(any::<prop::sample::Index>(), 0..4)), 1..20).prop_map(|steps| {
        let ahead = |(place, ((kind, ms, early, late), needs)): (usize, (_, Vec<prop::sample::Index>))| {
            let likely = ms as f64;
            let span = Span { low: likely * (1.0 - early), likely, high: likely * (1.0 + late) };
            let standing = match kind {
                0 => Standing::Over,
                1 => Standing::Unknown,
                _ => Standing::Needs(span),
            };
            let needs = if place == 0 { Vec::new() } else { needs.iter().map(|need| need.index(place)).collect() };
            Ahead { needs, standing }
        };
        steps.into_iter().enumerate().map(ahead).collect()
    })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #[test]
    fn a_percent_rises_with_time_and_is_never_the_end(median in duration(), times in vec(0.0..50.0_f64, 2..40)) {
        let median = median as f64;
        let mut times: Vec<f64> = times.into_iter().map(|times| times * median).collect();
        times.sort_by(f64::total_cmp);
        let percents: Vec<f64> = times.iter().map(|elapsed| percent(*elapsed, median)).collect();
        prop_assert!(percents.is_sorted(), "{percents:?}");
        prop_assert!(percents.iter().all(|percent| (0.0..=PERCENT_BEFORE_END).contains(percent)), "{percents:?}");
        for (time, percent) in times.windows(2).zip(percents.windows(2)) {
            prop_assert!(time[1] - time[0] < 1e-6 * median || percent[1] > percent[0], "it stands still at {time:?}");
        }
    }

    #[test]
    fn what_is_left_is_a_number_from_0_on_within_its_band(past in past(), elapsed in duration(), heard in heard()) {
        let heard = heard.map(|(percent, when)| Heard { percent, after_ms: (elapsed as f64 * when) as u64 });
        if let Some(span) = past.remaining(elapsed, heard) {
            prop_assert!(is_sound(span), "{span:?}");
        } else {
            prop_assert!(past.durations.is_empty());
        }
        if let Some(usual) = past.usual() {
            prop_assert!(0.0 <= usual.low && usual.low <= usual.median && usual.median <= usual.high, "{usual:?}");
        }
    }

    #[test]
    fn one_wild_run_changes_little(
        middle in 100..1_000_000_u64,
        off in vec(0.8..1.25_f64, 5..20),
        place in any::<prop::sample::Index>(),
        small in any::<bool>(),
    ) {
        let durations: Vec<u64> = off.iter().map(|off| (middle as f64 * off) as u64).collect();
        let calm = Past { durations: durations.clone(), ..Past::default() }.usual().expect("it has a past");
        let mut durations = durations;
        let wild = place.get_mut(&mut durations);
        *wild = if small { *wild / 100 } else { *wild * 100 };
        let wild = Past { durations, ..Past::default() }.usual().expect("it has a past");
        prop_assert!((0.6..=1.6).contains(&(wild.median / calm.median)), "{calm:?} {wild:?}");
        prop_assert!(wild.high <= calm.high * 1.6 && wild.low >= calm.low / 1.6, "{calm:?} {wild:?}");
    }

    #[test]
    fn in_another_unit_of_time_it_is_the_same(past in past(), elapsed in duration(), factor in 2..1000_u64) {
        let longer = |values: &[u64]| values.iter().map(|value| value * factor).collect();
        let scaled = Past { durations: longer(&past.durations), silences: longer(&past.silences) };
        let times = factor as f64;
        if let (Some(here), Some(there)) = (past.remaining(elapsed, None), scaled.remaining(elapsed * factor, None)) {
            for (here, there) in [(here.low, there.low), (here.likely, there.likely), (here.high, there.high)] {
                prop_assert!(near(here * times, there), "{here} {there}");
            }
        }
        if let Some(usual) = past.usual().filter(|usual| usual.median >= 1.0) {
            let there = percent((elapsed * factor) as f64, usual.median * times);
            prop_assert!(near(percent(elapsed as f64, usual.median), there));
        }
    }

    #[test]
    fn an_execution_needs_at_least_what_each_of_its_steps_needs(steps in graph()) {
        let known = steps.iter().filter_map(|step| match step.standing {
            Standing::Needs(span) => Some(span),
            _ => None,
        });
        if let Some(whole) = execution(&steps) {
            prop_assert!(is_sound(whole), "{whole:?}");
            for span in known {
                prop_assert!(whole.likely >= span.likely, "{whole:?} {span:?}");
                prop_assert!(whole.high >= span.likely && near(whole.high.max(span.high), whole.high), "{whole:?} {span:?}");
            }
        }
    }

    #[test]
    fn weights_are_above_0_and_as_the_file_says(
        steps in vec((proptest::option::of(0.001..1000.0_f64), proptest::option::of(0.0..1e12_f64)), 0..40),
    ) {
        let weights = weights(&steps);
        prop_assert_eq!(weights.len(), steps.len());
        for ((given, _), weight) in steps.iter().zip(&weights) {
            prop_assert!(*weight > 0.0 && weight.is_finite());
            prop_assert!(given.is_none_or(|given| given == *weight));
        }
    }
}
