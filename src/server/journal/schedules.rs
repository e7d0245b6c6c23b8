//! How far the schedule of each workflow was handled: what a restart must know so that it neither repeats a time nor
//! overlooks that some have passed.

use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row as _, Sqlite};
use tokio::sync::oneshot;

use super::{Connection, Journal, JournalError, writer::Message};
use crate::domain::{id::Name, time::Timestamp};

/// Of how many schedules a new life knows how far they were handled: the newest ones. Twice as many as there can be files.
pub const SCHEDULES_KEPT: u32 = 4_000;

/// How far a schedule was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The schedule in words; with other words it is another one.
    pub words: String,
    /// Its times up to and with this one need nothing more.
    pub through: Timestamp,
}

impl Journal {
    /// How far the schedules of all workflows were handled, [`SCHEDULES_KEPT`] at most.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn handled_schedules(&self) -> Result<BTreeMap<Name, Handled>, JournalError> {
        let rows = sqlx::query("select workflow, words, through from schedules order by through desc limit ?")
            .bind(SCHEDULES_KEPT)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        let mut all = BTreeMap::new();
        for row in rows {
            let name: String = row.try_get("workflow")?;
            let Ok(name) = name.parse() else { continue };
            all.insert(name, Handled { words: row.try_get("words")?, through: Timestamp(row.try_get("through")?) });
        }
        Ok(all)
    }

    /// Writes down how far a workflow's schedule was handled; nothing for one that has none any more. Waits for the
    /// commit.
    ///
    /// # Errors
    /// If it could not be written, or the journal is closed.
    pub async fn keep_schedule(&self, workflow: Name, how_far: Option<Handled>) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Schedule(workflow, how_far, reply);
        self.0.queue.send(message).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)
    }
}

pub(super) async fn keep(
    connection: &mut Connection,
    workflow: &Name,
    how_far: Option<&Handled>,
) -> Result<(), JournalError> {
    let mut query = QueryBuilder::new("");
    match how_far {
        None => _ = query.push("delete from schedules where workflow = ").push_bind(workflow.to_string()),
        Some(handled) => push(&mut query, workflow, handled),
    }
    query.build().execute(connection).await?;
    Ok(())
}

/// Adds to a commit how far a workflow's schedule was handled.
pub(super) fn push(commit: &mut QueryBuilder<Sqlite>, workflow: &Name, Handled { words, through }: &Handled) {
    commit.push("insert or replace into schedules (workflow, words, through) values (");
    commit.separated(", ").push_bind(workflow.to_string()).push_bind(words.clone()).push_bind(through.0);
    commit.push("); ");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        feed::Feed,
        journal::{
            Beside,
            tests::{Story, in_memory, name},
        },
    };

    #[tokio::test]
    async fn what_a_schedule_starts_is_committed_with_how_far_that_brings_it() {
        let journal = in_memory(&Feed::default()).await;
        let story = Story::new("alice", "nightly");
        let handled = Handled { words: "@daily".to_owned(), through: Timestamp(5) };
        let beside = Beside { handled: Some(handled.clone()), ..Beside::default() };
        journal.begin(story.queued(), story.plan(), beside).await.expect("it begins");
        let known = journal.handled_schedules().await.expect("it can be read");
        assert_eq!(known, BTreeMap::from([(name("nightly"), handled)]));
    }

    #[tokio::test]
    async fn how_far_a_schedule_came_is_known_until_it_is_gone() {
        let journal = in_memory(&Feed::default()).await;
        let at = |words: &str, through| Some(Handled { words: words.to_owned(), through: Timestamp(through) });
        for (workflow, handled) in
            [("a", at("@daily", 1)), ("b", at("@daily", 2)), ("a", at("@weekly", 3)), ("b", None)]
        {
            journal.keep_schedule(name(workflow), handled).await.expect("it is written");
        }
        let known = journal.handled_schedules().await.expect("it can be read");
        assert_eq!(known, BTreeMap::from_iter([(name("a"), at("@weekly", 3).expect("some"))]));
        journal.close().await;
        assert!(journal.keep_schedule(name("a"), None).await.is_err());
    }
}
