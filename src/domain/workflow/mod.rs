//! Workflows: from a YAML file to a plan that can be trusted.
//!
//! Bounds: a file has at most [`FILE_MAX`] bytes, [`STEPS_MAX`] steps and [`PARAMS_MAX`] parameters; a value of a
//! parameter or of the environment has at most [`VALUE_MAX`] bytes.

mod graph;
pub mod highlight;
mod nearest;
mod occasions;
mod reading;
pub mod turn;
mod values;
mod yaml;

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    access::{Viewer, may_start},
    event::PlannedStep,
    id::{Name, StepId},
    problem::FieldError,
    schedule::zone,
};

pub use values::{VALUE_MAX, bind, text as variable_text};

/// The JSON Schema of the format, for editors: what of it a schema can say.
pub const SCHEMA: &str = include_str!("schema.json");
/// Longest file, in bytes.
pub const FILE_MAX: usize = 1024 * 1024;
/// Most steps of a workflow.
pub const STEPS_MAX: usize = 1000;
/// Most attempts at a step.
pub const ATTEMPTS_MAX: u32 = 100;
/// Most secrets of a workflow.
pub const SECRETS_MAX: usize = 100;
/// Most times of a schedule.
pub const SCHEDULE_MAX: usize = 20;
/// Who scheduled and called executions belong to unless the file says otherwise: nobody can sign in by this name, so
/// only admins see them.
pub const NOBODY: &str = "runcast";
/// Most parameters of a workflow.
pub const PARAMS_MAX: usize = 100;

/// A validated plan: every step's needs exist, there is no cycle, every id is unique.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub description: Option<String>,
    /// What it asks for.
    pub params: Vec<Parameter>,
    /// Environment of all its steps.
    pub env: BTreeMap<String, String>,
    /// How long an execution may take.
    pub timeout: Option<Duration>,
    /// The users and groups that may start it, besides admins; absent means every user.
    pub allow: Option<Vec<Name>>,
    /// Names of secrets that reach its steps as environment variables, and are masked wherever they appear.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// How many of its executions may run at once.
    #[serde(default)]
    pub concurrency: Option<Concurrency>,
    /// When it starts by itself: cron expressions.
    #[serde(default)]
    pub schedule: Vec<String>,
    /// By which clock, a name of the IANA time zone database; absent means UTC.
    #[serde(default)]
    pub timezone: Option<String>,
    /// What becomes of times that passed while the server was down.
    #[serde(default)]
    pub missed: Missed,
    /// In whose name it runs when no user starts it; absent means [`NOBODY`].
    #[serde(default)]
    pub owner: Option<Name>,
    /// How other systems start it.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    /// Its steps, in the order of the file, at least one.
    pub steps: Vec<StepPlan>,
}

/// A step as the file has it, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPlan {
    /// Its id.
    pub id: StepId,
    /// What people read.
    pub name: String,
    /// The script.
    pub run: String,
    /// What runs the script: a program with its arguments, split at spaces; the script's file is the last one.
    pub shell: Option<String>,
    /// Environment of this step, over the workflow's.
    pub env: BTreeMap<String, String>,
    /// Where it runs; absent means the execution's own folder, relative is under that.
    pub working_directory: Option<String>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// Its share of the execution's percent, more than 0; absent means what past runs took.
    pub weight: Option<f64>,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Whether it runs on a pseudo-terminal.
    #[serde(default)]
    pub tty: bool,
    /// Whether its failure counts as good for others.
    pub continue_on_error: bool,
    /// When it runs.
    pub condition: Condition,
    /// The steps it waits for; in a file where no step has `needs`, the one above it.
    pub needs: Vec<StepId>,
}

/// How often a step is tried, and how long between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, 1..=[`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Between the first attempt and the second; doubles each time.
    pub backoff: Duration,
    /// The longest that it becomes.
    pub max_backoff: Duration,
}

