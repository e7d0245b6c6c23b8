//! Questions about executions and workflows, and the shapes of their answers.

use serde::{Deserialize, Serialize};

use super::{
    differences::Failure,
    event::PlannedStep,
    execution::{Execution, Status},
    id::{ExecutionId, Name, Seq, StepId},
    log::Line,
    time::Timestamp,
    usual::UsualRun,
    workflow::{Concurrency, Parameter, Webhook, WorkflowError},
};

/// Most executions on one page of a list.
pub const PAGE_MAX: usize = 200;

/// How many ended runs of each workflow a list of workflows shows.
pub const RECENT: usize = 20;

/// How many of its next times a workflow with a schedule tells.
pub const NEXT_RUNS: usize = 3;

/// The header with which somebody who follows an execution asks for its snapshot because what they folded is not what
/// the server has; its value is the `seq` of the fact at which they noticed.
pub const OUT_OF_SYNC: &str = "runcast-out-of-sync";

/// Which executions a list shows; newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Those in one of these statuses; empty means any.
    pub status: Vec<Status>,
    /// Those of this workflow.
    pub workflow: Option<Name>,
    /// Those of this user.
    pub owner: Option<Name>,
    /// Those whose id, workflow, owner or error message holds this text.
    pub q: Option<String>,
    /// At most so many, 1..=[`PAGE_MAX`].
    pub limit: Option<usize>,
    /// Those older than this one.
    pub before: Option<ExecutionId>,
}

/// A page of a list, of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Newest first.
    pub items: Vec<Execution>,
    /// `before` of the next page, if there is one.
    pub next: Option<ExecutionId>,
    /// The last fact that is in it: a stream `after` this one misses nothing and repeats nothing.
    pub head: Seq,
}

/// A line of an execution's log, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number, from 0: within the execution, or within the step if one was asked for.
    pub n: u64,
    /// Whose line it is.
    pub step: StepId,
    /// Which attempt printed it.
    pub attempt: u32,
    /// The line.
    #[serde(flatten)]
    pub line: Line,
}

/// What an execution's page opens with, of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// The execution.
    pub execution: Execution,
    /// The last lines of its log.
    pub lines: Vec<LogLine>,
    /// What there is to know of why it failed, if it did.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Those that repeat it, oldest first, as far as they are known.
    #[serde(default)]
    pub reruns: Vec<ExecutionId>,
}

/// A workflow as its readers see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowView {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub description: Option<String>,
    /// The name of its file.
    pub file: String,
    /// What it asks for.
    pub params: Vec<Parameter>,
    /// Its steps, in the order of the file.
    pub steps: Vec<PlannedStep>,
    /// Who may start it; absent means every user.
    pub allow: Option<Vec<Name>>,
    /// When it starts by itself: cron expressions.
    pub schedule: Vec<String>,
    /// By which clock, as the IANA database names it.
    pub timezone: String,
    /// The next [`NEXT_RUNS`] of these times, as of the answer.
    pub next_runs: Vec<Timestamp>,
    /// How many of its executions may run at once.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// Names of the secrets that reach its steps.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// How other systems start it.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    /// What is wrong with the file as it stands on disk; what is shown is then its last good version, if there was one.
    pub errors: Vec<String>,
    /// Whether it can be started: there is a good version.
    pub runnable: bool,
    /// The newest execution of it that the reader may see.
    pub last: Option<PastRun>,
    /// What is known from past runs that the reader may see.
    pub statistics: Statistics,
    /// How the last [`RECENT`] of these ended, newest first.
    #[serde(default)]
    pub recent: Vec<Outcome>,
    /// How the last 50 of these ended, newest first, and a few more that succeeded; only where one workflow was asked for.
    #[serde(default)]
    pub history: Vec<PastRun>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its final status.
    pub status: Status,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

/// All workflows that somebody may start, of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowFolder {
    /// The last fact that is surely in it.
    pub head: Seq,
    /// Which state of the folder it is: another number is another state.
    pub version: u64,
    /// By name.
    pub workflows: Vec<WorkflowView>,
}

/// What a workflow's page shows, of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowSheet {
    /// Which state of the folder it is, as in [`WorkflowFolder`].
    pub version: u64,
    /// The workflow.
    pub workflow: WorkflowView,
    /// Its file.
    pub file: WorkflowFile,
    /// The usual run of its last good version, if one of its steps has ever succeeded.
    #[serde(default)]
    pub usual: Option<UsualRun>,
}

/// The text of a workflow's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowFile {
    /// The text; none if the file can't be read as text.
    pub text: Option<String>,
    /// When it was read.
    pub read_at: Timestamp,
    /// What is wrong with it. Empty as well where the file is broken and the text is that of its last good version.
    pub errors: Vec<WorkflowError>,
    /// When the version was read that runs now; none if there is none.
    pub good_at: Option<Timestamp>,
}

/// A run of a workflow, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    /// Which.
    pub id: ExecutionId,
    /// Whose.
    pub owner: Name,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
}

/// What is known from the past runs of a workflow: of its last 100 that have ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// How many have ended, 100 at most.
    pub runs: u64,
    /// How many of them succeeded.
    pub succeeded: u64,
    /// The median of how long those took.
    pub median_ms: Option<u64>,
    /// Nine in ten of those took no longer.
    #[serde(default)]
    pub high_ms: Option<u64>,
}
