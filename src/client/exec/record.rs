//! From what the command prints to a report: lines gathered for a quarter of a second, progress, and the end.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    command::{Ended, Piece, Told},
    complain,
    spool::Spool,
};
use crate::{
    domain::{
        log::{CHUNK_BYTES, CHUNK_LINES, Level, Line, Stream},
        output::{Masks, Meter, Output, Said},
    },
    server::{clock, engine::signal_name},
};

/// How long lines and progress are gathered.
const GATHER: Duration = Duration::from_millis(250);

/// How it all ended.
pub(super) enum End {
    Ended(Ended),
    /// The server said so.
    Cancelled,
    /// Why, and the exit code.
    NotStarted(String, u8),
}

/// Makes the report.
pub(super) struct Recorder {
    /// None if there is nowhere to keep a report.
    spool: Option<Arc<Spool>>,
    news: Arc<Notify>,
    out: Output,
    err: Output,
    masks: Masks,
    /// Less than [`CHUNK_LINES`] and [`CHUNK_BYTES`], and one more.
    lines: Vec<Line>,
    bytes: usize,
    meter: Meter,
    /// Whether the report does not have it yet.
    news_of_progress: bool,
    /// The last `::error::`.
    last_error: Option<String>,
    /// Whether a group has ended since the last line.
    after_group: bool,
    /// Since when something is gathered.
    since: Option<Instant>,
    client_seq: u64,
    /// Whether it was said that the disk is full.
    complained: bool,
}

impl Recorder {
    pub(super) fn new(spool: Option<Arc<Spool>>, news: Arc<Notify>) -> Self {
        let (out, err, masks) = (Output::default(), Output::default(), Masks::default());
        Self {
            spool,
            news,
            out,
            err,
            masks,
            lines: Vec::new(),
            bytes: 0,
            meter: Meter::new(),
            news_of_progress: false,
            last_error: None,
            after_group: false,
            since: None,
            client_seq: 0,
            complained: false,
        }
    }

    /// Takes in what is printed until nothing more comes.
    pub(super) fn run(mut self, told: &Receiver<Told>) -> Self {
        self.write(json!({ "kind": "step.started" }), 0);
        loop {
            let patience = self.since.map_or(Duration::MAX, |since| GATHER.saturating_sub(since.elapsed()));
            match told.recv_timeout(patience) {
                Ok(Told::Printed(Piece { stream, bytes, at })) => {
                    self.parse(stream, |output, masks, emit| output.feed(&bytes, at, masks, emit));
                    if self.out.is_unsettled() || self.err.is_unsettled() {
                        self.since.get_or_insert_with(Instant::now);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.parse(Stream::Out, Output::settle);
                    self.parse(Stream::Err, Output::settle);
                }
                Ok(Told::Over) | Err(RecvTimeoutError::Disconnected) => return self,
            }
            if self.since.is_some_and(|since| since.elapsed() >= GATHER) {
                self.flush();
            }
        }
    }

    /// Says how it ended, as the last word.
    pub(super) fn finish(mut self, end: End) {
        for stream in [Stream::Out, Stream::Err] {
            self.parse(stream, Output::finish);
        }
        self.flush();
        for line in last_words(end, self.last_error.take()) {
            self.write(line, 0);
        }
        if let Some(spool) = &self.spool {
            spool.end();
        }
        self.news.notify_one();
    }

    fn parse(&mut self, stream: Stream, read: impl FnOnce(&mut Output, &mut Masks, &mut dyn FnMut(Said))) {
        let mut output = std::mem::take(match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        });
        let mut masks = std::mem::take(&mut self.masks);
        read(&mut output, &mut masks, &mut |said| self.take(stream, said));
        self.masks = masks;
        match stream {
            Stream::Out => self.out = output,
            Stream::Err => self.err = output,
        }
    }

    fn take(&mut self, stream: Stream, said: Said) {
        match said {
            Said::Line { at, text, level } => {
                if level == Some(Level::Error) {
                    self.last_error = Some(text.clone());
                }
                if self.lines.len() >= CHUNK_LINES || self.bytes + text.len() > CHUNK_BYTES {
                    self.flush_lines();
                }
                self.bytes += text.len();
                let after_group = std::mem::take(&mut self.after_group);
                self.lines.push(Line { at, stream, text, level, after_group });
            }
            Said::EndGroup => self.after_group = true,
            Said::Progress { percent, message, source } => {
                self.news_of_progress |= self.meter.take(percent, message, source)
            }
        }
        self.since.get_or_insert_with(Instant::now);
    }

    fn flush(&mut self) {
        self.since = None;
        self.flush_lines();
        if std::mem::take(&mut self.news_of_progress) {
            let (percent, message, source) = (self.meter.percent(), self.meter.message(), self.meter.source());
            let line = json!({ "kind": "step.progress", "percent": percent, "message": message, "source": source });
            self.write(line, 0);
        }
        self.news.notify_one();
    }

    fn flush_lines(&mut self) {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.write(json!({ "kind": "step.output", "lines": lines }), lines.len() as u64);
        }
    }

    /// Puts a line of the report, which holds so many lines of output, into the spool.
    fn write(&mut self, mut line: Value, lines: u64) {
        let Some(spool) = &self.spool else { return };
        self.client_seq += 1;
        line["client_seq"] = json!(self.client_seq);
        line["at"] = json!(clock::now());
        if let Err(error) = spool.append(&line, self.client_seq, lines)
            && !std::mem::replace(&mut self.complained, true)
        {
            complain(&format!("a part of the report could not be kept: {error}"));
        }
    }
}

fn last_words(end: End, last_error: Option<String>) -> Vec<Value> {
    let failed = |error: String, exit_code: Option<i32>, signal: Option<String>| {
        let error = last_error.unwrap_or(error);
        vec![
            json!({ "kind": "step.failed", "error": error, "exit_code": exit_code, "signal": signal }),
            json!({ "kind": "execution.failed", "error": error }),
        ]
    };
    match end {
        End::Ended(Ended::Exited(0)) => vec![json!({ "kind": "execution.completed" })],
        End::Ended(Ended::Exited(code)) => failed(format!("exited with {code}"), Some(code), None),
        End::Ended(Ended::Signalled(number)) => {
            let signal = signal_name(number);
            failed(format!("ended by {signal}"), None, Some(signal))
        }
        End::Cancelled => vec![json!({ "kind": "execution.cancelled" })],
        End::NotStarted(error, code) => failed(format!("could not be started: {error}"), Some(code.into()), None),
    }
}
