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
pub(in crate::server) struct Recorder {
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

impl Known {
    /// The fact that an event is, folded in; none after the final one.
    fn take(&mut self, event: Event) -> Option<Fact> {
        let late = matches!(event, Event::ExecutionWaiting { .. }) && self.execution.status != Status::Queued;
        if self.execution.status.is_final() || late {
            return None;
        }
        self.at = self.at.max(clock::now());
        let mut fact = Fact {
            at: self.at,
            execution_id: self.execution.id,
            owner: self.execution.owner.clone(),
            workflow: self.execution.workflow.clone(),
            event,
        };
        match &mut fact.event {
            Event::StepProgress { step, percent, .. } => {
                *percent = percent.max(self.execution.step(step).map_or(0.0, |step| step.percent));
            }
            Event::StepSkipped { step, lines, .. } => {
                *lines = self.execution.step(step).map_or(0, |step| step.lines);
            }
            Event::ExecutionCompleted { lines, .. }
            | Event::ExecutionFailed { lines, .. }
            | Event::ExecutionCancelled { lines, .. } => *lines = self.execution.lines(),
            _ => {}
        }
        self.execution.take(&fact);
        let ahead = match (&fact.event, &mut self.outlook) {
            (Event::StepProgress { .. }, Some(outlook)) => outlook.after(&fact.event, &self.execution, self.at),
            _ => None,
        };
        if let (Event::StepProgress { eta_ms, eta_range_ms, .. }, Some(ahead)) = (&mut fact.event, ahead) {
            (*eta_ms, *eta_range_ms) = (Some(ahead.likely_ms()), Some(ahead.range_ms()));
        }
        if let Event::StepProgress { execution_percent, .. } | Event::StepCompleted { execution_percent, .. } =
            &mut fact.event
        {
            *execution_percent = self.execution.percent.max(self.execution.weighed_percent());
            self.execution.take(&fact);
        }
        Some(fact)
    }
}

impl Recorder {
    pub(in crate::server) fn new(journal: Journal, execution: Execution) -> Self {
        let at = execution.started_at.unwrap_or(execution.queued_at);
        Self { journal, execution: Mutex::new(Known { execution, at, outlook: None }) }
    }

    /// From now on progress is told with how long the execution still needs.
    pub(super) async fn foresee(&self, outlook: Outlook) {
        self.execution.lock().await.outlook = Some(outlook);
    }

    /// Records what happened now. The percent of the execution and the number of its lines are filled in here; the
    /// percent of a step does not fall. Waits while the journal's queue is full, and so does whoever prints.
    pub(in crate::server) async fn record(&self, event: Event) {
        let mut known = self.execution.lock().await;
        if let Some(fact) = known.take(event) {
            self.journal.append(fact).await;
        }
    }

    /// Records what `make` says of where the execution stands: all of it in one commit or nothing, with how far the
    /// execution's reporter has been heard by it. Nothing comes between what `make` looks at and what is recorded.
    ///
    /// # Errors
    /// Those of `make`; nothing is recorded then.
    pub(in crate::server) async fn record_together<E>(
        &self,
        client_seq: Option<u64>,
        make: impl FnOnce(&Execution) -> Result<Vec<Event>, E>,
    ) -> Result<(), E> {
        let mut known = self.execution.lock().await;
        let (id, events) = (known.execution.id, make(&known.execution)?);
        let facts: Vec<Fact> = events.into_iter().filter_map(|event| known.take(event)).collect();
        if !facts.is_empty() || client_seq.is_some() {
            self.journal.append_together(id, facts, client_seq).await;
        }
        Ok(())
    }

    /// Looks at where it stands.
    pub(in crate::server) async fn look<T>(&self, at: impl FnOnce(&Execution) -> T) -> T {
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
