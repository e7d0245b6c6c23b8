//! Facts: what happened to an execution, one type per kind. The names and fields are those of the event stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    id::{ExecutionId, Name, Seq, StepId},
    log::Line,
    state_hash::StateHash,
    time::Timestamp,
};

mod flat;

/// A fact with its place in the order: what a stream's frame holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "flat::Flat")]
pub struct Recorded {
    /// Its place; order of `seq` is order of truth.
    pub seq: Seq,
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
    /// What the execution is after it, as [`Execution::state_hash`](super::execution::Execution::state_hash) has it; with
    /// every hundredth fact and the final one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<StateHash>,
}

/// Something that happened, not yet in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "flat::Flat")]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// To which execution.
    pub execution_id: ExecutionId,
    /// Whose execution it is.
    pub owner: Name,
    /// Of which workflow.
    pub workflow: Name,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", try_from = "flat::Flat")]
pub enum Event {
    /// It was asked for, and waits.
    #[serde(rename = "execution.queued")]
    ExecutionQueued {
        /// Who or what asked.
        trigger: Trigger,
        /// The values it was started with, by declared name.
        params: Map<String, Value>,
        /// The steps it has, in the order of the file.
        steps: Vec<PlannedStep>,
        /// The execution that this one repeats.
        #[serde(skip_serializing_if = "Option::is_none")]
        rerun_of: Option<ExecutionId>,
    },
    /// It can't begin yet, or its place has changed much.
    #[serde(rename = "execution.waiting")]
    ExecutionWaiting {
        /// What it waits for.
        reason: WaitReason,
        /// Its place among those that wait, from 1. Told again when it is one of the first ten, or has halved.
        place: u64,
    },
    /// Its first step may begin.
    #[serde(rename = "execution.started")]
    ExecutionStarted {},
    /// Whoever reports on it from elsewhere has said nothing for a while.
    #[serde(rename = "execution.out_of_touch")]
    ExecutionOutOfTouch {},
    /// Whoever reports on it from elsewhere has spoken again.
    #[serde(rename = "execution.in_touch")]
    ExecutionInTouch {},
    /// An attempt at a step began.
    #[serde(rename = "step.started")]
    StepStarted {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// How long it usually takes.
        #[serde(skip_serializing_if = "Option::is_none")]
        estimate_ms: Option<u64>,
        /// Between which two times most of its runs took.
        #[serde(skip_serializing_if = "Option::is_none")]
        usual_ms: Option<[u64; 2]>,
    },
    /// A step came further.
    #[serde(rename = "step.progress")]
    StepProgress {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// Percent of the step, 0.0..=99.9, never falls within an attempt.
        percent: f64,
        /// What it is doing.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Where the percent comes from.
        source: Source,
        /// Percent of the execution, 0.0..=99.9.
        execution_percent: f64,
        /// How long the execution still needs.
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_ms: Option<u64>,
        /// Between which two times that most likely is.
        #[serde(skip_serializing_if = "Option::is_none")]
        eta_range_ms: Option<[u64; 2]>,
    },
    /// A step has been silent for longer than it ever is. A reading, not a status.
    #[serde(rename = "step.stalled")]
    StepStalled {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// For how long it has said nothing.
        silent_ms: u64,
        /// The longest that is usual.
        usual_ms: u64,
    },
    /// A step that was silent has spoken again.
    #[serde(rename = "step.resumed")]
    StepResumed {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A step printed lines.
    #[serde(rename = "step.output")]
    StepOutput {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// The number of the first of these lines within the step, from 0.
        first_line: u64,
        /// The lines; at most [`super::log::CHUNK_LINES`] of them.
        lines: Vec<Line>,
    },
    /// A step succeeded.
    #[serde(rename = "step.completed")]
    StepCompleted {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// How long the attempt took.
        duration_ms: u64,
        /// What it put into `$RUNCAST_OUTPUT`.
        outputs: BTreeMap<String, String>,
        /// How many log lines the step has.
        lines: u64,
        /// Percent of the execution, 0.0..=99.9.
        execution_percent: f64,
        /// Whether it was not run: what it did in the execution that this one repeats still stands.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reused: bool,
        /// The longest time in which it printed nothing, where that was measured.
        #[serde(skip_serializing_if = "Option::is_none")]
        longest_silence_ms: Option<u64>,
    },
    /// An attempt failed and another will be made.
    #[serde(rename = "step.retrying")]
    StepRetrying {
        /// Which step.
        step: StepId,
        /// The attempt that failed.
        attempt: u32,
        /// How it ended.
        status: StepFailure,
        /// What its process exited with, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that killed it, `SIGSEGV`.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
        /// Why it failed.
        error: String,
        /// How long the attempt took.
        duration_ms: u64,
        /// How many log lines the step has so far.
        lines: u64,
        /// When the next attempt begins.
        next_attempt_at: Timestamp,
    },
    /// A step ended without success.
    #[serde(rename = "step.failed")]
    StepFailed {
        /// Which step.
        step: StepId,
        /// Which attempt, from 1.
        attempt: u32,
        /// How it ended.
        status: StepFailure,
        /// What its process exited with, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that killed it, `SIGSEGV`.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
        /// Why, in one sentence.
        error: String,
        /// Its last lines, at most [`super::log::TAIL_LINES`].
        tail: Vec<String>,
        /// How long the attempt took.
        duration_ms: u64,
        /// How many log lines the step has.
        lines: u64,
    },
    /// A step was passed over.
    #[serde(rename = "step.skipped")]
    StepSkipped {
        /// Which step.
        step: StepId,
        /// Why.
        reason: String,
        /// How many log lines the step has: those of attempts that failed before.
        lines: u64,
    },
    /// All went well.
    #[serde(rename = "execution.completed")]
    ExecutionCompleted {
        /// The outputs of all steps: `{step: {key: value}}`.
        result: ExecutionResult,
        /// From `execution.started` on.
        duration_ms: u64,
        /// 100.
        percent: f64,
        /// How many log lines it has, of all steps.
        lines: u64,
    },
    /// It ended without success.
    #[serde(rename = "execution.failed")]
    ExecutionFailed {
        /// How it ended.
        status: ExecutionFailure,
        /// Why.
        error: ExecutionError,
        /// From `execution.started` on.
        duration_ms: u64,
        /// How many log lines it has, of all steps.
        lines: u64,
    },
    /// Somebody stopped it.
    #[serde(rename = "execution.cancelled")]
    ExecutionCancelled {
        /// Who.
        by: Name,
        /// From `execution.started` on; 0 if it never started.
        duration_ms: u64,
        /// How many log lines it has, of all steps.
        lines: u64,
    },
}

impl Event {
    /// Whether nothing comes after it in its execution.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Event::ExecutionCompleted { .. } | Event::ExecutionFailed { .. } | Event::ExecutionCancelled { .. }
        )
    }

    /// Whether it is output, which only the execution's own stream carries.
    pub fn is_output(&self) -> bool {
        matches!(self, Event::StepOutput { .. })
    }
}

