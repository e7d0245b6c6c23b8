//! What needs a look among what runs, why, and in which order the rest is read. Pure; who reads brings the time.

use super::{
    execution::{Execution, Status, Step, StepStatus},
    reading::{self, rough},
    time::Timestamp,
};

/// How far an estimate of an end moves without meaning anything, in milliseconds, beside a quarter of what is left.
const TREMBLE_MS: u64 = 20_000;

/// Why somebody should look, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A step has failed, or is tried again.
    Failing,
    /// Whoever reports on it is silent.
    OutOfTouch,
    /// A step is silent for longer than it ever was.
    Stalled,
    /// A step takes longer than it usually does.
    Overdue,
}

impl Urgency {
    /// The word of it, for the page.
    pub fn word(self) -> &'static str {
        match self {
            Urgency::Failing => "failing",
            Urgency::OutOfTouch => "out-of-touch",
            Urgency::Stalled => "stalled",
            Urgency::Overdue => "overdue",
        }
    }
}

/// Why somebody should look, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// How it is urgent.
    pub urgency: Urgency,
    /// The first words, which say it all in a hurry.
    pub why: String,
    /// What is to be known besides; may be empty.
    pub rest: String,
}

/// How urgent a look at an execution is; none if it goes on as it should, or does not run.
pub fn urgency(execution: &Execution, now: Timestamp) -> Option<Urgency> {
    if execution.status != Status::Running {
        return None;
    }
    let silent = execution.out_of_touch_at.map(|_| Urgency::OutOfTouch);
    execution.steps.iter().filter_map(|step| of_step(step, now)).chain(silent).min()
}

/// The same, in words.
pub fn reason(execution: &Execution, now: Timestamp) -> Option<Reason> {
    let urgency = urgency(execution, now)?;
    let step = execution.steps.iter().find(|step| of_step(step, now) == Some(urgency));
    let (why, rest) = match (urgency, step) {
        (Urgency::OutOfTouch, _) => {
            let silence = execution.out_of_touch_at.map_or(0, |since| now.since(since));
            ("out of touch".to_owned(), format!("whoever reports on it is silent for {}", rough(silence)))
        }
        (Urgency::Failing, Some(step)) => failing(step, now),
        (Urgency::Stalled, Some(step)) => {
            let silence = step.silent_since.map_or(0, |since| now.since(since));
            (format!("silent for {}", rough(silence)), "longer than ever before".to_owned())
        }
        (Urgency::Overdue, Some(step)) => {
            let usual = step.usual_ms.map(|[low, high]| reading::band(low, high)).unwrap_or_default();
            ("overdue".to_owned(), format!("usually {usual}"))
        }
        (_, None) => return None,
    };
    Some(Reason { urgency, why, rest })
}

/// How far beyond its usual time the latest step is, in milliseconds.
pub fn overtime(execution: &Execution, now: Timestamp) -> Option<u64> {
    execution.steps.iter().filter_map(|step| over(step, now)).max()
}

/// The end by which an execution is put in order among those that go on as they should: the one that it was put in order
/// by `before`, unless what is expected now is another one altogether. So rows do not change places because an estimate
/// trembles. None if nothing is known.
pub fn turn(due: Option<Timestamp>, before: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let (Some(due), Some(before)) = (due, before) else { return due };
    let trembles = (due.since(now) / 4).max(TREMBLE_MS);
    if due.0.abs_diff(before.0) <= trembles { Some(before) } else { Some(due) }
}

fn of_step(step: &Step, now: Timestamp) -> Option<Urgency> {
    match step.status {
        StepStatus::Failed | StepStatus::TimedOut | StepStatus::Retrying => Some(Urgency::Failing),
        StepStatus::Running if step.attempt > 1 => Some(Urgency::Failing),
        StepStatus::Running if step.silent_since.is_some() => Some(Urgency::Stalled),
        StepStatus::Running => over(step, now).map(|_| Urgency::Overdue),
        _ => None,
    }
}

fn over(step: &Step, now: Timestamp) -> Option<u64> {
    if step.status != StepStatus::Running {
        return None;
    }
    let (begun, [_, high]) = (step.started_at?, step.usual_ms?);
    now.since(begun).checked_sub(high).filter(|over| *over > 0)
}

