//! Where executions and steps stand.

use serde::{Deserialize, Serialize};

use crate::domain::event::{ExecutionFailure, StepFailure};

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It is at work.
    Running,
    /// Final: all went well.
    Succeeded,
    /// Final: a step failed.
    Failed,
    /// Final: somebody stopped it.
    Cancelled,
    /// Final: it took longer than it may.
    TimedOut,
    /// Final: the server stopped while it ran.
    Interrupted,
}

impl Status {
    /// All of them, in the order a person thinks of them.
    pub const ALL: [Status; 7] = [
        Status::Queued,
        Status::Running,
        Status::Succeeded,
        Status::Failed,
        Status::Cancelled,
        Status::TimedOut,
        Status::Interrupted,
    ];

    /// Whether it is never left.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Queued | Status::Running)
    }

    /// The word of it, as the API has it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Queued => "queued",
            Status::Running => "running",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
            Status::TimedOut => "timed_out",
            Status::Interrupted => "interrupted",
        }
    }

    /// The word of it, as people read it.
    pub fn label(self) -> &'static str {
        match self {
            Status::Queued => "Queued",
            Status::Running => "Running",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::Cancelled => "Cancelled",
            Status::TimedOut => "Timed out",
            Status::Interrupted => "Interrupted",
        }
    }
}

impl From<ExecutionFailure> for Status {
    fn from(failure: ExecutionFailure) -> Self {
        match failure {
            ExecutionFailure::Failed => Status::Failed,
            ExecutionFailure::TimedOut => Status::TimedOut,
            ExecutionFailure::Interrupted => Status::Interrupted,
        }
    }
}

impl std::str::FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Status::ALL.into_iter().find(|status| status.word() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// A word that is no status.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status: it is one of queued, running, succeeded, failed, cancelled, timed_out, interrupted")]
pub struct UnknownStatus(pub String);

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It waits for others.
    Pending,
    /// It is at work.
    Running,
    /// An attempt failed, the next one waits.
    Retrying,
    /// Final: it exited with 0.
    Succeeded,
    /// Final: it did not.
    Failed,
    /// Final: it was passed over.
    Skipped,
    /// Final: somebody stopped the execution.
    Cancelled,
    /// Final: it took longer than it may.
    TimedOut,
    /// Final: the server stopped while it ran.
    Interrupted,
}

impl StepStatus {
    /// Whether it is never left.
    pub fn is_final(self) -> bool {
        !matches!(self, StepStatus::Pending | StepStatus::Running | StepStatus::Retrying)
    }

    /// The word of it, as the API has it.
    pub fn word(self) -> &'static str {
        match self {
            StepStatus::Pending => "pending",
            StepStatus::Running => "running",
            StepStatus::Retrying => "retrying",
            StepStatus::Succeeded => "succeeded",
            StepStatus::Failed => "failed",
            StepStatus::Skipped => "skipped",
            StepStatus::Cancelled => "cancelled",
            StepStatus::TimedOut => "timed_out",
            StepStatus::Interrupted => "interrupted",
        }
    }

    /// The word of it, as people read it.
    pub fn label(self) -> &'static str {
        match self {
            StepStatus::Pending => "Pending",
            StepStatus::Running => "Running",
            StepStatus::Retrying => "Retrying",
            StepStatus::Succeeded => "Succeeded",
            StepStatus::Failed => "Failed",
            StepStatus::Skipped => "Skipped",
            StepStatus::Cancelled => "Cancelled",
            StepStatus::TimedOut => "Timed out",
            StepStatus::Interrupted => "Interrupted",
        }
    }
}

impl From<StepFailure> for StepStatus {
    fn from(failure: StepFailure) -> Self {
        match failure {
            StepFailure::Failed => StepStatus::Failed,
            StepFailure::TimedOut => StepStatus::TimedOut,
            StepFailure::Cancelled => StepStatus::Cancelled,
            StepFailure::Interrupted => StepStatus::Interrupted,
        }
    }
}
