//! What the page of the design shows: runs as facts tell them, folded by the fold that all pages use.

use serde_json::Value;

use crate::{
    app::log::lines_of,
    domain::{
        differences::{Difference, Differences, Failure},
        event::{Fact, Recorded},
        execution::{Execution, Status},
        id::{ExecutionId, Name, Seq},
        listing::{Opening, PastRun},
        marks::Marks,
        time::Timestamp,
        usual::{UsualRun, UsualStep},
    },
};

/// When the samples begin: 2026-11-22, 10:15 UTC.
pub const BEGAN: Timestamp = Timestamp(1_795_342_500_000);
/// When it is looked at.
pub const SEEN: Timestamp = Timestamp(BEGAN.0 + 90_000);

/// A run with a step in each state.
pub fn running() -> Opening {
    opening("nightly-backup", include_str!("running.jsonl"))
}

/// A run that failed.
pub fn failed() -> Opening {
    let mut opening = opening("load-invoices", include_str!("failed.jsonl"));
    let said = |what: &str, then: &str, now: &str| Difference {
        what: what.to_owned(),
        then: then.to_owned(),
        now: now.to_owned(),
        changed: then != now,
    };
    opening.failure = Some(Failure {
        lines: Vec::new(),
        differences: Some(Differences {
            good: ExecutionId::first_at(Timestamp(BEGAN.0 - 86_400_000)),
            ended_at: Some(Timestamp(BEGAN.0 - 86_000_000)),
            duration_ms: Some(48_000),
            rows: vec![said("year", "2025", "2026"), said("fetch", "8.6 s", "8.8 s"), said("steps", "3", "3")],
        }),
    });
    opening
}

/// The run that is at work, as it would be with this status.
pub fn with(status: Status) -> Execution {
    let mut execution = running().execution;
    execution.status = status;
    if status.is_final() {
        (execution.finished_at, execution.duration_ms) = (Some(BEGAN.later(154_000)), Some(153_600));
        execution.percent = if status == Status::Succeeded { 100.0 } else { execution.percent };
    }
    execution
}

/// How a workflow went before, newest first.
pub fn past() -> Vec<PastRun> {
    let runs = (0_u64..40).map(|back| {
        let status = match back % 13 {
            4 => Status::Failed,
            9 => Status::Cancelled,
            _ => Status::Succeeded,
        };
        let at = Timestamp(BEGAN.0 - i64::try_from(back * 3_600_000).unwrap_or_default());
        PastRun {
            id: ExecutionId::first_at(at),
            owner: name("ada"),
            status,
            queued_at: at,
            finished_at: Some(at.later(60_000)),
            duration_ms: Some(40_000 + back * 7_919 % 21_000),
        }
    });
    runs.collect()
}

fn opening(workflow: &str, facts: &str) -> Opening {
    let facts: Vec<Recorded> = facts.lines().zip(1..).map(|(line, seq)| recorded(workflow, line, seq)).collect();
    let first = facts.first().expect("a sample has facts");
    let mut execution = Execution::begin(first.seq, &first.fact).expect("a sample begins with execution.queued");
    let mut lines = Vec::new();
    for recorded in &facts {
        lines.extend(lines_of(recorded, &execution, None));
        execution.apply(recorded);
    }
    let step =
        |id: &str, from_ms, duration_ms| UsualStep { id: id.parse().expect("a step's name"), from_ms, duration_ms };
    let usual = UsualRun {
        steps: vec![
            step("prepare", 0, 9_000),
            step("dump", 9_000, 120_000),
            step("files", 9_000, 90_000),
            step("verify", 129_000, 20_000),
        ],
        duration_ms: 150_000,
        runs: 18,
    };
    Opening {
        execution,
        lines,
        failure: None,
        reruns: Vec::new(),
        kept: true,
        usual: Some(usual),
        marks: Marks::default(),
    }
}

fn recorded(workflow: &str, line: &str, seq: u64) -> Recorded {
    let mut fact: Value = serde_json::from_str(line).expect("a sample is JSON");
    let ms = fact["at_ms"].as_u64().expect("a sample tells its time");
    fact["at"] = Value::String(BEGAN.later(ms).to_string());
    fact["execution_id"] = Value::String(ExecutionId::first_at(BEGAN).to_string());
    fact["owner"] = Value::String("ada".to_owned());
    fact["workflow"] = Value::String(workflow.to_owned());
    let fact: Fact = serde_json::from_value(fact).expect("a sample is a fact");
    Recorded { seq: Seq(seq), fact, hash: None }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}
