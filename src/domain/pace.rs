//! How an execution keeps up with its usual run: how far behind it is, and where the time was lost or won.

use super::{
    course::{Course, bars},
    execution::{Execution, Step, StepStatus},
    time::{Timestamp, spoken},
    usual::Slot,
};

/// Less than this is as usual: a part of the usual time so far,
const USUAL_PART: i64 = 30;
/// and so many milliseconds.
const USUAL_MS: i64 = 1_000;
/// Most steps that are named as those that lost time, and as those that won it back.
const NAMED_MAX: usize = 2;

/// How an execution keeps up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How much later than usual it is, in milliseconds; less than 0 if it is earlier.
    pub behind_ms: i64,
    /// The steps that took longer than usual, the worst first, at most [`NAMED_MAX`].
    pub lost: Vec<Share>,
    /// The steps that took less than usual, the best first, at most [`NAMED_MAX`].
    pub won: Vec<Share>,
}

/// A step's part in being late or early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The step's name.
    pub step: String,
    /// How much longer or shorter than usual it took, in milliseconds.
    pub ms: u64,
    /// How many of its attempts failed before the last one.
    pub failed: usize,
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As it is.
    Text(String),
    /// The name of a step.
    Step(String),
}

impl Pace {
    /// How an execution that runs or has succeeded keeps up at a moment, along the chain of steps that decides its end;
    /// `usual` is where each step usually lies. None if that is not known for all of this chain.
    pub fn of(execution: &Execution, course: &Course, usual: &[Option<Slot>], now: Timestamp) -> Option<Self> {
        let origin = execution.started_at?;
        let begun = |place: &&usize| execution.steps.get(**place).is_some_and(|step| begin(step).is_some());
        let chain: Vec<usize> = course.critical.iter().take_while(begun).copied().collect();
        let (mut ready, mut behind_ms, mut shares) = (origin, None, Vec::new());
        for place in chain {
            let (step, slot) = (execution.steps.get(place)?, usual.get(place).copied().flatten()?);
            let usual_ms = i64::try_from(slot.duration_ms).ok()?;
            let taken = step.finished_at.unwrap_or(now).0.saturating_sub(ready.0);
            // One that is at work may still be in time, but has not won any.
            let over = if step.status.is_final() { taken - usual_ms } else { (taken - usual_ms).max(0) };
            shares.push((step, over));
            let began = begin(step)?.0.saturating_sub(origin.0.saturating_add_unsigned(slot.from_ms));
            let ended = |at: Timestamp| at.0 - origin.0.saturating_add_unsigned(slot.from_ms + slot.duration_ms);
            behind_ms = Some(match step.finished_at.filter(|_| step.status.is_final()) {
                Some(at) => ended(at),
                None => began.max(ended(now)),
            });
            ready = step.finished_at.unwrap_or(now);
        }
        let behind_ms = behind_ms?;
        let least = USUAL_MS.max(behind_ms.abs() / 20);
        Some(Self { behind_ms, lost: named(&shares, 1, least), won: named(&shares, -1, least) })
    }

    /// Whether it is so near to the usual that nothing need be said, for one that has taken so long.
    pub fn is_usual(&self, taken_ms: u64) -> bool {
        let taken = i64::try_from(taken_ms).unwrap_or(i64::MAX);
        self.behind_ms.abs() < USUAL_MS.max(taken / USUAL_PART)
    }

    /// `1 m 35 s behind usual`, `12 s ahead of usual`.
    pub fn headline(&self) -> String {
        let span = spoken(self.behind_ms.unsigned_abs());
        if self.behind_ms < 0 { format!("{span} ahead of usual") } else { format!("{span} behind usual") }
    }

    /// `lost in dump, its first attempt failed; 12 s won back in compress`, in pieces.
    pub fn sentence(&self) -> Vec<Word> {
        let late = self.behind_ms >= 0;
        let (first, then) = if late { (&self.lost, &self.won) } else { (&self.won, &self.lost) };
        let mut words = Vec::new();
        if !first.is_empty() {
            words.push(Word::Text(if late { "lost in " } else { "won in " }.to_owned()));
            names(&mut words, first);
            if let [only] = first.as_slice() {
                words.extend(failures(only.failed).map(Word::Text));
            }
        }
        if let Some(best) = then.first() {
            let how = if late { "won back in" } else { "lost in" };
            let joint = if words.is_empty() { "" } else { "; " };
            words.push(Word::Text(format!("{joint}{} {how} ", spoken(best.ms))));
            words.push(Word::Step(best.step.clone()));
        }
        words
    }
}

/// When a step's first attempt began; none if it was passed over, or has not begun.
fn begin(step: &Step) -> Option<Timestamp> {
    if step.status == StepStatus::Skipped {
        return None;
    }
    bars(step).first().map(|bar| bar.from).or(step.finished_at)
}

fn named(shares: &[(&Step, i64)], sign: i64, least: i64) -> Vec<Share> {
    let mut all: Vec<Share> = shares
        .iter()
        .filter(|(_, over)| over.saturating_mul(sign) >= least)
        .map(|(step, over)| Share { step: step.name.clone(), ms: over.unsigned_abs(), failed: step.attempts.len() })
        .collect();
    all.sort_by_key(|share| std::cmp::Reverse(share.ms));
    all.truncate(NAMED_MAX);
    all
}

