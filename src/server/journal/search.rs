//! Looking for a text in a log, page by page: what is held is bounded, however long the log is.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use memchr::memmem;
use serde::Deserialize;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Journal, JournalError, id_bytes, log};
use crate::domain::{
    ansi,
    id::{ExecutionId, StepId},
    search::{FOUND_MAX, Found, Needle},
};

/// Chunks that are read at once: 2 MiB of text at most.
const CHUNKS: i64 = 32;

/// What of a `step.output` is looked at.
#[derive(Deserialize)]
struct Printed<'b> {
    #[serde(borrow)]
    lines: Vec<Text<'b>>,
}

#[derive(Deserialize)]
struct Text<'b> {
    #[serde(borrow)]
    text: Cow<'b, str>,
}

impl Journal {
    /// The lines from number `from` on that hold `needle`, as they are read, without escapes: of one step, with the
    /// step's own numbers, or of all. At most `most` of them are named, and after `time` the answer says how far it
    /// came. Dropped, it ends with the page it is at, a few milliseconds later.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search(
        &self,
        id: ExecutionId,
        step: Option<&StepId>,
        needle: &Needle,
        (from, most): (u64, usize),
        time: Duration,
    ) -> Result<Found, JournalError> {
        let begun = Instant::now();
        let mut found = Found { next: from, ..Found::default() };
        loop {
            let more = self.search_page(id, step, needle, from, most.min(FOUND_MAX), &mut found).await?;
            found.more = more && begun.elapsed() >= time;
            if !more || found.more {
                return Ok(found);
            }
        }
    }

    /// Goes on by some chunks. Says whether there may be more.
    async fn search_page(
        &self,
        id: ExecutionId,
        step: Option<&StepId>,
        needle: &Needle,
        from: u64,
        most: usize,
        found: &mut Found,
    ) -> Result<bool, JournalError> {
        let mut select: QueryBuilder<Sqlite> = log::chunks("lines", id_bytes(id), step, found.next, CHUNKS);
        let rows = select.build().fetch_all(&mut *self.reader().await?).await?;
        for row in &rows {
            let first = u64::try_from(row.try_get::<i64, _>("first")?).unwrap_or(0);
            let lines = u64::try_from(row.try_get::<i64, _>("lines")?).unwrap_or(0);
            look(row.try_get("body")?, needle, first, from, most, found)?;
            found.next = found.next.max(first + lines);
        }
        Ok(rows.len() as i64 == CHUNKS)
    }
}

/// Looks at one chunk, whose first line is number `first`.
fn look(
    body: &str,
    needle: &Needle,
    first: u64,
    from: u64,
    most: usize,
    found: &mut Found,
) -> Result<(), JournalError> {
    // Most chunks hold nothing of it, and need not be taken apart. An escape may stand in the middle of what is read
    // as one word.
    let escapes = memmem::find(body.as_bytes(), b"\\u").is_some();
    if !escapes && !needle.may_be_in(body.as_bytes()) {
        return Ok(());
    }
    let fact = format!("{{{body}");
    let printed: Printed = serde_json::from_str(&fact)?;
    for (n, line) in (first..).zip(&printed.lines).filter(|(n, _)| *n >= from) {
        if needle.is_in(&ansi::plain(&line.text)) {
            found.total += 1;
            if found.lines.len() < most {
                found.lines.push(n);
            }
        }
    }
    Ok(())
}
