//! The end of a run: its final fact, and what is kept of it.

use std::{collections::BTreeMap, io, sync::PoisonError};

use tokio::task::spawn_blocking;

use super::Run;
use crate::{
    domain::{
        event::{Event, ExecutionError, ExecutionFailure},
        execution::{Execution, StepStatus},
        id::StepId,
        workflow::Workflow,
    },
    server::engine::{decide::Halt, kept::Kept, recorder::INTERRUPTED, step::duration},
};

impl Run {
    /// Closes the door to whoever still wants something, and records the final fact.
    pub(super) async fn conclude(&mut self) {
        let mut by = None;
        self.control.send_modify(|control| {
            control.closed = true;
            by = control.by.take();
        });
        let halt = match self.halt {
            // All was done before the server could take anything away.
            Some(Halt::Interrupted) if !self.halted => None,
            None if by.is_some() => Some(Halt::Cancelled),
            halt => halt,
        };
        let duration_ms = self.recorder.duration_ms().await;
        let failed = |status, error| Event::ExecutionFailed { status, error, duration_ms, lines: 0 };
        let event = match (halt, by, self.error.take()) {
            (Some(Halt::Cancelled), Some(by), _) => Event::ExecutionCancelled { by, duration_ms, lines: 0 },
            (Some(Halt::TimedOut), _, error) => failed(ExecutionFailure::TimedOut, self.timed_out(error)),
            (Some(Halt::Interrupted), ..) => failed(ExecutionFailure::Interrupted, plain(INTERRUPTED.to_owned())),
            (_, _, Some(error)) => failed(ExecutionFailure::Failed, error),
            (_, _, None) => {
                let result = self.recorder.look(result).await;
                Event::ExecutionCompleted { result, duration_ms, percent: 100.0, lines: 0 }
            }
        };
        if !matches!(event, Event::ExecutionCompleted { .. }) {
            // Whoever sees the end may at once ask for a run that goes on from there.
            self.keep().await;
        }
        self.recorder.record(event).await;
    }

    /// Writes down what a later execution needs of this one to go on from. Its secrets too: what its steps left may hold
    /// them, and they may be others by then; but not its token, since every run has one of its own. Whether it is written.
    pub(super) async fn keep(&self) -> bool {
        if !self.masks_whole {
            return false;
        }
        let (folder, plan) = (self.folder(), Workflow::clone(&self.plan));
        let mut masks = self.masks.lock().unwrap_or_else(PoisonError::into_inner).values().to_vec();
        masks.retain(|value| Some(value) != self.token.as_ref());
        let written = spawn_blocking(move || Kept { plan, masks }.write(&folder)).await;
        let written = written.map_err(io::Error::from).flatten();
        if let Err(error) = &written {
            tracing::warn!(%error, "what is needed to run it again from what failed could not be written");
        }
        written.is_ok()
    }

    /// Why it timed out, with the last words of the step that was stopped for it.
    fn timed_out(&self, first: Option<ExecutionError>) -> ExecutionError {
        let limit = self.plan.timeout.map_or_else(String::new, |timeout| format!(" {}", duration(timeout)));
        let error = first.unwrap_or_else(|| plain(String::new()));
        ExecutionError { message: format!("the execution took longer than{limit}"), ..error }
    }
}

/// The outputs of all steps that succeeded and had some.
pub(in crate::server) fn result(execution: &Execution) -> BTreeMap<StepId, BTreeMap<String, String>> {
    let succeeded = execution.steps.iter().filter(|step| step.status == StepStatus::Succeeded);
    let with_outputs = succeeded.filter(|step| !step.outputs.is_empty());
    with_outputs.map(|step| (step.id.clone(), step.outputs.clone())).collect()
}

fn plain(message: String) -> ExecutionError {
    ExecutionError { step: None, message, exit_code: None, tail: Vec::new() }
}
