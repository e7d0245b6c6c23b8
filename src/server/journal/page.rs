//! Pages of the log: what a reader's cursor has not had yet.

use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Connection, Journal, JournalError, db, id_bytes, query, seq};
use crate::{
    domain::{access::Audience, id::Seq},
    server::feed::{Framing, Slice},
};

/// Most facts on a page.
const PAGE: usize = 500;
/// A page ends with the fact that makes it longer than this, in bytes: about what a socket takes at once, since what it
/// does not take is read again.
const PAGE_BYTES: usize = 64 * 1024;

/// What comes after a place in the log.
#[derive(Debug)]
pub enum Page {
    /// These frames, or none; all facts of the audience up to `through` are among them or before them.
    Frames(Slice),
    /// Something that came after it was pruned.
    Gone,
}

impl Journal {
    /// The frames that `audience` has after `after`, in order, at most [`PAGE`] facts and about [`PAGE_BYTES`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn page(&self, audience: &Audience, framing: Framing, after: Seq) -> Result<Page, JournalError> {
        let mut reader = self.reader().await?;
        if !is_whole(&mut reader, audience, after).await? {
            return Ok(Page::Gone);
        }
        let head = query::head(&mut reader).await?;
        let (mut frames, mut count, mut through) = (String::new(), 0, head.max(after));
        if let Some(mut select) = select(audience) {
            select.push(" and seq > ").push_bind(db(after)).push(" order by seq limit ").push_bind(PAGE as i64);
            // Row by row: a page's worth of facts with output would be a hundred times a page's worth of bytes.
            let mut rows = select.build().fetch(&mut *reader);
            while let Some(row) = rows.try_next().await? {
                count += 1;
                let seq = seq(row.try_get("seq")?);
                framing.fact(&mut frames, seq, row.try_get("body")?);
                if count == PAGE || frames.len() > PAGE_BYTES {
                    through = seq;
                    break;
                }
            }
        }
        Ok(Page::Frames(Slice { frames: frames.into(), count, through, at: None }))
    }

    /// Where the log begins, and the greatest `seq` that was pruned: whoever stands between them may have missed
    /// something.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn pruned(&self) -> Result<(Seq, Seq), JournalError> {
        marks(&mut *self.reader().await?).await
    }
}

/// Whether nothing that the audience had after this place is gone.
async fn is_whole(connection: &mut Connection, audience: &Audience, after: Seq) -> Result<bool, JournalError> {
    if let Audience::Execution(id) = audience {
        let there = sqlx::query("select 1 from executions where id = ?").bind(id_bytes(*id));
        return Ok(there.fetch_optional(connection).await?.is_some());
    }
    let (begin, pruned_through) = marks(connection).await?;
    Ok(after >= pruned_through || (after == Seq(0) && pruned_through <= begin))
}

pub(super) async fn marks(connection: &mut Connection) -> Result<(Seq, Seq), JournalError> {
    let (begin, pruned_through): (i64, i64) = sqlx::query_as(
        "select (select value from marks where name = 'begin'), (select value from marks where name = 'pruned_through')",
    )
    .fetch_one(connection)
    .await?;
    Ok((seq(begin), seq(pruned_through)))
}

/// The facts of an audience, if it can have any.
fn select(audience: &Audience) -> Option<QueryBuilder<Sqlite>> {
    let mut select = QueryBuilder::new("select seq, body from events where ");
    match audience {
        Audience::Nothing => return None,
        Audience::Execution(id) => {
            select.push("execution = (select key from executions where id = ").push_bind(id_bytes(*id)).push(")");
        }
        Audience::Selection(owner, workflow) => {
            select.push("output = 0");
            if let Some(owner) = owner {
                select.push(" and owner = ").push_bind(owner.to_string());
            }
            if let Some(workflow) = workflow {
                select.push(" and execution in (select key from executions where workflow = ");
                select.push_bind(workflow.to_string()).push(")");
            }
        }
    }
    Some(select)
}
