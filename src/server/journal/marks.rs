//! What stands out in a log, found by what is noted beside each chunk of it.

use futures_util::TryStreamExt;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

use super::{Connection, Journal, JournalError, id_bytes};
use crate::domain::{
    event::{Event, Fact},
    id::{ExecutionId, StepId},
    log::{Level, Line},
    marks::{Head, Marks, PLACES_MAX},
};

impl Journal {
    /// What stands out in a log, or in that of one step, with its own numbers. However long the log is, the answer is
    /// bounded, and of the log's text nothing is read that this version wrote.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn marks(&self, id: ExecutionId, step: Option<&StepId>) -> Result<Marks, JournalError> {
        marks(&mut *self.reader().await?, id, step).await
    }
}

/// In the place of a level: that a group ended before the line.
const END_GROUP: u8 = b'.';

/// What is noted of a chunk's lines: three bytes for each that has a level, and for each before which a group ended.
pub(super) fn note(lines: &[Line]) -> Vec<u8> {
    let marked = (0u16..).zip(lines).flat_map(|(n, line)| {
        let letters = [line.after_group.then_some(END_GROUP), line.level.map(letter)];
        letters.into_iter().flatten().map(move |letter| (n, letter))
    });
    marked
        .flat_map(|(n, letter)| {
            let [high, low] = n.to_be_bytes();
            [high, low, letter]
        })
        .collect()
}

fn letter(level: Level) -> u8 {
    match level {
        Level::Notice => b'n',
        Level::Warning => b'w',
        Level::Error => b'e',
        Level::Group => b'g',
    }
}

fn level(letter: u8) -> Option<Level> {
    [Level::Notice, Level::Warning, Level::Error, Level::Group].into_iter().find(|level| self::letter(*level) == letter)
}

pub(super) async fn marks(
    connection: &mut Connection,
    id: ExecutionId,
    step: Option<&StepId>,
) -> Result<Marks, JournalError> {
    let mut marks = Marks::default();
    heads(connection, id, step, &mut marks).await?;
    let mut select = of(
        "step, marks, case when marks is null then (select body from events where events.seq = chunks.seq) end as body",
        id,
        step,
    );
    select.push(" and (marks is null or length(marks) > 0) order by ").push(first(step));
    let mut rows = select.build().fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let first = number(&row, "first")?;
        let Ok(step) = row.try_get::<String, _>("step")?.parse::<StepId>() else { continue };
        for (place, letter) in noted(&row)? {
            match level(letter) {
                Some(level) => marks.add(first + place, level, &step),
                None if letter == END_GROUP => marks.end_group(first + place, &step),
                None => {}
            }
        }
    }
    Ok(marks)
}

/// Where each attempt begins, and how many lines there are.
async fn heads(
    connection: &mut Connection,
    id: ExecutionId,
    step: Option<&StepId>,
    marks: &mut Marks,
) -> Result<(), JournalError> {
    // SQLite takes the other columns from the row of the minimum or maximum.
    let mut begins = of("step, coalesce(attempt, 1) as attempt, min(chunks.first)", id, step);
    begins.push(" group by step, attempt order by 1 limit ").push_bind(PLACES_MAX as i64);
    for row in begins.build().fetch_all(&mut *connection).await? {
        let attempt = u32::try_from(number(&row, "attempt")?).unwrap_or(u32::MAX);
        let step = row.try_get::<String, _>("step")?.parse();
        marks.heads.extend(step.ok().map(|step| Head { line: number(&row, "first").unwrap_or(0), step, attempt }));
    }
    let mut end = of("lines", id, step);
    end.push(" order by ").push(first(step)).push(" desc limit 1");
    if let Some(row) = end.build().fetch_optional(connection).await? {
        marks.lines = number(&row, "first")? + number(&row, "lines")?;
    }
    Ok(())
}

/// What is noted of a chunk's lines, by their places in it.
fn noted(row: &SqliteRow) -> Result<Vec<(u64, u8)>, JournalError> {
    let body: Option<&str> = row.try_get("body")?;
    let noted = match body {
        // An older version wrote it.
        Some(body) => match serde_json::from_str::<Fact>(&format!("{{{body}"))?.event {
            Event::StepOutput { lines, .. } => note(&lines),
            _ => Vec::new(),
        },
        None => row.try_get::<Option<Vec<u8>>, _>("marks")?.unwrap_or_default(),
    };
    let read = |mark: &[u8]| match *mark {
        [high, low, letter] => Some((u64::from(u16::from_be_bytes([high, low])), letter)),
        _ => None,
    };
    Ok(noted.chunks_exact(3).filter_map(read).collect())
}

/// A question about an execution's chunks, or a step's: `first`, and what else is asked for.
fn of(columns: &str, id: ExecutionId, step: Option<&StepId>) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("select ");
    select.push(first(step)).push(" as first, ").push(columns);
    select
        .push(" from chunks where execution = (select key from executions where id = ")
        .push_bind(id_bytes(id))
        .push(")");
    if let Some(step) = step {
        select.push(" and step = ").push_bind(step.to_string());
    }
    select
}

/// The column that numbers a chunk's first line.
fn first(step: Option<&StepId>) -> &'static str {
    if step.is_some() { "step_first" } else { "first" }
}

fn number(row: &SqliteRow, column: &str) -> Result<u64, JournalError> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
}
