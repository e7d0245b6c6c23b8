//! A report: taken in line by line, in order, each line once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Cancel, ExternalWork, Reporter, Shared, State,
    facts::{Circumstances, check, culprit, events, step},
    reading::{Progress, Report, Told, Wrong, read},
};
use crate::{
    domain::{
        event::Event,
        execution::{Execution, Status},
        id::{ExecutionId, StepId},
        log::TAIL_LINES,
    },
    server::{clock, journal::JournalError},
};

/// Most lines in a report.
pub const REPORT_LINES_MAX: u64 = 10_000;

/// What a reporter is answered once all that it told is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its last line that is taken; 0 before the first.
    pub client_seq: u64,
    /// Where its execution stands.
    pub status: Status,
    /// Whether somebody wants it stopped.
    pub cancel: bool,
}

/// Why a report, or what is left of it, was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such execution.
    #[error("there is no such execution")]
    Unknown,
    /// It has ended.
    #[error("this execution has ended; nothing more is taken")]
    Ended(Heard),
    /// A line is wrong; those before it were taken.
    #[error("line {line} is wrong; the lines before it were taken")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        wrong: Wrong,
        /// How far the report was taken.
        heard: Heard,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why the rest of a report is not taken.
enum Stop {
    Ended,
    Line(u64, Wrong),
}

/// A progress that waits for the next line, which may be a newer one.
struct Held {
    line: u64,
    client_seq: u64,
    progress: Progress,
}

impl ExternalWork {
    /// Takes in a report: lines that were taken before are passed over, the first wrong one ends it. Returns when all
    /// that was taken is committed. Once called it happens, even if nobody waits for the answer.
    ///
    /// A step that Runcast itself runs may report its progress in the same way.
    ///
    /// # Errors
    /// [`Refused`]
    pub async fn report(&self, id: ExecutionId, body: Bytes) -> Result<Heard, Refused> {
        let shared = Arc::clone(&self.0);
        let heard = self.0.tasks.spawn(async move {
            let heard = match shared.reporter(id) {
                Some(reporter) => shared.hear(&reporter, &body).await,
                None if shared.engine.at_work(id).await.is_some() => shared.hear_step(id, &body).await,
                None => shared.hear_late(id, &body).await,
            };
            shared.journal.flush().await?;
            heard
        });
        heard.await.unwrap_or(Err(Refused::Journal(JournalError::Closed)))
    }
}

/// The lines of a report that are not empty, with their numbers.
fn lines(body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let lines = (1..).zip(body.split(|byte| *byte == b'\n'));
    lines.map(|(number, line)| (number, line.trim_ascii())).filter(|(_, line)| !line.is_empty())
}

fn read_bounded(number: u64, line: &[u8]) -> Result<Told, Wrong> {
    if number > REPORT_LINES_MAX {
        return Err(Wrong::new("", format!("a report has {REPORT_LINES_MAX} lines at most")));
    }
    read(line, clock::now())
}

impl Shared {
    async fn hear(&self, reporter: &Reporter, body: &[u8]) -> Result<Heard, Refused> {
        let mut state = reporter.state.lock().await;
        state.heard_at = Instant::now();
        if std::mem::take(&mut state.out_of_touch) {
            reporter.recorder.record(Event::ExecutionInTouch {}).await;
        }
        let mut held = None;
        let mut taken = Ok(());
        for (number, line) in lines(body) {
            taken = self.take(reporter, &mut state, &mut held, number, line).await;
            if taken.is_err() {
                break;
            }
        }
        let rest = self.release(reporter, &mut state, &mut held).await;
        if reporter.has_ended().await {
            self.forget(reporter.id);
        }
        let heard = reporter.heard(&mut state).await;
        match rest.and(taken) {
            Ok(()) => Ok(heard),
            Err(Stop::Ended) => Err(Refused::Ended(heard)),
            Err(Stop::Line(line, wrong)) => Err(Refused::Line { line, wrong, heard }),
        }
    }

    async fn take(
        &self,
        reporter: &Reporter,
        state: &mut State,
        held: &mut Option<Held>,
        line: u64,
        text: &[u8],
    ) -> Result<(), Stop> {
        let wrong = |wrong| Stop::Line(line, wrong);
        let Told { client_seq, report } = read_bounded(line, text).map_err(wrong)?;
        let Some(client_seq) = client_seq else { return Ok(()) };
        let last = held.as_ref().map_or(state.client_seq, |held| held.client_seq);
        if client_seq <= last {
            return Ok(());
        }
        let report = match report {
            Report::Progress(progress) => {
                let Some(progress) = newer(held, client_seq, line, progress) else { return Ok(()) };
                self.release(reporter, state, held).await?;
                let look = |execution: &Execution| (execution.status.is_final(), check(execution, &progress));
                let (ended, checked) = reporter.recorder.look(look).await;
                if ended {
                    return Err(Stop::Ended);
                }
                checked.map_err(wrong)?;
                *held = Some(Held { line, client_seq, progress });
                return Ok(());
            }
            report => report,
        };
        self.release(reporter, state, held).await?;
        self.record(reporter, state, line, client_seq, report).await
    }

    /// Records the progress that waited.
    async fn release(&self, reporter: &Reporter, state: &mut State, held: &mut Option<Held>) -> Result<(), Stop> {
        let Some(Held { line, client_seq, progress }) = held.take() else { return Ok(()) };
        self.record(reporter, state, line, client_seq, Report::Progress(progress)).await
    }

