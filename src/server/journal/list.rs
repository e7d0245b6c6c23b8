//! Lists of executions: newest first, by pages, however long history is. What is asked for is looked up in an index
//! that has it in the list's order, so that no page costs more than what is on it.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::{
    Connection, Journal, JournalError, id_bytes,
    query::{head, within},
    snapshot,
};
use crate::domain::{
    access::Scope,
    execution::Status,
    id::ExecutionId,
    listing::{Listing, PAGE_MAX, Query},
    time::Timestamp,
};
use crate::server::clock;

/// Shortest text that the index of words can find, in characters.
const WORD_MIN: usize = 3;
/// Executions with a word beyond which it is faster to look for it from the newest one on than to sort those that have it.
const WORD_COMMON: i64 = 10_000;

impl Journal {
    /// A page of the executions in `scope` that `query` asks for, and the head of that moment.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list(&self, scope: &Scope, query: &Query) -> Result<Listing, JournalError> {
        let limit = query.limit.unwrap_or(50).clamp(1, PAGE_MAX);
        let mut reader = self.reader().await?;
        let head = head(&mut reader).await?;
        let word = Word::of(query.q.as_deref(), &mut reader).await?;
        let rows = select(scope, query, &word, clock::now(), limit + 1).build().fetch_all(&mut *reader).await?;
        let more = rows.len() > limit;
        let items = rows.iter().take(limit).map(|row| snapshot(row.try_get("snapshot")?));
        let items = items.collect::<Result<Vec<_>, JournalError>>()?;
        let next = if more { items.last().map(|last| last.id) } else { None };
        Ok(Listing { items, next, head })
    }

    /// How many executions there are in each status, for the server's own metrics.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count(&self) -> Result<Vec<(&'static str, u64)>, JournalError> {
        let rows: Vec<(String, i64)> = sqlx::query_as("select status, sum(executions) from counts group by status")
            .fetch_all(&mut *self.reader().await?)
            .await?;
        let count = |status: Status| {
            let found = rows.iter().find(|(word, _)| word == status.word());
            (status.word(), found.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0)))
        };
        Ok(Status::ALL.map(count).to_vec())
    }
}

/// A text that is looked for, and how.
enum Word {
    /// None is.
    Any,
    /// In the index of words.
    Rare(String),
    /// From the newest execution on: many have it, or it is too short for the index.
    Common(String),
}

impl Word {
    async fn of(text: Option<&str>, reader: &mut Connection) -> Result<Self, JournalError> {
        let text = text.map(str::trim).unwrap_or_default().to_lowercase();
        if text.is_empty() {
            return Ok(Word::Any);
        }
        if text.chars().count() < WORD_MIN {
            return Ok(Word::Common(text));
        }
        let found: i64 = sqlx::query_scalar("select count(*) from (select 1 from words where words match ? limit ?)")
            .bind(phrase(&text))
            .bind(WORD_COMMON)
            .fetch_one(reader)
            .await?;
        Ok(if found < WORD_COMMON { Word::Rare(text) } else { Word::Common(text) })
    }
}

/// A text as the index of words takes it, whatever signs are in it.
fn phrase(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn select(scope: &Scope, query: &Query, word: &Word, now: Timestamp, limit: usize) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("select snapshot from executions where ");
    let (ended, open): (Vec<Status>, Vec<Status>) = query.status.iter().partition(|status| status.is_final());
    if let Some(since) = query.ended_from {
        // What ended since then is looked up by that, and put in the list's order.
        select.push("key in (select key from executions indexed by executions_finished where finished_at >= ");
        select.push_bind(since.at(now).0);
        among(&mut select, &query.status);
        narrow(&mut select, scope, query, word, now);
        page(&mut select, limit);
        select.push(")");
    } else if query.status.is_empty() {
        select.push("true");
        narrow(&mut select, scope, query, word, now);
    } else {
        // One list for each status, so that each is read in its order and no further than the page.
        select.push("key in (");
        let mut between = "";
        for status in ended {
            select.push(between).push("select key from (select key from executions where finished_at is not null");
            select.push(" and status = ").push_bind(status.word());
            narrow(&mut select, scope, query, word, now);
            page(&mut select, limit);
            select.push(")");
            between = " union all ";
        }
        if !open.is_empty() {
            select.push(between).push("select key from (select key from executions where finished_at is null");
            among(&mut select, &open);
            narrow(&mut select, scope, query, word, now);
            page(&mut select, limit);
            select.push(")");
        }
        select.push(")");
    }
    page(&mut select, limit);
    select
}

fn page(select: &mut QueryBuilder<Sqlite>, limit: usize) {
    select.push(" order by id desc limit ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
}

fn among(select: &mut QueryBuilder<Sqlite>, statuses: &[Status]) {
    if statuses.is_empty() {
        return;
    }
    select.push(" and status in (");
    let mut list = select.separated(", ");
    for status in statuses {
        list.push_bind(status.word());
    }
    select.push(")");
}

fn narrow(select: &mut QueryBuilder<Sqlite>, scope: &Scope, query: &Query, word: &Word, now: Timestamp) {
    within(select, scope);
    if let Some(owner) = &query.owner {
        select.push(" and owner = ").push_bind(owner.to_string());
    }
    if let Some(workflow) = &query.workflow {
        select.push(" and workflow = ").push_bind(workflow.to_string());
    }
    if let Some(trigger) = query.trigger {
        select.push(" and started_by = ").push_bind(trigger.word());
    }
    // An id begins with the time it was made at, so a span of time is a span of ids.
    if let Some(from) = query.from {
        select.push(" and id >= ").push_bind(id_bytes(ExecutionId::first_at(from.at(now))));
    }
    if let Some(to) = query.to {
        select.push(" and id < ").push_bind(id_bytes(ExecutionId::first_at(to.at(now))));
    }
    match word {
        Word::Any => {}
        Word::Rare(text) => {
            select.push(" and key in (select rowid from words where words match ").push_bind(phrase(text)).push(")");
        }
        Word::Common(text) => {
            select.push(" and instr(search, ").push_bind(text.clone()).push(") > 0");
        }
    }
    if let Some(before) = query.before {
        select.push(" and id < ").push_bind(id_bytes(before));
    }
}
