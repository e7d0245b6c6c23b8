//! The fold: what an execution is, as the sum of what happened to it. The server's snapshot, the live page, the
//! terminal and the page three weeks later are all this one function of the same facts.

mod item;
mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    item::{Item, RunningStep},
    status::{Status, StepStatus, UnknownStatus},
};
use super::{
    access::{Viewer, visible},
    event::{
        Event, ExecutionError, ExecutionResult, Fact, PlannedStep, Recorded, Source, StepFailure, Trigger, WaitReason,
    },
    id::{ExecutionId, Name, Seq, StepId},
    time::Timestamp,
    workflow::ATTEMPTS_MAX,
};

/// Most a percent is until the work it measures has completed.
pub const PERCENT_BEFORE_END: f64 = 99.9;

/// A step of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id within the workflow.
    pub id: StepId,
    /// What people read.
    pub name: String,
    /// The steps it waits for.
    pub needs: Vec<StepId>,
    /// Its share of the execution's percent.
    pub weight: f64,
    /// Where it stands.
    pub status: StepStatus,
    /// The attempt at work, from 1; 0 before the first.
    pub attempt: u32,
    /// 0.0..=100.0; 100 only when it succeeded.
    pub percent: f64,
    /// What it said it is doing.
    pub message: Option<String>,
    /// Where the percent comes from; none while nothing is known.
    pub source: Option<Source>,
    /// When the attempt at work began.
    pub started_at: Option<Timestamp>,
    /// When it reached its final status.
    pub finished_at: Option<Timestamp>,
    /// How long its last attempt took.
    pub duration_ms: Option<u64>,
    /// What its process exited with.
    pub exit_code: Option<i32>,
    /// The signal that killed its process.
    pub signal: Option<String>,
    /// Why it failed, or why it was skipped.
    pub error: Option<String>,
    /// What it put into `$RUNCAST_OUTPUT`.
    pub outputs: BTreeMap<String, String>,
    /// How many log lines it has.
    pub lines: u64,
    /// Its attempts that failed and were followed by another one, at most
    /// [`ATTEMPTS_MAX`].
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// When the next attempt begins, while it waits for that.
    #[serde(default)]
    pub next_attempt_at: Option<Timestamp>,
    /// How long it usually takes.
    #[serde(default)]
    pub estimate_ms: Option<u64>,
    /// Between which two times most of its runs took.
    #[serde(default)]
    pub usual_ms: Option<[u64; 2]>,
    /// Since when it has said nothing, once that is longer than it ever was, until it speaks again.
    #[serde(default)]
    pub silent_since: Option<Timestamp>,
    /// Whether it was not run, since what an earlier execution did still stands.
    #[serde(default)]
    pub reused: bool,
}

/// An attempt that failed and was followed by another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which, from 1.
    pub attempt: u32,
    /// How it ended.
    pub status: StepFailure,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// What its process exited with.
    pub exit_code: Option<i32>,
    /// The signal that killed its process.
    pub signal: Option<String>,
    /// Why it failed.
    pub error: String,
    /// How many log lines the step had after it.
    pub lines: u64,
}

/// Why an execution has not begun yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What it waits for.
    pub reason: WaitReason,
    /// Its place among those that wait when this was told, from 1; it only gets better.
    pub place: u64,
}

impl Step {
    fn planned(step: &PlannedStep) -> Self {
        Self {
            id: step.id.clone(),
            name: step.name.clone(),
            needs: step.needs.clone(),
            weight: step.weight,
            status: StepStatus::Pending,
            attempt: 0,
            percent: 0.0,
            message: None,
            source: None,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            exit_code: None,
            signal: None,
            error: None,
            outputs: BTreeMap::new(),
            lines: 0,
            attempts: Vec::new(),
            next_attempt_at: None,
            estimate_ms: None,
            usual_ms: None,
            silent_since: None,
            reused: false,
        }
    }

