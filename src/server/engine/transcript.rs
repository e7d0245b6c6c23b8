//! What an attempt prints, on its way to facts: lines gathered into chunks, progress thinned out, masks applied.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    estimates::{Pulse, Word},
    flood::Flood,
    recorder::Recorder,
};
use crate::{
    domain::{
        event::{Event, Source},
        id::StepId,
        log::{CHUNK_BYTES, CHUNK_LINES, Level, Line, Stream, TAIL_LINES},
        output::{Masks, Meter, Output, Said},
    },
    server::clock,
};

/// How long a line waits for others to go with it.
const GATHER: Duration = Duration::from_millis(100);
/// Between two `step.progress` of an attempt: at most 10 a second.
const PACE: Duration = Duration::from_millis(100);

/// The values that an execution masks, shared by its steps.
pub(super) type SharedMasks = Arc<Mutex<Masks>>;

/// What an attempt has printed, as far as it is still needed.
pub(super) struct Transcript {
    recorder: Arc<Recorder>,
    masks: SharedMasks,
    step: StepId,
    attempt: u32,
    out: Output,
    err: Output,
    flood: Flood,
    /// Lines that are in no fact yet: less than a chunk, and what one read brought on top.
    pending: Vec<Line>,
    pending_bytes: usize,
    /// When the first of them goes.
    flush_at: Option<Instant>,
    /// How many of the step's lines are in facts.
    recorded: u64,
    /// At most [`TAIL_LINES`].
    tail: VecDeque<String>,
    /// The last `::error::`.
    last_error: Option<String>,
    /// Whether a group has ended since the last line.
    after_group: bool,
    /// How far the attempt is, by what it has said.
    meter: Meter,
    /// What there is to say when it says nothing.
    pulse: Pulse,
    /// Set when nothing more comes.
    silence: Duration,
    /// Whether the last fact says something else.
    news: bool,
    /// When the next fact of it may go.
    next_at: Instant,
    /// When a bar that goes on is read as it is.
    settle_at: Option<Instant>,
}

impl Transcript {
    /// `recorded` is how many lines the step's earlier attempts have.
    pub(super) fn new(
        recorder: Arc<Recorder>,
        masks: SharedMasks,
        flood: Flood,
        step: StepId,
        attempt: u32,
        recorded: u64,
        pulse: Pulse,
    ) -> Self {
        Self {
            recorder,
            masks,
            step,
            attempt,
            out: Output::default(),
            err: Output::default(),
            flood,
            pending: Vec::new(),
            pending_bytes: 0,
            flush_at: None,
            recorded,
            tail: VecDeque::with_capacity(TAIL_LINES),
            last_error: None,
            after_group: false,
            pulse,
            silence: Duration::ZERO,
            meter: Meter::new(),
            news: false,
            next_at: Instant::now(),
            settle_at: None,
        }
    }

    /// Takes in what was read from one of the streams, and records what is enough for a fact.
    pub(super) async fn feed(&mut self, stream: Stream, bytes: &[u8]) {
        self.pulse.sign(Instant::now());
        self.parse(stream, |output, masks, emit| output.feed(bytes, clock::now(), masks, emit));
        let (this, other) = match stream {
            Stream::Out => (&self.out, &self.err),
            Stream::Err => (&self.err, &self.out),
        };
        if this.is_unsettled() {
            self.settle_at = Some(Instant::now() + PACE);
        } else if !other.is_unsettled() {
            self.settle_at = None;
        }
        self.record_due().await;
        self.pulse.served(Instant::now());
    }

