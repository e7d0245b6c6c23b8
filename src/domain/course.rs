//! The course of an execution: when each step was at work, when it will be as far as that can be known, and which chain of
//! steps decides the end.

use super::{
    estimate::{Heard, Past},
    event::Source,
    execution::{Execution, Status, Step, StepStatus},
    links::Links,
    time::Timestamp,
    usual::Slot,
};

/// An attempt at a step, as a piece of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended; [`StepStatus::Running`] while it is at work.
    pub status: StepStatus,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; none while it is at work.
    pub to: Option<Timestamp>,
}

/// The attempts of a step that have begun, oldest first.
pub fn bars(step: &Step) -> Vec<Bar> {
    let earlier = step.attempts.iter().map(|attempt| Bar {
        attempt: attempt.attempt,
        status: attempt.status.into(),
        from: attempt.started_at.unwrap_or(attempt.finished_at),
        to: Some(attempt.finished_at),
    });
    // What waits between two attempts still has the last one's beginning.
    let told = step.attempts.last().is_some_and(|attempt| attempt.attempt == step.attempt);
    let last = step.started_at.filter(|_| !told && step.status != StepStatus::Pending).map(|from| Bar {
        attempt: step.attempt,
        status: step.status,
        from,
        to: step.finished_at.filter(|_| step.status.is_final()),
    });
    earlier.chain(last).collect()
}

/// When steps end, and what decides it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// For each step when it is expected to be at work from now on; none if it is over, or if nobody knows how long it takes.
    pub ahead: Vec<Option<[Timestamp; 2]>>,
    /// For each step when it ended or will end; none if nobody knows, and for one that was passed over.
    pub ends: Vec<Option<Timestamp>>,
    /// The steps that decide when the execution ends, first to last: each one began when the one before it had ended.
    pub critical: Vec<usize>,
}

impl Course {
    /// The course of an execution at a moment, from where its steps usually lie.
    pub fn of(execution: &Execution, links: &Links, usual: &[Option<Slot>], now: Timestamp) -> Self {
        let mut ahead = vec![None; execution.steps.len()];
        let mut ends: Vec<Option<Timestamp>> = vec![None; execution.steps.len()];
        for place in links.order.iter().copied() {
            let Some(step) = execution.steps.get(place) else { continue };
            let needed = links.needs[place].iter().filter_map(|need| ends[*need]).max();
            let usual_ms = step.estimate_ms.or(usual.get(place).copied().flatten().map(|slot| slot.duration_ms));
            // What waits for something of which nobody knows when it ends begins nobody knows when.
            let over = |need: &usize| execution.steps.get(*need).is_none_or(|step| step.status.is_final());
            let known = links.needs[place].iter().all(|need| over(need) || ahead[*need].is_some());
            if execution.status == Status::Running && (known || step.status != StepStatus::Pending) {
                ahead[place] = expected(step, usual_ms, needed, now);
            }
            ends[place] = match (step.status, ahead[place]) {
                (StepStatus::Skipped, _) => None,
                (_, Some([_, end])) => Some(end),
                (StepStatus::Pending, None) => None,
                (status, None) if status.is_final() => step.finished_at,
                _ => Some(now),
            };
        }
        Self { critical: critical(links, &ends), ahead, ends }
    }
}

/// When a step will be at work; `needed` is when the last of what it needs has ended.
fn expected(step: &Step, usual_ms: Option<u64>, needed: Option<Timestamp>, now: Timestamp) -> Option<[Timestamp; 2]> {
    let later = |from: Timestamp, ms: u64| Timestamp(from.0.saturating_add_unsigned(ms));
    match step.status {
        StepStatus::Pending => {
            let from = needed.map_or(now, |needed| needed.max(now));
            Some([from, later(from, usual_ms?)])
        }
        StepStatus::Retrying => {
            let from = step.next_attempt_at.unwrap_or(now).max(now);
            Some([from, later(from, usual_ms?)])
        }
        StepStatus::Running => {
            let elapsed = now.since(step.started_at?);
            let past = Past { durations: usual_ms.into_iter().collect(), silences: Vec::new() };
            let said = step.source.filter(|source| *source != Source::Estimated);
            let heard = said.map(|_| Heard { percent: step.percent, after_ms: elapsed });
            Some([now, later(now, past.remaining(elapsed, heard)?.likely_ms())])
        }
        _ => None,
    }
}