    /// An attempt begins; one that has begun, or that comes before another that has, does not begin again.
    fn start(&mut self, attempt: u32, at: Timestamp) {
        if self.status == StepStatus::Pending || attempt > self.attempt {
            self.status = StepStatus::Running;
            self.attempt = attempt.max(self.attempt);
            self.percent = 0.0;
            self.message = None;
            self.source = None;
            self.started_at = Some(at);
            self.error = None;
            self.next_attempt_at = None;
            self.silent_since = None;
        }
    }

    /// It has reached its end, whichever: what was true only on the way is no more.
    fn end(&mut self, at: Timestamp) {
        self.finished_at = Some(at);
        self.next_attempt_at = None;
        self.silent_since = None;
    }

    /// Its part of the work that needs no more doing, 0.0..=100.0; a skipped step counts as done.
    pub fn done_percent(&self) -> f64 {
        if self.status == StepStatus::Skipped { 100.0 } else { self.percent }
    }
}

/// One run of a workflow: the fold of all that happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Which.
    pub id: ExecutionId,
    /// Of which workflow.
    pub workflow: Name,
    /// Whose.
    pub owner: Name,
    /// Where it stands.
    pub status: Status,
    /// What started it.
    pub trigger: Trigger,
    /// The values it was started with.
    pub params: Map<String, Value>,
    /// 0.0..=100.0, never falls; 100 only when it succeeded.
    pub percent: f64,
    /// How long it still needs, where that is known.
    pub eta_ms: Option<u64>,
    /// Between which two times that most likely is.
    #[serde(default)]
    pub eta_range_ms: Option<[u64; 2]>,
    /// Why it has not begun yet.
    #[serde(default)]
    pub waiting: Option<Waiting>,
    /// Since when whoever reports on it from elsewhere has been silent.
    #[serde(default)]
    pub out_of_touch_at: Option<Timestamp>,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it reached its final status.
    pub finished_at: Option<Timestamp>,
    /// From its beginning to its end.
    pub duration_ms: Option<u64>,
    /// The outputs of all steps, once it succeeded.
    pub result: Option<ExecutionResult>,
    /// Why it failed.
    pub error: Option<ExecutionError>,
    /// Who stopped it.
    pub cancelled_by: Option<Name>,
    /// The execution that it repeats.
    pub rerun_of: Option<ExecutionId>,
    /// Its steps, in the order of the file.
    pub steps: Vec<Step>,
    /// The last fact that is in it.
    pub seq: Seq,
}

impl Execution {
    /// The execution that a fact begins; none unless it is `execution.queued`.
    pub fn begin(seq: Seq, fact: &Fact) -> Option<Self> {
        let Event::ExecutionQueued { trigger, params, steps, rerun_of } = &fact.event else { return None };
        Some(Self {
            id: fact.execution_id,
            workflow: fact.workflow.clone(),
            owner: fact.owner.clone(),
            status: Status::Queued,
            trigger: *trigger,
            params: params.clone(),
            percent: 0.0,
            eta_ms: None,
            eta_range_ms: None,
            waiting: None,
            out_of_touch_at: None,
            queued_at: fact.at,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            result: None,
            error: None,
            cancelled_by: None,
            rerun_of: *rerun_of,
            steps: steps.iter().map(Step::planned).collect(),
            seq,
        })
    }

    /// An execution of a workflow that is only thought of: it has these steps, and nothing has happened.
    pub fn planned(workflow: Name, steps: Vec<PlannedStep>) -> Option<Self> {
        let (at, id) = (Timestamp(0), ExecutionId::first_at(Timestamp(0)));
        let event = Event::ExecutionQueued { trigger: Trigger::Manual, params: Map::new(), steps, rerun_of: None };
        let fact = Fact { at, execution_id: id, owner: workflow.clone(), workflow, event };
        Self::begin(Seq(0), &fact)
    }

    /// Takes in what happened next. A fact of another execution, one that is in it already, and any after the final
    /// one change nothing. Says whether it changed something.
    pub fn apply(&mut self, recorded: &Recorded) -> bool {
        if recorded.seq <= self.seq || recorded.fact.execution_id != self.id || self.status.is_final() {
            return false;
        }
        self.seq = recorded.seq;
        self.take(&recorded.fact);
        true
    }

