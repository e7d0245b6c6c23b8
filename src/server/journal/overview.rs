//! What the page of now asks: what is alive, and what the last hour was like. Each part is bounded, and is looked up
//! in an index, so that neither history nor a crowd makes it slow.

use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

use super::{
    Connection, Journal, JournalError,
    query::{head, within},
    snapshot,
};
use crate::domain::{
    access::Scope,
    activity::{Ends, HOUR_MS, RUNS_MAX, Ran, Tally},
    execution::{Execution, Status},
    id::ExecutionId,
    listing::{JUST_ENDED, Overview, QUEUED_MAX, RUNNING_MAX},
    time::Timestamp,
};

impl Journal {
    /// What is alive in `scope`, and what ended in the hour up to `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn overview(&self, scope: &Scope, now: Timestamp) -> Result<Overview, JournalError> {
        let mut reader = self.reader().await?;
        let head = head(&mut reader).await?;
        let mut running = alive(&mut reader, scope, Status::Running, RUNNING_MAX + 1).await?;
        let mut queued = alive(&mut reader, scope, Status::Queued, QUEUED_MAX + 1).await?;
        let more = running.len() > RUNNING_MAX || queued.len() > QUEUED_MAX;
        running.truncate(RUNNING_MAX);
        queued.truncate(QUEUED_MAX);
        Ok(Overview {
            running,
            queued,
            more,
            ended: ended(&mut reader, scope).await?,
            ran: ran(&mut reader, scope, now).await?,
            tally: tally(&mut reader, scope, now).await?,
            at: now,
            head,
        })
    }
}

async fn alive(
    reader: &mut Connection,
    scope: &Scope,
    status: Status,
    most: usize,
) -> Result<Vec<Execution>, JournalError> {
    let mut select = QueryBuilder::new("select snapshot from executions where finished_at is null and status = ");
    select.push_bind(status.word());
    within(&mut select, scope);
    // Whose turn comes first has waited longest.
    select.push(if status == Status::Queued { " order by id" } else { " order by id desc" });
    snapshots(reader, select, most).await
}

async fn ended(reader: &mut Connection, scope: &Scope) -> Result<Vec<Execution>, JournalError> {
    let mut select = QueryBuilder::new("select snapshot from executions where finished_at is not null");
    within(&mut select, scope);
    select.push(" order by finished_at desc, last_seq desc");
    snapshots(reader, select, JUST_ENDED).await
}

async fn snapshots(
    reader: &mut Connection,
    mut select: QueryBuilder<Sqlite>,
    most: usize,
) -> Result<Vec<Execution>, JournalError> {
    select.push(" limit ").push_bind(i64::try_from(most).unwrap_or(i64::MAX));
    let rows = select.build().fetch_all(reader).await?;
    rows.iter().map(|row| snapshot(row.try_get("snapshot")?)).collect()
}

async fn ran(reader: &mut Connection, scope: &Scope, now: Timestamp) -> Result<Vec<Ran>, JournalError> {
    let mut select = QueryBuilder::new(
        "select id, workflow, status, queued_at, finished_at, duration_ms from executions where finished_at >= ",
    );
    select.push_bind(now.0 - HOUR_MS);
    within(&mut select, scope);
    select.push(" order by finished_at desc limit ").push_bind(i64::try_from(RUNS_MAX).unwrap_or(i64::MAX));
    let rows = select.build().fetch_all(reader).await?;
    rows.iter().map(run).collect()
}

fn run(row: &SqliteRow) -> Result<Ran, JournalError> {
    let id = uuid::Uuid::from_slice(row.try_get("id")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let (finished_at, duration): (i64, Option<i64>) = (row.try_get("finished_at")?, row.try_get("duration_ms")?);
    Ok(Ran {
        id: ExecutionId(id),
        workflow: row.try_get::<String, _>("workflow")?.parse().map_err(|_| unreadable("workflow"))?,
        status: row.try_get::<String, _>("status")?.parse().map_err(|_| unreadable("status"))?,
        started_at: Timestamp(duration.map_or(finished_at, |ms| finished_at - ms)),
        finished_at: Timestamp(finished_at),
    })
}

fn unreadable(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a {column} that is none").into())
}

async fn tally(reader: &mut Connection, scope: &Scope, now: Timestamp) -> Result<Tally, JournalError> {
    let mut select = QueryBuilder::new(
        "select finished_at / 60000 as minute, status, count(*) as ends from executions where finished_at >= ",
    );
    select.push_bind(now.0 - HOUR_MS);
    within(&mut select, scope);
    select.push(" group by 1, 2 order by 1");
    let rows = select.build().fetch_all(reader).await?;
    let ends = rows.iter().map(|row| {
        let status = row.try_get::<String, _>("status")?.parse().map_err(|_| unreadable("status"))?;
        let count = u64::try_from(row.try_get::<i64, _>("ends")?).unwrap_or(0);
        Ok(Ends { minute: row.try_get("minute")?, status, count })
    });
    Ok(Tally::new(ends.collect::<Result<_, JournalError>>()?))
}
