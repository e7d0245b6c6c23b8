//! A stand-in with made-up answers, until the real one is there.

use std::collections::BTreeMap;

use leptos::prelude::ServerFnError;
use serde_json::json;

use crate::domain::{
    access::{Role, Viewer},
    event::{Event, ExecutionError, ExecutionFailure, Fact, PlannedStep, Recorded, Source, StepFailure, Trigger},
    execution::Execution,
    id::{ExecutionId, Name, Seq, StepId},
    listing::{Listing, LogLine, Opening, PastRun, Query, Statistics, WorkflowView},
    log::{Level, Line, Stream},
    time::Timestamp,
    workflow::{Parameter, ParameterKind},
};

fn name(text: &str) -> Name {
    text.parse().expect("it is a name")
}

fn step(text: &str) -> StepId {
    text.parse().expect("it is a step id")
}

fn id(n: u128) -> ExecutionId {
    ExecutionId(uuid::Uuid::from_u128(0x0193_4f0e_7b1c_7000_8000_0000_0000_0000 + (n << 64)))
}

fn plan() -> Vec<PlannedStep> {
    [
        ("prepare", "Prepare", 1.0),
        ("dump", "Dump the database", 6.0),
        ("compress", "Compress", 3.0),
        ("upload", "Upload", 5.0),
    ]
    .into_iter()
    .map(|(id, name, weight)| PlannedStep { id: step(id), name: name.to_owned(), needs: Vec::new(), weight })
    .collect()
}

fn told(n: u128, workflow: &str, events: Vec<Event>) -> Execution {
    let at = |i: usize| {
        Timestamp(1_795_341_600_000 + i64::try_from(n).unwrap_or(0) * 60_000 + i64::try_from(i).unwrap_or(0) * 11_000)
    };
    let fact = |i: usize, event: Event| Fact {
        at: at(i),
        execution_id: id(n),
        owner: name("alice"),
        workflow: name(workflow),
        event,
    };
    let queued = Event::ExecutionQueued {
        trigger: Trigger::Manual,
        params: json!({"target": "/srv/backup", "keep": 14}).as_object().cloned().unwrap_or_default(),
        steps: plan(),
        rerun_of: None,
    };
    let mut execution = Execution::begin(Seq(1), &fact(0, queued)).expect("it is queued");
    for (i, event) in events.into_iter().enumerate() {
        execution.apply(&Recorded { seq: Seq(i as u64 + 2), fact: fact(i + 1, event) });
    }
    execution
}

fn done(id: &str, percent: f64) -> Vec<Event> {
    vec![
        Event::StepStarted { step: step(id), attempt: 1, estimate_ms: None },
        Event::StepCompleted {
            step: step(id),
            attempt: 1,
            duration_ms: 11_400,
            outputs: BTreeMap::from([("bytes".to_owned(), "9814229104".to_owned())]),
            lines: 20,
            execution_percent: percent,
        },
    ]
}

fn half() -> Vec<Event> {
    let mut events = vec![Event::ExecutionStarted {}];
    events.extend(done("prepare", 6.0));
    events.extend(done("dump", 46.0));
    events.push(Event::StepStarted { step: step("compress"), attempt: 1, estimate_ms: None });
    events.push(Event::StepProgress {
        step: step("compress"),
        attempt: 1,
        percent: 42.5,
        message: Some("table 3 of 7".to_owned()),
        source: Source::Reported,
        execution_percent: 55.1,
        eta_ms: None,
    });
    events
}

fn made_up() -> Vec<Execution> {
    let mut failed = half();
    failed.push(Event::StepFailed {
        step: step("compress"),
        attempt: 1,
        status: StepFailure::Failed,
        exit_code: Some(1),
        signal: None,
        error: "no space left on device".to_owned(),
        tail: vec!["zstd: writing dump.sql.zst".to_owned(), "zstd: error 70: no space left on device".to_owned()],
        duration_ms: 12_000,
        lines: 20,
    });
    failed.push(Event::StepSkipped { step: step("upload"), reason: "compress failed".to_owned() });
    failed.push(Event::ExecutionFailed {
        status: ExecutionFailure::Failed,
        error: ExecutionError {
            step: Some(step("compress")),
            message: "no space left on device".to_owned(),
            exit_code: Some(1),
            tail: vec!["zstd: writing dump.sql.zst".to_owned(), "zstd: error 70: no space left on device".to_owned()],
        },
        duration_ms: 66_000,
    });
    let mut good = half();
    good.extend(done("compress", 70.0).split_off(1));
    good.extend(done("upload", 99.9));
    good.push(Event::ExecutionCompleted {
        result: BTreeMap::from([(
            step("upload"),
            BTreeMap::from([("url".to_owned(), "s3://vault/dump.sql".to_owned())]),
        )]),
        duration_ms: 91_000,
        percent: 100.0,
    });
    vec![
        told(9, "nightly-backup", Vec::new()),
        told(8, "nightly-backup", half()),
        told(7, "load-orders", failed),
        told(6, "greeting", good),
        told(5, "greeting", vec![Event::ExecutionCancelled { by: name("bob"), duration_ms: 0 }]),
    ]
}

