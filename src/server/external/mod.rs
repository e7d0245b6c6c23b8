//! Work that runs elsewhere: somebody begins it, gets a token, and reports by it what becomes facts here.
//!
//! `reading` knows a report's lines, `facts` what they come to, this room who is heard and in which order, `silence`
//! what happens when nobody is. The facts go the way of all facts, through a [`Recorder`]; beside them the journal keeps
//! how far the reporter was heard, in the same commit.

mod facts;
mod reading;
mod report;
mod silence;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::facts::{Circumstances, End, ended, sure};
use super::{
    clock,
    engine::{Engine, NotRunning, recorder::Recorder},
    journal::{Beside, External, Idempotent, Journal, JournalError},
};
use crate::domain::{
    event::{Event, Fact, Trigger},
    execution::{Execution, Status},
    id::{ExecutionId, Name},
    workflow::Workflow,
};

pub use self::{
    reading::Wrong,
    report::{Heard, REPORT_LINES_MAX, Refused},
};

/// Most executions that run elsewhere at once, and most of one user.
const OPEN_MAX: usize = 10_000;
const OPEN_OF_ONE_USER: usize = 1_000;
/// Of an execution that nothing is known of but that it runs: as if nothing had been agreed.
pub const INTERRUPT_AFTER: Duration = Duration::from_secs(15 * 60);

/// What the keeper of work elsewhere was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalSettings {
    /// After how much silence a reporter is out of touch.
    pub out_of_touch_after: Duration,
    /// The least silence that may be agreed to interrupt for good.
    pub interrupt_after_least: Duration,
    /// Between a reporter being told that its work is cancelled and that being written down.
    pub grace: Duration,
}

