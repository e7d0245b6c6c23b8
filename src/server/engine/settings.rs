//! What the engine was told.

use std::{path::PathBuf, time::Duration};

use crate::server::{access::ReportTokens, secrets::Secrets};

/// How many processes a step may have, unless told otherwise.
pub const PROCESSES_MAX: usize = 2_000;
/// How much output of an execution is kept, unless told otherwise, in bytes.
pub const OUTPUT_MAX: u64 = 200_000_000;

/// What the engine was told.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The data folder; executions work under `work` in it.
    pub data: PathBuf,
    /// The server's address, for `RUNCAST_URL`.
    pub url: Option<String>,
    /// How many executions run at once, at least 1; the rest wait in order.
    pub limit: usize,
    /// Of how many executions that did not succeed the folder is kept.
    pub keep_folders: usize,
    /// Between TERM and KILL when a step is stopped.
    pub grace: Duration,
    /// How much longer than the grace a supervisor may take to end its processes before it is killed itself.
    pub patience: Duration,
    /// How long steps with `if: always` may run, together, after the execution was cancelled or timed out.
    pub cleanup: Duration,
    /// Least time between two estimates of how far a step is.
    pub estimate_every: Duration,
    /// No silence shorter than this makes a step stalled.
    pub stall_min: Duration,
    /// Makes the tokens by which steps report, for `RUNCAST_TOKEN`; without, they have none.
    pub report_tokens: Option<ReportTokens>,
    /// How many processes a step may have at once; one with more is killed.
    pub processes_max: usize,
    /// How much output of an execution is kept, in bytes; of what comes after it the last lines of each step.
    pub output_max: u64,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// The program whose `supervise` starts the steps: this one.
    pub program: PathBuf,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            data: "data".into(),
            url: None,
            limit: 2,
            keep_folders: 20,
            grace: Duration::from_secs(10),
            // The supervisor itself gives up earlier.
            patience: Duration::from_secs(35),
            cleanup: Duration::from_secs(300),
            estimate_every: Duration::from_secs(2),
            stall_min: Duration::from_secs(10),
            report_tokens: None,
            processes_max: PROCESSES_MAX,
            output_max: OUTPUT_MAX,
            secrets: Secrets::default(),
            // Good even after the file on disk was replaced by a newer one.
            program: "/proc/self/exe".into(),
        }
    }
}