    async fn record(
        &self,
        reporter: &Reporter,
        state: &mut State,
        line: u64,
        client_seq: u64,
        report: Report,
    ) -> Result<(), Stop> {
        let tail = match &report {
            Report::StepFailed(id, _) => self.last_lines_of(reporter, id.as_ref()).await,
            Report::ExecutionFailed(..) | Report::ExecutionCancelled => self.last_lines(reporter).await,
            _ => Vec::new(),
        };
        let by = state.cancel.as_ref().map_or(&reporter.owner, |cancel| &cancel.by).clone();
        let about = Circumstances { now: clock::now(), by, tail };
        let make = |execution: &Execution| {
            if execution.status.is_final() {
                return Err(Stop::Ended);
            }
            events(execution, report, &about).map_err(|wrong| Stop::Line(line, wrong))
        };
        reporter.recorder.record_together(Some(client_seq), make).await?;
        state.client_seq = client_seq;
        Ok(())
    }

    /// The last lines of the step that an execution's end is about.
    pub(super) async fn last_lines(&self, reporter: &Reporter) -> Vec<String> {
        match reporter.recorder.look(|execution| culprit(execution).map(|step| step.id.clone())).await {
            Some(id) => self.last_lines_of(reporter, Some(&id)).await,
            None => Vec::new(),
        }
    }

    /// Read back from the journal, so that nothing has to be held for it.
    async fn last_lines_of(&self, reporter: &Reporter, id: Option<&StepId>) -> Vec<String> {
        let found = |execution: &Execution| step(execution, id).ok().map(|step| (step.id.clone(), step.lines));
        let Some((id, lines @ 1..)) = reporter.recorder.look(found).await else { return Vec::new() };
        let read = async {
            self.journal.flush().await?;
            self.journal.log(reporter.id, Some(&id), lines.saturating_sub(TAIL_LINES as u64), TAIL_LINES).await
        };
        match read.await {
            Ok(lines) => lines.into_iter().map(|line| line.line.text).collect(),
            Err(error) => {
                tracing::warn!(%error, "the last lines of a step could not be read");
                Vec::new()
            }
        }
    }

    /// A step of Runcast's own tells how far it is. It needs no numbers: a percent does not fall, however often it is
    /// told.
    async fn hear_step(&self, id: ExecutionId, body: &[u8]) -> Result<Heard, Refused> {
        let mut client_seq = 0;
        let mut taken = Ok(());
        for (line, text) in lines(body) {
            taken = self.take_of_step(id, text, line, &mut client_seq).await;
            if taken.is_err() {
                break;
            }
        }
        let (status, cancel) = match self.engine.at_work(id).await {
            Some(standing) => standing,
            None => (self.journal.snapshot(id).await?.ok_or(Refused::Unknown)?.status, false),
        };
        let heard = Heard { client_seq, status, cancel };
        match taken {
            Ok(()) => Ok(heard),
            Err(_) if status.is_final() => Err(Refused::Ended(heard)),
            Err(Stop::Ended) => Err(Refused::Ended(heard)),
            Err(Stop::Line(line, wrong)) => Err(Refused::Line { line, wrong, heard }),
        }
    }

    async fn take_of_step(&self, id: ExecutionId, text: &[u8], line: u64, heard: &mut u64) -> Result<(), Stop> {
        let wrong = |wrong| Stop::Line(line, wrong);
        let told = read_bounded(line, text).map_err(wrong)?;
        match told.report {
            Report::Heartbeat => {}
            Report::Progress(Progress { step, percent, message, .. }) => {
                let told = self.engine.progress(id, step, percent, message).await;
                told.map_err(|_| Stop::Ended)?.map_err(wrong)?;
            }
            _ => return Err(wrong(Wrong::new("kind", "a step that Runcast runs reports step.progress only"))),
        }
        *heard = told.client_seq.unwrap_or(*heard).max(*heard);
        Ok(())
    }

    /// A report on what does not run any more. If it holds nothing new, its answer was lost, and is given again.
    async fn hear_late(&self, id: ExecutionId, body: &[u8]) -> Result<Heard, Refused> {
        let execution = self.journal.snapshot(id).await?.ok_or(Refused::Unknown)?;
        let client_seq = self.journal.external(id).await?.map_or(0, |external| external.client_seq);
        let heard = Heard { client_seq, status: execution.status, cancel: false };
        let old = |(_, line)| match read(line, clock::now()) {
            Ok(Told { client_seq: Some(told), .. }) => told <= client_seq,
            _ => false,
        };
        let repeats = client_seq > 0 && lines(body).next().is_some() && lines(body).all(old);
        if repeats { Ok(heard) } else { Err(Refused::Ended(heard)) }
    }
}

/// Puts a progress in the place of the one that waits, if it is of the same step; gives it back if not.
fn newer(held: &mut Option<Held>, client_seq: u64, line: u64, progress: Progress) -> Option<Progress> {
    match held {
        Some(held) if held.progress.step == progress.step => {
            held.progress.percent = held.progress.percent.max(progress.percent);
            held.progress.message = progress.message.or(held.progress.message.take());
            (held.client_seq, held.line) = (client_seq, line);
            None
        }
        _ => Some(progress),
    }
}

impl Reporter {
    /// Where it stands, and a word to the reporter that it is to end.
    async fn heard(&self, state: &mut State) -> Heard {
        let status = self.recorder.look(|execution| execution.status).await;
        let cancel = state.cancel.is_some() && !status.is_final();
        if let Some(Cancel { told_at, .. }) = &mut state.cancel {
            told_at.get_or_insert_with(Instant::now);
        }
        Heard { client_seq: state.client_seq, status, cancel }
    }
}
