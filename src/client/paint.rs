//! How facts and states look in a terminal, and as plain lines where there is none.

use std::{fmt::Display, io::IsTerminal as _};

use super::printable::{Keep, printable};
use crate::domain::{
    event::{Event, Fact},
    execution::{Execution, Status, Step, StepStatus},
    id::StepId,
    log::{Level, Line},
    reading::waits_for,
    time::{Timestamp, spoken},
};

/// Width of a bar, in cells.
const BAR_CELLS: usize = 20;
/// Widest name before it is cut, in characters.
const NAME_MAX: usize = 24;

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

#[derive(Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Busy,
    Warn,
    Dim,
    Strong,
}

impl Paint {
    /// Colours if standard output is a terminal and nobody has forbidden them (<https://no-color.org>).
    pub fn of_stdout() -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(std::io::stdout().is_terminal() && !forbidden)
    }

    /// What other people wrote, on one line.
    pub fn theirs(self, text: &str) -> String {
        printable(text, if self.0 { Keep::Colours } else { Keep::Text })
    }

    fn tone(self, tone: Tone, text: impl Display) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Busy => "36",
            Tone::Warn => "33",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// A status as a word, padded to `width`.
    pub fn status(self, status: Status, width: usize) -> String {
        let tone = match status {
            Status::Queued => Tone::Dim,
            Status::Running => Tone::Busy,
            Status::Succeeded => Tone::Good,
            Status::Failed | Status::TimedOut => Tone::Bad,
            Status::Cancelled | Status::Interrupted => Tone::Warn,
        };
        self.tone(tone, format!("{:width$}", status.word()))
    }

    /// A word aside.
    pub fn dim(self, text: impl Display) -> String {
        self.tone(Tone::Dim, text)
    }

    /// A heading.
    pub fn strong(self, text: impl Display) -> String {
        self.tone(Tone::Strong, text)
    }

    /// A warning.
    pub fn warn(self, text: impl Display) -> String {
        self.tone(Tone::Warn, text)
    }

    /// The line of a whole execution on a board.
    pub fn execution(self, execution: &Execution, now: Timestamp) -> String {
        let mut line = format!(
            "{}  {}  {} {:>5.1}%  {}",
            self.strong(&execution.workflow),
            self.status(execution.status, 0),
            self.bar(execution.percent, execution.status == Status::Running),
            execution.percent,
            taken(execution.duration_ms, execution.started_at, now),
        );
        if let Some(eta) = execution.eta_ms.filter(|_| !execution.status.is_final()) {
            line += &self.dim(format!("  about {} left", spoken(eta)));
        }
        line
    }

    /// The line of an execution among others.
    pub fn row(self, execution: &Execution, now: Timestamp) -> String {
        let mut line = format!(
            "{} {} {} {} {:>5.1}%  {:>9}",
            self.dim(execution.id.short()),
            padded(execution.workflow.as_str()),
            self.status(execution.status, 8),
            self.bar(execution.percent, execution.status == Status::Running),
            execution.percent,
            taken(execution.duration_ms, execution.started_at, now),
        );
        for step in execution.running() {
            line += &format!("  {}", printable(&step.name, Keep::Text));
            if let Some(message) = &step.message {
                line += &self.dim(format!(" {}", printable(message, Keep::Text)));
            }
        }
        line += &self.dim(format!("  {}", execution.owner));
        line
    }

    /// The line of a step on a board.
    pub fn step(self, step: &Step, now: Timestamp) -> String {
        let (glyph, tone) = match step.status {
            StepStatus::Pending => ("·", Tone::Dim),
            StepStatus::Running | StepStatus::Retrying => ("●", Tone::Busy),
            StepStatus::Succeeded => ("✓", Tone::Good),
            StepStatus::Failed | StepStatus::TimedOut => ("✗", Tone::Bad),
            StepStatus::Skipped => ("–", Tone::Dim),
            StepStatus::Cancelled | StepStatus::Interrupted => ("■", Tone::Warn),
        };
        let name = padded(&printable(&step.name, Keep::Text));
        if matches!(step.status, StepStatus::Pending | StepStatus::Skipped) {
            let reason = step.error.as_deref().unwrap_or_default();
            return self
                .tone(tone, format!("  {glyph} {name} {}  {}", step.status.word(), printable(reason, Keep::Text)));
        }
        let mut line = format!(
            "  {} {name} {} {:>5.1}%  {:>9}",
            self.tone(tone, glyph),
            self.bar(step.percent, step.status == StepStatus::Running),
            step.percent,
            taken(step.duration_ms.filter(|_| step.status.is_final()), step.started_at, now),
        );
        if step.attempt > 1 {
            line += &self.dim(format!("  attempt {}", step.attempt));
        }
        match (&step.error, &step.message) {
            (Some(error), _) => line += &format!("  {}", self.tone(tone, printable(error, Keep::Text))),
            (None, Some(message)) => line += &format!("  {}", printable(message, Keep::Text)),
            (None, None) => {}
        }
        line
    }

    fn bar(self, percent: f64, busy: bool) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let share = if percent.is_finite() { percent.clamp(0.0, 100.0) / 100.0 } else { 0.0 };
        // At most BAR_CELLS * 8, and not negative.
        let eighths = (share * (BAR_CELLS * 8) as f64) as usize;
        let (full, part) = (eighths / 8, EIGHTHS[eighths % 8]);
        let empty = BAR_CELLS - full - usize::from(!part.is_empty());
        let done = format!("{}{part}", "█".repeat(full));
        let done = if busy { self.tone(Tone::Busy, done) } else { done };
        format!("{done}{}", self.tone(Tone::Dim, "░".repeat(empty)))
    }

    /// A line of output.
    pub fn output(self, step: &StepId, line: &Line) -> String {
        let text = self.theirs(&line.text);
        let text = match line.level {
            Some(Level::Error) => format!("{} {text}", self.tone(Tone::Bad, "error:")),
            Some(Level::Warning) => format!("{} {text}", self.warn("warning:")),
            Some(Level::Notice) => format!("{} {text}", self.tone(Tone::Busy, "notice:")),
            Some(Level::Group) => self.strong(format!("{text}:")),
            None => text,
        };
        format!("{} {text}", self.dim(format!("[{step}]")))
    }

    /// What happened, as one line; none for output, and for what says nothing on its own.
    pub fn fact(self, fact: &Fact) -> Option<String> {
        let text = |text: &str| printable(text, Keep::Text);
        Some(match &fact.event {
            Event::ExecutionQueued { .. } => format!("queued by {}", fact.owner),
            Event::ExecutionWaiting { reason, place } => format!("waits: {}", waits_for(*reason, *place)),
            Event::ExecutionStarted {} => "started".to_owned(),
            Event::ExecutionOutOfTouch {} => self.warn("out of touch: whoever reports on it is silent"),
            Event::ExecutionInTouch {} => "in touch again".to_owned(),
            Event::StepStalled { step, silent_ms, usual_ms, .. } => {
                let silent = self.warn(format!("silent for {}", spoken(*silent_ms)));
                format!("{} {silent}, usually {} at most", self.dim(format!("[{step}]")), spoken(*usual_ms))
            }
            Event::StepResumed { step, .. } => format!("{} speaks again", self.dim(format!("[{step}]"))),
            Event::StepStarted { step, attempt: 1, .. } => format!("{} started", self.dim(format!("[{step}]"))),
            Event::StepStarted { step, attempt, .. } => {
                format!("{} started, attempt {attempt}", self.dim(format!("[{step}]")))
            }
            Event::StepProgress { step, percent, message, .. } => {
                let message = message.as_deref().map(text).unwrap_or_default();
                format!("{} {:.0}% {message}", self.dim(format!("[{step}]")), percent.floor()).trim_end().to_owned()
            }
            Event::StepOutput { .. } => return None,
            Event::StepCompleted { step, reused: true, .. } => {
                let word = self.tone(Tone::Good, "succeeded");
                format!("{} {word} before, and is not run again", self.dim(format!("[{step}]")))
            }
            Event::StepCompleted { step, duration_ms, .. } => {
                let word = self.tone(Tone::Good, "succeeded");
                format!("{} {word} in {}", self.dim(format!("[{step}]")), spoken(*duration_ms))
            }
            Event::StepRetrying { step, attempt, error, .. } => {
                let word = self.warn(format!("attempt {attempt} failed"));
                format!("{} {word}: {}; another follows", self.dim(format!("[{step}]")), text(error))
            }
            Event::StepFailed { step, status, error, duration_ms, .. } => {
                let word = self.tone(Tone::Bad, StepStatus::from(*status).word());
                format!("{} {word} after {}: {}", self.dim(format!("[{step}]")), spoken(*duration_ms), text(error))
            }
            Event::StepSkipped { step, reason, .. } => {
                format!("{} skipped: {}", self.dim(format!("[{step}]")), text(reason))
            }
            Event::ExecutionCompleted { duration_ms, .. } => {
                format!("{} in {}", self.status(Status::Succeeded, 0), spoken(*duration_ms))
            }
            Event::ExecutionFailed { error, duration_ms, .. } => {
                let word = self.tone(Tone::Bad, "failed");
                format!("{word} after {}: {}", spoken(*duration_ms), text(&error.message))
            }
            Event::ExecutionCancelled { by, duration_ms, .. } => {
                format!("{} by {by} after {}", self.status(Status::Cancelled, 0), spoken(*duration_ms))
            }
        })
    }

    /// How it ended: the result, or the error with the last lines of output.
    pub fn outcome(self, execution: &Execution) -> Vec<String> {
        let took = execution.duration_ms.map(|ms| format!(" after {}", spoken(ms))).unwrap_or_default();
        let mut head = format!("{} {}{took}", self.strong(&execution.workflow), self.status(execution.status, 0));
        if let Some(by) = &execution.cancelled_by {
            head += &format!(", by {by}");
        }
        let mut lines = vec![head];
        for (step, outputs) in execution.result.iter().flatten() {
            let values = outputs.iter().map(|(key, value)| format!("  {step}.{key} = {}", self.theirs(value)));
            lines.extend(values);
        }
        if let Some(error) = &execution.error {
            let place = error.step.as_ref().map(|step| format!("step {step}: ")).unwrap_or_default();
            let code = error.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
            let message = printable(&error.message, Keep::Text);
            lines.push(format!("  {place}{}{code}", self.tone(Tone::Bad, message)));
            lines.extend(error.tail.iter().map(|line| format!("  {} {}", self.dim("|"), self.theirs(line))));
        }
        lines
    }
}

