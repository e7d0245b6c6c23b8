//! What a state says in words: readings that pages and the terminal have in common. Pure; who reads brings the time.

use super::{
    event::WaitReason,
    execution::{Execution, Step, StepStatus},
    time::{Timestamp, spoken},
};

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
fn rough(ms: u64) -> String {
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

fn band(low: u64, high: u64) -> String {
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
}
