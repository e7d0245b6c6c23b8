//! What steps that run tell over HTTP: how far they are, by the token in their environment.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Control, Engine, recorder::Recorder, step::masked, transcript::SharedMasks};
use crate::{
    domain::{
        event::{Event, Source},
        execution::{Execution, Status, StepStatus},
        id::{ExecutionId, StepId},
    },
    server::external::Wrong,
};

/// An execution that runs, as its steps' reports reach it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desk {
    recorder: Arc<Recorder>,
    masks: SharedMasks,
    control: Arc<watch::Sender<Control>>,
}

/// The engine does not run it: it has ended, waits, or is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this execution is not at work here")]
pub struct NotAtWork;

impl Desk {
    pub(super) fn new(recorder: Arc<Recorder>, masks: SharedMasks, control: Arc<watch::Sender<Control>>) -> Self {
        Self { recorder, masks, control }
    }

    async fn progress(&self, step: Option<StepId>, percent: f64, message: Option<String>) -> Result<(), Wrong> {
        let message = message.map(|message| masked(&self.masks, message));
        let make = |execution: &Execution| {
            let step = at_work(execution, step)?;
            Ok(vec![Event::StepProgress {
                step: step.0,
                attempt: step.1,
                percent,
                message,
                source: Source::Reported,
                // The recorder knows the other steps.
                execution_percent: 0.0,
                eta_ms: None,
                eta_range_ms: None,
            }])
        };
        self.recorder.record_together(None, make).await
    }
}

/// The step that is meant, with its attempt; without a name, the one that runs.
fn at_work(execution: &Execution, step: Option<StepId>) -> Result<(StepId, u32), Wrong> {
    let wrong = |message: String| Wrong { field: "step".to_owned(), message };
    let mut running = execution.steps.iter().filter(|step| step.status == StepStatus::Running);
    let found = match &step {
        Some(id) => running.find(|step| step.id == *id).ok_or_else(|| wrong(format!("{id} is no step that runs now"))),
        None => match (running.next(), running.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(wrong("say which step is meant: not exactly one runs now".to_owned())),
        },
    };
    found.map(|step| (step.id.clone(), step.attempt))
}

impl Engine {
    /// Takes in how far a step says it is; once called it happens, even if nobody waits for the answer. Without a
    /// step's name it is the one that runs.
    ///
    /// # Errors
    /// [`NotAtWork`]; within, what is wrong with the step.
    pub async fn progress(
        &self,
        id: ExecutionId,
        step: Option<StepId>,
        percent: f64,
        message: Option<String>,
    ) -> Result<Result<(), Wrong>, NotAtWork> {
        let desk = self.desk(id).ok_or(NotAtWork)?;
        let told = self.0.tasks.spawn(async move { desk.progress(step, percent, message).await });
        told.await.map_err(|_| NotAtWork)
    }

    /// Where an execution that the engine runs stands, and whether it is being stopped; none once it has ended.
    pub async fn at_work(&self, id: ExecutionId) -> Option<(Status, bool)> {
        let desk = self.desk(id)?;
        let status = desk.recorder.look(|execution| execution.status).await;
        let control = desk.control.borrow();
        (!status.is_final()).then_some((status, control.cancels > 0 || control.shutdown))
    }

    fn desk(&self, id: ExecutionId) -> Option<Desk> {
        self.0.state().desks.get(&id).cloned()
    }
}
