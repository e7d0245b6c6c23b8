//! What was different from the last good run: the first thing that somebody looks for who wants to know why a run failed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    execution::{Execution, Step, StepStatus},
    id::ExecutionId,
    listing::LogLine,
    time::{Timestamp, spoken},
};

/// Most rows of a comparison; what differs comes first.
pub const ROWS_MAX: usize = 12;
/// Most rows that say that something is the same.
const SAME_MAX: usize = 4;
/// Longest value that is told, in characters.
const VALUE_MAX: usize = 160;
/// A step took another time than before if it took so many times as long, or the other way round,
const OTHER_TIME: u64 = 2;
/// and by so much, in milliseconds.
const OTHER_TIME_MS: u64 = 2_000;

/// What there is to know of why an execution failed, beside its own error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The last lines of the step that failed, with their numbers in the whole output, at most
    /// [`TAIL_LINES`](super::log::TAIL_LINES).
    pub lines: Vec<LogLine>,
    /// How it differs from the last good run, if there was one.
    pub differences: Option<Differences>,
}

/// How an execution differs from an earlier one of its workflow that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    /// The one that succeeded.
    pub good: ExecutionId,
    /// When that ended.
    pub ended_at: Option<Timestamp>,
    /// How long that took.
    pub duration_ms: Option<u64>,
    /// What was compared, what differs first; at most [`ROWS_MAX`].
    pub rows: Vec<Difference>,
}

/// Something of both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is, in words.
    pub what: String,
    /// What it was then.
    pub then: String,
    /// What it is now.
    pub now: String,
    /// Whether it is worth a look.
    pub changed: bool,
}

impl Differences {
    /// Compares what failed with what succeeded before.
    pub fn of(good: &Execution, bad: &Execution) -> Self {
        let all: Vec<Difference> = params(good, bad)
            .chain(outputs(good, bad))
            .chain(std::iter::once(plan(good, bad)))
            .chain(who(good, bad))
            .chain(times(good, bad))
            .collect();
        let (mut rows, mut same): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row.changed);
        rows.truncate(ROWS_MAX);
        same.truncate(SAME_MAX.min(ROWS_MAX - rows.len()));
        rows.extend(same);
        Self { good: good.id, ended_at: good.finished_at, duration_ms: good.duration_ms, rows }
    }
}

fn row(what: String, then: Option<String>, now: Option<String>) -> Difference {
    let changed = then != now;
    let said = |value: Option<String>| value.map_or_else(|| "not there".to_owned(), |value| cut(&value));
    Difference { what, then: said(then), now: said(now), changed }
}

fn params<'a>(good: &'a Execution, bad: &'a Execution) -> impl Iterator<Item = Difference> + 'a {
    let names: BTreeSet<&String> = good.params.keys().chain(bad.params.keys()).collect();
    names.into_iter().map(move |name| {
        let [then, now] = [good, bad].map(|one| one.params.get(name).map(plain));
        row(format!("param {name}"), then, now)
    })
}

/// The outputs of the steps that have succeeded this time.
fn outputs<'a>(good: &'a Execution, bad: &'a Execution) -> impl Iterator<Item = Difference> + 'a {
    pairs(good, bad).flat_map(|(then, now)| {
        let keys: BTreeSet<&String> = then.outputs.keys().chain(now.outputs.keys()).collect();
        keys.into_iter().map(move |key| {
            let [before, after] = [then, now].map(|step| step.outputs.get(key).cloned());
            row(format!("{key} of {}", now.name), before, after)
        })
    })
}

/// How long the steps took that succeeded both times, and were run both times.
fn times<'a>(good: &'a Execution, bad: &'a Execution) -> impl Iterator<Item = Difference> + 'a {
    pairs(good, bad).filter(|(then, now)| !then.reused && !now.reused).filter_map(|(then, now)| {
        let (before, after) = (then.duration_ms?, now.duration_ms?);
        let (short, long) = (before.min(after), before.max(after));
        let changed = long > short.saturating_mul(OTHER_TIME) && long - short > OTHER_TIME_MS;
        Some(Difference { what: format!("time in {}", now.name), then: spoken(before), now: spoken(after), changed })
    })
}

/// The steps that succeeded in both.
fn pairs<'a>(good: &'a Execution, bad: &'a Execution) -> impl Iterator<Item = (&'a Step, &'a Step)> {
    let ended_well = bad.steps.iter().filter(|step| step.status == StepStatus::Succeeded);
    ended_well.filter_map(|step| Some((good.step(&step.id).filter(|one| one.status == StepStatus::Succeeded)?, step)))
}

/// Whether the workflow has the same steps in the same order, with the same needs. What they run is not known any more.
fn plan(good: &Execution, bad: &Execution) -> Difference {
    let shape = |execution: &Execution| -> Vec<_> {
        execution.steps.iter().map(|step| (step.id.clone(), step.needs.clone())).collect()
    };
    let what = "steps of the workflow".to_owned();
    if shape(good) == shape(bad) {
        return Difference { what, then: "same".to_owned(), now: "same".to_owned(), changed: false };
    }
    let only = |one: &Execution, other: &Execution| {
        let names = one.steps.iter().filter(|step| other.step(&step.id).is_none()).map(|step| step.name.clone());
        names.collect::<Vec<_>>().join(", ")
    };
    let count = |execution: &Execution| match execution.steps.len() {
        1 => "1 step".to_owned(),
        steps => format!("{steps} steps"),
    };
    let said = |one: &Execution, names: String, how: &str| match names.as_str() {
        "" => count(one),
        names => cut(&format!("{}, {how} {names}", count(one))),
    };
    let (gone, new) = (only(good, bad), only(bad, good));
    let now = match (gone.is_empty(), new.is_empty()) {
        (true, true) => format!("{}, in another order", count(bad)),
        _ => said(bad, new, "with"),
    };
    Difference { what, then: said(good, gone, "with"), now, changed: true }
}

