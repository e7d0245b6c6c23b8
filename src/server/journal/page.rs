//! Pages of the log: what a reader's cursor has not had yet.

use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Journal, JournalError, db, id_bytes, query, seq};
use crate::{
    domain::{
        access::{Audience, Scope},
        id::{ExecutionId, Seq},
    },
    server::feed::{Filter, frame},
};

/// Most facts on a page.
const PAGE: usize = 500;
/// A page ends with the fact that makes it longer than this, in bytes.
const PAGE_BYTES: usize = 256 * 1024;

/// A page of frames, ready to send.
#[derive(Debug)]
pub struct Page {
    /// The frames, in order, back to back.
    pub frames: String,
    /// All facts of the audience up to here are on this page or before it.
    pub through: Seq,
}

impl Journal {
    /// What `audience` has after `after`, in order, at most [`PAGE`] facts and about [`PAGE_BYTES`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn page(&self, audience: &Audience, filter: &Filter, after: Seq) -> Result<Page, JournalError> {
        let mut reader = self.reader().await?;
        let head = query::head(&mut reader).await?;
        let mut select = select(audience);
        narrow(&mut select, filter);
        select.push(" and seq > ").push_bind(db(after)).push(" order by seq limit ").push_bind(PAGE as i64);
        let mut page = Page { frames: String::new(), through: head.max(after) };
        // Row by row: a page's worth of facts with output would be a hundred times a page's worth of bytes.
        let mut rows = select.build().fetch(&mut *reader);
        let mut n = 0;
        while let Some(row) = rows.try_next().await? {
            n += 1;
            let seq = seq(row.try_get("seq")?);
            page.frames.push_str(&frame(seq, row.try_get("body")?));
            if n == PAGE || page.frames.len() > PAGE_BYTES {
                page.through = seq;
                break;
            }
        }
        Ok(page)
    }

    /// The greatest `seq` that was pruned: whoever stands before it may have missed something.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn pruned_through(&self) -> Result<Seq, JournalError> {
        let value: i64 = sqlx::query_scalar("select value from marks where name = 'pruned_through'")
            .fetch_one(&mut *self.reader().await?)
            .await?;
        Ok(seq(value))
    }
}

fn select(audience: &Audience) -> QueryBuilder<Sqlite> {
    match audience {
        Audience::Scope(Scope::Everything) => QueryBuilder::new("select seq, body from events where output = 0"),
        Audience::Scope(Scope::Owner(owner)) => {
            let mut select = QueryBuilder::new("select seq, body from events where output = 0 and owner = ");
            select.push_bind(owner.to_string());
            select
        }
        Audience::Execution(id) => of_execution(*id),
    }
}

fn narrow(select: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(owner) = &filter.owner {
        select.push(" and owner = ").push_bind(owner.to_string());
    }
    if let Some(workflow) = &filter.workflow {
        select.push(" and execution in (select key from executions where workflow = ").push_bind(workflow.to_string());
        select.push(")");
    }
}

fn of_execution(id: ExecutionId) -> QueryBuilder<Sqlite> {
    let mut select =
        QueryBuilder::new("select seq, body from events where execution = (select key from executions where id = ");
    select.push_bind(id_bytes(id)).push(")");
    select
}