    /// When [`Transcript::record_due`] has something to do.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let progress = self.news.then_some(self.next_at);
        self.flush_at.into_iter().chain(progress).chain(self.settle_at).chain(self.pulse.due_at()).min()
    }

    /// Records what its silence says, whole chunks, lines that have waited long enough, and progress whose turn it is.
    pub(super) async fn record_due(&mut self) {
        let now = Instant::now();
        if self.settle_at.is_some_and(|at| at <= now) {
            self.settle_at = None;
            self.parse(Stream::Out, Output::settle);
            self.parse(Stream::Err, Output::settle);
        }
        while let Some(word) = self.pulse.word(now) {
            self.record_word(word).await;
        }
        let all = self.flush_at.is_some_and(|at| at <= now);
        self.record_lines(all).await;
        if self.news && self.next_at <= now {
            self.record_progress().await;
        }
    }

    /// Takes in that nothing more comes, and records all that is left: before every change of the step's state.
    pub(super) async fn finish(&mut self) {
        self.silence = self.pulse.silence(Instant::now());
        for stream in [Stream::Out, Stream::Err] {
            self.parse(stream, Output::finish);
        }
        for line in self.flood.end(clock::now()) {
            self.push(line);
        }
        self.record_lines(true).await;
        self.settle_at = None;
        if self.news {
            self.record_progress().await;
        }
    }

    /// The longest time in which it printed nothing, once it is finished.
    pub(super) fn silence(&self) -> Duration {
        self.silence
    }

    /// How many lines there are in facts.
    pub(super) fn lines(&self) -> u64 {
        self.recorded
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// What the step itself called its error.
    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn parse(&mut self, stream: Stream, read: impl FnOnce(&mut Output, &mut Masks, &mut dyn FnMut(Said))) {
        let mut output = std::mem::take(match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        });
        let masks = Arc::clone(&self.masks);
        read(&mut output, &mut masks.lock().unwrap_or_else(PoisonError::into_inner), &mut |said| {
            self.take(stream, said)
        });
        match stream {
            Stream::Out => self.out = output,
            Stream::Err => self.err = output,
        }
    }

    /// Takes in what is masked already; the masks are in use.
    fn take(&mut self, stream: Stream, said: Said) {
        match said {
            Said::Line { at, text, level } => {
                if level == Some(Level::Error) {
                    self.last_error = Some(text.clone());
                }
                if self.tail.len() == TAIL_LINES {
                    self.tail.pop_front();
                }
                self.tail.push_back(text.clone());
                let after_group = std::mem::take(&mut self.after_group);
                if let Some(line) = self.flood.pass(Line { at, stream, text, level, after_group }) {
                    self.push(line);
                }
            }
            Said::EndGroup => self.after_group = true,
            Said::Progress { percent, message, source } => {
                if !self.has_told() {
                    // What was estimated before does not fall either.
                    self.meter.raise(self.pulse.said());
                }
                self.news |= self.meter.take(percent, message, source);
            }
        }
    }

    /// Whether it has told how far it is, or a bar has.
    fn has_told(&self) -> bool {
        self.meter.source() != Source::Estimated
    }

    fn push(&mut self, line: Line) {
        self.pending_bytes += line.text.len();
        self.pending.push(line);
        self.flush_at.get_or_insert_with(|| Instant::now() + GATHER);
    }

    /// Records chunk by chunk: whole ones only, or all there is.
    async fn record_lines(&mut self, all: bool) {
        while self.pending.len() >= CHUNK_LINES
            || self.pending_bytes >= CHUNK_BYTES
            || (all && !self.pending.is_empty())
        {
            let mut bytes = 0;
            let fitting = self.pending.iter().take(CHUNK_LINES).take_while(|line| {
                bytes += line.text.len();
                bytes <= CHUNK_BYTES
            });
            // A line is shorter than a chunk, so one fits always.
            let count = fitting.count().max(1);
            let rest = self.pending.split_off(count);
            let lines = std::mem::replace(&mut self.pending, rest);
            self.pending_bytes = self.pending.iter().map(|line| line.text.len()).sum();
            let first_line = self.recorded;
            self.recorded += count as u64;
            let (step, attempt) = (self.step.clone(), self.attempt);
            self.recorder.record(Event::StepOutput { step, attempt, first_line, lines }).await;
        }
        if self.pending.is_empty() {
            self.flush_at = None;
        }
    }

    async fn record_word(&mut self, word: Word) {
        let (step, attempt) = (self.step.clone(), self.attempt);
        let event = match (word, self.has_told()) {
            (Word::Stalled { silent_ms, usual_ms }, _) => Event::StepStalled { step, attempt, silent_ms, usual_ms },
            (Word::Resumed, _) => Event::StepResumed { step, attempt },
            (Word::Estimate(percent), false) => Event::StepProgress {
                step,
                attempt,
                percent,
                message: None,
                source: Source::Estimated,
                // The recorder knows the other steps, and how long they take.
                execution_percent: 0.0,
                eta_ms: None,
                eta_range_ms: None,
            },
            // It has told its percent itself: that comes in its turn, and again only for the sake of the eta.
            (Word::Estimate(_), true) | (Word::Again, _) => {
                if !self.news && self.has_told() && self.recorder.look(|execution| execution.eta_ms.is_some()).await {
                    self.record_progress().await;
                }
                return;
            }
        };
        self.recorder.record(event).await;
    }

    async fn record_progress(&mut self) {
        let now = Instant::now();
        self.news = false;
        // What comes ten times a second, each time a little late, is told ten times a second.
        self.next_at = if now < self.next_at + PACE { (self.next_at + PACE).max(now + PACE / 2) } else { now + PACE };
        self.pulse.told(self.meter.percent(), now);
        let event = Event::StepProgress {
            step: self.step.clone(),
            attempt: self.attempt,
            percent: self.meter.percent(),
            message: self.meter.message().map(str::to_owned),
            source: self.meter.source(),
            // The recorder knows the other steps.
            execution_percent: 0.0,
            eta_ms: None,
            eta_range_ms: None,
        };
        self.recorder.record(event).await;
    }
}
