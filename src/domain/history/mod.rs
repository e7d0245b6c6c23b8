//! The past of one execution, kept so that any moment of it can be shown at once.
//!
//! It holds the facts in a compact form and, every so many facts, what the execution was then: a checkpoint. A moment
//! is the nearest state before it with the facts in between, folded by the same function as everything else.

use serde::{Deserialize, Serialize};

use self::compact::{Compact, Told};
use super::{
    event::{Event, Fact, Recorded},
    execution::{Execution, StepStatus},
    id::{Seq, StepId},
    log::Level,
    time::Timestamp,
};

mod compact;

/// Most moments that are kept, of about 100 bytes each. Of a longer run what neighbouring facts of progress and output
/// tell becomes one moment: each that is left is exact, but there are fewer of them.
pub const MOMENTS_MAX: usize = 200_000;
/// Most facts on one page of a history that is fetched.
pub const PAGE_MAX: usize = 2_000;
/// Facts between two checkpoints, at least; with many steps more, so that checkpoints stay small beside the facts.
const CHECKPOINT_FACTS: usize = 256;
/// Facts between two checkpoints for each step that the execution has.
const CHECKPOINT_FACTS_PER_STEP: usize = 8;
/// Most marks on the axis, the first ones; more could not be told apart.
pub const MARKS_MAX: usize = 400;

/// A moment of an execution: when a fact had happened, and nothing after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The last fact that had happened.
    pub seq: Seq,
    /// The time of the moment: that of the fact, or later if nothing else had happened by then.
    pub at: Timestamp,
}

/// Lines that a step printed, told without their text: what a history has instead of a `step.output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// Which step.
    pub step: StepId,
    /// How many log lines it has after it.
    pub lines: u64,
    /// `warning` if one of these lines is marked so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// [`Printed`] as a line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedThen {
    /// The place of the `step.output`.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// What.
    pub printed: Printed,
}

/// What is worth a mark on the axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Whether something failed; else it is a warning.
    pub failed: bool,
    /// What happened, in words.
    pub what: String,
}

/// All facts of an execution so far.
#[derive(Clone, Debug)]
pub struct History {
    /// As its first fact left it.
    begun: Execution,
    /// As the last fact left it.
    last: Execution,
    /// What came after the first fact, at most [`MOMENTS_MAX`].
    told: Vec<Told>,
    /// What it was at some of these, in order.
    checkpoints: Vec<Execution>,
    /// Facts since the last of them.
    since: usize,
    /// What was asked for last: the next question is often the one after it.
    cursor: Execution,
    marks: Vec<Mark>,
    thinned: bool,
    full: bool,
}

impl History {
    /// The history that an execution's first fact begins; none if it is no first fact.
    pub fn begin(first: &Recorded) -> Option<Self> {
        let begun = Execution::begin(first.seq, &first.fact)?;
        Some(Self {
            last: begun.clone(),
            cursor: begun.clone(),
            begun,
            told: Vec::new(),
            checkpoints: Vec::new(),
            since: 0,
            marks: Vec::new(),
            thinned: false,
            full: false,
        })
    }

    /// Takes in the next fact. One that is in it, one of another execution, and one after the end change nothing.
    pub fn take_in(&mut self, recorded: &Recorded) {
        if self.full || !self.last.apply(recorded) {
            return;
        }
        let (seq, at) = (recorded.seq, recorded.fact.at);
        self.mark(at, &recorded.fact.event);
        let what = Compact::of(&recorded.fact.event, &self.begun.steps);
        self.push(Told { seq, at, what });
    }

    /// Takes in lines that were printed, without their text.
    pub fn take_in_printed(&mut self, then: &PrintedThen) {
        let Printed { step, lines, level } = &then.printed;
        let event = Event::StepOutput { step: step.clone(), attempt: 0, first_line: *lines, lines: Vec::new() };
        let recorded = Recorded { seq: then.seq, fact: self.fact(then.at, event), hash: None };
        let new = then.seq > self.last.seq;
        self.take_in(&recorded);
        if new && *level == Some(Level::Warning) && self.marks.len() < MARKS_MAX {
            let what = format!("warning in {}", name(&self.begun, step));
            self.marks.push(Mark { at: then.at, failed: false, what });
        }
    }

    /// The last fact that is in it.
    pub fn through(&self) -> Seq {
        self.last.seq
    }

    /// How many moments there are, the first fact's included.
    pub fn moments(&self) -> usize {
        self.told.len() + 1
    }

    /// Whether there were so many facts that neighbouring ones were put together.
    pub fn thinned(&self) -> bool {
        self.thinned
    }

