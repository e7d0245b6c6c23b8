//! One execution, from `execution.started` to its final fact.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::Arc,
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
    recorder::{INTERRUPTED, Recorder},
    stage::{Props, environment},
    step::{Done, Failure, Step, Stop, duration, masked},
    sweep,
    tether::Tether,
    transcript::{SharedMasks, Transcript},
};
use crate::domain::{
    event::{Event, ExecutionError, ExecutionFailure, StepFailure},
    execution::{Execution, StepStatus},
    id::{ExecutionId, StepId},
    workflow::{StepPlan, Workflow},
};

/// Between TERM and KILL for what steps left in the background when the execution ends.
const BACKGROUND_GRACE: Duration = Duration::from_millis(500);
/// Every step has one attempt, until there are retries.
const ATTEMPT: u32 = 1;

/// An execution at work.
pub(super) struct Run {
    shared: Arc<Shared>,
    plan: Arc<Workflow>,
    id: ExecutionId,
    recorder: Arc<Recorder>,
    control: Arc<watch::Sender<Control>>,
    /// Started with the first step.
    tether: Option<Arc<Tether>>,
    masks: SharedMasks,
    /// Of the steps that succeeded, unmasked: what later steps are given.
    outputs: BTreeMap<StepId, BTreeMap<String, String>>,
    /// Attempts at work, as many as there are steps at most.
    working: FuturesUnordered<JoinHandle<Done>>,
    stops: HashMap<StepId, watch::Sender<Option<Stop>>>,
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
        execution: Execution,
        control: Arc<watch::Sender<Control>>,
    ) -> Self {
        Self {
            id: execution.id,
            recorder: Arc::new(Recorder::new(shared.journal.clone(), execution)),
            shared,
            plan,
            control,
            tether: None,
            masks: SharedMasks::default(),
            outputs: BTreeMap::new(),
            working: FuturesUnordered::new(),
            stops: HashMap::new(),
            halt: None,
            halted: false,
            last: false,
            deadline: None,
            cleanup_deadline: None,
            error: None,
        }
    }

    /// Runs it to its final fact, whatever happens.
    pub(super) async fn drive(mut self) {
        let recorder = Arc::clone(&self.recorder);
        let folder = self.folder();
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
        // Only what is left of it in the log matters now.
        let _ = spawn_blocking(move || sweep::remove_folder(&folder)).await;
    }

    async fn work(&mut self) {
        self.recorder.record(Event::ExecutionStarted {}).await;
        self.deadline = self.plan.timeout.map(|timeout| Instant::now() + timeout);
        let mut control = self.control.subscribe();
        // What was said before this life began counts as well.
        control.mark_changed();
        loop {
            self.settle().await;
            if self.working.is_empty() {
                break;
            }
            tokio::select! {
                Some(done) = self.working.next() => self.ended(done).await,
                // The sender lives in `self`: there is always one.
                Ok(()) = control.changed() => {
                    let wanted = control.borrow_and_update().clone();
                    self.react(&wanted);
                }
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

    async fn begin(&mut self, id: &StepId) {
        let Some(step) = self.plan.steps.iter().find(|step| step.id == *id).cloned() else { return };
        let event = Event::StepStarted { step: id.clone(), attempt: ATTEMPT, estimate_ms: None, usual_ms: None };
        self.recorder.record(event).await;
        if self.halt.is_some() {
            self.cleanup_deadline.get_or_insert_with(|| Instant::now() + self.shared.settings.cleanup);
        }
        let tether = match self.tether() {
            Ok(tether) => tether,
            Err(error) => {
                let error = format!("the process that supervises steps could not be started: {error}");
                return self.failed(id, Failure::plain(error), Duration::ZERO, 0, Vec::new()).await;
            }
        };
        let (stop, asked) = watch::channel(None);
        self.stops.insert(id.clone(), stop);
        let transcript = Transcript::new(Arc::clone(&self.recorder), Arc::clone(&self.masks), id.clone(), ATTEMPT);
        let work = Step {
            props: self.props(step).await,
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

    /// The supervisor, started if there is none yet.
    fn tether(&mut self) -> std::io::Result<Arc<Tether>> {
        if let Some(tether) = &self.tether {
            return Ok(Arc::clone(tether));
        }
        let tether = Arc::new(Tether::begin(&self.shared.settings.program, self.id, &self.shared.tasks)?);
        self.tether = Some(Arc::clone(&tether));
        Ok(tether)
    }

    async fn props(&self, step: StepPlan) -> Props {
        let above = ancestors(&self.plan, &step);
        let outputs = self.outputs.iter().filter(|(id, _)| above.contains(*id));
        let outputs = outputs.map(|(id, outputs)| (id.clone(), outputs.clone())).collect();
        let url = self.shared.settings.url.as_deref();
        let make = |execution: &Execution| environment(&self.plan, &step, ATTEMPT, execution, &outputs, url);
        let env = self.recorder.look(make).await;
        Props { env, folder: self.folder(), step }
    }

    fn folder(&self) -> PathBuf {
        self.shared.work().join(self.id.to_string())
    }

    /// Records how an attempt ended.
    async fn ended(&mut self, done: Result<Done, tokio::task::JoinError>) {
        // A panic of the attempt's task ends the execution as one of its own would.
        let done = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let Done { step, verdict, duration, lines, tail, lost } = done;
        self.stops.remove(&step);
        if lost {
            self.sweep().await;
        }
        match verdict {
            Ok(outputs) => {
                let shown = outputs.iter().map(|(key, value)| (key.clone(), masked(&self.masks, value.clone())));
                let event = Event::StepCompleted {
                    step: step.clone(),
                    attempt: ATTEMPT,
                    duration_ms: millis(duration),
                    outputs: shown.collect(),
                    lines,
                    // The recorder knows the other steps.
                    execution_percent: 0.0,
                    reused: false,
                };
                self.outputs.insert(step, outputs);
                self.recorder.record(event).await;
            }
            Err(failure) => self.failed(&step, failure, duration, lines, tail).await,
        }
    }

    async fn failed(&mut self, id: &StepId, failure: Failure, took: Duration, lines: u64, tail: Vec<String>) {
        let Failure { status, exit_code, signal, error } = failure;
        let tolerated = self.plan.steps.iter().any(|step| step.id == *id && step.continue_on_error);
        if self.error.is_none() && !tolerated {
            let (step, message, tail) = (Some(id.clone()), error.clone(), tail.clone());
            self.error = Some(ExecutionError { step, message, exit_code, tail });
        }
        self.halted |= matches!(status, StepFailure::Cancelled | StepFailure::Interrupted);
        let (step, duration_ms) = (id.clone(), millis(took));
        let attempt = ATTEMPT;
        let event = Event::StepFailed { step, attempt, status, exit_code, signal, error, tail, duration_ms, lines };
        self.recorder.record(event).await;
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

/// The outputs of all steps that succeeded and had some.
fn result(execution: &Execution) -> BTreeMap<StepId, BTreeMap<String, String>> {
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
