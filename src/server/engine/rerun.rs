//! Running an execution again: all of it, or what of it did not succeed.

use std::sync::Arc;

use uuid::Uuid;

use super::{Engine, Order, Repeat, Shared, kept::Kept};
use crate::{
    domain::{
        event::{Event, Trigger},
        execution::{Execution, Status, Step},
        id::{ExecutionId, Name},
        workflow::Workflow,
    },
    server::journal::{Beside, JournalError},
};

/// From where an execution is run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RerunFrom {
    /// From its beginning.
    #[default]
    All,
    /// From what failed: steps that succeeded, and have not been changed since, are not run.
    Failed,
}

/// Why an execution is not run again.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// It has no end yet.
    #[error("it has not ended yet: cancel it first, or wait")]
    NotEnded,
    /// There is nothing to go on from.
    #[error("it succeeded, so nothing of it failed: run all of it again")]
    Succeeded,
    /// Its folder is gone.
    #[error("its working folder is no longer there: run all of it again")]
    NotKept,
    /// Its parameters do not fit the workflow as it is now.
    #[error("the workflow has changed, and its parameters no longer fit: {0}")]
    Parameters(String),
    /// The journal is closed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Engine {
    /// Runs an execution again, as `workflow`, which is what its file says now, with the same parameters, for `owner`.
    /// The working folder of one that is run from what failed goes to the new one.
    ///
    /// # Errors
    /// If that makes no sense now, or the journal is closed.
    pub async fn rerun(
        &self,
        of: Execution,
        workflow: Arc<Workflow>,
        owner: Name,
        from: RerunFrom,
    ) -> Result<Execution, RerunError> {
        if !of.status.is_final() {
            return Err(RerunError::NotEnded);
        }
        if from == RerunFrom::Failed && of.status == Status::Succeeded {
            return Err(RerunError::Succeeded);
        }
        let params = workflow.bind(&of.params).map_err(|errors| {
            let errors: Vec<String> =
                errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect();
            RerunError::Parameters(errors.join("; "))
        })?;
        let order = Order { workflow, params, owner, trigger: Trigger::Rerun, beside: Beside::default() };
        let shared = Arc::clone(&self.0);
        // On a task of its own: it must happen to the end even if nobody waits for it.
        let begun = self.0.tasks.spawn(async move { shared.repeat(of, order, from).await });
        begun.await.unwrap_or(Err(RerunError::Journal(JournalError::Closed)))
    }

    /// Whether an execution that did not succeed can be run again from what failed: what it needs of its folder is still
    /// there.
    pub async fn keeps(&self, id: ExecutionId) -> bool {
        let folder = self.0.folder(id);
        tokio::task::spawn_blocking(move || Kept::is_in(&folder)).await.unwrap_or(false)
    }
}

impl Shared {
    async fn repeat(self: &Arc<Self>, of: Execution, order: Order, from: RerunFrom) -> Result<Execution, RerunError> {
        let id = ExecutionId(Uuid::now_v7());
        let good = match from {
            RerunFrom::All => Vec::new(),
            RerunFrom::Failed => self.take_over(&of, id, &order.workflow).await?,
        };
        Ok(self.begin(id, order, Some(Repeat { of: of.id, good })).await?)
    }

    /// Gives the folder of an execution to the one that repeats it. Returns the steps that need not run again.
    async fn take_over(
        self: &Arc<Self>,
        of: &Execution,
        id: ExecutionId,
        now: &Arc<Workflow>,
    ) -> Result<Vec<Step>, RerunError> {
        let (shared, of, now) = (Arc::clone(self), of.clone(), Arc::clone(now));
        let taken = tokio::task::spawn_blocking(move || {
            let folder = shared.folder(of.id);
            let kept = Kept::read(&folder)?;
            let good = kept.good_steps(&of, &now);
            // Of two who want it at the same time, one gets it.
            if !good.is_empty() {
                std::fs::rename(&folder, shared.folder(id)).ok()?;
            }
            Some(of.steps.into_iter().filter(|step| good.contains(&step.id)).collect())
        });
        taken.await.ok().flatten().ok_or(RerunError::NotKept)
    }
}

/// A step that is not run again, as it ended before.
pub(super) fn reused(step: Step) -> Event {
    Event::StepCompleted {
        step: step.id,
        attempt: step.attempt,
        duration_ms: step.duration_ms.unwrap_or_default(),
        outputs: step.outputs,
        lines: 0,
        // The recorder knows the other steps.
        execution_percent: 0.0,
        reused: true,
        longest_silence_ms: None,
    }
}