/// How long it took, or has taken until now.
fn taken(duration_ms: Option<u64>, started_at: Option<Timestamp>, now: Timestamp) -> String {
    duration_ms.or(started_at.map(|started_at| now.since(started_at))).map(spoken).unwrap_or_default()
}

/// A name, cut or filled to one width.
fn padded(name: &str) -> String {
    let mut cut: String = name.chars().take(NAME_MAX).collect();
    if name.chars().count() > NAME_MAX {
        cut.pop();
        cut.push('…');
    }
    format!("{cut:NAME_MAX$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_always_as_wide_and_full_only_at_the_end() {
        for percent in [-1.0, 0.0, 0.1, 33.3, 99.9, 100.0, 200.0, f64::NAN] {
            assert_eq!(Paint(false).bar(percent, true).chars().count(), BAR_CELLS, "{percent}");
        }
        assert_eq!(Paint(false).bar(100.0, false), "█".repeat(BAR_CELLS));
        assert_ne!(Paint(false).bar(99.9, false), "█".repeat(BAR_CELLS));
    }

    #[test]
    fn the_outcome_of_a_failure_has_step_message_code_and_last_lines_but_no_escapes() {
        let execution: Execution = serde_json::from_str(
            r#"{"id":"01934f0e-7b1c-7000-8000-000000000001","workflow":"w","owner":"a","status":"failed","trigger":"api",
            "params":{},"percent":50.0,"eta_ms":null,"queued_at":"2026-11-22T10:00:00.000Z","started_at":null,
            "finished_at":null,"duration_ms":2300,"result":null,"cancelled_by":null,"rerun_of":null,"steps":[],"seq":9,
            "error":{"step":"build","message":"it broke","exit_code":3,"tail":["one","\u001b[2Jtwo"]}}"#,
        )
        .expect("it is a snapshot");
        let lines = Paint(false).outcome(&execution);
        assert_eq!(lines, ["w failed after 2.3 s", "  step build: it broke (exit code 3)", "  | one", "  | two"]);
    }
}
