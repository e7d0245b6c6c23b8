//! Facts of an execution in little room. Progress and output are nearly all there is of a long run; whatever else
//! happened is kept as it was told.

use crate::domain::{
    event::{Event, Fact, Source},
    execution::{Execution, Step, StepStatus},
    id::Seq,
    time::Timestamp,
};

/// Most facts that one moment can be of: a run with more steps side by side is kept with fewer put together.
const JOINED: usize = 16;

/// A fact, or some that were put together, with the place and the time of the last one.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub seq: Seq,
    pub at: Timestamp,
    pub what: Compact,
}

/// What happened. Steps are told by their place in the execution.
#[derive(Clone, Debug)]
pub(super) enum Compact {
    Progress(Progress),
    Output(Output),
    /// At most [`JOINED`], all of progress and output.
    Several(Box<[Compact]>),
    Other(Box<Event>),
}

#[derive(Clone, Debug)]
pub(super) struct Progress {
    step: u16,
    source: Source,
    attempt: u32,
    percent: f64,
    execution_percent: f64,
    message: Option<Box<str>>,
    eta: Option<u32>,
    range: Option<[u32; 2]>,
}

#[derive(Clone, Debug)]
pub(super) struct Output {
    step: u16,
    attempt: u32,
    /// How many lines the step has after it.
    lines: u64,
}

/// The place of a step among all.
fn place(steps: &[Step], id: &crate::domain::id::StepId) -> Option<u16> {
    u16::try_from(steps.iter().position(|step| step.id == *id)?).ok()
}

/// A span that fits into 32 bits, in milliseconds: 49 days.
fn short(ms: Option<u64>) -> Option<Option<u32>> {
    match ms {
        None => Some(None),
        Some(ms) => u32::try_from(ms).ok().map(Some),
    }
}

impl Compact {
    /// A fact in little room, of an execution with these steps.
    pub fn of(event: &Event, steps: &[Step]) -> Self {
        Self::smaller(event, steps).unwrap_or_else(|| Compact::Other(Box::new(event.clone())))
    }

    fn smaller(event: &Event, steps: &[Step]) -> Option<Self> {
        match event {
            Event::StepProgress {
                step,
                attempt,
                percent,
                message,
                source,
                execution_percent,
                eta_ms,
                eta_range_ms,
            } => {
                let range = match eta_range_ms {
                    Some([low, high]) => Some([u32::try_from(*low).ok()?, u32::try_from(*high).ok()?]),
                    None => None,
                };
                Some(Compact::Progress(Progress {
                    step: place(steps, step)?,
                    source: *source,
                    attempt: *attempt,
                    percent: *percent,
                    execution_percent: *execution_percent,
                    message: message.as_deref().map(Box::from),
                    eta: short(*eta_ms)?,
                    range,
                }))
            }
            Event::StepOutput { step, attempt, first_line, lines } => {
                let lines = first_line.saturating_add(lines.len() as u64);
                Some(Compact::Output(Output { step: place(steps, step)?, attempt: *attempt, lines }))
            }
            _ => None,
        }
    }

    /// What happened, in a few words.
    pub fn words(&self, execution: &Execution) -> String {
        let name = |step: u16| execution.steps.get(usize::from(step)).map_or("", |step| step.name.as_str());
        match self {
            Compact::Progress(progress) => format!("{} at {:.0}%", name(progress.step), progress.percent.floor()),
            Compact::Output(output) => format!("{} printed", name(output.step)),
            Compact::Several(all) => all.last().map(|last| last.words(execution)).unwrap_or_default(),
            Compact::Other(event) => words(event, execution),
        }
    }
}

