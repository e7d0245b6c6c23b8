//! The engine: takes orders, runs so many executions at once, and writes down what happens.
//!
//! Rooms, from the outside in: this one (the queue and its bound), `run` (one execution, with `decide` for what comes
//! next), `step` (one attempt, with `stage` for what it needs and `transcript` for what it says), `tether` → `wire` →
//! `supervisor` (the process that starts and ends a step's processes, with `processes` for what `/proc` knows), `sweep`
//! (what an earlier life left behind), `recorder` (where facts are made).
//!
//! The engine waits for the journal only while its queue is full, never for a commit between steps, never for a reader.

mod decide;
mod processes;
mod recorder;
mod run;
mod stage;
mod step;
mod supervisor;
mod sweep;
mod tether;
mod transcript;
mod wire;

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    clock,
    journal::{Idempotent, Journal, JournalError},
};
use crate::domain::{
    event::{Event, Fact, StepFailure, Trigger},
    execution::{Execution, Status},
    id::{ExecutionId, Name},
    workflow::Workflow,
};

use recorder::Recorder;
use run::Run;

pub use supervisor::supervise;

/// Longest time that the end of all runs may take at shutdown, KILL included.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// A handle on the engine; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

/// What the engine was told.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The data folder; executions work under `work` in it.
    pub data: PathBuf,
    /// The server's address, for `RUNCAST_URL`.
    pub url: Option<String>,
    /// How many executions run at once, at least 1; the rest wait in order.
    pub limit: usize,
    /// Between TERM and KILL when a step is stopped.
    pub grace: Duration,
    /// How long steps with `if: always` may run, together, after the execution was cancelled or timed out.
    pub cleanup: Duration,
    /// The program whose `supervise` starts the steps: this one.
    pub program: PathBuf,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            data: "data".into(),
            url: None,
            limit: 2,
            grace: Duration::from_secs(10),
            cleanup: Duration::from_secs(300),
            // Good even after the file on disk was replaced by a newer one.
            program: "/proc/self/exe".into(),
        }
    }
}

/// What is to be run, for whom.
#[derive(Clone, Debug)]
pub struct Order {
    /// What.
    pub workflow: Arc<Workflow>,
    /// Its parameters, all of them, as [`Workflow::bind`] gave them.
    pub params: Map<String, Value>,
    /// For whom.
    pub owner: Name,
    /// What asked for it.
    pub trigger: Trigger,
    /// The request's key, if it had one.
    pub idempotent: Option<Idempotent>,
}

/// The execution has ended already, or there is none of that id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this execution is not running")]
pub struct NotRunning;

struct Shared {
    journal: Journal,
    settings: EngineSettings,
    /// Everything the engine does in the background.
    tasks: TaskTracker,
    state: Mutex<State>,
    /// How many run; what shutdown waits for.
    at_work: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    /// Orders on their way into the journal, each with who cancelled it meanwhile. As many as requests at work.
    beginning: HashMap<ExecutionId, Option<Name>>,
    /// In the order of their first fact. As many as the journal holds as queued: each was accepted and committed.
    queue: VecDeque<Waiting>,
    /// At most `limit`.
    running: HashMap<ExecutionId, Arc<watch::Sender<Control>>>,
    /// Nothing begins any more.
    stopping: bool,
}

struct Waiting {
    execution: Execution,
    plan: Arc<Workflow>,
}

/// What others want of a run.
#[derive(Clone, Debug, Default)]
struct Control {
    /// How often it was cancelled, and by whom first.
    cancels: u32,
    by: Option<Name>,
    /// The server stops.
    shutdown: bool,
    /// It is past the point where any of this counts.
    closed: bool,
}

