//! One attempt at a step: from its stage to its end.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};
use tokio_util::task::TaskTracker;

use super::{
    pipe::{Pipe, READ_MAX},
    processes::signal_name,
    recorder::INTERRUPTED,
    scripts::Script,
    stage::{self, Props, Stage},
    terminal,
    tether::{Attempt, Ended, Tether},
    transcript::{SharedMasks, Transcript},
    wire::Exit,
};
use crate::domain::{
    event::StepFailure,
    id::StepId,
    log::Stream,
    time::{millis, spoken},
};

/// How long after the end of a step's own process its pipes are still read, for what a child of it (`> >(tee log)`)
/// had in hand. Whoever holds them longer is not waited for.
const LINGER: Duration = Duration::from_millis(100);
/// A step that prints so much at once, in bytes, is one that floods.
const FLOOD: usize = READ_MAX / 4;
/// One that floods is served for so long at once; then others are, for as long again.
const TURN: Duration = Duration::from_millis(4);

/// An end that others want of an attempt. The first one says why; a later one can only make it quicker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub why: StepFailure,
    /// Between TERM and KILL.
    pub grace: Duration,
}

/// How an attempt ended.
pub(super) struct Done {
    pub step: StepId,
    pub attempt: u32,
    pub verdict: Result<BTreeMap<String, String>, Failure>,
    pub duration: Duration,
    /// The longest time in which it printed nothing.
    pub silence: Duration,
    /// How many log lines it has.
    pub lines: u64,
    /// The last of them.
    pub tail: Vec<String>,
    /// Whether the supervisor went with it.
    pub lost: bool,
}

/// Why an attempt did not succeed.
#[derive(Clone)]
pub(super) struct Failure {
    pub status: StepFailure,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub error: String,
}

impl Failure {
    /// One that has to do with no exit.
    pub(super) fn plain(error: String) -> Self {
        Self { status: StepFailure::Failed, exit_code: None, signal: None, error }
    }
}

/// What an attempt works with.
pub(super) struct Step {
    pub props: Props,
    pub tether: Arc<Tether>,
    pub transcript: Transcript,
    pub masks: SharedMasks,
    pub stop: watch::Receiver<Option<Stop>>,
    /// Between TERM and KILL when it takes longer than it may.
    pub grace: Duration,
    /// Where what outlives it goes.
    pub tasks: TaskTracker,
}

/// An attempt whose process runs.
struct Running {
    tether: Arc<Tether>,
    transcript: Transcript,
    stop: watch::Receiver<Option<Stop>>,
    grace: Duration,
    attempt: Attempt,
    out: Pipe,
    /// None is open if the step has a terminal.
    err: Pipe,
    tty: bool,
    buffer: Vec<u8>,
    /// For how long its flood was served since its last rest.
    served: Duration,
    /// When a flood is read on.
    rest_until: Option<Instant>,
    deadline: Option<Instant>,
    stopped: Option<Stop>,
    /// When the supervisor has had time enough to end it.
    give_up_at: Option<Instant>,
}

impl Step {
    /// Runs it to its end. What it prints is recorded on the way; its end is for the caller to record.
    pub(super) async fn run(self) -> Done {
        let begun = Instant::now();
        let step = self.props.step.id.clone();
        let plan = &self.props.step;
        let (timeout, tty) = (plan.timeout, plan.tty);
        let (attempt, processes_max) = (self.props.attempt, self.props.processes_max);
        let (mut transcript, masks) = (self.transcript, Arc::clone(&self.masks));
        let staged = spawn_blocking(move || stage::set(&self.props)).await;
        let started = match staged.unwrap_or_else(|_| Err("the step could not be prepared".to_owned())) {
            Ok(stage) => start(stage, &self.tether).await,
            Err(error) => Err(error),
        };
        let (ended, stopped, output_file) = match started {
            Err(error) => (Ended::Failed(error), *self.stop.borrow(), PathBuf::new()),
            Ok(Started { attempt, out, err, output_file, script: _script }) => {
                let (tether, stop, grace) = (self.tether, self.stop, self.grace);
                let deadline = timeout.map(|timeout| begun + timeout);
                let buffer = vec![0; READ_MAX];
                let mut running = Running {
                    tether,
                    transcript,
                    stop,
                    grace,
                    attempt,
                    out,
                    err,
                    tty,
                    buffer,
                    served: Duration::ZERO,
                    rest_until: None,
                    deadline,
                    stopped: None,
                    give_up_at: None,
                };
                let ended = running.watch().await;
                running.drain().await;
                let held = [running.out, running.err].into_iter().filter(Pipe::is_open);
                held.for_each(|pipe| drop(self.tasks.spawn(pipe.discard())));
                transcript = running.transcript;
                (ended, running.stopped, output_file)
            }
        };
        transcript.finish().await;
        let lost = ended == Ended::Lost;
        let verdict = match verdict(ended, stopped, timeout, processes_max, transcript.last_error()) {
            Ok(()) => read_outputs(output_file, Arc::clone(&masks)).await,
            Err(failure) => Err(failure),
        };
        let verdict = verdict.map_err(|failure| Failure { error: masked(&masks, failure.error), ..failure });
        let (duration, silence) = (begun.elapsed(), transcript.silence());
        let (lines, tail) = (transcript.lines(), transcript.tail());
        Done { step, attempt, verdict, duration, silence, lines, tail, lost }
    }
}

