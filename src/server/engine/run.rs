//! One execution, from `execution.started` to its final fact.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};

mod attempts;
mod conclusion;

use attempts::Again;
pub(in crate::server) use conclusion::result;

use super::{
    Control, Shared,
    decide::{Decision, Halt, decide},
    estimates::{Outlook, StepPasts, Success},
    flood::Budget,
    kept,
    progress::Desk,
    recorder::Recorder,
    secrets::reveal,
    step::{Done, Stop},
    tether::Tether,
    transcript::SharedMasks,
};
use crate::domain::{
    event::{Event, ExecutionError, ExecutionFailure, StepFailure},
    execution::Status,
    id::{ExecutionId, StepId},
    workflow::Workflow,
};

/// Between TERM and KILL for what steps left in the background when the execution ends.
const BACKGROUND_GRACE: Duration = Duration::from_millis(500);

/// An execution at work.
pub(super) struct Run {
    shared: Arc<Shared>,
    plan: Arc<Workflow>,
    id: ExecutionId,
    recorder: Arc<Recorder>,
    control: Arc<watch::Sender<Control>>,
    /// How long its steps took before.
    pasts: Arc<StepPasts>,
    /// Taken with the first step.
    tether: Option<Arc<Tether>>,
    masks: SharedMasks,
    /// By their names; or why there are none, which every step fails with.
    secrets: Result<BTreeMap<String, String>, String>,
    /// What its steps report by.
    token: Option<String>,
    /// How much output is kept.
    budget: Arc<Budget>,
    /// Of the steps that succeeded, unmasked: what later steps are given.
    outputs: BTreeMap<StepId, BTreeMap<String, String>>,
    /// Of the steps that succeeded, in the order of their ends.
    learned: Vec<Success>,
    /// Attempts at work, as many as there are steps at most.
    working: FuturesUnordered<JoinHandle<Done>>,
    stops: HashMap<StepId, watch::Sender<Option<Stop>>>,
    /// Steps that are tried again, and when.
    again: HashMap<StepId, Again>,
    /// How many masks the kept file knows.
    masks_written: usize,
    /// Whether all is masked that the execution masked which this one goes on from. If not, no step begins, and the kept
    /// file stays as that one left it.
    masks_whole: bool,
    /// Why nothing new begins, but `if: always`.
    halt: Option<Halt>,
    /// Whether the halt took something away: a step that was stopped, or passed over.
    halted: bool,
    /// Not even `if: always` begins.
    last: bool,
    /// When the execution has taken longer than it may.
    deadline: Option<Instant>,
    /// When the steps that run in any case have taken longer than they may.
    cleanup_deadline: Option<Instant>,
    /// Of the first step that failed and counts.
    error: Option<ExecutionError>,
}

impl Run {
    pub(super) fn new(
        shared: Arc<Shared>,
        plan: Arc<Workflow>,
        id: ExecutionId,
        recorder: Arc<Recorder>,
        control: Arc<watch::Sender<Control>>,
    ) -> Self {
        let budget = Budget::new(shared.settings.output_max);
        let token = shared.settings.report_tokens.as_ref().map(|tokens| tokens.token(id));
        Self {
            id,
            recorder,
            shared,
            plan,
            control,
            pasts: Arc::default(),
            tether: None,
            masks: SharedMasks::default(),
            secrets: Ok(BTreeMap::new()),
            token,
            budget,
            outputs: BTreeMap::new(),
            learned: Vec::new(),
            working: FuturesUnordered::new(),
            stops: HashMap::new(),
            again: HashMap::new(),
            masks_written: 0,
            masks_whole: true,
            halt: None,
            halted: false,
            last: false,
            deadline: None,
            cleanup_deadline: None,
            error: None,
        }
    }

    /// Where its steps' reports go.
    pub(super) fn desk(&self) -> Desk {
        Desk::new(Arc::clone(&self.recorder), Arc::clone(&self.masks), Arc::clone(&self.control))
    }

    /// Runs it to its final fact, whatever happens. Returns its folder if nothing in it is needed any more.
    pub(super) async fn drive(mut self) -> Option<PathBuf> {
        let (shared, recorder) = (Arc::clone(&self.shared), Arc::clone(&self.recorder));
        let (id, folder, plan) = (self.id, self.folder(), Arc::clone(&self.plan));
        let learned = AssertUnwindSafe(self.work()).catch_unwind().await;
        if learned.is_err() {
            tracing::error!("the execution ended by an error of the server");
            // Nothing of it goes on: neither who reads what its steps print, nor the steps.
            self.working.iter().for_each(JoinHandle::abort);
            while self.working.next().await.is_some() {}
            if let Some(tether) = self.tether.take() {
                shared.supervisors.give_back(tether, Duration::ZERO).await;
            }
            let message = "an error of the server ended it";
            recorder.end_steps(StepFailure::Failed, message, message).await;
            self.keep().await;
            let error = ExecutionError { step: None, message: message.to_owned(), exit_code: None, tail: Vec::new() };
            let duration_ms = recorder.duration_ms().await;
            recorder
                .record(Event::ExecutionFailed { status: ExecutionFailure::Failed, error, duration_ms, lines: 0 })
                .await;
        }
        // Its last fact is handed over.
        match learned {
            Ok(learned) => shared.pasts.learn(&plan.name, learned),
            Err(_) => shared.pasts.forget(&plan.name),
        }
        if recorder.look(|execution| execution.status == Status::Succeeded).await {
            // Only what is left of it in the log matters now.
            return Some(folder);
        }
        let trimmed = spawn_blocking(move || {
            let mut spared = shared.unfinished();
            spared.remove(&id);
            kept::keep_newest(&shared.work(), shared.settings.keep_folders, &spared);
        });
        let _ = trimmed.await;
        None
    }