pub async fn executions(query: Query) -> Result<Listing, ServerFnError> {
    let items = made_up()
        .into_iter()
        .filter(|execution| query.status.is_empty() || query.status.contains(&execution.status))
        .filter(|execution| query.workflow.as_ref().is_none_or(|workflow| execution.workflow == *workflow))
        .map(Execution::listed)
        .collect();
    Ok(Listing { items, next: None, head: Seq(48_213) })
}

pub async fn execution(id: ExecutionId) -> Result<Option<Opening>, ServerFnError> {
    let levels = [None, None, None, Some(Level::Warning), None, Some(Level::Error), Some(Level::Group), None];
    let lines = (0..60)
        .map(|n: u64| LogLine {
            n,
            step: step(if n < 20 { "prepare" } else if n < 40 { "dump" } else { "compress" }),
            attempt: 1,
            line: Line {
                at: Timestamp(1_795_341_600_000 + i64::try_from(n).unwrap_or(0) * 500),
                stream: Stream::Out,
                text: format!("part \u{1b}[1m{n}\u{1b}[0m/71 \u{1b}[32mdone\u{1b}[0m  38.0 MiB  \u{1b}[90metag\u{1b}[0m \u{1b}[35mfd0ac793f5\u{1b}[0m"),
                level: levels.get(n as usize % 17).copied().flatten(),
            },
        })
        .collect();
    Ok(made_up().into_iter().find(|execution| execution.id == id).map(|execution| Opening { execution, lines }))
}

pub async fn workflows() -> Result<Vec<WorkflowView>, ServerFnError> {
    let parameter = |name: &str, kind, default, choices: &[&str], description: &str| Parameter {
        name: name.to_owned(),
        kind,
        default,
        choices: choices.iter().map(|choice| json!(choice)).collect(),
        description: Some(description.to_owned()),
    };
    let last = made_up().into_iter().nth(2).map(|run| PastRun {
        id: run.id,
        status: run.status,
        queued_at: run.queued_at,
        finished_at: run.finished_at,
        duration_ms: run.duration_ms,
    });
    let backup = WorkflowView {
        name: name("nightly-backup"),
        description: Some("Dump the database and put it away".to_owned()),
        file: "nightly-backup.yaml".to_owned(),
        params: vec![
            parameter(
                "target",
                ParameterKind::String,
                Some(json!("/srv/backup")),
                &["/srv/backup", "/mnt/nas"],
                "Where it goes",
            ),
            parameter("keep", ParameterKind::Integer, Some(json!(14)), &[], "How many to keep"),
            parameter("label", ParameterKind::String, None, &[], "What to call it"),
            parameter("verify", ParameterKind::Boolean, Some(json!(true)), &[], "Read it back and compare"),
        ],
        steps: plan(),
        allow: None,
        errors: Vec::new(),
        runnable: true,
        last,
        statistics: Statistics { runs: 40, succeeded: 38, median_ms: Some(63_000) },
    };
    let mut broken = backup.clone();
    broken.name = name("mirror-registry");
    broken.errors = vec![
        "steps[1].needs: \"snyc\" is not a step of this workflow; did you mean \"sync\"? (mirror-registry.yaml:14:12)"
            .to_owned(),
    ];
    broken.last = None;
    broken.statistics = Statistics::default();
    Ok(vec![broken, backup])
}

pub async fn workflow(name: Name) -> Result<Option<WorkflowView>, ServerFnError> {
    Ok(workflows().await?.into_iter().find(|workflow| workflow.name == name))
}

pub async fn me() -> Result<Option<Viewer>, ServerFnError> {
    Ok(Some(Viewer { name: name("alice"), role: Role::Admin }))
}

pub async fn head() -> Result<Seq, ServerFnError> {
    Ok(Seq(48_213))
}