fn failing(step: &Step, now: Timestamp) -> (String, String) {
    match step.status {
        StepStatus::Retrying => {
            let why = step.error.clone().unwrap_or_else(|| "it failed".to_owned());
            (why, reading::unusual(step, now).unwrap_or_default())
        }
        StepStatus::Running => {
            let why = step.attempts.last().map_or("it failed before", |attempt| attempt.error.as_str());
            (why.to_owned(), format!("attempt {}", step.attempt))
        }
        _ => {
            let why = step.error.as_deref().unwrap_or("failed");
            (format!("{}: {why}", step.name), String::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn execution(steps: &[serde_json::Value]) -> Execution {
        let whole = |fields: &serde_json::Value| {
            let mut step = json!({ "id": "a", "name": "A", "needs": [], "weight": 1.0, "status": "running", "attempt": 1,
                "percent": 0.0, "message": null, "source": null, "started_at": "2026-11-22T10:00:00.000Z",
                "finished_at": null, "duration_ms": null, "exit_code": null, "signal": null, "error": null,
                "outputs": {}, "lines": 0 });
            step.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            step
        };
        let steps: Vec<_> = steps.iter().map(whole).collect();
        let whole = json!({ "id": uuid::Uuid::nil(), "workflow": "w", "owner": "o", "status": "running", "trigger": "api",
            "params": {}, "percent": 0.0, "eta_ms": null, "queued_at": "2026-11-22T10:00:00.000Z",
            "started_at": "2026-11-22T10:00:00.000Z", "finished_at": null, "duration_ms": null, "result": null,
            "error": null, "cancelled_by": null, "rerun_of": null, "steps": steps, "seq": 1 });
        serde_json::from_value(whole).expect("an execution")
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}.000Z").parse().expect("a time")
    }

    #[test]
    fn what_goes_on_as_it_should_needs_no_look() {
        let fine = execution(&[json!({ "usual_ms": [60_000, 120_000] })]);
        assert_eq!(urgency(&fine, at("10:01:30")), None);
        assert_eq!(reason(&fine, at("10:01:30")), None);
    }

    #[test]
    fn a_step_beyond_its_usual_time_is_overdue_from_that_moment_on() {
        let late = execution(&[json!({ "usual_ms": [60_000, 120_000] })]);
        assert_eq!(urgency(&late, at("10:02:00")), None);
        assert_eq!(urgency(&late, at("10:02:01")), Some(Urgency::Overdue));
        assert_eq!(overtime(&late, at("10:03:00")), Some(60_000));
        let said = reason(&late, at("10:03:00")).expect("a reason");
        assert_eq!((said.why.as_str(), said.rest.as_str()), ("overdue", "usually 60 s to 2 m"));
    }

    #[test]
    fn the_most_urgent_reason_is_the_one_that_is_told() {
        let mut both =
            execution(&[json!({ "usual_ms": [1, 2] }), json!({ "silent_since": "2026-11-22T10:01:00.000Z" })]);
        assert_eq!(urgency(&both, at("10:03:00")), Some(Urgency::Stalled));
        assert_eq!(reason(&both, at("10:03:00")).map(|reason| reason.why), Some("silent for 2 m".to_owned()));
        both.out_of_touch_at = Some(at("10:02:00"));
        assert_eq!(reason(&both, at("10:03:00")).map(|reason| reason.why), Some("out of touch".to_owned()));
    }

    #[test]
    fn a_step_that_is_tried_again_says_what_went_wrong_and_when_it_begins() {
        let next = "2026-11-22T10:00:12.000Z";
        let waits =
            json!({ "status": "retrying", "attempt": 1, "error": "deadlock detected", "next_attempt_at": next });
        let said = reason(&execution(&[waits]), at("10:00:00")).expect("a reason");
        assert_eq!(said.urgency, Urgency::Failing);
        assert_eq!((said.why.as_str(), said.rest.as_str()), ("deadlock detected", "attempt 2 in 15 s"));
        let failed = json!({ "status": "failed", "error": "exit code 1" });
        let said = reason(&execution(&[failed, json!({})]), at("10:00:00")).expect("a reason");
        assert_eq!(said.why, "A: exit code 1");
    }

    #[test]
    fn what_does_not_run_is_not_urgent() {
        let mut ended = execution(&[json!({ "status": "failed" })]);
        ended.status = Status::Failed;
        assert_eq!(urgency(&ended, at("10:00:00")), None);
    }

    #[test]
    fn an_order_holds_while_estimates_tremble_and_follows_what_is_really_another_end() {
        let (now, hour) = (Timestamp(0), Timestamp(3_600_000));
        assert_eq!(turn(Some(hour), None, now), Some(hour));
        for trembling in [hour.later(800_000), Timestamp(hour.0 - 700_000)] {
            assert_eq!(turn(Some(trembling), Some(hour), now), Some(hour));
        }
        let sooner = Timestamp(1_000_000);
        assert_eq!(turn(Some(sooner), Some(hour), now), Some(sooner));
        let near = Timestamp(10_000);
        assert_eq!(turn(Some(near.later(15_000)), Some(near), now), Some(near), "seconds mean nothing");
        assert_eq!(turn(None, Some(hour), now), None, "what was known is known no more");
    }
}