impl Retry {
    /// How long to wait after a failed attempt. `luck`, 0.0..1.0, spreads those that failed together: the time is between
    /// three quarters and all of what doubling gives.
    pub fn pause(&self, failed: u32, luck: f64) -> Duration {
        let doubled = 2_u32.checked_pow(failed.saturating_sub(1)).and_then(|times| self.backoff.checked_mul(times));
        doubled.unwrap_or(self.max_backoff).min(self.max_backoff).mul_f64(0.75 + 0.25 * luck.clamp(0.0, 1.0))
    }
}

/// How many executions of a workflow may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// So many, at least 1.
    pub limit: u32,
    /// What becomes of one more.
    pub when_full: WhenFull,
}

/// What becomes of an execution when as many of its workflow run as may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// It waits.
    #[default]
    Queue,
    /// It is cancelled at once.
    Skip,
    /// The oldest one that runs is cancelled for it.
    CancelRunning,
}

/// What becomes of times of a schedule that passed while the server was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing.
    #[default]
    Skip,
    /// It runs once, for all of them.
    Run,
}

/// How other systems start a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The name of the secret that calls are signed with.
    pub secret: String,
    /// The parameter that gets a call's body.
    pub body: Option<String>,
}

/// When a step runs, of what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// When all went well.
    #[default]
    Success,
    /// When something failed.
    Failure,
    /// In any case, cancelled executions included.
    Always,
}

/// What a workflow asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name; see [`Parameter::variable`].
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// What it is if nothing is given; absent means it must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it may be; empty means anything of its type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Value>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// Any text without NUL.
    #[default]
    String,
    /// A whole number, of 64 bits.
    Integer,
    /// A number, finite.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// What is wrong with a workflow file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{path}{}{message} ({file}:{line}:{column})", if self.path.is_empty() { "" } else { ": " })]
pub struct WorkflowError {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// The key, as `steps[2].needs`, steps and parameters counted from 0; empty for the whole file.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Parameter {
    /// The environment variable that carries it to the steps: upper-cased, `-` becomes `_`.
    pub fn variable(&self) -> String {
        self.name.to_ascii_uppercase().replace('-', "_")
    }
}

impl Workflow {
    /// Reads a file's text. `file` is what errors call it; `stem` is the workflow's name unless the text says otherwise.
    ///
    /// # Errors
    /// What is wrong with it, 50 errors at most, in the order of the file; never empty. A text that is no YAML has
    /// that one error.
    pub fn parse(file: &str, stem: &str, text: &str) -> Result<Self, Vec<WorkflowError>> {
        reading::read(file, stem, text, |name| zone(name).is_ok())
    }

    /// The same where there are no time zones at hand: `is_zone` says whether a name is that of one.
    ///
    /// # Errors
    /// Those of [`Workflow::parse`].
    pub fn parse_with(
        file: &str,
        stem: &str,
        text: &str,
        is_zone: fn(&str) -> bool,
    ) -> Result<Self, Vec<WorkflowError>> {
        reading::read(file, stem, text, is_zone)
    }

    /// The values of all parameters, in the order of the file: given ones converted to their declared type, the
    /// others' defaults. [`variable_text`] is what of them reaches the steps.
    ///
    /// # Errors
    /// One for each parameter that is missing, undeclared, of the wrong type or none of its choices.
    pub fn bind(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<FieldError>> {
        bind(&self.params, given)
    }

    /// Whether `viewer` may start it, and so know that it exists.
    pub fn open_to(&self, viewer: &Viewer) -> bool {
        may_start(viewer, self.allow.as_deref())
    }

    /// Its steps as `execution.queued` tells them.
    pub fn planned(&self) -> Vec<PlannedStep> {
        self.steps
            .iter()
            .map(|step| PlannedStep {
                id: step.id.clone(),
                name: step.name.clone(),
                needs: step.needs.clone(),
                weight: step.weight.unwrap_or(1.0),
            })
            .collect()
    }
}