/// What a stage has become.
struct Started {
    attempt: Attempt,
    out: Pipe,
    err: Pipe,
    output_file: PathBuf,
    /// Kept for as long as the attempt goes on.
    script: Arc<Script>,
}

async fn start(stage: Stage, tether: &Tether) -> Result<Started, String> {
    let no_pipe = |error: io::Error| format!("the step's output can't be read: {error}");
    let (out, err) = match stage.read {
        (out, Some(err)) => (Pipe::open(out), Pipe::open(err)),
        (terminal, None) => (Pipe::open_terminal(terminal), Ok(Pipe::closed())),
    };
    let (out, err) = (out.map_err(no_pipe)?, err.map_err(no_pipe)?);
    let (out_write, err_write) = stage.write;
    let started = tether.start(stage.launch, out_write, err_write).await;
    let attempt = started.map_err(|error| format!("the step could not be started: {error}"))?;
    Ok(Started { attempt, out, err, output_file: stage.output_file, script: stage.script })
}

async fn read_outputs(file: PathBuf, masks: SharedMasks) -> Result<BTreeMap<String, String>, Failure> {
    let read = spawn_blocking(move || stage::read_outputs(&file, |text| masked(&masks, text))).await;
    read.unwrap_or_else(|_| Err("$RUNCAST_OUTPUT could not be read".to_owned()))
        .map_err(|error| Failure { exit_code: Some(0), ..Failure::plain(error) })
}

/// What an end means. A stop that was asked for before the end was seen is what ended it.
fn verdict(
    ended: Ended,
    stopped: Option<Stop>,
    timeout: Option<Duration>,
    processes_max: usize,
    last_error: Option<&str>,
) -> Result<(), Failure> {
    let (exit_code, signal) = match &ended {
        Ended::Exit(Exit::Code(code)) | Ended::Crowded(Exit::Code(code)) => (Some(*code), None),
        Ended::Exit(Exit::Signal(number)) | Ended::Crowded(Exit::Signal(number)) => (None, Some(signal_name(*number))),
        Ended::Failed(_) | Ended::Lost => (None, None),
    };
    let (status, error) = match (stopped, ended) {
        (Some(Stop { why, .. }), _) => (why, stop_error(why, timeout)),
        (None, Ended::Exit(Exit::Code(0))) => return Ok(()),
        (None, Ended::Failed(error)) => (StepFailure::Failed, error),
        (None, Ended::Lost) => (StepFailure::Failed, "the process that supervised it ended unexpectedly".to_owned()),
        (None, Ended::Crowded(_)) => (StepFailure::Failed, crowd_error(processes_max)),
        (None, Ended::Exit(exit)) => (StepFailure::Failed, exit_error(exit, signal.as_deref(), last_error)),
    };
    Err(Failure { status, exit_code, signal, error })
}

pub(super) fn stop_error(why: StepFailure, timeout: Option<Duration>) -> String {
    match (why, timeout) {
        (StepFailure::TimedOut, Some(timeout)) => format!("it took longer than {}", duration(timeout)),
        (StepFailure::TimedOut, None) => "the execution took longer than it may".to_owned(),
        (StepFailure::Interrupted, _) => INTERRUPTED.to_owned(),
        (StepFailure::Cancelled | StepFailure::Failed, _) => "cancelled".to_owned(),
    }
}

