//! From what a reporter tells to facts: pure, from where its execution stands.

use std::{collections::BTreeMap, convert::Infallible};

use super::reading::{Failure, Progress, Report, Wrong};
use crate::{
    domain::{
        event::{Event, ExecutionError, ExecutionFailure, StepFailure},
        execution::{Execution, Step, StepStatus},
        id::{Name, StepId},
        log::{CHUNK_BYTES, CHUNK_LINES, Line},
        time::Timestamp,
    },
    server::engine::result,
};

/// What facts need besides what is told.
pub(super) struct Circumstances {
    pub now: Timestamp,
    /// Who is said to have stopped it.
    pub by: Name,
    /// The last lines of the step that fails with it.
    pub tail: Vec<String>,
}

/// How an execution ends without success.
pub(super) enum End {
    Failed(ExecutionFailure, Option<String>),
    Interrupted(String),
    Cancelled,
}

/// The step that is meant.
pub(super) fn step<'e>(execution: &'e Execution, id: Option<&StepId>) -> Result<&'e Step, Wrong> {
    match id {
        Some(id) => execution.step(id).ok_or_else(|| Wrong::new("step", format!("{id} is no step of this execution"))),
        None => match execution.steps.as_slice() {
            [one] => Ok(one),
            _ => Err(Wrong::new("step", "is missing: there is more than one")),
        },
    }
}

/// The step that is meant, if it has not ended.
fn open<'e>(execution: &'e Execution, id: Option<&StepId>) -> Result<&'e Step, Wrong> {
    let step = step(execution, id)?;
    if step.status.is_final() {
        return Err(Wrong::new("step", format!("{} has ended: it is {}", step.id, step.status.word())));
    }
    Ok(step)
}

/// Whether that could be told now.
pub(super) fn check(execution: &Execution, progress: &Progress) -> Result<(), Wrong> {
    open(execution, progress.step.as_ref()).map(drop)
}

/// What a report comes to; nothing, if it tells nothing new.
pub(super) fn events(execution: &Execution, report: Report, about: &Circumstances) -> Result<Vec<Event>, Wrong> {
    match report {
        Report::Heartbeat | Report::ExecutionStarted => Ok(Vec::new()),
        Report::StepStarted(id) => Ok(started(open(execution, id.as_ref())?).into_iter().collect()),
        Report::Progress(Progress { step, percent, message, source }) => {
            let step = open(execution, step.as_ref())?;
            let progress = Event::StepProgress {
                step: step.id.clone(),
                attempt: 1,
                percent: crate::domain::execution::bounded(percent),
                message,
                source,
                // The recorder knows the other steps.
                execution_percent: 0.0,
                eta_ms: None,
                eta_range_ms: None,
            };
            Ok(started(step).into_iter().chain([progress]).collect())
        }
        Report::Output(id, lines) => {
            let step = open(execution, id.as_ref())?;
            Ok(started(step).into_iter().chain(chunks(step, lines)).collect())
        }
        Report::StepCompleted(id, outputs) => {
            let step = open(execution, id.as_ref())?;
            Ok(started(step).into_iter().chain([succeeded(step, outputs, about.now)]).collect())
        }
        Report::StepFailed(id, failure) => {
            let step = open(execution, id.as_ref())?;
            Ok(started(step).into_iter().chain([failed(step, failure, about.tail.clone(), about.now)]).collect())
        }
        Report::StepSkipped(id, reason) => {
            let step = open(execution, id.as_ref())?;
            if step.status != StepStatus::Pending {
                return Err(Wrong::new("step", format!("{} has begun: it can't be skipped any more", step.id)));
            }
            Ok(vec![Event::StepSkipped { step: step.id.clone(), reason, lines: 0 }])
        }
        Report::ExecutionCompleted => Ok(completed(execution, about)),
        Report::ExecutionFailed(status, error) => Ok(ended(execution, End::Failed(status, error), about)),
        Report::ExecutionCancelled => Ok(ended(execution, End::Cancelled, about)),
    }
}

/// The step whose last lines the end of its execution tells: the first that failed, else the first that runs.
pub(super) fn culprit(execution: &Execution) -> Option<&Step> {
    let failed = |step: &&Step| matches!(step.status, StepStatus::Failed | StepStatus::TimedOut);
    execution.steps.iter().find(failed).or_else(|| execution.running().next())
}

