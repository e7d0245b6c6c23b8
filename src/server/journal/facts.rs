//! The facts of one execution, page by page, without what it printed: for whoever shows its past.

use futures_util::TryStreamExt;
use serde::Deserialize;
use sqlx::Row;

use super::{Journal, JournalError, db, id_bytes, seq};
use crate::domain::{
    history::{Printed, PrintedThen},
    id::{ExecutionId, Seq, StepId},
    log::Level,
    time::Timestamp,
};

/// A page ends with the fact that makes what was read for it longer than this, in bytes: output is read, and not sent.
const READ_MAX: usize = 4 * 1024 * 1024;

/// What of a `step.output` is needed to tell that there was one.
#[derive(Deserialize)]
struct Output {
    at: Timestamp,
    step: StepId,
    first_line: u64,
    lines: Vec<Leveled>,
}

#[derive(Deserialize)]
struct Leveled {
    #[serde(default)]
    level: Option<Level>,
}

impl Journal {
    /// The facts of an execution after a place, in order, as lines of JSON; of output it is told how many lines there
    /// are, as [`PrintedThen`]. At most `limit` facts, and no more than a few megabytes: ask again after the last one's
    /// place. Empty when there are no more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn facts(&self, id: ExecutionId, after: Seq, limit: usize) -> Result<String, JournalError> {
        let mut reader = self.reader().await?;
        let select = "select seq, output, body from events where execution = (select key from executions where id = ?) and seq > ? order by seq limit ?";
        let mut rows = sqlx::query(select)
            .bind(id_bytes(id))
            .bind(db(after))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&mut *reader);
        let (mut lines, mut read) = (String::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let (seq, body) = (seq(row.try_get("seq")?), row.try_get::<&str, _>("body")?);
            if row.try_get::<bool, _>("output")? {
                lines.push_str(&serde_json::to_string(&printed(seq, body)?)?);
            } else {
                lines.push_str(&format!("{{\"seq\":{seq},{body}"));
            }
            lines.push('\n');
            read += body.len();
            if read > READ_MAX {
                break;
            }
        }
        Ok(lines)
    }
}

fn printed(seq: Seq, body: &str) -> Result<PrintedThen, JournalError> {
    let Output { at, step, first_line, lines } = serde_json::from_str(&format!("{{{body}"))?;
    let warned = lines.iter().any(|line| line.level == Some(Level::Warning));
    let level = warned.then_some(Level::Warning);
    Ok(PrintedThen { seq, at, printed: Printed { step, lines: first_line + lines.len() as u64, level } })
}
