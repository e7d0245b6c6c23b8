//! Properties of the fold, over histories that make sense and histories that make none.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::{
    event::ExecutionFailure,
    log::{Line, Stream},
};

const STEPS: [&str; 3] = ["build", "test", "publish"];

fn id(text: &str) -> StepId {
    text.parse().expect("a step id")
}

fn execution_id(n: u128) -> ExecutionId {
    ExecutionId(uuid::Uuid::from_u128(n))
}

fn recorded(seq: u64, event: Event) -> Recorded {
    let name: Name = "alice".parse().expect("a name");
    let at = Timestamp(1_000 * i64::try_from(seq).expect("few facts"));
    let fact = Fact { at, execution_id: execution_id(1), owner: name.clone(), workflow: name, event };
    Recorded { seq: Seq(seq), fact, hash: None }
}

/// The first fact of the execution that all of these are of.
pub(in crate::domain) fn queued_fact() -> Recorded {
    let step = |(name, needs, weight): (&str, &[&str], f64)| PlannedStep {
        id: id(name),
        name: name.to_uppercase(),
        needs: needs.iter().map(|needed| id(needed)).collect(),
        weight,
    };
    let steps =
        [(STEPS[0], &[][..], 3.0), (STEPS[1], &[STEPS[0]], 1.0), (STEPS[2], &STEPS[..2], 0.1)].map(step).to_vec();
    let params = Map::from_iter([("target".to_owned(), json!("/srv")), ("ratio".to_owned(), json!(0.1))]);
    recorded(1, Event::ExecutionQueued { trigger: Trigger::Manual, params, steps, rerun_of: None })
}

fn queued() -> Execution {
    let first = queued_fact();
    Execution::begin(first.seq, &first.fact).expect("it is queued")
}

/// Applies the facts in order, and shows each state with the one before.
fn fold(facts: &[Recorded], mut look: impl FnMut(&Execution, &Execution)) -> Execution {
    let mut execution = queued();
    for fact in facts {
        let before = execution.clone();
        execution.apply(fact);
        look(&before, &execution);
    }
    execution
}

/// Through JSON, as a page or a snapshot comes.
fn sent<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).expect("it is JSON")).expect("it reads back")
}

pub(in crate::domain) fn percent() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => 0.0..=100.0,
        1 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        1 => prop_oneof![Just(99.95), Just(100.0), Just(-1.0), Just(f64::MAX), Just(f64::MIN)],
    ]
}

/// Any percent at all, those included that JSON cannot hold.
fn wild_percent() -> impl Strategy<Value = f64> {
    prop_oneof![percent(), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), any::<f64>()]
}

fn retrying(step: StepId, attempt: u32) -> Event {
    Event::StepRetrying {
        step,
        attempt,
        status: StepFailure::Failed,
        exit_code: Some(1),
        signal: None,
        error: "exit code 1".to_owned(),
        duration_ms: 7,
        lines: 2,
        next_attempt_at: Timestamp(9_000),
    }
}

fn step_event<P: Strategy<Value = f64> + 'static>(percent: fn() -> P) -> impl Strategy<Value = Event> {
    let step = prop_oneof![9 => prop::sample::select(STEPS.to_vec()), 1 => Just("unknown")].prop_map(id);
    let source = prop_oneof![Just(Source::Reported), Just(Source::Parsed), Just(Source::Estimated)];
    let failure = prop_oneof![
        Just(StepFailure::Failed),
        Just(StepFailure::TimedOut),
        Just(StepFailure::Cancelled),
        Just(StepFailure::Interrupted)
    ];
    let message = prop::option::of("[a-z]{0,4}");
    let facts = (0..10u8, step, 0u32..4, percent(), percent(), message, source, failure, any::<u16>());
    facts.prop_map(|(kind, step, attempt, percent, execution_percent, message, source, status, n)| match kind {
        0 | 1 => Event::StepStarted { step, attempt, estimate_ms: (n % 3 == 0).then_some(n.into()), usual_ms: None },
        2..=5 => {
            let eta_ms = message.as_ref().map(|_| u64::from(n));
            let eta_range_ms = eta_ms.map(|eta| [eta / 2, eta * 2]);
            Event::StepProgress { step, attempt, percent, message, source, execution_percent, eta_ms, eta_range_ms }
        }
        6 => {
            let line =
                Line { at: Timestamp(5), stream: Stream::Err, text: "x".to_owned(), level: None, after_group: false };
            Event::StepOutput { step, attempt, first_line: n.into(), lines: vec![line; 2] }
        }
        7 => {
            let outputs = BTreeMap::from([("key".to_owned(), n.to_string())]);
            let (duration_ms, reused) = (n.into(), n % 5 == 0);
            let longest_silence_ms = (n % 2 == 0).then_some(n.into());
            Event::StepCompleted {
                step,
                attempt,
                duration_ms,
                outputs,
                lines: 3,
                execution_percent,
                reused,
                longest_silence_ms,
            }
        }
        8 => {
            let exit_code = (status == StepFailure::Failed).then_some(1);
            let signal = (status == StepFailure::Cancelled).then(|| "SIGTERM".to_owned());
            let (error, tail) = ("it broke".to_owned(), vec!["last".to_owned()]);
            Event::StepFailed { step, attempt, status, exit_code, signal, error, tail, duration_ms: 1, lines: 2 }
        }
        _ if n % 2 == 0 => Event::StepSkipped { step, reason: "cancelled".to_owned(), lines: 0 },
        _ if n % 3 == 0 => Event::StepStalled { step, attempt, silent_ms: n.into(), usual_ms: 5 },
        _ if n % 5 == 0 => Event::StepResumed { step, attempt },
        _ => retrying(step, attempt),
    })
}