fn who(good: &Execution, bad: &Execution) -> Option<Difference> {
    let owner = |execution: &Execution| Some(execution.owner.to_string());
    (good.owner != bad.owner).then(|| row("owner".to_owned(), owner(good), owner(bad)))
}

/// A value without the quotes that JSON puts around text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}…", value.get(..at).unwrap_or_default()),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(id: &str, status: &str, ms: u64, outputs: Value) -> Value {
        json!({ "id": id, "name": id, "needs": [], "weight": 1.0, "status": status, "attempt": 1, "percent": 0.0,
            "message": null, "source": null, "started_at": null, "finished_at": null, "duration_ms": ms,
            "exit_code": null, "signal": null, "error": null, "outputs": outputs, "lines": 0 })
    }

    fn execution(params: Value, steps: &[Value]) -> Execution {
        serde_json::from_value(json!({ "id": "01934f0e-7b1c-7000-8000-000000000001", "workflow": "load",
            "owner": "alice", "status": "failed", "trigger": "schedule", "params": params, "percent": 0.0,
            "eta_ms": null, "queued_at": "2026-11-22T10:00:00.000Z", "started_at": null, "finished_at": null,
            "duration_ms": 348_000, "result": null, "error": null, "cancelled_by": null, "rerun_of": null,
            "steps": steps, "seq": 1 }))
        .expect("an execution")
    }

    fn rows(good: &Execution, bad: &Execution) -> Vec<(String, String, String, bool)> {
        let rows = Differences::of(good, bad).rows;
        rows.into_iter().map(|row| (row.what, row.then, row.now, row.changed)).collect()
    }

    fn told(what: &str, then: &str, now: &str, changed: bool) -> (String, String, String, bool) {
        (what.to_owned(), then.to_owned(), now.to_owned(), changed)
    }

    #[test]
    fn what_differs_comes_first_and_then_some_of_what_is_the_same() {
        let good = execution(
            json!({ "day": "20", "to": "db" }),
            &[
                step("fetch", "succeeded", 39_000, json!({ "schema": "14", "rows": "5" })),
                step("upsert", "succeeded", 9, json!({})),
            ],
        );
        let bad = execution(
            json!({ "day": "21", "to": "db" }),
            &[
                step("fetch", "succeeded", 41_000, json!({ "schema": "15", "rows": "5" })),
                step("upsert", "failed", 9, json!({})),
            ],
        );
        assert_eq!(
            rows(&good, &bad),
            [
                told("param day", "20", "21", true),
                told("schema of fetch", "14", "15", true),
                told("param to", "db", "db", false),
                told("rows of fetch", "5", "5", false),
                told("steps of the workflow", "same", "same", false),
                told("time in fetch", "39 s", "41 s", false),
            ]
        );
    }

    #[test]
    fn a_step_that_took_much_longer_than_then_is_worth_a_look() {
        let run = |ms| execution(json!({}), &[step("fetch", "succeeded", ms, json!({}))]);
        assert!(rows(&run(39_000), &run(90_000)).contains(&told("time in fetch", "39 s", "1 m 30 s", true)));
        assert!(rows(&run(100), &run(900)).contains(&told("time in fetch", "0.1 s", "0.9 s", false)));
    }

    #[test]
    fn another_plan_is_told_by_the_steps_that_came_and_went() {
        let good = execution(json!({}), &[step("a", "succeeded", 1, json!({})), step("b", "succeeded", 1, json!({}))]);
        let mut bad = execution(json!({}), &[step("a", "failed", 1, json!({})), step("c", "skipped", 1, json!({}))]);
        assert_eq!(rows(&good, &bad), [told("steps of the workflow", "2 steps, with b", "2 steps, with c", true)]);
        bad.steps[1].id = "b".parse().expect("a step id");
        bad.steps[1].needs = vec!["a".parse().expect("a step id")];
        assert_eq!(rows(&good, &bad), [told("steps of the workflow", "2 steps", "2 steps, in another order", true)]);
    }

    #[test]
    fn a_value_that_is_new_or_gone_is_told_and_a_long_one_is_cut() {
        let good = execution(json!({ "old": true }), &[]);
        let bad = execution(json!({ "new": "x".repeat(500) }), &[]);
        let rows = rows(&good, &bad);
        assert_eq!(rows[0].1, "not there");
        assert!(rows[0].2.ends_with('…') && rows[0].2.chars().count() == VALUE_MAX + 1);
        assert_eq!((rows[1].1.as_str(), rows[1].2.as_str()), ("true", "not there"));
    }

    #[test]
    fn however_much_there_is_to_tell_the_rows_are_few() {
        let many = |value: u32| {
            let params: serde_json::Map<String, Value> = (0..50).map(|n| (format!("p{n}"), json!(value))).collect();
            execution(Value::Object(params), &[])
        };
        assert_eq!(rows(&many(1), &many(2)).len(), ROWS_MAX);
        assert_eq!(rows(&many(1), &many(1)).len(), SAME_MAX);
    }
}