    /// Runs it to its end. Returns how long its steps took that succeeded.
    async fn work(&mut self) -> Vec<Success> {
        self.pasts = self.shared.pasts.of(&self.plan.name).await;
        self.recorder.foresee(Outlook::new(&self.plan, &self.pasts)).await;
        self.recorder.record(Event::ExecutionStarted {}).await;
        self.mask_first().await;
        self.take_over().await;
        self.deadline = self.plan.timeout.map(|timeout| Instant::now() + timeout);
        let mut control = self.control.subscribe();
        // What was said before this life began counts as well.
        control.mark_changed();
        loop {
            if self.halt.is_some() {
                self.give_up_again().await;
            }
            self.settle().await;
            if self.working.is_empty() && self.again.is_empty() {
                break;
            }
            let next_again = self.next_again();
            tokio::select! {
                Some(done) = self.working.next() => self.ended(done).await,
                // The sender lives in `self`: there is always one.
                Ok(()) = control.changed() => {
                    let wanted = control.borrow_and_update().clone();
                    self.react(&wanted);
                }
                () = at(next_again) => self.try_again().await,
                () = at(self.deadline) => {
                    self.deadline = None;
                    self.halt(Halt::TimedOut);
                }
                () = at(self.cleanup_deadline) => {
                    self.cleanup_deadline = None;
                    self.finish_off();
                }
            }
        }
        if let Some(tether) = self.tether.take() {
            let hurry = self.halt == Some(Halt::Interrupted);
            let grace = if hurry { Duration::ZERO } else { BACKGROUND_GRACE };
            self.shared.supervisors.give_back(tether, grace).await;
        }
        self.conclude().await;
        std::mem::take(&mut self.learned)
    }

    /// Has the secrets and the token ready, and masked, before the first step begins.
    async fn mask_first(&mut self) {
        if !self.plan.secrets.is_empty() {
            let (plan, masks) = (Arc::clone(&self.plan), Arc::clone(&self.masks));
            let store = self.shared.settings.secrets.clone();
            let revealed = spawn_blocking(move || reveal(&plan.secrets, &store, &masks)).await;
            self.secrets = revealed.unwrap_or_else(|_| Err("the secrets could not be read".to_owned()));
        }
        if let Some(token) = &self.token {
            if self.masks.lock().unwrap_or_else(PoisonError::into_inner).add(token) {
                // It need not be written down.
                self.masks_written = 1;
            } else {
                self.secrets =
                    Err("the secrets have too many lines: the token of its steps can't be masked".to_owned());
            }
        }
    }

    /// Begins and passes over steps until there is none left to decide over now.
    async fn settle(&mut self) {
        loop {
            let (plan, halt, last) = (&self.plan, self.halt, self.last);
            let decisions = self.recorder.look(|execution| decide(plan, execution, halt, last)).await;
            if decisions.is_empty() {
                return;
            }
            for decision in decisions {
                match decision {
                    Decision::Run(id) => self.begin(&id).await,
                    Decision::Skip(step, reason) => {
                        self.halted |= halt.is_some_and(|halt| halt.reason() == reason);
                        self.recorder.record(Event::StepSkipped { step, reason, lines: 0 }).await;
                    }
                }
            }
        }
    }

    fn folder(&self) -> PathBuf {
        self.shared.folder(self.id)
    }

    fn react(&mut self, wanted: &Control) {
        if wanted.shutdown {
            self.halt.get_or_insert(Halt::Interrupted);
            self.last = true;
            self.stop_all(StepFailure::Interrupted, Duration::ZERO);
        } else if wanted.cancels > 0 && self.halt.is_none() {
            self.halt(Halt::Cancelled);
        }
        // The first cancel of an execution that has timed out already is for the steps that run in any case.
        let patience = if self.halt == Some(Halt::Cancelled) { 1 } else { 0 };
        if wanted.cancels > patience {
            self.finish_off();
        }
    }

    fn halt(&mut self, why: Halt) {
        self.deadline = None;
        if self.halt.is_none() {
            self.halt = Some(why);
            self.stop_all(self.why_stopped(), self.shared.settings.grace);
        }
    }

    /// Ends the steps that run in any case, too.
    fn finish_off(&mut self) {
        if !self.last {
            self.last = true;
            self.stop_all(self.why_stopped(), self.shared.settings.grace);
        }
    }

    fn why_stopped(&self) -> StepFailure {
        match self.halt {
            Some(Halt::TimedOut) => StepFailure::TimedOut,
            Some(Halt::Interrupted) => StepFailure::Interrupted,
            Some(Halt::Cancelled) | None => StepFailure::Cancelled,
        }
    }

    fn stop_all(&self, why: StepFailure, grace: Duration) {
        for stop in self.stops.values() {
            stop.send_replace(Some(Stop { why, grace }));
        }
    }
}

/// At that time; never, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