fn event<P: Strategy<Value = f64> + 'static>(percent: fn() -> P) -> impl Strategy<Value = Event> {
    let error =
        ExecutionError { step: Some(id("test")), message: "it broke".to_owned(), exit_code: Some(1), tail: vec![] };
    let failed = prop_oneof![
        Just(ExecutionFailure::Failed),
        Just(ExecutionFailure::TimedOut),
        Just(ExecutionFailure::Interrupted)
    ]
    .prop_map(move |status| Event::ExecutionFailed { status, error: error.clone(), duration_ms: 9, lines: 0 });
    let by: Name = "bob".parse().expect("a name");
    let result = ExecutionResult::from([(id("test"), BTreeMap::from([("key".to_owned(), "value".to_owned())]))]);
    prop_oneof![
        40 => step_event(percent),
        3 => Just(Event::ExecutionStarted {}),
        1 => Just(Event::ExecutionQueued { trigger: Trigger::Api, params: Map::new(), steps: Vec::new(), rerun_of: None }),
        1 => failed,
        1 => percent().prop_map(move |percent| Event::ExecutionCompleted { result: result.clone(), duration_ms: 8, percent, lines: 0 }),
        1 => Just(Event::ExecutionCancelled { by, duration_ms: 7, lines: 0 }),
    ]
}

/// Facts of one execution in the order of their `seq`, which has gaps, after that of [`queued`].
pub(in crate::domain) fn history<P: Strategy<Value = f64> + 'static>(
    percent: fn() -> P,
) -> impl Strategy<Value = Vec<Recorded>> {
    prop::collection::vec((event(percent), 1u64..4), 0..40).prop_map(|events| {
        let mut seq = 1;
        let next = |(event, gap)| {
            seq += gap;
            recorded(seq, event)
        };
        events.into_iter().map(next).collect()
    })
}

