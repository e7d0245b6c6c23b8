//! What is asked of the table of executions. Every question of a person carries their [`Scope`].

use std::time::Duration;

use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

use super::{Connection, Handled, Journal, JournalError, db, external, id_bytes, schedules, seq, snapshot};
use crate::domain::{
    access::Scope,
    execution::{Execution, Status},
    id::{ExecutionId, Name, Seq},
    listing::{Outcome, PastRun, RECENT, Statistics},
    time::Timestamp,
    workflow::Workflow,
};

/// How many past runs a workflow's statistics look at.
const PAST_RUNS: i64 = 100;

/// A request that, if repeated with the same key, must start nothing and get the first one's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotent {
    /// What the caller named it, unique per user.
    pub key: String,
    /// SHA-256 of its body.
    pub request: Vec<u8>,
}

/// What is written down in one commit with an execution's first fact: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The key of the request that started it.
    pub idempotent: Option<Idempotent>,
    /// How far the workflow's schedule is handled by it.
    pub handled: Option<Handled>,
    /// Of work that runs elsewhere: the silence that interrupts it.
    pub interrupt_after: Option<Duration>,
}

impl Journal {
    /// The last fact that is committed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn head(&self) -> Result<Seq, JournalError> {
        head(&mut *self.reader().await?).await
    }

    /// An execution as it stands.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn snapshot(&self, id: ExecutionId) -> Result<Option<Execution>, JournalError> {
        Ok(row(&mut *self.reader().await?, id).await?.map(|(_, execution)| execution))
    }

    /// Every execution without a final status, oldest first, with its plan.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unfinished(&self) -> Result<Vec<(Execution, Workflow)>, JournalError> {
        let rows = sqlx::query("select snapshot, plan from executions where finished_at is null order by id")
            .fetch_all(&mut *self.reader().await?)
            .await?;
        rows.iter()
            .map(|row| Ok((snapshot(row.try_get("snapshot")?)?, serde_json::from_str(row.try_get("plan")?)?)))
            .collect()
    }

    /// The execution that `owner` started with this key in the last 24 hours, and the SHA-256 of that request.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keyed(
        &self,
        owner: &Name,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<(ExecutionId, Vec<u8>)>, JournalError> {
        let row = sqlx::query("select execution, request from idempotency where owner = ? and key = ? and at > ?")
            .bind(owner.as_str())
            .bind(key)
            .bind(now.0 - super::retention::KEYS_KEPT_MS)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let id =
            uuid::Uuid::from_slice(row.try_get("execution")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Some((ExecutionId(id), row.try_get("request")?)))
    }

    /// The newest execution of a workflow in `scope`, what is known from the last 100 that have ended, and how the last
    /// [`RECENT`] of them did, newest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn past(
        &self,
        scope: &Scope,
        workflow: &Name,
    ) -> Result<(Option<PastRun>, Statistics, Vec<Outcome>), JournalError> {
        let mut reader = self.reader().await?;
        let mut newest: QueryBuilder<Sqlite> = QueryBuilder::new("select snapshot from executions where workflow = ");
        newest.push_bind(workflow.as_str());
        within(&mut newest, scope);
        newest.push(" order by id desc limit 1");
        let last = newest.build().fetch_optional(&mut *reader).await?;
        let last = match last {
            Some(row) => Some(past_run(&snapshot(row.try_get("snapshot")?)?)),
            None => None,
        };
        let mut ended: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select status, duration_ms from executions where finished_at is not null and workflow = ",
        );
        ended.push_bind(workflow.as_str());
        within(&mut ended, scope);
        ended.push(" order by id desc limit ").push_bind(PAST_RUNS);
        let rows = ended.build().fetch_all(&mut *reader).await?;
        let ended: Vec<Outcome> = rows.iter().map(outcome).collect::<Result<_, _>>()?;
        let recent = ended.iter().take(RECENT).copied().collect();
        Ok((last, statistics(&ended), recent))
    }
}

fn past_run(execution: &Execution) -> PastRun {
    PastRun {
        id: execution.id,
        owner: execution.owner.clone(),
        status: execution.status,
        queued_at: execution.queued_at,
        finished_at: execution.finished_at,
        duration_ms: execution.duration_ms,
    }
}

fn outcome(row: &SqliteRow) -> Result<Outcome, JournalError> {
    let status = row.try_get::<&str, _>("status")?.parse::<Status>();
    let duration: Option<i64> = row.try_get("duration_ms")?;
    Ok(Outcome {
        status: status.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        duration_ms: duration.and_then(|ms| u64::try_from(ms).ok()),
    })
}

fn statistics(ended: &[Outcome]) -> Statistics {
    let good = ended.iter().filter(|outcome| outcome.status == Status::Succeeded);
    let mut durations: Vec<u64> = good.map(|outcome| outcome.duration_ms.unwrap_or(0)).collect();
    durations.sort_unstable();
    let most = (durations.len() * 9).div_ceil(10);
    Statistics {
        runs: ended.len() as u64,
        succeeded: durations.len() as u64,
        median_ms: durations.get(durations.len() / 2).copied(),
        high_ms: most.checked_sub(1).and_then(|place| durations.get(place)).copied(),
    }
}

