//! The engine: takes orders, runs so many executions at once, and writes down what happens.
//!
//! Rooms, from the outside in: this one (what runs and what waits, kept in `state`, with `queue` for whose turn it is and `rerun` for
//! what is run again, with `kept` for what was kept of it), `run` (one execution, with `decide` for what comes
//! next and `secrets`), `step` (one attempt, with `stage` and `terminal` for what it needs, `pipe`, `transcript` and
//! `flood` for what it says, and `estimates` for what it does not say), `tether` → `wire` → `supervisor` (the process
//! that starts and ends a step's processes, with `processes` for what `/proc` knows and `crowd` for when they are too
//! many), `sweep`
//! (what an earlier life left behind), `recorder` (where facts are made).
//!
//! The engine waits for the journal only while its queue is full, never for a commit between steps, never for a reader.

mod crowd;
mod decide;
mod estimates;
mod flood;
mod kept;
mod pipe;
mod processes;
mod progress;
mod queue;
pub(in crate::server) mod recorder;
mod rerun;
mod run;
mod scripts;
mod secrets;
mod settings;
mod stage;
mod state;
mod step;
mod supervisor;
mod supervisors;
mod sweep;
mod terminal;
mod tether;
mod transcript;
mod wire;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
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
    journal::{Beside, Journal, JournalError},
};
use crate::domain::{
    event::{Event, Fact, StepFailure, Trigger},
    execution::{Execution, Status, Step},
    id::{ExecutionId, Name, Seq},
    workflow::{Concurrency, NOBODY, WhenFull, Workflow},
};

use estimates::{Pace, Pasts};
use kept::Kept;
use queue::{News, Waiting};
use recorder::Recorder;
use run::Run;
use scripts::Scripts;
use state::{Control, Running, State, tell};
use supervisors::Supervisors;
use tether::Begin;

pub(crate) use processes::signal_name;
pub use progress::NotAtWork;
pub use rerun::{RerunError, RerunFrom};
pub(in crate::server) use run::result;
pub use settings::{EngineSettings, OUTPUT_MAX, PROCESSES_MAX};
pub use supervisor::supervise;

/// Longest time that the end of all runs may take at shutdown, KILL included.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);
/// Why an execution was passed over that its workflow has no room for.
const FULL: &str = "as many of this workflow run as may";
/// Between two looks at what those that wait are to be told.
const NEWS_EVERY: Duration = Duration::from_secs(1);

/// A handle on the engine; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

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
    /// What is written down together with its first fact.
    pub beside: Beside,
}

/// What an order repeats.
struct Repeat {
    of: ExecutionId,
    /// The steps that succeeded there and need not run again, as they ended.
    good: Vec<Step>,
}

/// The execution has ended already, or there is none of that id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this execution is not running")]
pub struct NotRunning;

struct Shared {
    journal: Journal,
    settings: EngineSettings,
    /// How long steps take.
    pasts: Pasts,
    supervisors: Supervisors,
    scripts: Arc<Scripts>,
    /// Everything the engine does in the background.
    tasks: TaskTracker,
    state: Mutex<State>,
    /// How many run; what shutdown waits for.
    at_work: watch::Sender<usize>,
}

impl Engine {
    /// An engine with nothing to do.
    pub fn new(journal: Journal, settings: EngineSettings) -> Self {
        // Steps are given absolute paths; a current folder that is gone shows with the first of them.
        let data = std::path::absolute(&settings.data).unwrap_or_else(|_| settings.data.clone());
        let settings = EngineSettings { data, limit: settings.limit.max(1), ..settings };
        let (tasks, state, at_work) = (TaskTracker::new(), Mutex::default(), watch::Sender::new(0));
        let pasts = Pasts::new(journal.clone());
        let (program, work, patience) = (settings.program.clone(), work(&settings.data), settings.patience);
        let scripts = Arc::new(Scripts::new(&work));
        let supervisors = Supervisors::new(Begin { program, work, patience }, tasks.clone());
        Self(Arc::new(Shared { journal, settings, pasts, supervisors, scripts, tasks, state, at_work }))
    }