proptest! {
    #[test]
    fn any_page_boundaries_fold_to_the_same_state(
        facts in history(percent),
        pages in prop::collection::vec((any::<prop::sample::Index>(), 0usize..10), 0..6),
    ) {
        let whole = fold(&facts, |_, _| {});
        let mut ends: Vec<(usize, usize)> =
            pages.iter().map(|(end, overlap)| (end.index(facts.len() + 1), *overlap)).collect();
        ends.push((facts.len(), 3));
        ends.sort_unstable();
        let mut execution = queued();
        let mut begin = 0;
        for (end, overlap) in ends {
            let page: Vec<Recorded> = facts[begin..end].iter().map(sent).collect();
            for fact in &page {
                execution.apply(fact);
            }
            // A reader that comes back: a snapshot from the server, and a page that repeats some of what is in it.
            execution = sent(&execution);
            begin = end.saturating_sub(overlap);
        }
        prop_assert_eq!(execution, whole);
    }

    #[test]
    fn a_duplicate_or_older_fact_changes_nothing(
        facts in history(wild_percent),
        old in event(wild_percent),
        back in any::<prop::sample::Index>(),
    ) {
        let mut execution = fold(&facts, |_, _| {});
        let before = format!("{execution:?}");
        for fact in &facts {
            prop_assert!(!execution.apply(fact) || fact.seq > execution.seq);
        }
        let seq = back.index(usize::try_from(execution.seq.0).expect("few facts") + 1) as u64;
        prop_assert!(!execution.apply(&recorded(seq, old)));
        prop_assert_eq!(format!("{execution:?}"), before);
    }

    #[test]
    fn a_final_status_is_never_left(facts in history(wild_percent)) {
        fold(&facts, |before, after| {
            if before.status.is_final() {
                assert_eq!(format!("{before:?}"), format!("{after:?}"), "nothing changes after the end");
            }
            for (before, after) in before.steps.iter().zip(&after.steps) {
                if before.status.is_final() {
                    assert_eq!(format!("{before:?}"), format!("{after:?}"), "nothing changes after a step's end");
                }
            }
        });
    }

    #[test]
    fn whoever_makes_the_facts_cannot_leave_a_final_status_either(facts in history(wild_percent)) {
        let mut execution = queued();
        for fact in &facts {
            let before = execution.clone();
            execution.take(&fact.fact);
            if before.status.is_final() {
                prop_assert_eq!(format!("{before:?}"), format!("{execution:?}"));
            }
        }
    }

    #[test]
    fn percent_never_goes_back_and_is_100_only_for_what_succeeded(facts in history(wild_percent)) {
        fold(&facts, |before, after| {
            assert!(after.percent >= before.percent && (0.0..=100.0).contains(&after.percent), "{}", after.percent);
            assert_eq!(after.percent == 100.0, after.status == Status::Succeeded);
            assert!((0.0..=PERCENT_BEFORE_END).contains(&after.weighed_percent()));
            for (before, after) in before.steps.iter().zip(&after.steps) {
                assert!(after.attempt >= before.attempt, "an attempt is not begun twice");
                assert!(after.attempt > before.attempt || after.percent >= before.percent, "{before:?}\n{after:?}");
                assert!((0.0..=100.0).contains(&after.percent), "{}", after.percent);
                assert_eq!(after.percent == 100.0, after.status == StepStatus::Succeeded);
            }
        });
    }

    #[test]
    fn a_fact_of_another_execution_changes_nothing(facts in history(wild_percent), other in history(wild_percent)) {
        let mut execution = fold(&facts, |_, _| {});
        let before = format!("{execution:?}");
        for mut fact in other {
            fact.fact.execution_id = execution_id(2);
            fact.seq = Seq(fact.seq.0 + 1_000);
            prop_assert!(!execution.apply(&fact));
        }
        prop_assert_eq!(format!("{execution:?}"), before);
    }
}

fn started(step: &str, attempt: u32) -> Event {
    Event::StepStarted { step: id(step), attempt, estimate_ms: None, usual_ms: None }
}

fn progress(step: &str, attempt: u32, percent: f64, execution_percent: f64, message: Option<&str>) -> Event {
    let message = message.map(str::to_owned);
    Event::StepProgress {
        step: id(step),
        attempt,
        percent,
        message,
        source: Source::Reported,
        execution_percent,
        eta_ms: None,
        eta_range_ms: None,
    }
}

fn completed(step: &str, attempt: u32, execution_percent: f64) -> Event {
    let outputs = BTreeMap::from([("file".to_owned(), "a.tar".to_owned())]);
    let (step, duration_ms, lines, reused) = (id(step), 5, 4, false);
    let longest_silence_ms = None;
    Event::StepCompleted { step, attempt, duration_ms, outputs, lines, execution_percent, reused, longest_silence_ms }
}

fn after(events: Vec<Event>) -> Execution {
    let facts: Vec<Recorded> = (2..).zip(events).map(|(seq, event)| recorded(seq, event)).collect();
    fold(&facts, |_, _| {})
}

