//! The attempts of a run's steps: how each begins, and what follows from how it ended.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinError, spawn_blocking},
    time::Instant,
};
use tracing::Instrument as _;

use super::Run;
use crate::{
    domain::{
        estimate::Usual,
        event::{Event, ExecutionError, StepFailure},
        execution::Execution,
        id::StepId,
        time::{Timestamp, millis},
        workflow::StepPlan,
    },
    server::{
        clock,
        engine::{
            decide::ancestors,
            estimates::{Pulse, Success},
            flood::Flood,
            kept::Kept,
            stage::{self, Props, environment},
            step::{Done, Failure, Step, masked, stop_error},
            sweep,
            tether::Tether,
            transcript::Transcript,
        },
    },
};

/// An attempt that failed and is followed by another one.
pub(super) struct Again {
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
    /// What an earlier execution did, of which this one repeats what failed.
    pub(super) async fn take_over(&mut self) {
        let reused = |execution: &Execution| {
            let steps = execution.steps.iter().filter(|step| step.reused);
            steps.map(|step| (step.id.clone(), step.attempt)).collect::<Vec<_>>()
        };
        let (reused, folder) = (self.recorder.look(reused).await, self.folder());
        if reused.is_empty() {
            return;
        }
        let read = spawn_blocking(move || {
            let masks = Kept::read(&folder).map(|kept| kept.masks);
            let of = |(id, attempt): (StepId, u32)| {
                let outputs =
                    stage::read_outputs(&stage::output_file(&folder, &id, attempt), |text| text).unwrap_or_default();
                (id, outputs)
            };
            (masks, reused.into_iter().map(of).collect::<Vec<_>>())
        });
        let (masks, outputs) = read.await.unwrap_or_default();
        self.outputs.extend(outputs);
        let known = masks.map(|masks| {
            let mut known = self.masks.lock().unwrap_or_else(PoisonError::into_inner);
            masks.iter().all(|value| known.add(value))
        });
        self.masks_whole = known == Some(true);
        if !self.masks_whole {
            let trouble = if known.is_none() { "can't be read" } else { "is too much to be masked here" };
            let error = format!("what the execution before this one masked {trouble}: run all of it again");
            self.secrets = Err(error);
        }
        // A secret may be another one by now, and what a step prints that is cut off by a crash is in the folder as well.
        self.write_masks().await;
    }

    pub(super) async fn begin(&mut self, id: &StepId) {
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

    /// The supervisor, taken if there is none yet.
    fn tether(&mut self) -> std::io::Result<Arc<Tether>> {
        if let Some(tether) = &self.tether {
            return Ok(Arc::clone(tether));
        }
        let tether = self.shared.supervisors.take()?;
        self.tether = Some(Arc::clone(&tether));
        Ok(tether)
    }

    async fn props(&self, step: StepPlan, attempt: u32) -> Props {
        let above = ancestors(&self.plan, &step);
        let outputs = self.outputs.iter().filter(|(id, _)| above.contains(id));
        let outputs = outputs.map(|(id, outputs)| (id.clone(), outputs.clone())).collect();
        let settings = &self.shared.settings;
        let way = (settings.url.as_deref(), self.token.as_deref());
        let make = |execution: &Execution| environment(&self.plan, &step, attempt, execution, &outputs, way);
        let mut env = self.recorder.look(make).await;
        // A workflow's file can't name one like a variable of the server's own.
        env.extend(self.secrets.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let (scripts, processes_max) = (Arc::clone(&self.shared.scripts), settings.processes_max);
        Props { env, folder: self.folder(), scripts, step, attempt, processes_max }
    }

    /// Records how an attempt ended.
    pub(super) async fn ended(&mut self, done: Result<Done, JoinError>) {
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
                let (duration_ms, silence_ms) = (millis(duration), millis(silence));
                self.learned.push(Success { step: step.clone(), duration_ms, silence_ms });
                let mask = |text: &String| masked(&self.masks, text.clone());
                let shown = outputs.iter().map(|(key, value)| (mask(key), mask(value)));
                let event = Event::StepCompleted {
                    step: step.clone(),
                    attempt,
                    duration_ms,
                    outputs: shown.collect(),
                    lines,
                    // The recorder knows the other steps.
                    execution_percent: 0.0,
                    reused: false,
                    longest_silence_ms: Some(silence_ms),
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

    pub(super) fn next_again(&self) -> Option<Instant> {
        self.again.values().map(|again| again.at).min()
    }

    /// Begins the attempts whose time has come.
    pub(super) async fn try_again(&mut self) {
        let now = Instant::now();
        let due = self.again.iter().filter(|(_, again)| again.at <= now);
        for step in due.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.again.remove(&step);
            self.begin(&step).await;
        }
    }

    /// Ends the steps that wait for another attempt: there will be none.
    pub(super) async fn give_up_again(&mut self) {
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
        if count > self.masks_written && self.keep().await {
            self.masks_written = count;
        }
    }

    /// The supervisor is gone, and with it every attempt it had: ends what they left, so that the next step finds a
    /// clean house.
    async fn sweep(&mut self) {
        if self.tether.take().is_none() {
            return;
        }
        let id = self.id;
        if let Ok(killed) = spawn_blocking(move || sweep::kill_strays(&[id], None)).await {
            tracing::warn!(killed, "a supervisor ended unexpectedly");
        }
    }
}