/// The predicate of [`Scope::holds`], as a query has it.
pub(super) fn within(query: &mut QueryBuilder<Sqlite>, scope: &Scope) {
    if let Scope::Owner(owner) = scope {
        query.push(" and owner = ").push_bind(owner.to_string());
    }
}

pub(super) async fn head(connection: &mut Connection) -> Result<Seq, JournalError> {
    let head: i64 = sqlx::query_scalar(
        "select max(coalesce((select max(seq) from events), 0), (select value from marks where name = 'head'))",
    )
    .fetch_one(connection)
    .await?;
    Ok(seq(head))
}

/// Lets an empty journal begin after a place, as if everything up to it had been pruned.
pub(super) async fn begin_after(connection: &mut Connection, after: Seq) -> Result<(), JournalError> {
    sqlx::query("update marks set value = ? where name in ('begin', 'head', 'pruned_through')")
        .bind(db(after))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn last_key(connection: &mut Connection) -> Result<i64, JournalError> {
    Ok(sqlx::query_scalar("select coalesce(max(key), 0) from executions").fetch_one(connection).await?)
}

pub(super) async fn row(
    connection: &mut Connection,
    id: ExecutionId,
) -> Result<Option<(i64, Execution)>, JournalError> {
    let row = sqlx::query("select key, snapshot from executions where id = ?")
        .bind(id_bytes(id))
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((row.try_get("key")?, snapshot(row.try_get("snapshot")?)?))).transpose()
}

/// Adds to a commit that an execution and its plan come to the table.
pub(super) fn push_insert(
    commit: &mut QueryBuilder<Sqlite>,
    key: i64,
    execution: &Execution,
    plan: &Workflow,
    beside: &Beside,
) -> Result<(), JournalError> {
    let plan = if execution.status.is_final() { None } else { Some(serde_json::to_string(plan)?) };
    commit.push(
        "insert into executions (key, id, workflow, owner, status, queued_at, finished_at, duration_ms, last_seq, search, snapshot, started_by, plan) values (",
    );
    commit
        .separated(", ")
        .push_bind(key)
        .push_bind(id_bytes(execution.id))
        .push_bind(execution.workflow.to_string())
        .push_bind(execution.owner.to_string())
        .push_bind(execution.status.word())
        .push_bind(execution.queued_at.0)
        .push_bind(execution.finished_at.map(|at| at.0))
        .push_bind(duration(execution))
        .push_bind(db(execution.seq))
        .push_bind(search(execution))
        .push_bind(serde_json::to_string(execution)?)
        .push_bind(execution.trigger.word())
        .push_bind(plan);
    commit.push("); ");
    if let Some(interrupt_after) = beside.interrupt_after {
        external::push_insert(commit, execution.id, interrupt_after);
    }
    if let Some(handled) = &beside.handled {
        schedules::push(commit, &execution.workflow, handled);
    }
    if let Some(Idempotent { key, request }) = &beside.idempotent {
        commit.push("insert or replace into idempotency (owner, key, request, execution, at) values (");
        commit
            .separated(", ")
            .push_bind(execution.owner.to_string())
            .push_bind(key.clone())
            .push_bind(request.clone())
            .push_bind(id_bytes(execution.id))
            .push_bind(execution.queued_at.0);
        commit.push("); ");
    }
    Ok(())
}

/// Adds to a commit what has become of executions in the table whose status is the same as before, each with its place
/// there: one statement for all, which costs a fifth of one for each.
pub(super) fn push_progress(
    commit: &mut QueryBuilder<Sqlite>,
    executions: &[(i64, &Execution)],
) -> Result<(), JournalError> {
    if executions.is_empty() {
        return Ok(());
    }
    let snapshots = executions.iter().map(|(_, execution)| serde_json::to_string(execution));
    let snapshots: Vec<String> = snapshots.collect::<Result<_, _>>()?;
    commit.push("with now (key, seq, snapshot) as (");
    commit.push_values(executions.iter().zip(snapshots), |mut row, ((key, execution), snapshot)| {
        row.push_bind(*key).push_bind(db(execution.seq)).push_bind(snapshot);
    });
    commit.push(
        ") update executions set last_seq = now.seq, snapshot = now.snapshot from now where executions.key = now.key; ",
    );
    Ok(())
}

/// Adds to a commit what has become of an execution in the table, its status included.
pub(super) fn push_update(
    commit: &mut QueryBuilder<Sqlite>,
    key: i64,
    execution: &Execution,
) -> Result<(), JournalError> {
    commit.push("update executions set status = ").push_bind(execution.status.word());
    commit.push(", last_seq = ").push_bind(db(execution.seq));
    commit.push(", snapshot = ").push_bind(serde_json::to_string(execution)?);
    if execution.status.is_final() {
        commit.push(", finished_at = ").push_bind(execution.finished_at.map(|at| at.0));
        commit.push(", duration_ms = ").push_bind(duration(execution));
        commit.push(", search = ").push_bind(search(execution));
        commit.push(", plan = null");
    }
    commit.push(" where key = ").push_bind(key).push("; ");
    Ok(())
}

fn duration(execution: &Execution) -> Option<i64> {
    execution.duration_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX))
}

fn search(execution: &Execution) -> String {
    let error = execution.error.as_ref().map_or("", |error| error.message.as_str());
    format!("{} {} {} {error}", execution.id, execution.workflow, execution.owner).to_lowercase()
}
