//! One execution, from `execution.started` to its final fact.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};
use tracing::Instrument as _;

use super::{
    Control, Shared,
    decide::{Decision, Halt, ancestors, decide},
    estimates::{Outlook, Pulse, StepPasts},
    flood::{Budget, Flood},
    kept::{self, Kept},
    progress::Desk,
    recorder::{INTERRUPTED, Recorder},
    secrets::reveal,
    stage::{self, Props, environment},
    step::{Done, Failure, Step, Stop, duration, masked, stop_error},
    sweep,
    tether::Tether,
    transcript::{SharedMasks, Transcript},
};
use crate::{
    domain::{
        estimate::Usual,
        event::{Event, ExecutionError, ExecutionFailure, StepFailure},
        execution::{Execution, Status, StepStatus},
        id::{ExecutionId, StepId},
        time::Timestamp,
        workflow::{StepPlan, Workflow},
    },
    server::clock,
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
    /// Started with the first step.
    tether: Option<Arc<Tether>>,
    masks: SharedMasks,
    /// By their names; or why there are none, which every step fails with.
    secrets: Result<BTreeMap<String, String>, String>,
    /// What is masked for them.
    of_secrets: Arc<OnceLock<Vec<String>>>,
    /// How much output is kept.
    budget: Arc<Budget>,
    /// Of the steps that succeeded, unmasked: what later steps are given.
    outputs: BTreeMap<StepId, BTreeMap<String, String>>,
    /// Attempts at work, as many as there are steps at most.
    working: FuturesUnordered<JoinHandle<Done>>,
    stops: HashMap<StepId, watch::Sender<Option<Stop>>>,
    /// Steps that are tried again, and when.
    again: HashMap<StepId, Again>,
    /// How many masks the kept file knows.
    masks_written: usize,
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

/// An attempt that failed and is followed by another one.
struct Again {
    at: Instant,
    /// How it ended; of its execution ends before the next one begins, this is the step's end.
    ended: Ending,
}

/// How an attempt ended that did not succeed.
struct Ending {
    attempt: u32,
    failure: Failure,
    took: Duration,
    /// How many log lines the step has.
    lines: u64,
    tail: Vec<String>,
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
            of_secrets: Arc::default(),
            budget,
            outputs: BTreeMap::new(),
            working: FuturesUnordered::new(),
            stops: HashMap::new(),
            again: HashMap::new(),
            masks_written: 0,
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

    /// Runs it to its final fact, whatever happens.
    pub(super) async fn drive(mut self) {
        let (shared, recorder) = (Arc::clone(&self.shared), Arc::clone(&self.recorder));
        let (folder, plan, masks) = (self.folder(), Arc::clone(&self.plan), Arc::clone(&self.masks));
        let of_secrets = Arc::clone(&self.of_secrets);
        if AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            tracing::error!("the execution ended by an error of the server");
            drop(self);
            let message = "an error of the server ended it";
            recorder.end_steps(StepFailure::Failed, message, message).await;
            let error = ExecutionError { step: None, message: message.to_owned(), exit_code: None, tail: Vec::new() };
            let duration_ms = recorder.duration_ms().await;
            recorder
                .record(Event::ExecutionFailed { status: ExecutionFailure::Failed, error, duration_ms, lines: 0 })
                .await;
        }
        shared.pasts.forget(&plan.name);
        let succeeded = recorder.look(|execution| execution.status == Status::Succeeded).await;
        let _ = spawn_blocking(move || {
            if succeeded {
                // Only what is left of it in the log matters now.
                sweep::remove_folder(&folder);
            } else {
                keep(&folder, &plan, &masks, &of_secrets);
                kept::keep_newest(&shared.work(), shared.settings.keep_folders);
            }
        })
        .await;
    }

    async fn work(&mut self) {
        self.pasts = self.shared.pasts.of(&self.plan.name).await;
        self.recorder.foresee(Outlook::new(&self.plan, &self.pasts)).await;
        self.recorder.record(Event::ExecutionStarted {}).await;
        self.reveal_secrets().await;
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
            tether.finish(if hurry { Duration::ZERO } else { BACKGROUND_GRACE }).await;
        }
        self.conclude().await;
    }

    /// Has the secrets ready, and masked, before the first step begins.
    async fn reveal_secrets(&mut self) {
        if self.plan.secrets.is_empty() {
            return;
        }
        let (plan, masks) = (Arc::clone(&self.plan), Arc::clone(&self.masks));
        let store = self.shared.settings.secrets.clone();
        let revealed = spawn_blocking(move || reveal(&plan.secrets, &store, &masks)).await;
        self.secrets = revealed.unwrap_or_else(|_| Err("the secrets could not be read".to_owned()));
        let masked = self.masks.lock().unwrap_or_else(PoisonError::into_inner).values().to_vec();
        // They are read once for each run.
        let _ = self.of_secrets.set(masked);
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

    /// What an earlier execution did, of which this one repeats what failed.
    async fn take_over(&mut self) {
        let reused = |execution: &Execution| {
            let steps = execution.steps.iter().filter(|step| step.reused);
            steps.map(|step| (step.id.clone(), step.attempt)).collect::<Vec<_>>()
        };
        let (reused, folder) = (self.recorder.look(reused).await, self.folder());
        if reused.is_empty() {
            return;
        }
        let read = spawn_blocking(move || {
            let masks = Kept::read(&folder).map(|kept| kept.masks).unwrap_or_default();
            let of = |(id, attempt): (StepId, u32)| {
                let outputs =
                    stage::read_outputs(&stage::output_file(&folder, &id, attempt), |text| text).unwrap_or_default();
                (id, outputs)
            };
            (masks, reused.into_iter().map(of).collect::<Vec<_>>())
        });
        if let Ok((masks, outputs)) = read.await {
            let mut known = self.masks.lock().unwrap_or_else(PoisonError::into_inner);
            for value in &masks {
                known.add(value);
            }
            self.outputs.extend(outputs);
        }
    }

    async fn begin(&mut self, id: &StepId) {
        let Some(step) = self.plan.steps.iter().find(|step| step.id == *id).cloned() else { return };
        let so_far = |execution: &Execution| execution.step(id).map_or((1, 0), |step| (step.attempt + 1, step.lines));
        let (attempt, lines) = self.recorder.look(so_far).await;
        let past = self.pasts.get(id).cloned().unwrap_or_default();
        let usual = past.usual();
        let (estimate_ms, usual_ms) = (usual.map(Usual::median_ms), usual.map(Usual::band_ms));
        self.recorder.record(Event::StepStarted { step: id.clone(), attempt, estimate_ms, usual_ms }).await;
        if self.halt.is_some() {
            self.cleanup_deadline.get_or_insert_with(|| Instant::now() + self.shared.settings.cleanup);
        }
        let tether = match self.ready() {
            Ok(tether) => tether,
            Err(error) => {
                let (failure, took, tail) = (Failure::plain(error), Duration::ZERO, Vec::new());
                return self.failed(id, Ending { attempt, failure, took, lines, tail }).await;
            }
        };
        let (stop, asked) = watch::channel(None);
        self.stops.insert(id.clone(), stop);
        let flood = Flood::new(Arc::clone(&self.budget));
        let pulse = Pulse::new(&past, self.shared.pace(), Instant::now());
        let (recorder, masks) = (Arc::clone(&self.recorder), Arc::clone(&self.masks));
        let transcript = Transcript::new(recorder, masks, flood, id.clone(), attempt, lines, pulse);
        let work = Step {
            props: self.props(step, attempt).await,
            tether,
            transcript,
            masks: Arc::clone(&self.masks),
            stop: asked,
            grace: self.shared.settings.grace,
            tasks: self.shared.tasks.clone(),
        };
        let span = tracing::info_span!("step", step = %id);
        self.working.push(self.shared.tasks.spawn(work.run().instrument(span)));
    }

    /// What every step needs: the secrets, and a supervisor.
    fn ready(&mut self) -> Result<Arc<Tether>, String> {
        self.secrets.as_ref().map_err(String::clone)?;
        self.tether().map_err(|error| format!("the process that supervises steps could not be started: {error}"))
    }

    /// The supervisor, started if there is none yet.
    fn tether(&mut self) -> std::io::Result<Arc<Tether>> {
        if let Some(tether) = &self.tether {
            return Ok(Arc::clone(tether));
        }
        let settings = &self.shared.settings;
        let tether = Arc::new(Tether::begin(&settings.program, self.id, settings.patience, &self.shared.tasks)?);
        self.tether = Some(Arc::clone(&tether));
        Ok(tether)
    }

    async fn props(&self, step: StepPlan, attempt: u32) -> Props {
        let above = ancestors(&self.plan, &step);
        let outputs = self.outputs.iter().filter(|(id, _)| above.contains(*id));
        let outputs = outputs.map(|(id, outputs)| (id.clone(), outputs.clone())).collect();
        let settings = &self.shared.settings;
        let token = settings.report_tokens.as_ref().map(|tokens| tokens.token(self.id));
        if let Some(token) = &token {
            self.masks.lock().unwrap_or_else(PoisonError::into_inner).add(token);
        }
        let way = (settings.url.as_deref(), token.as_deref());
        let make = |execution: &Execution| environment(&self.plan, &step, attempt, execution, &outputs, way);
        let mut env = self.recorder.look(make).await;
        // A workflow's file can't name one like a variable of the server's own.
        env.extend(self.secrets.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let processes_max = settings.processes_max;
        Props { env, folder: self.folder(), step, attempt, processes_max }
    }

    fn folder(&self) -> PathBuf {
        self.shared.folder(self.id)
    }

    /// Records how an attempt ended.
    async fn ended(&mut self, done: Result<Done, tokio::task::JoinError>) {
        // A panic of the attempt's task ends the execution as one of its own would.
        let done = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let Done { step, attempt, verdict, duration, silence, lines, tail, lost } = done;
        self.stops.remove(&step);
        if lost {
            self.sweep().await;
        }
        match verdict {
            Ok(outputs) => {
                self.write_masks().await;
                let mask = |text: &String| masked(&self.masks, text.clone());
                let shown = outputs.iter().map(|(key, value)| (mask(key), mask(value)));
                let event = Event::StepCompleted {
                    step: step.clone(),
                    attempt,
                    duration_ms: millis(duration),
                    outputs: shown.collect(),
                    lines,
                    // The recorder knows the other steps.
                    execution_percent: 0.0,
                    reused: false,
                    longest_silence_ms: Some(millis(silence)),
                };
                self.outputs.insert(step, outputs);
                self.recorder.record(event).await;
            }
            Err(failure) => {
                let ended = Ending { attempt, failure, took: duration, lines, tail };
                match self.pause(&step, &ended) {
                    Some(pause) => self.retry(step, ended, pause).await,
                    None => self.failed(&step, ended).await,
                }
            }
        }
    }

    /// How long until the next attempt, if there is to be one: one that ended by itself, while the execution goes on.
    fn pause(&self, id: &StepId, ended: &Ending) -> Option<Duration> {
        let retry = self.plan.steps.iter().find(|step| step.id == *id)?.retry?;
        let by_itself = matches!(ended.failure.status, StepFailure::Failed | StepFailure::TimedOut);
        let goes_on = by_itself && self.halt.is_none() && ended.attempt < retry.attempts;
        goes_on.then(|| retry.pause(ended.attempt, rand::random()))
    }

    async fn retry(&mut self, step: StepId, ended: Ending, pause: Duration) {
        let Failure { status, exit_code, signal, error } = ended.failure.clone();
        let event = Event::StepRetrying {
            step: step.clone(),
            attempt: ended.attempt,
            status,
            exit_code,
            signal,
            error,
            duration_ms: millis(ended.took),
            lines: ended.lines,
            next_attempt_at: Timestamp(clock::now().0 + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2)),
        };
        self.recorder.record(event).await;
        self.again.insert(step, Again { at: Instant::now() + pause, ended });
    }

    fn next_again(&self) -> Option<Instant> {
        self.again.values().map(|again| again.at).min()
    }

    /// Begins the attempts whose time has come.
    async fn try_again(&mut self) {
        let now = Instant::now();
        let due = self.again.iter().filter(|(_, again)| again.at <= now);
        for step in due.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.again.remove(&step);
            self.begin(&step).await;
        }
    }

    /// Ends the steps that wait for another attempt: there will be none.
    async fn give_up_again(&mut self) {
        let status = self.why_stopped();
        for (step, Again { ended, .. }) in std::mem::take(&mut self.again) {
            let error = format!("{}; its last attempt: {}", stop_error(status, None), ended.failure.error);
            let failure = Failure { status, error, ..ended.failure };
            self.failed(&step, Ending { failure, ..ended }).await;
        }
    }

    async fn failed(&mut self, id: &StepId, ended: Ending) {
        let Ending { attempt, failure: Failure { status, exit_code, signal, error }, took, lines, tail } = ended;
        let tolerated = self.plan.steps.iter().any(|step| step.id == *id && step.continue_on_error);
        if self.error.is_none() && !tolerated {
            let (step, message, tail) = (Some(id.clone()), error.clone(), tail.clone());
            self.error = Some(ExecutionError { step, message, exit_code, tail });
        }
        self.halted |= matches!(status, StepFailure::Cancelled | StepFailure::Interrupted);
        let (step, duration_ms) = (id.clone(), millis(took));
        let event = Event::StepFailed { step, attempt, status, exit_code, signal, error, tail, duration_ms, lines };
        self.recorder.record(event).await;
    }

    /// Writes down what is masked, before what a step has done counts: after a crash it may be reused.
    async fn write_masks(&mut self) {
        let count = self.masks.lock().unwrap_or_else(PoisonError::into_inner).values().len();
        if count > self.masks_written {
            self.masks_written = count;
            let (folder, plan, masks) = (self.folder(), Arc::clone(&self.plan), Arc::clone(&self.masks));
            let of_secrets = Arc::clone(&self.of_secrets);
            let _ = spawn_blocking(move || keep(&folder, &plan, &masks, &of_secrets)).await;
        }
    }

    /// The supervisor is gone, and with it every attempt it had: ends what they left, so that the next step finds a
    /// clean house.
    async fn sweep(&mut self) {
        if self.tether.take().is_none() {
            return;
        }
        let id = self.id;
        if let Ok(killed) = spawn_blocking(move || sweep::kill_strays(&[id])).await {
            tracing::warn!(killed, "a supervisor ended unexpectedly");
        }
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

    /// Closes the door to whoever still wants something, and records the final fact.
    async fn conclude(&mut self) {
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
        self.recorder.record(event).await;
    }

    /// Why it timed out, with the last words of the step that was stopped for it.
    fn timed_out(&self, first: Option<ExecutionError>) -> ExecutionError {
        let limit = self.plan.timeout.map_or_else(String::new, |timeout| format!(" {}", duration(timeout)));
        let error = first.unwrap_or_else(|| plain(String::new()));
        ExecutionError { message: format!("the execution took longer than{limit}"), ..error }
    }
}

/// Keeps what a later execution needs of this one to go on from. Blocks.
fn keep(folder: &Path, plan: &Workflow, masks: &SharedMasks, of_secrets: &OnceLock<Vec<String>>) {
    let mut masks = masks.lock().unwrap_or_else(PoisonError::into_inner).values().to_vec();
    // Secrets have a place of their own, and are read from there again.
    masks.retain(|value| !of_secrets.get().is_some_and(|secrets| secrets.contains(value)));
    if let Err(error) = (Kept { plan: plan.clone(), masks }).write(folder) {
        tracing::warn!(%error, "it can't be run again from what failed");
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// At that time; never, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
