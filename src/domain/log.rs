//! Lines of output, as they are stored and shown.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Longest line, in bytes of UTF-8; a longer one is cut into several.
pub const LINE_MAX: usize = 16 * 1024;
/// Most lines in one `step.output`.
pub const CHUNK_LINES: usize = 500;
/// Most bytes of text in one `step.output`, a single longest line excepted.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Most lines that a failure carries with it.
pub const TAIL_LINES: usize = 20;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When its last byte came.
    pub at: Timestamp,
    /// Where it was printed.
    pub stream: Stream,
    /// Its text without the line end; may hold ANSI escapes; at most [`LINE_MAX`] bytes.
    pub text: String,
    /// Set if the step marked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Whether the step ended its group before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_group: bool,
}

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a step marked a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// `::notice::`
    Notice,
    /// `::warning::`
    Warning,
    /// `::error::`
    Error,
    /// `::group::`: the title of a fold.
    Group,
}