/// The end of all steps that have none, and of the execution.
pub(super) fn ended(execution: &Execution, end: End, about: &Circumstances) -> Vec<Event> {
    let culprit = culprit(execution);
    let said = culprit.and_then(|step| step.error.clone());
    let (status, error, reason) = match &end {
        End::Failed(status, error) => {
            let as_step = match status {
                ExecutionFailure::TimedOut => StepFailure::TimedOut,
                ExecutionFailure::Failed | ExecutionFailure::Interrupted => StepFailure::Failed,
            };
            (as_step, error.clone().or(said).unwrap_or_else(|| "failed".to_owned()), "the execution failed")
        }
        End::Interrupted(why) => (StepFailure::Interrupted, why.clone(), "interrupted"),
        End::Cancelled => (StepFailure::Cancelled, "cancelled".to_owned(), "cancelled"),
    };
    let mut events = Vec::new();
    for step in execution.steps.iter().filter(|step| !step.status.is_final()) {
        events.push(if step.status == StepStatus::Pending {
            Event::StepSkipped { step: step.id.clone(), reason: reason.to_owned(), lines: 0 }
        } else {
            let tail =
                if culprit.is_some_and(|culprit| culprit.id == step.id) { about.tail.clone() } else { Vec::new() };
            let failure = Failure { status, exit_code: None, signal: None, error: error.clone() };
            failed(step, failure, tail, about.now)
        });
    }
    let duration_ms = execution.started_at.map_or(0, |at| about.now.since(at));
    let why = |message| ExecutionError {
        step: culprit.map(|step| step.id.clone()),
        message,
        exit_code: culprit.and_then(|step| step.exit_code),
        tail: about.tail.clone(),
    };
    events.push(match end {
        End::Failed(status, _) => Event::ExecutionFailed { status, error: why(error), duration_ms, lines: 0 },
        End::Interrupted(told) => {
            Event::ExecutionFailed { status: ExecutionFailure::Interrupted, error: why(told), duration_ms, lines: 0 }
        }
        End::Cancelled => Event::ExecutionCancelled { by: about.by.clone(), duration_ms, lines: 0 },
    });
    events
}

/// All went well: so it did for the steps that run, and those that were never told of were not needed.
fn completed(execution: &Execution, about: &Circumstances) -> Vec<Event> {
    let mut events = Vec::new();
    let one = execution.steps.len() == 1;
    for step in execution.steps.iter().filter(|step| !step.status.is_final()) {
        if step.status == StepStatus::Pending && !one {
            let reason = "its reporter did not tell of it".to_owned();
            events.push(Event::StepSkipped { step: step.id.clone(), reason, lines: 0 });
        } else {
            events.extend(started(step));
            events.push(succeeded(step, BTreeMap::new(), about.now));
        }
    }
    let duration_ms = execution.started_at.map_or(0, |at| about.now.since(at));
    events.push(Event::ExecutionCompleted { result: result(execution), duration_ms, percent: 100.0, lines: 0 });
    events
}

/// That it begins, if it has not.
fn started(step: &Step) -> Option<Event> {
    let event = Event::StepStarted { step: step.id.clone(), attempt: 1, estimate_ms: None, usual_ms: None };
    (step.status == StepStatus::Pending).then_some(event)
}

fn succeeded(step: &Step, outputs: BTreeMap<String, String>, now: Timestamp) -> Event {
    Event::StepCompleted {
        step: step.id.clone(),
        attempt: 1,
        duration_ms: duration(step, now),
        outputs,
        lines: step.lines,
        // The recorder knows the other steps.
        execution_percent: 0.0,
        reused: false,
        // Work elsewhere teaches nothing.
        longest_silence_ms: None,
    }
}

fn failed(step: &Step, failure: Failure, tail: Vec<String>, now: Timestamp) -> Event {
    let Failure { status, exit_code, signal, error } = failure;
    Event::StepFailed {
        step: step.id.clone(),
        attempt: 1,
        status,
        exit_code,
        signal,
        error,
        tail,
        duration_ms: duration(step, now),
        lines: step.lines,
    }
}

fn duration(step: &Step, now: Timestamp) -> u64 {
    step.started_at.map_or(0, |at| now.since(at))
}

/// Lines in as many facts as they need.
fn chunks(step: &Step, lines: Vec<Line>) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut first_line, mut bytes, mut chunk) = (step.lines, 0, Vec::new());
    let mut flush = |chunk: &mut Vec<Line>| {
        let lines = std::mem::take(chunk);
        let count = lines.len() as u64;
        if count > 0 {
            events.push(Event::StepOutput { step: step.id.clone(), attempt: 1, first_line, lines });
            first_line += count;
        }
    };
    for line in lines {
        if chunk.len() == CHUNK_LINES || bytes + line.text.len() > CHUNK_BYTES {
            flush(&mut chunk);
            bytes = 0;
        }
        bytes += line.text.len();
        chunk.push(line);
    }
    flush(&mut chunk);
    events
}

/// For facts that can't be wrong.
pub(super) fn sure(events: Vec<Event>) -> Result<Vec<Event>, Infallible> {
    Ok(events)
}
