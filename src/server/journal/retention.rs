//! Forgetting: whole executions, by age and by count.

use sqlx::{Connection as _, Row};

use super::{Connection, JournalError, db, past, seq};
use crate::domain::{id::Seq, time::Timestamp};

/// How long the key of a request is remembered, in milliseconds: 24 hours.
pub(super) const KEYS_KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// Most executions that are removed in one transaction.
const AT_ONCE: i64 = 50;

/// What is kept of the executions that have ended; those that have not are always kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that ended at or after this.
    pub ended_since: Option<Timestamp>,
    /// So many of the newest.
    pub count: Option<u64>,
    /// What time it is, for the keys of requests.
    pub now: Timestamp,
}

/// Returns how many executions went, and the greatest `seq` of their facts.
pub(super) async fn prune(
    connection: &mut Connection,
    retention: &Retention,
    head: Seq,
) -> Result<(u64, Seq), JournalError> {
    let (mut pruned, mut through) = (0, 0);
    loop {
        let mut transaction = connection.begin_with("begin immediate").await?;
        let old = old(&mut transaction, retention).await?;
        for (key, last_seq) in &old {
            remove(&mut transaction, *key, *last_seq).await?;
            through = through.max(*last_seq);
        }
        sqlx::query("update marks set value = max(value, ?) where name = 'head'")
            .bind(db(head))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from idempotency where at <= ?")
            .bind(retention.now.0 - KEYS_KEPT_MS)
            .execute(&mut *transaction)
            .await?;
        past::forget(&mut transaction).await?;
        transaction.commit().await?;
        pruned += old.len() as u64;
        if (old.len() as i64) < AT_ONCE {
            return Ok((pruned, seq(through)));
        }
    }
}

async fn old(connection: &mut Connection, retention: &Retention) -> Result<Vec<(i64, i64)>, JournalError> {
    let rows = sqlx::query(
        "select key, last_seq from executions
         where finished_at < ?
            or (finished_at is not null
                and id <= (select id from executions where finished_at is not null order by id desc limit 1 offset ?))
         order by id limit ?",
    )
    .bind(retention.ended_since.map_or(i64::MIN, |at| at.0))
    .bind(retention.count.map_or(i64::MAX, |count| i64::try_from(count).unwrap_or(i64::MAX)))
    .bind(AT_ONCE)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("last_seq")?))).collect()
}

async fn remove(connection: &mut Connection, key: i64, last_seq: i64) -> Result<(), JournalError> {
    sqlx::query("delete from chunks where execution = ?").bind(key).execute(&mut *connection).await?;
    sqlx::query("delete from events where execution = ?").bind(key).execute(&mut *connection).await?;
    sqlx::query("delete from executions where key = ?").bind(key).execute(&mut *connection).await?;
    sqlx::query("update marks set value = max(value, ?) where name = 'pruned_through'")
        .bind(last_seq)
        .execute(connection)
        .await?;
    Ok(())
}
