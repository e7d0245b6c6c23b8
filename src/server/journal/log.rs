//! Lines of output by their numbers: any range of a log, however long, in constant memory.

use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Connection, Journal, JournalError, id_bytes, marks, query};
use crate::domain::{
    event::{Event, Fact},
    id::{ExecutionId, StepId},
    listing::{LogLine, Opening},
};

/// Most `step.output` facts that are read at once: about 1 MiB of text.
const CHUNKS: i64 = 16;

impl Journal {
    /// Lines from number `from` on, in the order they were recorded: of one step, with the step's own numbers, or of
    /// all. At most `limit`, and no more than a megabyte or so: ask again from the last one's number plus one. Empty
    /// when there are no more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn log(
        &self,
        id: ExecutionId,
        step: Option<&StepId>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LogLine>, JournalError> {
        lines(&mut *self.reader().await?, id, step, from, limit).await
    }

    /// An execution with the last `tail` lines of its log, of one moment.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn opening(&self, id: ExecutionId, tail: u64) -> Result<Option<Opening>, JournalError> {
        let mut reader = self.reader().await?;
        let Some((_, execution)) = query::row(&mut reader, id).await? else { return Ok(None) };
        let total: u64 = execution.steps.iter().map(|step| step.lines).sum();
        let mut all = Vec::new();
        let mut from = total.saturating_sub(tail);
        loop {
            let some = lines(&mut reader, id, None, from, usize::MAX).await?;
            let Some(last) = some.last() else { break };
            from = last.n + 1;
            all.extend(some);
        }
        let marks = marks::marks(&mut reader, id, None).await?;
        Ok(Some(Opening { execution, lines: all, marks, failure: None, reruns: Vec::new(), kept: false, usual: None }))
    }
}

async fn lines(
    connection: &mut Connection,
    id: ExecutionId,
    step: Option<&StepId>,
    from: u64,
    limit: usize,
) -> Result<Vec<LogLine>, JournalError> {
    let mut select = chunks("step", id_bytes(id), step, from, CHUNKS);
    let mut rows = select.build().fetch(connection);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.try_next().await?
    {
        let first = u64::try_from(row.try_get::<i64, _>("first")?).unwrap_or(0);
        let body: &str = row.try_get("body")?;
        let fact: Fact = serde_json::from_str(&format!("{{{body}"))?;
        let Event::StepOutput { step, attempt, lines, .. } = fact.event else { continue };
        let numbered = lines.into_iter().zip(first..).filter(|(_, n)| *n >= from);
        let room = limit - found.len();
        found.extend(numbered.take(room).map(|(line, n)| LogLine { n, step: step.clone(), attempt, line }));
    }
    Ok(found)
}

/// A question for `most` chunks, in order, from the one on that holds line `from`: the number of its first line as
/// `first`, its fact's `body`, and another column. Numbers are the step's own if there is one.
pub(super) fn chunks(column: &str, id: Vec<u8>, step: Option<&StepId>, from: u64, most: i64) -> QueryBuilder<Sqlite> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut select: QueryBuilder<Sqlite> = QueryBuilder::new("select chunks.");
    select.push(if step.is_some() { "step_first" } else { "first" });
    select.push(" as first, body, chunks.").push(column);
    let key = " execution = (select key from executions where id = ";
    select
        .push(" from chunks join events using (seq) where chunks.")
        .push(key.trim_start())
        .push_bind(id.clone())
        .push(")");
    // A chunk has at least one line, so the one that holds `from` is the last that begins at or before it.
    match step {
        Some(step) => {
            select.push(" and step = ").push_bind(step.to_string());
            select
                .push(" and step_first >= coalesce((select max(step_first) from chunks where")
                .push(key)
                .push_bind(id);
            select.push(") and step = ").push_bind(step.to_string()).push(" and step_first <= ");
            select.push_bind(from).push("), 0) and step_first + lines > ").push_bind(from).push(" order by step_first");
        }
        None => {
            select.push(" and first >= coalesce((select max(first) from chunks where").push(key).push_bind(id);
            select
                .push(") and first <= ")
                .push_bind(from)
                .push("), 0) and first + lines > ")
                .push_bind(from)
                .push(" order by first");
        }
    }
    select.push(" limit ").push_bind(most);
    select
}
