//! Questions about executions and workflows, and the shapes of their answers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    activity::{Ran, Tally},
    differences::Failure,
    event::{PlannedStep, Trigger},
    execution::{Execution, Status},
    id::{ExecutionId, Name, Seq, StepId},
    log::Line,
    marks::Marks,
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
    /// Those that were started by this.
    pub trigger: Option<Trigger>,
    /// Those that were asked for at this time or later, by the millisecond that their id tells.
    pub from: Option<When>,
    /// Those that were asked for before this time.
    pub to: Option<When>,
    /// Those that ended at this time or later.
    pub ended_from: Option<When>,
    /// Those whose id, workflow, owner or error message holds this text.
    pub q: Option<String>,
    /// At most so many, 1..=[`PAGE_MAX`].
    pub limit: Option<usize>,
    /// Those older than this one.
    pub before: Option<ExecutionId>,
}

/// A point in time as a question names it: one on the clock, or so long ago. Written as RFC 3339, or as `90m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum When {
    /// This one.
    At(Timestamp),
    /// So many minutes before the question is answered.
    Ago(u32),
}

impl When {
    /// The point in time, as of `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            When::At(at) => at,
            When::Ago(minutes) => Timestamp(now.0.saturating_sub(i64::from(minutes) * 60_000)),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            When::At(at) => at.fmt(f),
            When::Ago(minutes) if minutes.is_multiple_of(1440) => write!(f, "{}d", minutes / 1440),
            When::Ago(minutes) if minutes.is_multiple_of(60) => write!(f, "{}h", minutes / 60),
            When::Ago(minutes) => write!(f, "{minutes}m"),
        }
    }
}

/// A text that names no point in time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time: it is like 2026-11-22T10:00:00Z, or so long ago: 90m, 1h, 7d")]
pub struct UnknownTime(String);

impl FromStr for When {
    type Err = UnknownTime;

    fn from_str(text: &str) -> Result<Self, UnknownTime> {
        let unknown = || UnknownTime(text.chars().take(80).collect());
        if let Ok(at) = text.parse() {
            return Ok(When::At(at));
        }
        let unit = match text.as_bytes().last() {
            Some(b'm') => 1,
            Some(b'h') => 60,
            Some(b'd') => 1440,
            _ => return Err(unknown()),
        };
        let number = text.get(..text.len() - 1).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number: Option<u32> = number.and_then(|digits| digits.parse().ok());
        number.and_then(|number| number.checked_mul(unit)).map(When::Ago).ok_or_else(unknown)
    }
}

impl TryFrom<String> for When {
    type Error = UnknownTime;

    fn try_from(text: String) -> Result<Self, UnknownTime> {
        text.parse()
    }
}

impl From<When> for String {
    fn from(when: When) -> Self {
        when.to_string()
    }
}

/// Most running executions that the page of now holds.
pub const RUNNING_MAX: usize = 1000;
/// Most queued ones: those whose turn comes first.
pub const QUEUED_MAX: usize = 200;
/// How many of those that ended last it shows.
pub const JUST_ENDED: usize = 12;

/// What the page of now opens with, of one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What runs, newest first, [`RUNNING_MAX`] at most.
    pub running: Vec<Execution>,
    /// What waits, oldest first, [`QUEUED_MAX`] at most.
    pub queued: Vec<Execution>,
    /// Whether more runs, or waits, than is told.
    pub more: bool,
    /// What ended last, newest end first, [`JUST_ENDED`] at most.
    pub ended: Vec<Execution>,
    /// What ended in the last hour, newest end first, [`super::activity::RUNS_MAX`] at most.
    pub ran: Vec<Ran>,
    /// How the executions of the last hour ended, all of them.
    pub tally: Tally,
    /// The moment, by the server's clock.
    pub at: Timestamp,
    /// The last fact that is in it.
    pub head: Seq,
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
    /// Whether it can be run again from what failed, if it failed: its working folder is still there.
    #[serde(default)]
    pub kept: bool,
    /// The usual run of its workflow, by the good runs before it; by those after it if none of these is remembered.
    #[serde(default)]
    pub usual: Option<UsualRun>,
    /// What stands out in its log.
    #[serde(default)]
    pub marks: Marks,
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
    /// The users and groups that may start it, besides admins; absent means every user.
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
    /// How long one execution may take.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_named_by_the_clock_or_by_how_long_ago_it_is() {
        let now = Timestamp(1_795_341_600_123);
        for (text, at) in [
            ("2026-11-22T10:00:00Z", 1_795_341_600_000),
            ("2026-11-22T10:00Z", 1_795_341_600_000),
            ("2026-11-22T11:00:00.5+01:00", 1_795_341_600_500),
            ("0m", now.0),
            ("90m", now.0 - 90 * 60_000),
            ("1h", now.0 - 3_600_000),
            ("7d", now.0 - 7 * 86_400_000),
        ] {
            let when: When = text.parse().expect(text);
            assert_eq!(when.at(now), Timestamp(at), "{text}");
            assert_eq!(when.to_string().parse(), Ok(when));
        }
        for text in ["", "h", "1", "-1h", "1.5h", "+1h", "99999999999h", "yesterday", "2026-11-22", "ü"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