fn names(words: &mut Vec<Word>, shares: &[Share]) {
    for (index, share) in shares.iter().enumerate() {
        if index > 0 {
            words.push(Word::Text(" and ".to_owned()));
        }
        words.push(Word::Step(share.step.clone()));
    }
}

fn failures(failed: usize) -> Option<String> {
    match failed {
        0 => None,
        1 => Some(", its first attempt failed".to_owned()),
        more => Some(format!(", {more} of its attempts failed")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{links::Links, usual::Slot};

    /// Seconds after the beginning.
    fn at(seconds: i64) -> Value {
        json!(Timestamp(seconds * 1000))
    }

    fn step(id: &str, needs: &[&str], status: &str, from: Option<i64>, to: Option<i64>) -> Value {
        json!({ "id": id, "name": id, "needs": needs, "weight": 1.0, "status": status, "attempt": 1, "percent": 0.0,
            "message": null, "source": null, "started_at": from.map(at), "finished_at": to.map(at),
            "duration_ms": null, "exit_code": null, "signal": null, "error": null, "outputs": {}, "lines": 0 })
    }

    fn retried(mut step: Value, from: i64, to: i64) -> Value {
        step["attempt"] = json!(2);
        step["attempts"] = json!([{ "attempt": 1, "status": "failed", "started_at": at(from), "finished_at": at(to),
            "duration_ms": 1, "exit_code": 1, "signal": null, "error": "no", "lines": 0 }]);
        step
    }

    fn pace(steps: &[Value], slots: &[Option<(u64, u64)>], now: i64) -> Option<Pace> {
        let execution: Execution = serde_json::from_value(json!({ "id": "01934f0e-7b1c-7000-8000-000000000001",
            "workflow": "w", "owner": "alice", "status": "running", "trigger": "manual", "params": {}, "percent": 0.0,
            "eta_ms": null, "queued_at": at(0), "started_at": at(0), "finished_at": null, "duration_ms": null,
            "result": null, "error": null, "cancelled_by": null, "rerun_of": null, "steps": steps, "seq": 1 }))
        .expect("an execution");
        let slot = |(from, long): (u64, u64)| Slot { from_ms: from * 1000, duration_ms: long * 1000 };
        let slots: Vec<Option<Slot>> = slots.iter().map(|one| one.map(slot)).collect();
        let links = Links::new(execution.steps.iter().map(|step| (&step.id, step.needs.as_slice())));
        let now = Timestamp(now * 1000);
        let course = Course::of(&execution, &links, &slots, now);
        Pace::of(&execution, &course, &slots, now)
    }

    fn said(pace: &Pace) -> String {
        let words = pace.sentence().into_iter().map(|word| match word {
            Word::Text(text) => text,
            Word::Step(step) => format!("[{step}]"),
        });
        words.collect()
    }

    #[test]
    fn the_step_that_lost_the_time_and_the_one_that_won_some_back_are_named() {
        let steps = [
            retried(step("dump", &[], "succeeded", Some(97), Some(387)), 0, 92),
            step("compress", &["dump"], "succeeded", Some(387), Some(540)),
            step("upload", &["compress"], "running", Some(540), None),
        ];
        let pace = pace(&steps, &[Some((0, 285)), Some((285, 165)), Some((450, 350))], 600).expect("it is known");
        assert_eq!(pace.headline(), "1 m 30 s behind usual");
        assert_eq!(said(&pace), "lost in [dump], its first attempt failed; 12 s won back in [compress]");
        assert!(!pace.is_usual(600_000));
    }

    #[test]
    fn a_step_at_work_is_late_once_it_takes_longer_than_usual_and_not_before() {
        let steps = [step("a", &[], "running", Some(0), None)];
        let early = pace(&steps, &[Some((0, 60))], 30).expect("it is known");
        assert_eq!((early.behind_ms, early.sentence()), (0, Vec::new()));
        assert!(early.is_usual(30_000));
        let late = pace(&steps, &[Some((0, 60))], 90).expect("it is known");
        assert_eq!((late.headline().as_str(), said(&late).as_str()), ("30 s behind usual", "lost in [a]"));
    }

    #[test]
    fn one_that_is_early_says_so() {
        let steps = [step("a", &[], "succeeded", Some(0), Some(20)), step("b", &["a"], "running", Some(20), None)];
        let pace = pace(&steps, &[Some((0, 50)), Some((50, 60))], 30).expect("it is known");
        assert_eq!((pace.headline().as_str(), said(&pace).as_str()), ("30 s ahead of usual", "won in [a]"));
    }

    #[test]
    fn without_a_usual_run_of_what_decides_the_end_nothing_is_said() {
        let steps = [step("a", &[], "running", Some(0), None)];
        assert_eq!(pace(&steps, &[None], 30), None);
        let pending = [step("a", &[], "pending", None, None)];
        assert_eq!(pace(&pending, &[Some((0, 60))], 30), None);
    }
}