/// The chain that decides the end, found from its last step on: before each comes that one of its needs that ends last.
fn critical(links: &Links, ends: &[Option<Timestamp>]) -> Vec<usize> {
    // Of two that end at once it is the later one in the file: the other did not decide more.
    let latest = |places: &mut dyn Iterator<Item = usize>| {
        places.filter(|place| ends[*place].is_some()).max_by_key(|place| ends[*place])
    };
    let mut chain: Vec<usize> = Vec::new();
    let mut next = latest(&mut (0..ends.len()));
    // Steps in a circle would lead round for ever.
    while let Some(place) = next.filter(|_| chain.len() < ends.len()) {
        chain.push(place);
        next = latest(&mut links.needs[place].iter().copied());
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A step that needs these, with these fields; times are seconds after the beginning.
    fn step(id: &str, needs: &[&str], fields: Value) -> Value {
        let mut whole = json!({ "id": id, "name": id, "needs": needs, "weight": 1.0, "status": "pending", "attempt": 1,
            "percent": 0.0, "message": null, "source": null, "started_at": null, "finished_at": null, "duration_ms": null,
            "exit_code": null, "signal": null, "error": null, "outputs": {}, "lines": 0 });
        whole.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        whole
    }

    fn done(from: i64, to: i64) -> Value {
        json!({ "status": "succeeded", "started_at": s(from), "finished_at": s(to), "percent": 100.0 })
    }

    fn s(seconds: i64) -> Timestamp {
        Timestamp(1_795_341_600_000 + seconds * 1_000)
    }

    fn execution(steps: Vec<Value>) -> Execution {
        serde_json::from_value(json!({ "id": "01934f0e-7b1c-7000-8000-000000000001", "workflow": "w", "owner": "alice",
            "trigger": "api", "status": "running", "params": {}, "percent": 0.0, "eta_ms": null, "queued_at": s(0),
            "started_at": s(0), "finished_at": null, "duration_ms": null, "result": null, "error": null,
            "cancelled_by": null, "rerun_of": null, "steps": steps, "seq": 2 }))
        .expect("an execution")
    }

    fn course(steps: Vec<Value>, usual_s: &[u64], now: i64) -> Course {
        let execution = execution(steps);
        let links = Links::new(execution.steps.iter().map(|step| (&step.id, step.needs.as_slice())));
        let usual: Vec<Option<Slot>> =
            usual_s.iter().map(|s| (*s > 0).then_some(Slot { from_ms: 0, duration_ms: s * 1_000 })).collect();
        Course::of(&execution, &links, &usual, s(now))
    }

    #[test]
    fn what_is_ahead_begins_when_what_it_needs_is_expected_to_end() {
        let running = json!({ "status": "running", "started_at": s(0), "estimate_ms": 10_000 });
        let steps = vec![step("a", &[], running), step("b", &["a"], json!({})), step("c", &["b"], json!({}))];
        let course = course(steps, &[0, 20, 0], 4);
        assert_eq!(course.ahead, [Some([s(4), s(10)]), Some([s(10), s(30)]), None], "nobody knows how long c takes");
        assert_eq!(course.critical, [0, 1]);
    }

    #[test]
    fn what_waits_for_what_nobody_knows_the_end_of_is_not_ahead_of_anything() {
        let running = json!({ "status": "running", "started_at": s(0) });
        let steps = vec![step("a", &[], running), step("b", &["a"], json!({})), step("c", &["b"], json!({}))];
        assert_eq!(course(steps.clone(), &[0, 20, 20], 4).ahead, [None, None, None]);
        assert_eq!(course(steps, &[10, 0, 20], 4).ahead, [Some([s(4), s(10)]), None, None]);
    }

    #[test]
    fn a_step_that_says_how_far_it_is_is_believed() {
        let running = json!({ "status": "running", "started_at": s(0), "percent": 50.0, "source": "reported" });
        let course = course(vec![step("a", &[], running)], &[0], 4);
        assert_eq!(course.ahead, [Some([s(4), s(8)])]);
    }

    #[test]
    fn the_chain_that_decides_the_end_goes_through_the_latest_need_of_each() {
        let steps = vec![
            step("get", &[], done(0, 5)),
            step("fast", &["get"], done(5, 8)),
            step("slow", &["get"], done(5, 20)),
            step("end", &["fast", "slow"], done(20, 21)),
            step("aside", &["fast"], done(8, 12)),
        ];
        assert_eq!(course(steps, &[], 30).critical, [0, 2, 3]);
    }

    #[test]
    fn what_was_skipped_decides_nothing() {
        let skipped = json!({ "status": "skipped", "finished_at": s(9) });
        let steps = vec![step("a", &[], done(0, 5)), step("b", &["a"], skipped)];
        assert_eq!(course(steps, &[], 30).critical, [0]);
    }

    #[test]
    fn each_attempt_is_a_bar_and_the_one_that_waits_is_none_yet() {
        let failed = json!([{ "attempt": 1, "status": "failed", "started_at": s(0), "finished_at": s(3), "duration_ms": 3_000,
            "exit_code": 7, "signal": null, "error": "busy", "lines": 1 }]);
        let waiting = json!({ "status": "retrying", "started_at": s(0), "attempts": failed, "next_attempt_at": s(5) });
        let again = json!({ "status": "running", "attempt": 2, "started_at": s(5), "attempts": failed });
        let shape = |fields: Value| {
            let execution = execution(vec![step("a", &[], fields)]);
            bars(&execution.steps[0]).iter().map(|bar| (bar.status, bar.from, bar.to)).collect::<Vec<_>>()
        };
        assert_eq!(shape(waiting), [(StepStatus::Failed, s(0), Some(s(3)))]);
        assert_eq!(shape(again), [(StepStatus::Failed, s(0), Some(s(3))), (StepStatus::Running, s(5), None)]);
        assert_eq!(shape(json!({})), []);
        assert_eq!(shape(json!({ "status": "succeeded", "finished_at": s(1), "reused": true })), [], "it did not run");
    }
}