fn crowd_error(processes_max: usize) -> String {
    format!("it had more than {processes_max} processes at once, and all were killed (--max-step-processes)")
}

fn exit_error(exit: Exit, signal: Option<&str>, last_error: Option<&str>) -> String {
    match (last_error, exit, signal) {
        (Some(error), ..) => error.to_owned(),
        (None, Exit::Code(code), _) => format!("exited with {code}"),
        (None, Exit::Signal(number), None) => format!("killed by signal {number}"),
        (None, Exit::Signal(_), Some(signal)) => format!("killed by {signal}"),
    }
}

/// A span of time for people.
pub(super) fn duration(time: Duration) -> String {
    spoken(millis(time))
}

/// The text without what must not be shown.
pub(super) fn masked(masks: &SharedMasks, text: String) -> String {
    masks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).apply(text)
}

impl Running {
    /// Reads what it prints and does what others want of it, until it has ended.
    async fn watch(&mut self) -> Ended {
        loop {
            let due_at = self.transcript.due_at();
            tokio::select! {
                ended = &mut self.attempt.end => return ended.unwrap_or(Ended::Lost),
                () = self.out.ready(), if self.rest_until.is_none() => self.serve(Stream::Out).await,
                () = self.err.ready(), if self.rest_until.is_none() => self.serve(Stream::Err).await,
                () = at(self.rest_until) => self.rest_until = None,
                () = at(due_at) => self.transcript.record_due().await,
                () = at(self.deadline) => {
                    self.deadline = None;
                    self.obey(Stop { why: StepFailure::TimedOut, grace: self.grace }).await;
                }
                () = at(self.give_up_at) => {
                    self.give_up_at = None;
                    self.tether.kill().await;
                }
                stop = asked(&mut self.stop) => self.obey(stop).await,
            }
        }
    }

    /// Reads all that was in the pipes when the process ended, and what comes within [`LINGER`].
    async fn drain(&mut self) {
        for (stream, mut owed) in [(Stream::Out, self.out.holds()), (Stream::Err, self.err.holds())] {
            while owed > 0 && self.pipe(stream).is_open() {
                self.pipe(stream).ready().await;
                owed = owed.saturating_sub(self.read(stream).await);
            }
        }
        let until = Instant::now() + LINGER;
        while self.out.is_open() || self.err.is_open() {
            tokio::select! {
                biased;
                () = sleep_until(until) => break,
                () = self.out.ready() => drop(self.read(Stream::Out).await),
                () = self.err.ready() => drop(self.read(Stream::Err).await),
            }
        }
        // A terminal gives what it holds in pieces, and can't say how much that is.
        let mut owed = terminal::HOLDS;
        while self.tty && owed > 0 {
            match self.read(Stream::Out).await {
                0 => return,
                read => owed = owed.saturating_sub(read),
            }
        }
    }

    async fn obey(&mut self, stop: Stop) {
        self.deadline = None;
        let first = *self.stopped.get_or_insert(stop);
        self.stopped = Some(Stop { grace: first.grace.min(stop.grace), ..first });
        let give_up_at = Instant::now() + self.tether.patience(stop.grace);
        self.give_up_at = Some(self.give_up_at.map_or(give_up_at, |before| before.min(give_up_at)));
        self.tether.stop(self.attempt.key, stop.grace).await;
    }

    fn pipe(&mut self, stream: Stream) -> &mut Pipe {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }

    /// Reads once. A flood takes half of the time at most: it waits in its pipe while others are served.
    async fn serve(&mut self, stream: Stream) {
        let begun = Instant::now();
        if self.read(stream).await < FLOOD {
            return;
        }
        self.served += begun.elapsed();
        if self.served >= TURN {
            self.rest_until = Some(Instant::now() + std::mem::take(&mut self.served));
        }
    }

    /// Reads once, without waiting. Says how many bytes came.
    async fn read(&mut self, stream: Stream) -> usize {
        let pipe = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let read = pipe.read(&mut self.buffer);
        if read > 0 {
            self.transcript.feed(stream, &self.buffer[..read]).await;
        }
        read
    }
}

/// At that time; never, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The next thing that others want.
async fn asked(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    loop {
        if stop.changed().await.is_err() {
            return std::future::pending().await;
        }
        if let Some(stop) = *stop.borrow_and_update() {
            return stop;
        }
    }
}
