use proptest::prelude::*;

use super::*;
use crate::domain::execution::tests::{history, percent, queued_fact};

/// The history of these facts after the first one.
fn told(facts: &[Recorded]) -> History {
    let mut history = History::begin(&queued_fact()).expect("it is a first fact");
    facts.iter().for_each(|fact| history.take_in(fact));
    history
}

/// The facts that count, and the execution after each of them.
fn straight(facts: &[Recorded]) -> Vec<Execution> {
    let first = queued_fact();
    let mut execution = Execution::begin(first.seq, &first.fact).expect("it is a first fact");
    let mut states = vec![execution.clone()];
    for fact in facts {
        if execution.apply(fact) {
            states.push(execution.clone());
        }
    }
    states
}

/// A run of `count` facts of three steps: progress and output, and now and then a new attempt.
fn long(count: u64) -> Vec<Recorded> {
    let first = queued_fact();
    let fact = |seq: u64| {
        let step = first_step(seq % 3);
        let attempt = u32::try_from(seq / 5_000).expect("few attempts") + 1;
        let event = match seq % 5_000 {
            0..3 => Event::StepStarted { step, attempt, estimate_ms: None, usual_ms: None },
            n if n % 4 == 0 => Event::StepOutput { step, attempt, first_line: seq, lines: Vec::new() },
            n => Event::StepProgress {
                step,
                attempt,
                percent: f64::from(u32::try_from(n).expect("small")) / 60.0,
                message: (n % 7 == 0).then(|| format!("part {n}")),
                source: super::super::event::Source::Reported,
                execution_percent: f64::from(u32::try_from(n).expect("small")) / 100.0,
                eta_ms: (n % 3 == 0).then_some(n),
                eta_range_ms: (n % 3 == 0).then_some([n / 2, n * 2]),
            },
        };
        let at = Timestamp(first.fact.at.0 + i64::try_from(seq * 10).expect("it fits"));
        Recorded { seq: Seq(seq + 1), fact: Fact { at, event, ..first.fact.clone() }, hash: None }
    };
    (1..=count).map(fact).collect()
}

fn first_step(place: u64) -> StepId {
    ["build", "test", "publish"][usize::try_from(place).expect("small")].parse().expect("a step id")
}

proptest! {
    #[test]
    fn the_state_at_a_moment_is_the_fold_of_all_facts_up_to_it(
        facts in history(percent),
        asked in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        let states = straight(&facts);
        let mut history = told(&facts);
        prop_assert_eq!(history.moments(), states.len());
        for number in asked.into_iter().map(|index| index.index(states.len())).chain(0..states.len()) {
            prop_assert_eq!(history.at(number), &states[number]);
            prop_assert_eq!(history.moment(number).seq, states[number].seq);
            prop_assert_eq!(history.number_of(states[number].seq), number);
        }
    }

    #[test]
    fn what_is_put_together_is_exact_at_each_moment_that_is_left(facts in history(percent), times in 1usize..4) {
        let states = straight(&facts);
        let mut history = told(&facts);
        for _ in 0..times {
            history.thin();
        }
        for number in (0..history.moments()).rev() {
            let state = history.at(number).clone();
            let same = states.iter().find(|one| one.seq == state.seq).expect("it is one of the moments");
            prop_assert_eq!(&state, same);
        }
        prop_assert_eq!(history.moment(history.moments()).seq, states.last().expect("there is one").seq);
    }
}

#[test]
fn a_moment_of_a_long_run_is_found_from_its_checkpoints_in_any_order() {
    let facts = long(12_000);
    let states = straight(&facts);
    let mut history = told(&facts);
    assert!(history.checkpoints.len() > 40, "{}", history.checkpoints.len());
    for number in [11_999, 0, 6_000, 6_001, 5_999, 255, 256, 257, 12_000, 1] {
        assert_eq!(history.at(number), &states[number], "moment {number}");
    }
}

#[test]
fn a_very_long_run_is_thinned_to_a_bounded_number_of_exact_moments_and_says_so() {
    let facts = long(2 * MOMENTS_MAX as u64 + 10);
    let mut history = told(&facts);
    assert!(history.thinned() && !history.full());
    assert!(history.moments() <= MOMENTS_MAX, "{}", history.moments());
    assert!(history.moments() > MOMENTS_MAX / 4, "{}", history.moments());
    let first = queued_fact();
    let mut execution = Execution::begin(first.seq, &first.fact).expect("it is a first fact");
    let asked = [100, 70_000, history.moments() - 1].map(|number| history.moment(number).seq);
    for fact in &facts {
        execution.apply(fact);
        if asked.contains(&fact.seq) {
            let number = history.number_of(fact.seq);
            assert_eq!(history.at(number), &execution);
        }
    }
    assert_eq!(history.through(), execution.seq);
}

#[test]
fn lines_told_without_their_text_count_as_the_lines_do() {
    let mut history = told(&[]);
    let step = first_step(0);
    let then = |seq, lines, level| PrintedThen {
        seq: Seq(seq),
        at: Timestamp(i64::try_from(seq).expect("small") * 1000),
        printed: Printed { step: step.clone(), lines, level },
    };
    history.take_in_printed(&then(2, 7, None));
    history.take_in_printed(&then(4, 9, Some(Level::Warning)));
    history.take_in_printed(&then(4, 9, Some(Level::Warning)));
    assert_eq!(history.at(1).lines(), 7);
    assert_eq!(history.at(2).lines(), 9);
    assert_eq!(history.marks().len(), 1, "what is told again is marked once");
    assert_eq!(history.what(2), "BUILD printed");
}

#[test]
fn a_time_between_two_facts_is_the_moment_of_the_earlier_one() {
    let facts = long(3);
    let history = told(&facts);
    let at = facts[1].fact.at;
    assert_eq!(history.number_at(at), 2);
    assert_eq!(history.number_at(Timestamp(at.0 + 9)), 2);
    assert_eq!(history.number_at(Timestamp(0)), 0);
    assert_eq!(history.number_at(Timestamp(i64::MAX)), 3);
}
