//! Where an execution's facts are made: each is folded in and handed to the journal as one, so that what the engine
//! decides by is what everybody else will read.

use tokio::sync::Mutex;

use super::estimates::Outlook;
use crate::{
    domain::{
        event::{Event, ExecutionError, ExecutionFailure, Fact, StepFailure},
        execution::{Execution, Status, StepStatus},
        time::Timestamp,
    },
    server::{clock, journal::Journal},
};

/// What is said of whatever ran when the server stopped.
pub(super) const INTERRUPTED: &str = "the server stopped while it ran";

/// One execution's fold and its way to the journal. Nothing is recorded after the final fact.
pub(super) struct Recorder {
    journal: Journal,
    /// Locked while a fact is handed over, so that steps that run side by side keep one order and a rising percent.
    execution: Mutex<Known>,
}

struct Known {
    execution: Execution,
    /// When its last fact was: time does not go back within an execution, even if the clock does.
    at: Timestamp,
    /// When it will be done; none for what does not run here.
    outlook: Option<Outlook>,
}

impl Recorder {
    pub(super) fn new(journal: Journal, execution: Execution) -> Self {
        let at = execution.started_at.unwrap_or(execution.queued_at);
        Self { journal, execution: Mutex::new(Known { execution, at, outlook: None }) }
    }

    /// From now on progress is told with how long the execution still needs.
    pub(super) async fn foresee(&self, outlook: Outlook) {
        self.execution.lock().await.outlook = Some(outlook);
    }

    /// Records what happened now. The percent of the execution and the number of its lines are filled in here. Waits while the journal's queue is
    /// full, and so does whoever prints.
    pub(super) async fn record(&self, event: Event) {
        let mut known = self.execution.lock().await;
        let late = matches!(event, Event::ExecutionWaiting { .. }) && known.execution.status != Status::Queued;
        if known.execution.status.is_final() || late {
            return;
        }
        known.at = known.at.max(clock::now());
        let mut fact = Fact {
            at: known.at,
            execution_id: known.execution.id,
            owner: known.execution.owner.clone(),
            workflow: known.execution.workflow.clone(),
            event,
        };
        match &mut fact.event {
            Event::StepSkipped { step, lines, .. } => {
                *lines = known.execution.step(step).map_or(0, |step| step.lines);
            }
            Event::ExecutionCompleted { lines, .. }
            | Event::ExecutionFailed { lines, .. }
            | Event::ExecutionCancelled { lines, .. } => *lines = known.execution.lines(),
            _ => {}
        }
        known.execution.take(&fact);
        let Known { execution, at, outlook } = &mut *known;
        let ahead = match (&fact.event, outlook) {
            (Event::StepProgress { .. }, Some(outlook)) => outlook.after(&fact.event, execution, *at),
            _ => None,
        };
        if let (Event::StepProgress { eta_ms, eta_range_ms, .. }, Some(ahead)) = (&mut fact.event, ahead) {
            (*eta_ms, *eta_range_ms) = (Some(ahead.likely_ms()), Some(ahead.range_ms()));
        }
        if let Event::StepProgress { execution_percent, .. } | Event::StepCompleted { execution_percent, .. } =
            &mut fact.event
        {
            *execution_percent = known.execution.percent.max(known.execution.weighed_percent());
            known.execution.take(&fact);
        }
        self.journal.append(fact).await;
    }

    /// Looks at where it stands.
    pub(super) async fn look<T>(&self, at: impl FnOnce(&Execution) -> T) -> T {
        at(&self.execution.lock().await.execution)
    }

    /// Milliseconds since it started; 0 if it has not.
    pub(super) async fn duration_ms(&self) -> u64 {
        self.look(|execution| execution.started_at.map_or(0, |at| clock::now().since(at))).await
    }

    /// Records that the server stopped: for every step without an end, and for the execution.
    pub(super) async fn interrupt(&self) {
        self.end_steps(StepFailure::Interrupted, INTERRUPTED, "interrupted").await;
        let error = ExecutionError { step: None, message: INTERRUPTED.to_owned(), exit_code: None, tail: Vec::new() };
        let duration_ms = self.duration_ms().await;
        self.record(Event::ExecutionFailed { status: ExecutionFailure::Interrupted, error, duration_ms, lines: 0 })
            .await;
    }

    /// Records the end of every step that has none.
    pub(super) async fn end_steps(&self, status: StepFailure, error: &str, reason: &str) {
        let open = self
            .look(|execution| {
                execution.steps.iter().filter(|step| !step.status.is_final()).cloned().collect::<Vec<_>>()
            })
            .await;
        for step in open {
            self.record(if step.status == StepStatus::Pending {
                Event::StepSkipped { step: step.id, reason: reason.to_owned(), lines: 0 }
            } else {
                Event::StepFailed {
                    step: step.id,
                    attempt: step.attempt,
                    status,
                    exit_code: None,
                    signal: None,
                    error: error.to_owned(),
                    tail: Vec::new(),
                    duration_ms: step.started_at.map_or(0, |at| clock::now().since(at)),
                    lines: step.lines,
                }
            })
            .await;
        }
    }
}
