//! What is asked about an execution that failed, and about those that repeat it.

use sqlx::{QueryBuilder, Row, Sqlite};
use uuid::Uuid;

use super::{Journal, JournalError, id_bytes, query::within, snapshot};
use crate::domain::{
    access::Scope,
    execution::{Execution, Status},
    id::{ExecutionId, Name, StepId},
    listing::LogLine,
};

/// So many executions before one are looked at for the last good run, and so many after it for those that repeat it.
const NEAR: i64 = 1_000;
/// Most executions that are told to repeat one.
const RERUNS_MAX: usize = 10;

impl Journal {
    /// The last execution of a workflow in `scope` that succeeded before this one, among the 1,000 before it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_good(
        &self,
        scope: &Scope,
        workflow: &Name,
        before: ExecutionId,
    ) -> Result<Option<Execution>, JournalError> {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select snapshot from executions where key = (select key from (select key, id, status from executions where workflow = ",
        );
        select.push_bind(workflow.as_str()).push(" and id < ").push_bind(id_bytes(before));
        within(&mut select, scope);
        select.push(" order by id desc limit ").push_bind(NEAR);
        select.push(") where status = ").push_bind(Status::Succeeded.word()).push(" order by id desc limit 1)");
        let row = select.build().fetch_optional(&mut *self.reader().await?).await?;
        row.map(|row| snapshot(row.try_get("snapshot")?)).transpose()
    }

    /// The executions in `scope` that repeat this one, oldest first: of the 1,000 after it, 10 at most.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reruns(&self, scope: &Scope, of: &Execution) -> Result<Vec<ExecutionId>, JournalError> {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("select id from (select id, snapshot from executions where workflow = ");
        select.push_bind(of.workflow.as_str()).push(" and id > ").push_bind(id_bytes(of.id));
        within(&mut select, scope);
        select.push(" order by id limit ").push_bind(NEAR);
        select.push(") where snapshot ->> 'rerun_of' = ").push_bind(of.id.to_string());
        let rows = select.build().fetch_all(&mut *self.reader().await?).await?;
        let ids = rows.iter().take(RERUNS_MAX).map(|row| {
            let id = Uuid::from_slice(row.try_get("id")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(ExecutionId(id))
        });
        ids.collect()
    }

    /// The last `count` lines of a step that has `lines`, with their numbers in the output of all steps.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_lines(
        &self,
        id: ExecutionId,
        step: &StepId,
        lines: u64,
        count: usize,
    ) -> Result<Vec<LogLine>, JournalError> {
        let from = lines.saturating_sub(count as u64);
        let (mut last, mut next) = (Vec::new(), from);
        // Of short lines only some are read at once.
        loop {
            let some = self.log(id, Some(step), next, count.saturating_sub(last.len())).await?;
            let Some(line) = some.last() else { break };
            next = line.n + 1;
            last.extend(some);
        }
        let select = "select first, step_first, lines from chunks where execution = (select key from executions where id = ?) and step = ? and step_first + lines > ? order by step_first limit ?";
        let chunks: Vec<(i64, i64, i64)> = sqlx::query_as(select)
            .bind(id_bytes(id))
            .bind(step.to_string())
            .bind(i64::try_from(from).unwrap_or(i64::MAX))
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .fetch_all(&mut *self.reader().await?)
            .await?;
        for line in &mut last {
            let n = i64::try_from(line.n).unwrap_or(i64::MAX);
            let chunk = chunks.iter().find(|(_, begin, lines)| (*begin..begin + lines).contains(&n));
            if let Some((first, begin, _)) = chunk {
                line.n = u64::try_from(first + n - begin).unwrap_or(line.n);
            }
        }
        Ok(last)
    }
}