fn words(event: &Event, execution: &Execution) -> String {
    let name = |step| super::name(execution, step);
    match event {
        Event::ExecutionQueued { .. } => "queued".to_owned(),
        Event::ExecutionWaiting { place, .. } => format!("place {place} in line"),
        Event::ExecutionStarted {} => "started".to_owned(),
        Event::ExecutionOutOfTouch {} => "out of touch".to_owned(),
        Event::ExecutionInTouch {} => "in touch again".to_owned(),
        Event::StepStarted { step, attempt: 0 | 1, .. } => format!("{} began", name(step)),
        Event::StepStarted { step, attempt, .. } => format!("{} began, attempt {attempt}", name(step)),
        Event::StepProgress { step, .. } => format!("{} came further", name(step)),
        Event::StepStalled { step, .. } => format!("{} fell silent", name(step)),
        Event::StepResumed { step, .. } => format!("{} spoke again", name(step)),
        Event::StepOutput { step, .. } => format!("{} printed", name(step)),
        Event::StepCompleted { step, .. } => format!("{} succeeded", name(step)),
        Event::StepRetrying { step, attempt, .. } => format!("{}, attempt {attempt} failed", name(step)),
        Event::StepFailed { step, status, .. } => {
            format!("{} {}", name(step), StepStatus::from(*status).label().to_lowercase())
        }
        Event::StepSkipped { step, .. } => format!("{} skipped", name(step)),
        Event::ExecutionCompleted { .. } => "succeeded".to_owned(),
        Event::ExecutionFailed { .. } => "failed".to_owned(),
        Event::ExecutionCancelled { .. } => "cancelled".to_owned(),
    }
}

impl Told {
    /// Folds it into the execution as it was before.
    pub fn apply(&self, execution: &mut Execution) {
        match &self.what {
            Compact::Several(all) => all.iter().for_each(|one| self.take(execution, one)),
            one => self.take(execution, one),
        }
        execution.seq = execution.seq.max(self.seq);
    }

    fn take(&self, execution: &mut Execution, one: &Compact) {
        let step = |place: u16| execution.steps.get(usize::from(place)).map(|step| step.id.clone());
        let event = match one {
            Compact::Other(event) => Some((**event).clone()),
            Compact::Several(_) => None,
            Compact::Output(output) => step(output.step).map(|step| Event::StepOutput {
                step,
                attempt: output.attempt,
                first_line: output.lines,
                lines: Vec::new(),
            }),
            Compact::Progress(progress) => step(progress.step).map(|step| Event::StepProgress {
                step,
                attempt: progress.attempt,
                percent: progress.percent,
                message: progress.message.as_deref().map(str::to_owned),
                source: progress.source,
                execution_percent: progress.execution_percent,
                eta_ms: progress.eta.map(u64::from),
                eta_range_ms: progress.range.map(|range| range.map(u64::from)),
            }),
        };
        let Some(event) = event else { return };
        let (owner, workflow) = (execution.owner.clone(), execution.workflow.clone());
        execution.take(&Fact { at: self.at, execution_id: execution.id, owner, workflow, event });
    }

    /// Becomes one with what follows it, if both tell progress and output only. Says whether it did.
    pub fn join(&mut self, next: &Told) -> bool {
        let mut all = Vec::new();
        for told in [&*self, next] {
            match &told.what {
                Compact::Other(_) => return false,
                Compact::Several(several) => several.iter().for_each(|one| add(&mut all, one)),
                one => add(&mut all, one),
            }
        }
        if all.len() > JOINED {
            return false;
        }
        (self.seq, self.at, self.what) = (next.seq, next.at, Compact::Several(all.into()));
        true
    }
}

/// Adds a fact to those that are told together: it takes the place of an earlier one that it says no less than.
fn add(all: &mut Vec<Compact>, one: &Compact) {
    let same = all.iter().position(|had| match (had, one) {
        (Compact::Progress(had), Compact::Progress(one)) => had.step == one.step && had.attempt == one.attempt,
        (Compact::Output(had), Compact::Output(one)) => had.step == one.step,
        _ => false,
    });
    let mut one = one.clone();
    if let Some(had) = same.map(|at| all.remove(at)) {
        match (had, &mut one) {
            (Compact::Progress(had), Compact::Progress(one)) => {
                one.percent = one.percent.max(had.percent);
                one.execution_percent = one.execution_percent.max(had.execution_percent);
                one.message = one.message.take().or(had.message);
            }
            (Compact::Output(had), Compact::Output(one)) => one.lines = one.lines.max(had.lines),
            _ => {}
        }
    }
    all.push(one);
}