    /// Whether there were more facts than can be kept even so: it ends before the execution does.
    pub fn full(&self) -> bool {
        self.full
    }

    /// What is worth a mark on the axis, in order, at most [`MARKS_MAX`].
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// A moment by its number, from 0; the last one if there are not so many.
    pub fn moment(&self, number: usize) -> Moment {
        match number.checked_sub(1).and_then(|index| self.told.get(index).or(self.told.last())) {
            Some(told) => Moment { seq: told.seq, at: told.at },
            None => Moment { seq: self.begun.seq, at: self.begun.queued_at },
        }
    }

    /// The number of the last moment at or before a time; the first one's if there is none.
    pub fn number_at(&self, at: Timestamp) -> usize {
        self.told.partition_point(|told| told.at <= at)
    }

    /// The number of the last moment at or before a place in the order; the first one's if there is none.
    pub fn number_of(&self, seq: Seq) -> usize {
        self.told.partition_point(|told| told.seq <= seq)
    }

    /// What the execution was at a moment.
    pub fn at(&mut self, number: usize) -> &Execution {
        let seq = self.moment(number).seq;
        let behind = self.checkpoints.partition_point(|checkpoint| checkpoint.seq <= seq);
        let near = behind.checked_sub(1).and_then(|at| self.checkpoints.get(at)).unwrap_or(&self.begun);
        if self.cursor.seq > seq || self.cursor.seq < near.seq {
            self.cursor.clone_from(near);
        }
        let from = self.number_of(self.cursor.seq);
        for told in self.told.get(from..number.min(self.told.len())).unwrap_or_default() {
            told.apply(&mut self.cursor);
        }
        &self.cursor
    }

    /// What happened at a moment, in a few words.
    pub fn what(&self, number: usize) -> String {
        let told = number.checked_sub(1).and_then(|index| self.told.get(index));
        told.map_or_else(|| "queued".to_owned(), |told| told.what.words(&self.begun))
    }

    fn push(&mut self, told: Told) {
        self.told.push(told);
        self.since += 1;
        if self.since >= CHECKPOINT_FACTS.max(CHECKPOINT_FACTS_PER_STEP * self.begun.steps.len()) {
            self.checkpoints.push(self.last.clone());
            self.since = 0;
        }
        if self.told.len() >= MOMENTS_MAX {
            self.thin();
        }
    }

    /// Puts neighbouring facts that only tell progress or output together, two by two.
    fn thin(&mut self) {
        let before = self.told.len();
        let mut open = false;
        let mut told: Vec<Told> = Vec::with_capacity(before);
        for next in std::mem::take(&mut self.told) {
            let joined = open && told.last_mut().is_some_and(|last| last.join(&next));
            if !joined {
                told.push(next);
            }
            open = !joined;
        }
        self.full = told.len() > before / 4 * 3;
        self.told = told;
        self.thinned = true;
        // A checkpoint between two that are one now is left as it is: what follows it tells the same again.
    }

    fn fact(&self, at: Timestamp, event: Event) -> Fact {
        let Execution { id, owner, workflow, .. } = &self.begun;
        Fact { at, execution_id: *id, owner: owner.clone(), workflow: workflow.clone(), event }
    }

    fn mark(&mut self, at: Timestamp, event: &Event) {
        if self.marks.len() < MARKS_MAX
            && let Some((failed, what)) = worth_a_mark(event, &self.begun)
        {
            self.marks.push(Mark { at, failed, what });
        }
    }
}

/// Whether a fact is worth a mark: whether something failed, and what.
fn worth_a_mark(event: &Event, execution: &Execution) -> Option<(bool, String)> {
    Some(match event {
        Event::StepRetrying { step, attempt, .. } => {
            (true, format!("{}, attempt {attempt} failed", name(execution, step)))
        }
        Event::StepFailed { step, status, .. } => {
            (true, format!("{} {}", name(execution, step), StepStatus::from(*status).label().to_lowercase()))
        }
        Event::StepStalled { step, .. } => (false, format!("{} fell silent", name(execution, step))),
        Event::ExecutionOutOfTouch {} => (false, "out of touch".to_owned()),
        Event::StepOutput { step, lines, .. } if lines.iter().any(|line| line.level == Some(Level::Warning)) => {
            (false, format!("warning in {}", name(execution, step)))
        }
        _ => return None,
    })
}

/// The name of a step.
fn name<'a>(execution: &'a Execution, step: &'a StepId) -> &'a str {
    execution.step(step).map_or(step.as_str(), |step| &step.name)
}

#[cfg(test)]
mod tests;