impl Default for ExternalSettings {
    fn default() -> Self {
        Self {
            out_of_touch_after: Duration::from_secs(30),
            interrupt_after_least: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}

/// What is to run elsewhere.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Its name, and its steps.
    pub plan: Arc<Workflow>,
    /// What it was begun with.
    pub params: Map<String, Value>,
    /// Whose it is.
    pub owner: Name,
    /// After how much silence it is interrupted for good.
    pub interrupt_after: Duration,
    /// The request's key, if it had one.
    pub idempotent: Option<Idempotent>,
}

/// Why nothing more can begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The bound on what runs elsewhere.
    #[error("as much work runs elsewhere already as can be followed at once; try again when some has ended")]
    Full,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The keeper of work elsewhere; cheap to clone.
#[derive(Clone)]
pub struct ExternalWork(Arc<Shared>);

struct Shared {
    journal: Journal,
    engine: Engine,
    settings: ExternalSettings,
    tasks: TaskTracker,
    /// What has not ended: at most [`OPEN_MAX`].
    open: Mutex<HashMap<ExecutionId, Arc<Reporter>>>,
}

/// An execution that runs elsewhere, as far as its reporter has told.
struct Reporter {
    id: ExecutionId,
    owner: Name,
    recorder: Recorder,
    interrupt_after: Duration,
    /// Held while it is heard, so that two reports at once do not mix.
    state: tokio::sync::Mutex<State>,
}

struct State {
    /// Its last line that is taken.
    client_seq: u64,
    /// When it said anything last, in this life of the server.
    heard_at: Instant,
    out_of_touch: bool,
    cancel: Option<Cancel>,
}

/// Somebody wants it stopped.
struct Cancel {
    by: Name,
    /// When its reporter was told.
    told_at: Option<Instant>,
}

impl ExternalWork {
    /// Takes up what an earlier life of the server left running, and watches over all of it from now on: a reporter's
    /// silence counts from here.
    ///
    /// # Errors
    /// If the journal can't be read.
    pub async fn open(
        journal: Journal,
        engine: Engine,
        settings: ExternalSettings,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, JournalError> {
        let tasks = tasks.clone();
        let work = Self(Arc::new(Shared { journal, engine, settings, tasks, open: Mutex::default() }));
        work.recover().await?;
        work.0.tasks.spawn(silence::watch(Arc::clone(&work.0), stop));
        Ok(work)
    }

    async fn recover(&self) -> Result<(), JournalError> {
        let unfinished = self.0.journal.unfinished().await?;
        for (execution, _) in unfinished.into_iter().filter(|(execution, _)| execution.trigger == Trigger::External) {
            let agreed = self.0.journal.external(execution.id).await?;
            let agreed =
                agreed.unwrap_or(External { interrupt_after: INTERRUPT_AFTER, client_seq: 0, cancelled_by: None });
            self.0.take_up(execution, agreed).await;
        }
        Ok(())
    }

    /// What may be agreed at least.
    pub fn settings(&self) -> ExternalSettings {
        self.0.settings
    }

    /// Begins an execution: it runs at once, elsewhere. Once called it happens, even if nobody waits for the answer.
    ///
    /// # Errors
    /// If too many run, or the journal is closed.
    pub async fn begin(&self, what: Elsewhere) -> Result<Execution, BeginError> {
        let shared = Arc::clone(&self.0);
        let begun = self.0.tasks.spawn(async move { shared.begin(what).await });
        begun.await.unwrap_or(Err(BeginError::Journal(JournalError::Closed)))
    }

    /// Asks that an execution be stopped: its reporter is told, and if it does not end it in time, that is written
    /// down. So it is at once if the reporter is out of touch, or with the second time of asking.
    ///
    /// # Errors
    /// If it does not run elsewhere (any more).
    pub async fn cancel(&self, id: ExecutionId, by: &Name) -> Result<(), NotRunning> {
        let reporter = self.0.reporter(id).ok_or(NotRunning)?;
        let (shared, by) = (Arc::clone(&self.0), by.clone());
        let told = self.0.tasks.spawn(async move { shared.cancel(&reporter, by).await });
        told.await.unwrap_or(Err(NotRunning))
    }

    /// Whether an execution runs elsewhere.
    pub fn has(&self, id: ExecutionId) -> bool {
        self.0.reporter(id).is_some()
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<ExecutionId, Arc<Reporter>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reporter(&self, id: ExecutionId) -> Option<Arc<Reporter>> {
        self.open().get(&id).cloned()
    }

    async fn begin(&self, what: Elsewhere) -> Result<Execution, BeginError> {
        let Elsewhere { plan, params, owner, interrupt_after, idempotent } = what;
        if self.is_full(&owner) {
            return Err(BeginError::Full);
        }
        let event =
            Event::ExecutionQueued { trigger: Trigger::External, params, steps: plan.planned(), rerun_of: None };
        let (id, workflow) = (ExecutionId(Uuid::now_v7()), plan.name.clone());
        let fact = Fact { at: clock::now(), execution_id: id, owner, workflow, event };
        let beside = Beside { idempotent, interrupt_after: Some(interrupt_after), ..Beside::default() };
        let execution = self.journal.begin(fact, plan, beside).await?;
        let agreed = External { interrupt_after, client_seq: 0, cancelled_by: None };
        let reporter = self.take_up(execution, agreed).await;
        self.journal.flush().await?;
        Ok(reporter.recorder.look(Execution::clone).await)
    }

    fn is_full(&self, owner: &Name) -> bool {
        let open = self.open();
        open.len() >= OPEN_MAX || open.values().filter(|open| open.owner == *owner).count() >= OPEN_OF_ONE_USER
    }

    /// Follows an execution from here on; one that has not started starts.
    async fn take_up(&self, execution: Execution, agreed: External) -> Arc<Reporter> {
        let External { interrupt_after, client_seq, cancelled_by } = agreed;
        let state = State {
            client_seq,
            heard_at: Instant::now(),
            out_of_touch: execution.out_of_touch_at.is_some(),
            cancel: cancelled_by.map(|by| Cancel { by, told_at: None }),
        };
        let (id, owner, queued) = (execution.id, execution.owner.clone(), execution.status == Status::Queued);
        let recorder = Recorder::new(self.journal.clone(), execution);
        let reporter = Reporter { id, owner, recorder, interrupt_after, state: tokio::sync::Mutex::new(state) };
        if queued {
            reporter.recorder.record(Event::ExecutionStarted {}).await;
        }
        let reporter = Arc::new(reporter);
        self.open().insert(id, Arc::clone(&reporter));
        reporter
    }

    async fn cancel(&self, reporter: &Reporter, by: Name) -> Result<(), NotRunning> {
        let mut state = reporter.state.lock().await;
        if reporter.has_ended().await {
            return Err(NotRunning);
        }
        match &state.cancel {
            None if !state.out_of_touch => {
                self.journal.note_cancel(reporter.id, by.clone()).await;
                state.cancel = Some(Cancel { by, told_at: None });
            }
            None => self.end(reporter, End::Cancelled, by).await,
            Some(first) => {
                let by = first.by.clone();
                self.end(reporter, End::Cancelled, by).await;
            }
        }
        Ok(())
    }

    /// Writes down how an execution ended whose reporter did not say so.
    async fn end(&self, reporter: &Reporter, end: End, by: Name) {
        let about = Circumstances { now: clock::now(), by, tail: self.last_lines(reporter).await };
        let recorded = reporter.recorder.record_together(None, |execution| sure(ended(execution, end, &about))).await;
        match recorded {
            Ok(()) => self.forget(reporter.id),
            Err(never) => match never {},
        }
    }

    fn forget(&self, id: ExecutionId) {
        self.open().remove(&id);
    }
}

impl Reporter {
    async fn has_ended(&self) -> bool {
        self.recorder.look(|execution| execution.status.is_final()).await
    }
}