/// The outputs of all steps.
pub type ExecutionResult = BTreeMap<StepId, BTreeMap<String, String>>;

/// A step as it was planned when the execution was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its id.
    pub id: StepId,
    /// What people read.
    pub name: String,
    /// The steps it waits for.
    pub needs: Vec<StepId>,
    /// Its share of the execution's percent, relative to the other steps' weights; more than 0.
    pub weight: f64,
}

/// What started an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// A person on the page.
    Manual,
    /// A call with a token.
    Api,
    /// The clock.
    Schedule,
    /// Another system's call.
    Webhook,
    /// A person, again.
    Rerun,
    /// Work that runs elsewhere.
    External,
}

impl Trigger {
    /// All of them, in the order a person thinks of them.
    pub const ALL: [Trigger; 6] =
        [Trigger::Manual, Trigger::Api, Trigger::Schedule, Trigger::Webhook, Trigger::Rerun, Trigger::External];

    /// The word of it, as the API has it and as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Trigger::Manual => "manual",
            Trigger::Api => "api",
            Trigger::Schedule => "schedule",
            Trigger::Webhook => "webhook",
            Trigger::Rerun => "rerun",
            Trigger::External => "external",
        }
    }
}

impl std::str::FromStr for Trigger {
    type Err = UnknownTrigger;