impl Engine {
    /// An engine with nothing to do.
    pub fn new(journal: Journal, settings: EngineSettings) -> Self {
        // Steps are given absolute paths; a current folder that is gone shows with the first of them.
        let data = std::path::absolute(&settings.data).unwrap_or_else(|_| settings.data.clone());
        let settings = EngineSettings { data, limit: settings.limit.max(1), ..settings };
        let (tasks, state, at_work) = (TaskTracker::new(), Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Shared { journal, settings, tasks, state, at_work }))
    }

    /// Settles what an earlier life left: what ran is `interrupted` and its processes are killed, what was queued is
    /// queued again in order. Call it once, before anything else.
    ///
    /// # Errors
    /// If the journal can't be read.
    pub async fn recover(&self) -> Result<(), JournalError> {
        let unfinished = self.0.journal.unfinished().await?;
        // Those that are queued as well: one may have begun a moment before the crash, and its facts not been committed.
        let ids: Vec<ExecutionId> = unfinished.iter().map(|(execution, _)| execution.id).collect();
        let work = self.0.work();
        let swept = tokio::task::spawn_blocking(move || {
            let killed = sweep::kill_strays(&ids);
            sweep::remove_folders(&work);
            killed
        });
        if let Ok(killed @ 1..) = swept.await {
            tracing::info!(killed, "the last stop left processes behind");
        }
        for (execution, plan) in unfinished {
            if execution.status == Status::Queued {
                self.0.state().queue.push_back(Waiting { execution, plan: plan.into() });
            } else {
                Recorder::new(self.0.journal.clone(), execution).interrupt().await;
            }
        }
        self.0.journal.flush().await?;
        Shared::begin_next(&self.0);
        Ok(())
    }

    /// Takes an order: the execution is committed as `queued`, and begins when its turn comes. Once called it happens,
    /// even if nobody waits for the answer.
    ///
    /// # Errors
    /// If the journal is closed.
    pub async fn start(&self, order: Order) -> Result<Execution, JournalError> {
        let shared = Arc::clone(&self.0);
        let begun = self.0.tasks.spawn(async move { shared.begin(order).await });
        begun.await.unwrap_or(Err(JournalError::Closed))
    }

    /// Stops an execution. One that waits is cancelled at once; one that runs is told, and ends when its processes
    /// have. Told twice, it does not even wait for the steps that run in any case.
    ///
    /// # Errors
    /// If it is not running (any more).
    pub async fn cancel(&self, id: ExecutionId, by: &Name) -> Result<(), NotRunning> {
        let waiting = {
            let mut state = self.0.state();
            if let Some(control) = state.running.get(&id) {
                return tell(control, |control| {
                    control.cancels = control.cancels.saturating_add(1);
                    control.by.get_or_insert_with(|| by.clone());
                });
            }
            if let Some(cancelled) = state.beginning.get_mut(&id) {
                cancelled.get_or_insert_with(|| by.clone());
                return Ok(());
            }
            let place = state.queue.iter().position(|waiting| waiting.execution.id == id).ok_or(NotRunning)?;
            state.queue.remove(place).ok_or(NotRunning)?
        };
        // On a task of its own: it must happen to the end even if nobody waits for it.
        let (shared, by) = (Arc::clone(&self.0), by.clone());
        let cancelled = self.0.tasks.spawn(async move { shared.cancel_waiting(waiting.execution, by).await });
        cancelled.await.map_err(|_| NotRunning)
    }

    /// Begins nothing more, waits for what runs as long as `drain` says, then kills what is left and records it as
    /// `interrupted`. Returns when all that is committed.
    pub async fn shutdown(&self, drain: Duration) {
        self.0.state().stopping = true;
        let mut at_work = self.0.at_work.subscribe();
        if !drain.is_zero() {
            // What is left after that time is stopped.
            let _ = tokio::time::timeout(drain, at_work.wait_for(|count| *count == 0)).await;
        }
        for control in self.0.state().running.values() {
            // One that has ended by itself meanwhile needs no telling.
            let _ = tell(control, |control| control.shutdown = true);
        }
        if tokio::time::timeout(SHUTDOWN_MAX, at_work.wait_for(|count| *count == 0)).await.is_err() {
            tracing::warn!("some executions could not be ended; the next start records them as interrupted");
        }
        // One that can't be written is not waited for; it says so when it is closed.
        let committed = tokio::select! {
            committed = self.0.journal.flush() => committed,
            _ = self.0.journal.stuck() => Ok(()),
        };
        if let Err(error) = committed {
            tracing::error!(%error, "the last facts were not committed");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that panics is done under the lock; if it were, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the folders of executions are.
    fn work(&self) -> PathBuf {
        self.settings.data.join("work")
    }

    async fn begin(self: &Arc<Self>, order: Order) -> Result<Execution, JournalError> {
        let Order { workflow, params, owner, trigger, idempotent } = order;
        let id = ExecutionId(Uuid::now_v7());
        let steps = workflow.planned();
        let event = Event::ExecutionQueued { trigger, params, steps, rerun_of: None };
        let fact = Fact { at: clock::now(), execution_id: id, owner, workflow: workflow.name.clone(), event };
        self.state().beginning.insert(id, None);
        let begun = self.journal.begin(fact, Arc::clone(&workflow), idempotent).await;
        let cancelled_by = self.queue(id, begun.as_ref().ok().map(|execution| (execution.clone(), workflow)));
        let execution = begun?;
        if let Some(by) = cancelled_by {
            self.cancel_waiting(execution.clone(), by).await;
        } else {
            self.begin_next();
        }
        Ok(execution)
    }

    /// Moves an execution from those on their way to those that wait. If it was cancelled meanwhile, it does not wait:
    /// returns by whom.
    fn queue(&self, id: ExecutionId, begun: Option<(Execution, Arc<Workflow>)>) -> Option<Name> {
        let mut state = self.state();
        let cancelled_by = state.beginning.remove(&id).flatten();
        let (execution, plan) = begun?;
        if cancelled_by.is_none() {
            let place = state.queue.partition_point(|waiting| waiting.execution.seq < execution.seq);
            state.queue.insert(place, Waiting { execution, plan });
        }
        cancelled_by
    }

    async fn cancel_waiting(&self, execution: Execution, by: Name) {
        let recorder = Recorder::new(self.journal.clone(), execution);
        recorder.end_steps(StepFailure::Cancelled, "cancelled", "cancelled").await;
        recorder.record(Event::ExecutionCancelled { by, duration_ms: 0, lines: 0 }).await;
    }

    /// Begins as many of those that wait as may run.
    fn begin_next(self: &Arc<Self>) {
        let mut state = self.state();
        while !state.stopping && state.running.len() < self.settings.limit {
            let Some(Waiting { execution, plan }) = state.queue.pop_front() else { break };
            let (id, control) = (execution.id, Arc::new(watch::Sender::new(Control::default())));
            state.running.insert(id, Arc::clone(&control));
            self.at_work.send_replace(state.running.len());
            let span = tracing::info_span!("execution", %id, workflow = %plan.name);
            let run = Run::new(Arc::clone(self), plan, execution, control);
            let shared = Arc::clone(self);
            let task = async move {
                run.drive().await;
                shared.ended(id);
            };
            self.tasks.spawn(task.instrument(span));
        }
    }

    fn ended(self: &Arc<Self>, id: ExecutionId) {
        let mut state = self.state();
        state.running.remove(&id);
        self.at_work.send_replace(state.running.len());
        drop(state);
        self.begin_next();
    }
}

/// Tells a run what is wanted of it, unless it is past listening.
fn tell(control: &watch::Sender<Control>, what: impl FnOnce(&mut Control)) -> Result<(), NotRunning> {
    let told = control.send_if_modified(|control| {
        if !control.closed {
            what(control);
        }
        !control.closed
    });
    if told { Ok(()) } else { Err(NotRunning) }
}