    /// Settles what an earlier life left: what ran is `interrupted` and its processes are killed, what was queued is
    /// queued again in order. What runs elsewhere runs on. Call it once, before anything else.
    ///
    /// # Errors
    /// If the journal can't be read.
    pub async fn recover(&self) -> Result<(), JournalError> {
        let unfinished = self.0.journal.unfinished().await?;
        // Those that are queued as well: one may have begun a moment before the crash, and its facts not been committed.
        let ids: Vec<ExecutionId> = unfinished.iter().map(|(execution, _)| execution.id).collect();
        let begun = unfinished.iter().filter(|(execution, _)| execution.status != Status::Queued);
        let begun: Vec<(ExecutionId, Workflow)> = begun.map(|(execution, plan)| (execution.id, plan.clone())).collect();
        let (shared, waiting) = (Arc::clone(&self.0), ids.iter().copied().collect::<HashSet<_>>());
        let swept = tokio::task::spawn_blocking(move || {
            let killed = sweep::kill_strays(&ids, Some(&shared.work()));
            begun.into_iter().for_each(|(id, plan)| shared.keep_what_crashed(id, plan));
            shared.scripts.clear();
            kept::remove_others(&shared.work(), &waiting);
            kept::keep_newest(&shared.work(), shared.settings.keep_folders, &waiting);
            killed
        });
        if let Ok(killed @ 1..) = swept.await {
            tracing::info!(killed, "the last stop left processes behind");
        }
        let ours = unfinished.into_iter().filter(|(execution, _)| execution.trigger != Trigger::External);
        for (execution, plan) in ours {
            if execution.status == Status::Queued {
                let waiting = self.0.waiting(execution, plan.into());
                self.0.state().queue.add(waiting);
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
        let begun = self.0.tasks.spawn(async move { shared.begin(ExecutionId(Uuid::now_v7()), order, None).await });
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
            if let Some(running) = state.running.get(&id) {
                return running.cancel(by);
            }
            if let Some(cancelled) = state.beginning.get_mut(&id) {
                cancelled.get_or_insert_with(|| by.clone());
                return Ok(());
            }
            state.queue.remove(id).ok_or(NotRunning)?
        };
        // On a task of its own: it must happen to the end even if nobody waits for it.
        let (shared, by) = (Arc::clone(&self.0), by.clone());
        let cancelled = self.0.tasks.spawn(async move { shared.cancel_waiting(&waiting.recorder, by).await });
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
        for running in self.0.state().running.values() {
            // One that has ended by itself meanwhile needs no telling.
            let _ = tell(&running.control, |control| control.shutdown = true);
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

impl Engine {
    /// How many executions are at work here and how many may be, and how many wait for their turn.
    pub fn load(&self) -> ([u64; 2], u64) {
        let state = self.0.state();
        ([state.running.len() as u64, self.0.settings.limit as u64], state.queue.len() as u64)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that panics is done under the lock; if it were, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the folders of executions are.
    fn work(&self) -> PathBuf {
        work(&self.settings.data)
    }

    fn folder(&self, id: ExecutionId) -> PathBuf {
        self.work().join(id.to_string())
    }

    /// Those that run, that wait, or are on their way there.
    fn unfinished(&self) -> HashSet<ExecutionId> {
        let state = self.state();
        state.running.keys().chain(state.beginning.keys()).copied().chain(state.queue.ids()).collect()
    }

    fn pace(&self) -> Pace {
        Pace { every: self.settings.estimate_every, stall_min: self.settings.stall_min }
    }

    fn waiting(&self, execution: Execution, plan: Arc<Workflow>) -> Waiting {
        Waiting {
            id: execution.id,
            owner: execution.owner.clone(),
            seq: execution.seq,
            plan,
            recorder: Arc::new(Recorder::new(self.journal.clone(), execution)),
            told: None,
        }
    }

    /// Commits it as queued, and lets it wait or begin.
    async fn begin(
        self: &Arc<Self>,
        id: ExecutionId,
        order: Order,
        repeat: Option<Repeat>,
    ) -> Result<Execution, JournalError> {
        let Order { workflow, params, owner, trigger, beside } = order;
        let steps = estimates::planned(&workflow, &*self.pasts.of(&workflow.name).await);
        let rerun_of = repeat.as_ref().map(|repeat| repeat.of);
        let event = Event::ExecutionQueued { trigger, params, steps, rerun_of };
        let fact = Fact { at: clock::now(), execution_id: id, owner, workflow: workflow.name.clone(), event };
        self.state().beginning.insert(id, None);
        let begun = self.journal.begin(fact, Arc::clone(&workflow), beside).await;
        let execution = match begun {
            Ok(execution) => execution,
            Err(error) => {
                self.state().beginning.remove(&id);
                return Err(error);
            }
        };
        let waiting = self.waiting(execution.clone(), workflow);
        for step in repeat.into_iter().flat_map(|repeat| repeat.good) {
            waiting.recorder.record(rerun::reused(step)).await;
        }
        for (cancelled, by) in self.arrive(waiting) {
            self.cancel_waiting(&cancelled.recorder, by).await;
        }
        self.begin_next();
        Ok(execution)
    }

    /// Lets an execution wait; or not, if it was cancelled meanwhile, or if its workflow is full and wants it so. Returns
    /// those that wait no longer, and by whose will.
    fn arrive(&self, waiting: Waiting) -> Vec<(Waiting, Name)> {
        let mut state = self.state();
        if let Some(by) = state.beginning.remove(&waiting.id).flatten() {
            return vec![(waiting, by)];
        }
        let Some(Concurrency { limit, when_full }) = waiting.plan.concurrency else {
            state.queue.add(waiting);
            return Vec::new();
        };
        let workflow = waiting.plan.name.clone();
        let queued = state.queue.of_workflow(&workflow);
        let mut running: Vec<(Seq, ExecutionId)> = state.of_workflow(&workflow).collect();
        let room = limit as usize;
        match when_full {
            WhenFull::Skip if running.len() + queued.len() >= room => {
                return vec![(waiting, nobody())];
            }
            WhenFull::Queue | WhenFull::Skip => {}
            WhenFull::CancelRunning => {
                running.sort_unstable();
                let excess = (running.len() + queued.len() + 1).saturating_sub(room);
                for (_, id) in running.iter().take(excess) {
                    // One that ends by itself makes room as well.
                    let _ = state.running.get(id).map(|running| running.cancel(&waiting.owner));
                }
                let by = waiting.owner.clone();
                let older = queued.iter().take(excess.saturating_sub(running.len()));
                let ended = older.filter_map(|id| Some((state.queue.remove(*id)?, by.clone()))).collect();
                state.queue.add(waiting);
                return ended;
            }
        }
        state.queue.add(waiting);
        Vec::new()
    }

    async fn cancel_waiting(&self, recorder: &Recorder, by: Name) {
        let reason = if by.as_str() == NOBODY { FULL } else { "cancelled" };
        recorder.end_steps(StepFailure::Cancelled, reason, reason).await;
        recorder.record(Event::ExecutionCancelled { by, duration_ms: 0, lines: 0 }).await;
    }

    /// Begins as many of those that wait as may run, and sees to it that the others are told where they stand.
    fn begin_next(self: &Arc<Self>) {
        let mut state = self.state();
        while !state.stopping && state.running.len() < self.settings.limit {
            let at_work = state.at_work();
            let Some(waiting) = state.queue.next(&at_work) else { break };
            let Waiting { id, owner, seq, plan, recorder, .. } = waiting;
            let control = Arc::new(watch::Sender::new(Control::default()));
            let workflow = plan.name.clone();
            let span = tracing::info_span!("execution", %id, %workflow);
            state.running.insert(id, Running { control: Arc::clone(&control), owner, workflow, seq });
            self.at_work.send_replace(state.running.len());
            let run = Run::new(Arc::clone(self), plan, id, recorder, control);
            state.desks.insert(id, run.desk());
            let shared = Arc::clone(self);
            let task = async move {
                let left = run.drive().await;
                shared.ended(id);
                // The next one need not wait for that.
                if let Some(folder) = left {
                    let _ = tokio::task::spawn_blocking(move || sweep::remove_folder(&folder)).await;
                }
            };
            self.tasks.spawn(task.instrument(span));
        }
        if !state.telling && !state.queue.is_empty() {
            state.telling = true;
            self.tasks.spawn(Arc::clone(self).tell_places());
        }
    }

    /// Tells those that wait where they stand, until none waits.
    async fn tell_places(self: Arc<Self>) {
        loop {
            let news = {
                let mut state = self.state();
                if state.queue.is_empty() || state.stopping {
                    state.telling = false;
                    return;
                }
                let at_work = state.at_work();
                state.queue.news(&at_work)
            };
            for News { recorder, reason, place } in news {
                recorder.record(Event::ExecutionWaiting { reason, place }).await;
            }
            tokio::time::sleep(NEWS_EVERY).await;
        }
    }

    fn ended(self: &Arc<Self>, id: ExecutionId) {
        let mut state = self.state();
        state.running.remove(&id);
        state.desks.remove(&id);
        self.at_work.send_replace(state.running.len());
        drop(state);
        self.begin_next();
    }

    /// Keeps the folder of an execution that a crash ended. What a step of it masked was written down when that step
    /// ended; what is lost is what the interrupted ones had masked, and these run again. Blocks.
    fn keep_what_crashed(&self, id: ExecutionId, plan: Workflow) {
        let folder = self.folder(id);
        let masks = Kept::read(&folder).map(|kept| kept.masks).unwrap_or_default();
        if let Err(error) = (Kept { plan, masks }).write(&folder) {
            tracing::warn!(%id, %error, "it can't be run again from what failed");
        }
    }
}

fn work(data: &Path) -> PathBuf {
    data.join("work")
}

/// Whose will it is when nobody said so.
fn nobody() -> Name {
    NOBODY.parse().expect("it is written as a name is")
}
