//! What a state says in words: readings that pages and the terminal have in common. Pure; who reads brings the time.

use super::{
    event::{Source, WaitReason},
    execution::{Execution, Step, StepStatus},
    time::{Timestamp, spoken, ticking},
    usual::Slot,
};

/// A step is late, once it has ended, if it took so much longer than usual: a part of that,
const LATE_PART: u64 = 5;
/// and so many milliseconds.
const LATE_MIN_MS: u64 = 1_000;

/// Why an execution has not begun; none unless it waits and that was told.
pub fn waits(execution: &Execution) -> Option<String> {
    execution.waiting.map(|waiting| waits_for(waiting.reason, waiting.place))
}

/// Why something waits, and when its turn is.
pub fn waits_for(reason: WaitReason, place: u64) -> String {
    let why = match reason {
        WaitReason::Capacity => "the server runs as many as it may",
        WaitReason::Concurrency => "as many of this workflow run as may",
    };
    format!("{}, {why}", in_line(place))
}

/// `next in line`, `3rd in line`.
fn in_line(place: u64) -> String {
    let ending = match (place % 10, place % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    if place == 1 { "next in line".to_owned() } else { format!("{place}{ending} in line") }
}

/// How long an execution still needs, as it was last told: `about 2 m 10 s left`, with its band if that is wide.
pub fn left(execution: &Execution) -> Option<String> {
    let eta = execution.eta_ms?;
    Some(match execution.eta_range_ms {
        Some([low, high]) if high > low.saturating_mul(3) / 2 => {
            format!("{} to {} left", rough(low), rough(high))
        }
        _ => format!("about {} left", rough(eta)),
    })
}

/// A span of time without what nobody can know of the future: `4 s`, `50 s`, `12 m`, `3 h`.
pub fn rough(ms: u64) -> String {
    match ms.div_ceil(1000) {
        s @ 0..10 => format!("{s} s"),
        s @ 10..120 => format!("{} s", s.div_ceil(5) * 5),
        s @ 120..7200 => format!("{} m", s.div_ceil(60)),
        s => format!("{} h", s.div_ceil(3600)),
    }
}

/// What is unusual about a step that is at work or between two attempts, at this moment.
pub fn unusual(step: &Step, now: Timestamp) -> Option<String> {
    if step.status == StepStatus::Retrying {
        let next = step.next_attempt_at?;
        return Some(match next.since(now) {
            0 => format!("attempt {} begins", step.attempt + 1),
            wait => format!("attempt {} in {}", step.attempt + 1, rough(wait)),
        });
    }
    if step.status != StepStatus::Running {
        return None;
    }
    if let Some(since) = step.silent_since {
        return Some(format!("silent for {}, longer than ever before", rough(now.since(since))));
    }
    let (begun, [low, high]) = (step.started_at?, step.usual_ms?);
    let taken = now.since(begun);
    (taken > high).then(|| format!("taking longer than usual: {}, usually {}", rough(taken), band(low, high)))
}

/// The span between two times: `2 m to 3 m`.
pub fn band(low: u64, high: u64) -> String {
    let (low, high) = (rough(low), rough(high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// How an earlier attempt ended: `attempt 1 failed after 2.1 s: exit code 7`.
pub fn earlier_attempts(step: &Step) -> Vec<String> {
    let told = step.attempts.iter().map(|attempt| {
        let how = StepStatus::from(attempt.status).label().to_lowercase();
        format!("attempt {} {how} after {}: {}", attempt.attempt, spoken(attempt.duration_ms), attempt.error)
    });
    told.collect()
}

/// What stands beside a step's bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What is unusual about it now, or how it ended.
    pub mark: Option<String>,
    /// What it says, or why it failed.
    pub text: Option<String>,
}

impl Note {
    /// Both in one line; empty if there is nothing to say.
    pub fn line(&self) -> String {
        let parts: Vec<&str> = [&self.mark, &self.text].into_iter().flatten().map(String::as_str).collect();
        parts.join(": ")
    }
}

/// What there is to say about a step; `usual` is where it usually lies. What moves with the clock is left out without a time.
pub fn note(step: &Step, usual: Option<Slot>, now: Option<Timestamp>) -> Note {
    let mark = match step.status {
        StepStatus::Pending | StepStatus::Running | StepStatus::Retrying => now.and_then(|now| unusual(step, now)),
        StepStatus::Succeeded => came_late(step, usual),
        StepStatus::Skipped => Some("skipped".to_owned()),
        StepStatus::Failed | StepStatus::Cancelled | StepStatus::TimedOut | StepStatus::Interrupted => ended_by(step),
    };
    let error = step.error.as_ref().filter(|_| step.status.is_final() || step.status == StepStatus::Retrying);
    Note { mark, text: error.or(step.message.as_ref()).cloned() }
}

/// `exit 7`, or the signal that ended it.
fn ended_by(step: &Step) -> Option<String> {
    step.signal.clone().or_else(|| step.exit_code.map(|code| format!("exit {code}")))
}

/// `from before`, `attempt 2, +1 m 42 s`.
fn came_late(step: &Step, usual: Option<Slot>) -> Option<String> {
    if step.reused {
        return Some("from before".to_owned());
    }
    let attempt = (step.attempt > 1).then(|| format!("attempt {}", step.attempt));
    let begun = step.attempts.first().and_then(|attempt| attempt.started_at).or(step.started_at);
    let late = begun.zip(step.finished_at).zip(usual).and_then(|((begun, finished), usual)| {
        let late = finished.since(begun).checked_sub(usual.duration_ms)?;
        (late >= LATE_MIN_MS && late >= usual.duration_ms / LATE_PART).then(|| format!("+{}", spoken(late)))
    });
    let parts: Vec<String> = [attempt, late].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The number beside a step's name: how far it is, how long it took, or how long it usually takes.
pub fn figure(step: &Step, usual: Option<Slot>, now: Option<Timestamp>) -> String {
    match (step.status, step.source) {
        (StepStatus::Running, Some(Source::Estimated)) => format!("~{:.0}%", step.percent.floor()),
        (StepStatus::Running, Some(_)) => format!("{:.0}%", step.percent.floor()),
        (StepStatus::Running, None) => {
            now.zip(step.started_at).map(|(now, begun)| ticking(now.since(begun))).unwrap_or_default()
        }
        (StepStatus::Pending, _) => usual.map(|usual| format!("~{}", rough(usual.duration_ms))).unwrap_or_default(),
        _ => step.duration_ms.map(spoken).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(fields: serde_json::Value) -> Step {
        let mut whole = json!({ "id": "a", "name": "A", "needs": [], "weight": 1.0, "status": "running", "attempt": 2,
            "percent": 0.0, "message": null, "source": null, "started_at": "2026-11-22T10:00:00.000Z",
            "finished_at": null, "duration_ms": null, "exit_code": null, "signal": null, "error": null,
            "outputs": {}, "lines": 0 });
        whole.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        serde_json::from_value(whole).expect("a step")
    }

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}.000Z").parse().expect("a time")
    }

    #[test]
    fn places_in_line_are_counted_as_people_count() {
        let places = [1, 2, 3, 4, 11, 12, 13, 21, 102, 113].map(in_line);
        let expected = ["next", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "113th"];
        assert_eq!(places, expected.map(|place| format!("{place} in line")));
    }

    #[test]
    fn a_step_that_takes_longer_than_usual_says_so_and_one_that_does_not_says_nothing() {
        let late = step(json!({ "usual_ms": [120_000, 180_000] }));
        assert_eq!(unusual(&late, at("10:02:00")), None);
        let said = unusual(&late, at("10:04:00"));
        assert_eq!(said.as_deref(), Some("taking longer than usual: 4 m, usually 2 m to 3 m"));
        let ended = step(json!({ "usual_ms": [120_000, 180_000], "status": "succeeded" }));
        assert_eq!(unusual(&ended, at("10:04:00")), None);
    }

    #[test]
    fn a_step_between_two_attempts_says_when_the_next_one_begins() {
        let waiting = step(json!({ "status": "retrying", "next_attempt_at": "2026-11-22T10:00:30.000Z" }));
        assert_eq!(unusual(&waiting, at("10:00:10")).as_deref(), Some("attempt 3 in 20 s"));
        assert_eq!(unusual(&waiting, at("10:01:10")).as_deref(), Some("attempt 3 begins"));
    }

    #[test]
    fn a_silent_step_says_for_how_long() {
        let silent = step(json!({ "silent_since": "2026-11-22T10:01:00.000Z", "usual_ms": [1, 2] }));
        assert_eq!(unusual(&silent, at("10:03:00")).as_deref(), Some("silent for 2 m, longer than ever before"));
    }

    #[test]
    fn a_step_that_ended_says_how_late_it_was_and_one_in_time_says_nothing() {
        let slot = |ms| Some(Slot { from_ms: 0, duration_ms: ms });
        let ended = |more: serde_json::Value| {
            let mut fields = json!({ "status": "succeeded", "attempt": 1, "finished_at": "2026-11-22T10:01:40.000Z" });
            fields.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            step(fields)
        };
        assert_eq!(note(&ended(json!({})), slot(60_000), None).line(), "+40 s");
        assert_eq!(note(&ended(json!({})), slot(90_000), None).line(), "");
        assert_eq!(note(&ended(json!({})), slot(200_000), None).line(), "", "early is good");
        assert_eq!(note(&ended(json!({})), None, None).line(), "", "nobody knows");
        assert_eq!(note(&ended(json!({ "attempt": 2 })), slot(60_000), None).line(), "attempt 2, +40 s");
        assert_eq!(note(&ended(json!({ "reused": true })), None, None).line(), "from before");
    }

    #[test]
    fn a_step_that_failed_says_how_and_why() {
        let failed = json!({ "status": "failed", "exit_code": 7, "error": "no such table", "message": "row 3" });
        assert_eq!(note(&step(failed), None, None).line(), "exit 7: no such table");
        let killed = json!({ "status": "failed", "signal": "SIGKILL", "error": "killed" });
        assert_eq!(note(&step(killed), None, None).line(), "SIGKILL: killed");
        let waiting = json!({ "status": "retrying", "error": "busy", "next_attempt_at": "2026-11-22T10:00:30.000Z" });
        assert_eq!(note(&step(waiting), None, Some(at("10:00:10"))).line(), "attempt 3 in 20 s: busy");
    }

    #[test]
    fn the_number_of_a_step_tells_what_is_known_and_what_is_guessed() {
        let running = |source: &str| step(json!({ "percent": 42.7, "source": source }));
        assert_eq!(figure(&running("reported"), None, None), "42%");
        assert_eq!(figure(&running("estimated"), None, None), "~42%");
        assert_eq!(figure(&step(json!({})), None, Some(at("10:00:07"))), "7 s");
        let usual = Some(Slot { from_ms: 0, duration_ms: 63_000 });
        assert_eq!(figure(&step(json!({ "status": "pending" })), usual, None), "~65 s");
        assert_eq!(figure(&step(json!({ "status": "succeeded", "duration_ms": 6_100 })), usual, None), "6.1 s");
    }
}
