//! What the journal keeps of work that runs elsewhere, beside its facts: how far its reporter was heard, in the same
//! transaction as the facts it told, so that what it repeats after a crash is neither lost nor doubled.

use std::{collections::BTreeMap, time::Duration};

use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{Journal, JournalError, QUEUE_BYTES, id_bytes, weight, writer::Message};
use crate::domain::{
    event::Fact,
    id::{ExecutionId, Name},
    time::millis,
};

/// What a reporter agreed with us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// After how much silence its execution is interrupted for good.
    pub interrupt_after: Duration,
    /// Of its last line whose facts are committed; 0 before the first.
    pub client_seq: u64,
    /// Who asked that it be stopped.
    pub cancelled_by: Option<Name>,
}

/// What a commit changes of it.
#[derive(Default)]
pub(super) struct ExternalNotes {
    heard: BTreeMap<ExecutionId, u64>,
    cancelled: BTreeMap<ExecutionId, Name>,
}

impl Journal {
    /// Hands over facts of one execution that are committed together or not at all, with how far its reporter has been
    /// heard by them. Waits as [`Journal::append`] does.
    pub async fn append_together(&self, id: ExecutionId, facts: Vec<Fact>, client_seq: Option<u64>) {
        let bytes = facts.iter().fold(0, |sum: u32, fact| sum.saturating_add(weight(&fact.event)).min(QUEUE_BYTES));
        let room = if bytes == 0 { None } else { self.0.room.clone().acquire_many_owned(bytes).await.ok() };
        if self.0.queue.send(Message::Together { id, facts, client_seq, room }).await.is_err() {
            tracing::error!("facts came after the journal was closed");
        }
    }

    /// Notes who asked first that the work be stopped; committed with what comes next.
    pub async fn note_cancel(&self, id: ExecutionId, by: Name) {
        if self.0.queue.send(Message::Cancelled(id, by)).await.is_err() {
            tracing::error!("a cancellation came after the journal was closed");
        }
    }

    /// What the reporter of an execution agreed with us; none if it is no work that runs elsewhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn external(&self, id: ExecutionId) -> Result<Option<External>, JournalError> {
        let row = sqlx::query("select interrupt_after, client_seq, cancelled_by from external where execution = ?")
            .bind(id_bytes(id))
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        let by = row.try_get::<Option<String>, _>("cancelled_by")?;
        Ok(Some(External {
            interrupt_after: Duration::from_millis(unsigned(row.try_get("interrupt_after")?)),
            client_seq: unsigned(row.try_get("client_seq")?),
            cancelled_by: by.and_then(|name| name.parse().ok()),
        }))
    }
}

impl ExternalNotes {
    pub(super) fn heard(&mut self, id: ExecutionId, client_seq: u64) {
        self.heard.insert(id, client_seq);
    }

    pub(super) fn cancelled(&mut self, id: ExecutionId, by: Name) {
        self.cancelled.entry(id).or_insert(by);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heard.is_empty() && self.cancelled.is_empty()
    }

    /// Adds them to a commit, after its executions.
    pub(super) fn push(&self, commit: &mut QueryBuilder<Sqlite>) {
        for (id, client_seq) in &self.heard {
            commit.push("update external set client_seq = max(client_seq, ").push_bind(number(*client_seq));
            commit.push(") where execution = ").push_bind(id_bytes(*id)).push("; ");
        }
        for (id, by) in &self.cancelled {
            commit.push("update external set cancelled_by = coalesce(cancelled_by, ").push_bind(by.to_string());
            commit.push(") where execution = ").push_bind(id_bytes(*id)).push("; ");
        }
    }
}

/// Adds to a commit what the reporter of a new execution agreed with us.
pub(super) fn push_insert(commit: &mut QueryBuilder<Sqlite>, id: ExecutionId, interrupt_after: Duration) {
    commit.push("insert into external (execution, interrupt_after, client_seq) values (").push_bind(id_bytes(id));
    commit.push(", ").push_bind(number(millis(interrupt_after))).push(", 0); ");
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
