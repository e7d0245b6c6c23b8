//! Why a command did not do what it was asked to, and the exit code that says so.

use std::io;

use crate::domain::{execution::Status, problem::Problem};

use super::printable::{Keep, printable};

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Usage(String),
    /// No answer came.
    #[error("{url} was not reached: {reason}")]
    Unreached {
        /// The server's address.
        url: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// The server said no.
    #[error("{}", told(.0))]
    Refused(Problem),
    /// An answer came that this program does not understand.
    #[error("the server's answer was not understood: {0}")]
    Strange(String),
    /// The data folder or a file in it.
    #[error("{0}")]
    Data(String),
    /// The reader of standard output is gone, or it is full.
    #[error("standard output can't be written: {0}")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// The exit code that says so.
    pub fn exit_code(&self) -> u8 {
        match self {
            ClientError::Usage(_) => 2,
            ClientError::Unreached { .. } | ClientError::Refused(_) | ClientError::Strange(_) => 3,
            ClientError::Data(_) => 1,
            ClientError::Output(error) => u8::from(error.kind() != io::ErrorKind::BrokenPipe),
        }
    }

    /// Whether there is nobody to tell: the reader has seen enough and left.
    pub fn is_silent(&self) -> bool {
        matches!(self, ClientError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A problem as a person reads it, each field's error on a line of its own.
fn told(problem: &Problem) -> String {
    let mut text = match &problem.detail {
        Some(detail) => format!("the server refused: {detail}"),
        None => format!("the server refused: {} ({})", problem.title, problem.status),
    };
    if problem.status == 401 {
        text += "\n  Give a token with --token or RUNCAST_TOKEN; `runcast token create --user NAME` makes one.";
    }
    for error in &problem.errors {
        text += &format!("\n  {}: {}", error.field, error.message);
    }
    text.lines().map(|line| printable(line, Keep::Text)).collect::<Vec<_>>().join("\n")
}

/// The exit code of a command that saw an execution's end.
pub fn exit_code_of(status: Status) -> u8 {
    match status {
        Status::Succeeded => 0,
        Status::Cancelled => 130,
        Status::TimedOut => 124,
        Status::Failed | Status::Interrupted | Status::Queued | Status::Running => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_executions() {
        let codes = Status::ALL.map(|status| (status.word(), exit_code_of(status)));
        assert_eq!(
            codes[2..],
            [("succeeded", 0), ("failed", 1), ("cancelled", 130), ("timed_out", 124), ("interrupted", 1)]
        );
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let gone = ClientError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(gone.is_silent());
        assert_eq!(gone.exit_code(), 0);
        let full = ClientError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!full.is_silent());
        assert_eq!(full.exit_code(), 1);
    }

    #[test]
    fn a_refusal_names_each_field_and_moves_no_cursor() {
        let problem = r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"no",
            "errors":[{"field":"name","message":"is \u001b[2Jmissing"}]}"#;
        let error = ClientError::Refused(serde_json::from_str(problem).expect("it is a problem"));
        assert_eq!(error.to_string(), "the server refused: no\n  name: is missing");
        assert_eq!(error.exit_code(), 3);
    }
}