#[test]
fn a_run_that_succeeds_is_told_step_by_step() {
    let mut events =
        vec![Event::ExecutionStarted {}, started("build", 1), progress("build", 1, 50.0, 36.5, Some("half"))];
    let running = after(events.clone());
    assert_eq!((running.status, running.percent, running.seq), (Status::Running, 36.5, Seq(4)));
    let build = running.step(&id("build")).expect("planned");
    assert_eq!((build.status, build.percent, build.message.as_deref()), (StepStatus::Running, 50.0, Some("half")));
    assert_eq!((build.attempt, build.source, build.started_at), (1, Some(Source::Reported), Some(Timestamp(3_000))));
    assert_eq!(running.running().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["build"]);

    events.extend([completed("build", 1, 73.1), started("test", 1)]);
    events.push(Event::StepSkipped { step: id("publish"), reason: "nothing to publish".to_owned(), lines: 0 });
    assert_eq!(after(events.clone()).percent, 75.6, "a skipped step counts as done");
    events.push(completed("test", 1, 99.9));
    events.push(Event::ExecutionCompleted { result: BTreeMap::new(), duration_ms: 9, percent: 100.0, lines: 0 });
    let done = after(events);
    assert_eq!((done.status, done.percent, done.duration_ms), (Status::Succeeded, 100.0, Some(9)));
    assert_eq!(done.result, Some(BTreeMap::new()));
    let statuses: Vec<StepStatus> = done.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Succeeded, StepStatus::Succeeded, StepStatus::Skipped]);
    assert_eq!(done.steps[0].outputs["file"], "a.tar");
    assert_eq!(done.steps[2].error.as_deref(), Some("nothing to publish"));
}

#[test]
fn a_new_attempt_begins_at_zero_and_the_execution_keeps_its_percent() {
    let retrying = retrying(id("build"), 1);
    let mut events =
        vec![Event::ExecutionStarted {}, started("build", 1), progress("build", 1, 80.0, 58.5, None), retrying];
    let waiting = after(events.clone());
    assert_eq!(waiting.steps[0].status, StepStatus::Retrying);
    assert_eq!(waiting.steps[0].error.as_deref(), Some("exit code 1"));
    assert_eq!(waiting.steps[0].next_attempt_at, Some(Timestamp(9_000)));
    let [first] = waiting.steps[0].attempts.as_slice() else { panic!("one attempt has failed") };
    assert_eq!((first.attempt, first.error.as_str(), first.exit_code), (1, "exit code 1", Some(1)));
    events.push(started("build", 2));
    // Late words of the first attempt, and a second telling of the beginning, change nothing.
    events.extend([
        progress("build", 1, 90.0, 60.0, Some("late")),
        progress("build", 2, 10.0, 12.0, None),
        started("build", 2),
    ]);
    let again = after(events);
    assert_eq!((again.steps[0].attempt, again.steps[0].percent, again.percent), (2, 10.0, 60.0));
    assert_eq!((again.steps[0].message.as_deref(), again.steps[0].error.as_deref()), (None, None));
}

#[test]
fn a_failure_carries_its_step_its_message_and_how_it_ended() {
    let failed = Event::StepFailed {
        step: id("build"),
        attempt: 1,
        status: StepFailure::TimedOut,
        exit_code: None,
        signal: Some("SIGKILL".to_owned()),
        error: "it took longer than 30s".to_owned(),
        tail: vec!["working".to_owned()],
        duration_ms: 30_000,
        lines: 12,
    };
    let error =
        ExecutionError { step: Some(id("build")), message: "it took longer".to_owned(), exit_code: None, tail: vec![] };
    let ended = Event::ExecutionFailed {
        status: ExecutionFailure::Failed,
        error: error.clone(),
        duration_ms: 31_000,
        lines: 0,
    };
    let execution = after(vec![Event::ExecutionStarted {}, started("build", 1), failed, ended]);
    assert_eq!((execution.status, execution.error.as_ref()), (Status::Failed, Some(&error)));
    let build = &execution.steps[0];
    assert_eq!((build.status, build.signal.as_deref(), build.lines), (StepStatus::TimedOut, Some("SIGKILL"), 12));
    assert_eq!(build.finished_at, Some(Timestamp(4_000)));
}

#[test]
fn a_list_item_is_a_snapshot_without_what_only_its_own_page_shows() {
    let execution = after(vec![Event::ExecutionStarted {}, started("build", 1), progress("build", 1, 12.5, 9.1, None)]);
    let item = serde_json::to_value(Item::from(execution.clone())).expect("it is JSON");
    for left_out in ["steps", "result", "params"] {
        assert!(item.get(left_out).is_none(), "{left_out} is in {item}");
    }
    let build = json!({"id": "build", "name": "BUILD", "percent": 12.5, "source": "reported", "message": null});
    assert_eq!(item["running"], json!([build]));
    assert_eq!((&item["percent"], &item["status"], &item["seq"]), (&json!(9.1), &json!("running"), &json!(4)));
}