    fn from_str(text: &str) -> Result<Self, UnknownTrigger> {
        let found = Trigger::ALL.into_iter().find(|trigger| trigger.word() == text);
        found.ok_or_else(|| UnknownTrigger(text.chars().take(80).collect()))
    }
}

/// A word that is no trigger.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no trigger: it is one of manual, api, schedule, webhook, rerun, external")]
pub struct UnknownTrigger(pub String);

/// What an execution waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitReason {
    /// The server runs as many as it may at once.
    Capacity,
    /// As many of its workflow run as its `concurrency` allows.
    Concurrency,
}

impl WaitReason {
    /// The word of it, as the API has it.
    pub fn word(self) -> &'static str {
        match self {
            WaitReason::Capacity => "capacity",
            WaitReason::Concurrency => "concurrency",
        }
    }
}

/// Where a percent comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The step said so.
    Reported,
    /// Read off its output.
    Parsed,
    /// From its history.
    Estimated,
}

impl Source {
    /// The word of it, as the API has it.
    pub fn word(self) -> &'static str {
        match self {
            Source::Reported => "reported",
            Source::Parsed => "parsed",
            Source::Estimated => "estimated",
        }
    }
}

/// How a step ended that did not succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepFailure {
    /// By its own exit.
    #[default]
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// Somebody stopped the execution.
    Cancelled,
    /// The server stopped while it ran.
    Interrupted,
}

/// How an execution ended that did not succeed and was not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionFailure {
    /// A step failed.
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// The server stopped while it ran.
    Interrupted,
}

/// Why an execution failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionError {
    /// The step it failed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// In one sentence.
    pub message: String,
    /// What the step's process exited with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The step's last lines, at most [`super::log::TAIL_LINES`].
    pub tail: Vec<String>,
}

/// What a stream says of itself: frames without an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    /// First on every stream.
    Hello {
        /// The server's last committed fact.
        head: Seq,
        /// Who the server takes the reader for.
        user: Name,
        /// Which state of the workflows folder there is: another number is another state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflows: Option<u64>,
    },
    /// The workflows folder has changed. On streams of everything only.
    Workflows {
        /// As in [`Control::Hello`].
        version: u64,
    },
    /// What came before is history, what comes now is live. Once on every stream.
    CaughtUp {
        /// The server's last committed fact.
        head: Seq,
    },
    /// The link is alive.
    Heartbeat {
        /// When.
        at: Timestamp,
        /// What keeps the server from telling what happens, if anything does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
    },
    /// What follows the reader's id can't be replayed: fetch a snapshot, go on from `head`.
    Reset {
        /// Why.
        reason: ResetReason,
        /// Where the stream goes on.
        head: Seq,
    },
    /// The server closes the stream.
    End {
        /// Why.
        reason: EndReason,
    },
}

/// Why a stream could not go on where its reader stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// The position is older than what is kept, or not of this database.
    Expired,
    /// The reader was too slow.
    Lagged,
}

/// Why the server closes a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// The execution has ended and all of it was sent.
    Finished,
    /// The reader may no longer see it.
    Revoked,
    /// The server stops.
    Shutdown,
    /// The reader took nothing for too long.
    Lagged,
    /// The user, or the server, has as many streams open as it may: come back later.
    Limit,
}

impl EndReason {
    /// The word of it, as the stream has it.
    pub fn word(self) -> &'static str {
        match self {
            EndReason::Finished => "finished",
            EndReason::Revoked => "revoked",
            EndReason::Shutdown => "shutdown",
            EndReason::Lagged => "lagged",
            EndReason::Limit => "limit",
        }
    }
}

#[cfg(test)]
mod tests;