    /// Whether the last fact that was taken in left it as the server has it; none if that fact does not tell.
    pub fn in_sync(&self, recorded: &Recorded) -> Option<bool> {
        let hash = recorded.hash.filter(|_| recorded.seq == self.seq)?;
        Some(hash == self.state_hash())
    }

    /// [`Execution::apply`] for whoever makes the facts, and has no places for them yet.
    pub fn take(&mut self, fact: &Fact) {
        if self.status.is_final() {
            return;
        }
        let at = fact.at;
        match &fact.event {
            Event::ExecutionQueued { .. } => {}
            Event::ExecutionStarted {} => {
                self.status = Status::Running;
                self.started_at = self.started_at.or(Some(at));
                self.waiting = None;
            }
            Event::ExecutionWaiting { reason, place } => {
                if self.status == Status::Queued {
                    self.waiting = Some(Waiting { reason: *reason, place: *place });
                }
            }
            Event::ExecutionOutOfTouch {} => self.out_of_touch_at = self.out_of_touch_at.or(Some(at)),
            Event::ExecutionInTouch {} => self.out_of_touch_at = None,
            Event::StepStarted { step, attempt, estimate_ms, usual_ms } => self.change(step, |step| {
                step.start(*attempt, at);
                (step.estimate_ms, step.usual_ms) = (*estimate_ms, *usual_ms);
            }),
            Event::StepStalled { step, silent_ms, .. } => {
                let since = Timestamp(at.0.saturating_sub_unsigned(*silent_ms));
                self.change(step, |step| step.silent_since = step.silent_since.or(Some(since)));
            }
            Event::StepResumed { step, .. } => self.change(step, |step| step.silent_since = None),
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
                self.change(step, |step| {
                    if step.attempt == *attempt && step.status == StepStatus::Running {
                        step.percent = bounded(*percent).max(step.percent);
                        step.source = Some(*source);
                        if message.is_some() {
                            step.message.clone_from(message);
                        }
                    }
                });
                self.raise(*execution_percent);
                (self.eta_ms, self.eta_range_ms) = (*eta_ms, *eta_range_ms);
            }
            Event::StepOutput { step, first_line, lines, .. } => {
                let through = first_line.saturating_add(lines.len() as u64);
                self.change(step, |step| step.lines = step.lines.max(through));
            }
            Event::StepCompleted { step, attempt, duration_ms, outputs, lines, execution_percent, reused, .. } => {
                self.change(step, |step| {
                    step.end(at);
                    step.attempt = step.attempt.max(*attempt);
                    step.reused = *reused;
                    step.status = StepStatus::Succeeded;
                    step.percent = 100.0;
                    step.duration_ms = Some(*duration_ms);
                    step.exit_code = Some(0);
                    step.outputs.clone_from(outputs);
                    step.lines = *lines;
                });
                self.raise(*execution_percent);
            }
            Event::StepRetrying {
                step,
                attempt,
                status,
                exit_code,
                signal,
                error,
                duration_ms,
                lines,
                next_attempt_at,
            } => self.change(step, |step| {
                if step.attempts.len() < ATTEMPTS_MAX as usize {
                    step.attempts.push(Attempt {
                        attempt: *attempt,
                        status: *status,
                        started_at: step.started_at,
                        finished_at: at,
                        duration_ms: *duration_ms,
                        exit_code: *exit_code,
                        signal: signal.clone(),
                        error: error.clone(),
                        lines: *lines,
                    });
                }
                step.status = StepStatus::Retrying;
                step.error = Some(error.clone());
                step.next_attempt_at = Some(*next_attempt_at);
                step.silent_since = None;
                step.lines = step.lines.max(*lines);
            }),
            Event::StepFailed { step, status, exit_code, signal, error, duration_ms, lines, .. } => {
                self.change(step, |step| {
                    step.end(at);
                    step.status = (*status).into();
                    step.duration_ms = Some(*duration_ms);
                    step.exit_code = *exit_code;
                    step.signal.clone_from(signal);
                    step.error = Some(error.clone());
                    step.lines = *lines;
                });
            }
            Event::StepSkipped { step, reason, .. } => {
                self.change(step, |step| {
                    step.end(at);
                    step.status = StepStatus::Skipped;
                    step.error = Some(reason.clone());
                });
                self.raise(self.weighed_percent());
            }
            Event::ExecutionCompleted { result, duration_ms, .. } => {
                self.finish(Status::Succeeded, at, *duration_ms);
                self.percent = 100.0;
                self.result = Some(result.clone());
            }
            Event::ExecutionFailed { status, error, duration_ms, .. } => {
                self.finish((*status).into(), at, *duration_ms);
                self.error = Some(error.clone());
            }
            Event::ExecutionCancelled { by, duration_ms, .. } => {
                self.finish(Status::Cancelled, at, *duration_ms);
                self.cancelled_by = Some(by.clone());
            }
        }
    }

    /// Percent by the weights of the steps, 0.0..=99.9, to a tenth.
    pub fn weighed_percent(&self) -> f64 {
        let whole: f64 = self.steps.iter().map(|step| step.weight).sum();
        if whole <= 0.0 {
            return 0.0;
        }
        let done: f64 = self.steps.iter().map(|step| step.weight * step.done_percent()).sum();
        bounded((done / whole * 10.0).floor() / 10.0)
    }

    /// The steps at work now.
    pub fn running(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.status, StepStatus::Running | StepStatus::Retrying))
    }

    /// How many log lines it has, of all steps.
    pub fn lines(&self) -> u64 {
        self.steps.iter().map(|step| step.lines).sum()
    }

    /// A step by its id.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// Whether `viewer` may see it.
    pub fn visible_to(&self, viewer: &Viewer) -> bool {
        visible(viewer, &self.owner)
    }

    /// What a list shows of it: nothing that only its own page shows; its steps only while it may still change.
    pub fn listed(mut self) -> Self {
        self.params = Map::new();
        self.result = self.result.map(glimpse);
        if self.status.is_final() {
            self.steps = Vec::new();
        }
        for step in &mut self.steps {
            step.outputs = BTreeMap::new();
        }
        if let Some(error) = &mut self.error {
            error.tail = Vec::new();
        }
        self
    }

    fn change(&mut self, id: &StepId, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.id == *id && !step.status.is_final()) {
            change(step);
        }
    }

    fn raise(&mut self, percent: f64) {
        self.percent = bounded(percent).max(self.percent);
    }

    fn finish(&mut self, status: Status, at: Timestamp, duration_ms: u64) {
        self.status = status;
        self.finished_at = Some(at);
        self.duration_ms = Some(duration_ms);
        (self.eta_ms, self.eta_range_ms) = (None, None);
        (self.waiting, self.out_of_touch_at) = (None, None);
    }
}

/// How many of an execution's outputs a list shows, and how much of each, in characters.
const GLIMPSE: (usize, usize) = (3, 60);

/// The first outputs of a result, cut short.
fn glimpse(result: ExecutionResult) -> ExecutionResult {
    let mut left = GLIMPSE.0;
    let mut seen = ExecutionResult::new();
    for (step, outputs) in result {
        let outputs: BTreeMap<String, String> =
            outputs.into_iter().take(left).map(|(key, value)| (key, value.chars().take(GLIMPSE.1).collect())).collect();
        left -= outputs.len();
        if !outputs.is_empty() {
            seen.insert(step, outputs);
        }
    }
    seen
}

/// A percent of work that has not ended: 0.0..=99.9, whatever was said; 0 for what is no number.
pub fn bounded(percent: f64) -> f64 {
    if percent.is_nan() { 0.0 } else { percent.clamp(0.0, PERCENT_BEFORE_END) }
}

#[cfg(test)]
pub(in crate::domain) mod tests;
