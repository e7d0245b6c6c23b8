//! What is remembered of runs for estimates and charts: written with the facts that say it, bounded by the database
//! itself, and kept when the executions are pruned.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Connection, Journal, JournalError, db, id_bytes, query::within};
use crate::domain::{
    access::Scope,
    estimate::Past,
    event::{Event, PlannedStep, Recorded, Trigger},
    execution::{Execution, Status},
    id::{ExecutionId, Name, StepId},
    listing::PastRun,
    time::Timestamp,
    usual::UsualRun,
};

/// The pasts of so many workflows are kept, those that ended last: names of work elsewhere may be any.
const WORKFLOWS_MAX: i64 = 1_000;

/// What a commit adds; as many rows as it has facts at most.
#[derive(Default)]
pub(super) struct Rows {
    steps: Vec<StepRow>,
    executions: Vec<ExecutionRow>,
}

struct StepRow {
    workflow: Name,
    step: StepId,
    seq: i64,
    duration_ms: i64,
    silence_ms: Option<i64>,
}

struct ExecutionRow {
    seq: i64,
    /// Without what only snapshots need.
    run: PastRun,
    workflow: Name,
}

impl Rows {
    /// Takes in a fact and the execution as it is after it. Only successes of steps and ends of executions matter, and not
    /// those of work elsewhere: anybody may give it any workflow's name.
    pub(super) fn add(&mut self, recorded: &Recorded, execution: &Execution) {
        if execution.trigger == Trigger::External {
            return;
        }
        let (seq, workflow) = (db(recorded.seq), &recorded.fact.workflow);
        match &recorded.fact.event {
            // What was not run took no time.
            Event::StepCompleted { step, duration_ms, longest_silence_ms, reused: false, .. } => {
                let (duration_ms, silence_ms) = (millis(*duration_ms), longest_silence_ms.map(millis));
                let (workflow, step) = (workflow.clone(), step.clone());
                self.steps.push(StepRow { workflow, step, seq, duration_ms, silence_ms });
            }
            event if event.is_final() => {
                let run = PastRun {
                    id: execution.id,
                    owner: recorded.fact.owner.clone(),
                    status: execution.status,
                    queued_at: execution.queued_at,
                    finished_at: execution.finished_at,
                    duration_ms: execution.duration_ms,
                };
                self.executions.push(ExecutionRow { seq, run, workflow: workflow.clone() });
            }
            _ => {}
        }
    }

    /// Adds them to a commit; nothing, if nothing has ended.
    pub(super) fn push(&self, commit: &mut QueryBuilder<Sqlite>) {
        if !self.steps.is_empty() {
            commit.push("insert into step_past (workflow, step, seq, duration_ms, silence_ms) ");
            commit.push_values(&self.steps, |mut row, past| {
                row.push_bind(past.workflow.to_string())
                    .push_bind(past.step.to_string())
                    .push_bind(past.seq)
                    .push_bind(past.duration_ms)
                    .push_bind(past.silence_ms);
            });
            commit.push("; ");
        }
        if !self.executions.is_empty() {
            commit.push(
                "insert into execution_past (workflow, seq, execution, owner, status, queued_at, finished_at, duration_ms) ",
            );
            commit.push_values(&self.executions, |mut row, past| {
                row.push_bind(past.workflow.to_string())
                    .push_bind(past.seq)
                    .push_bind(id_bytes(past.run.id))
                    .push_bind(past.run.owner.to_string())
                    .push_bind(past.run.status.word())
                    .push_bind(past.run.queued_at.0)
                    .push_bind(past.run.finished_at.map(|at| at.0))
                    .push_bind(past.run.duration_ms.map(millis));
            });
            commit.push("; ");
        }
    }
}

impl Journal {
    /// The last successes of all steps of a workflow, [`crate::domain::estimate::PAST_MAX`] of each, newest first.
    /// Everybody's: it is for the engine.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn step_pasts(&self, workflow: &Name) -> Result<HashMap<StepId, Past>, JournalError> {
        let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(
            "select step, duration_ms, silence_ms from step_past where workflow = ? order by step, seq desc",
        )
        .bind(workflow.as_str())
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut pasts: HashMap<StepId, Past> = HashMap::new();
        for (step, duration_ms, silence_ms) in rows {
            let step = step.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let past = pasts.entry(step).or_default();
            past.durations.push(duration_ms.unsigned_abs());
            past.silences.extend(silence_ms.map(i64::unsigned_abs));
        }
        Ok(pasts)
    }

    /// The usual run of an execution's steps: by what they took in the last good runs before it began, so that it is not
    /// measured by itself. Where nothing of these is remembered any more it is by the runs after its end. None if none of its
    /// steps has ever succeeded in another run, and for work elsewhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn usual_run(&self, execution: &Execution) -> Result<Option<UsualRun>, JournalError> {
        if execution.trigger == Trigger::External {
            return Ok(None);
        }
        let mut reader = self.reader().await?;
        let first: Option<i64> = sqlx::query_scalar(
            "select min(seq) from events where execution = (select key from executions where id = ?)",
        )
        .bind(id_bytes(execution.id))
        .fetch_one(&mut *reader)
        .await?;
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("select step, duration_ms, seq from step_past where workflow = ? order by step, seq desc")
                .bind(execution.workflow.as_str())
                .fetch_all(&mut *reader)
                .await?;
        let (first, last) = (first.unwrap_or(0), db(execution.seq));
        let by = |counts: &dyn Fn(i64) -> bool| -> Result<Option<UsualRun>, JournalError> {
            let mut pasts: HashMap<StepId, Past> = HashMap::new();
            for (step, duration_ms, _) in rows.iter().filter(|(.., seq)| counts(*seq)) {
                let step = step.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
                pasts.entry(step).or_default().durations.push(duration_ms.unsigned_abs());
            }
            let steps = execution.steps.iter().map(|step| (&step.id, step.needs.as_slice()));
            Ok(UsualRun::of(steps, &pasts))
        };
        match by(&|seq| seq < first)? {
            None if execution.status.is_final() => by(&|seq| seq > last),
            before => Ok(before),
        }
    }

    /// The usual run of a workflow's steps, by its last good runs; none if none of them has ever succeeded.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn usual_run_of(&self, workflow: &Name, steps: &[PlannedStep]) -> Result<Option<UsualRun>, JournalError> {
        let pasts = self.step_pasts(workflow).await?;
        Ok(UsualRun::of(steps.iter().map(|step| (&step.id, step.needs.as_slice())), &pasts))
    }

    /// How the last executions of a workflow in `scope` ended, newest first: the last 50 of everybody's, and what is
    /// missing to 20 successes of those before them. Pruned ones are among them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outcomes(&self, scope: &Scope, workflow: &Name) -> Result<Vec<PastRun>, JournalError> {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "select execution, owner, status, queued_at, finished_at, duration_ms from execution_past where workflow = ",
        );
        select.push_bind(workflow.as_str());
        within(&mut select, scope);
        select.push(" order by seq desc");
        let rows = select.build().fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(past_run).collect()
    }
}

/// Forgets the workflows of which the fewest remember when one of them ended.
pub(super) async fn forget(connection: &mut Connection) -> Result<(), JournalError> {
    const OLD: &str = "select workflow from execution_past group by workflow order by max(seq) desc limit -1 offset ";
    for table in ["step_past", "execution_past"] {
        let mut delete: QueryBuilder<Sqlite> =
            QueryBuilder::new(format!("delete from {table} where workflow in ({OLD}"));
        delete.push_bind(WORKFLOWS_MAX).push(")");
        delete.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn past_run(row: &SqliteRow) -> Result<PastRun, JournalError> {
    let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    let id = Uuid::from_slice(row.try_get("execution")?).map_err(|error| decode(error.into()))?;
    let status: Status = row.try_get::<&str, _>("status")?.parse().map_err(|error| decode(Box::new(error)))?;
    Ok(PastRun {
        id: ExecutionId(id),
        owner: row.try_get::<&str, _>("owner")?.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        status,
        queued_at: Timestamp(row.try_get("queued_at")?),
        finished_at: row.try_get::<Option<i64>, _>("finished_at")?.map(Timestamp),
        duration_ms: row.try_get::<Option<i64>, _>("duration_ms")?.map(i64::unsigned_abs),
    })
}

/// A span as the database has it.
fn millis(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::event::{ExecutionError, ExecutionFailure},
        server::{
            feed::Feed,
            journal::{
                Beside, Retention,
                tests::{Story, in_memory, name, on_disk},
            },
        },
    };

    fn step() -> StepId {
        "one".parse().expect("a step id")
    }

    impl Story {
        pub fn step_completed(
            &self,
            duration_ms: u64,
            silence_ms: Option<u64>,
            reused: bool,
        ) -> crate::domain::event::Fact {
            self.fact(Event::StepCompleted {
                step: step(),
                attempt: 1,
                duration_ms,
                outputs: Default::default(),
                lines: 0,
                execution_percent: 99.9,
                reused,
                longest_silence_ms: silence_ms,
            })
        }

        async fn run(&self, journal: &Journal, duration_ms: u64) {
            self.begin(journal).await;
            journal.append(self.step_completed(duration_ms, Some(duration_ms / 2), false)).await;
            self.rest(journal).await;
        }

        async fn fail(&self, journal: &Journal) {
            self.begin(journal).await;
            let error = ExecutionError { step: None, message: "no".to_owned(), exit_code: None, tail: Vec::new() };
            let status = ExecutionFailure::Failed;
            journal.append(self.fact(Event::ExecutionFailed { status, error, duration_ms: 7, lines: 0 })).await;
            journal.flush().await.expect("committed");
        }
    }

    async fn past(journal: &Journal, workflow: &str) -> Past {
        let mut pasts = journal.step_pasts(&name(workflow)).await.expect("an answer");
        pasts.remove(&step()).unwrap_or_default()
    }

    #[tokio::test]
    async fn the_last_20_successes_of_a_step_are_remembered_newest_first() {
        let journal = in_memory(&Feed::default()).await;
        for n in 0..30 {
            Story::new("alice", "a").run(&journal, 1000 + n).await;
        }
        Story::new("bob", "b").run(&journal, 5).await;
        let known = past(&journal, "a").await;
        assert_eq!(known.durations, (1010..1030).rev().collect::<Vec<u64>>());
        assert_eq!(known.silences.len(), 20);
        assert_eq!(known.silences[0], 514);
        assert_eq!(past(&journal, "b").await.durations, [5]);
    }

    /// How long the usual run is over which an execution is drawn, and of how many runs it is made.
    async fn usual(journal: &Journal, story: &Story) -> Option<(u64, usize)> {
        let execution = journal.snapshot(story.id).await.expect("an answer").expect("it is there");
        journal.usual_run(&execution).await.expect("an answer").map(|usual| (usual.duration_ms, usual.runs))
    }

    #[tokio::test]
    async fn an_execution_is_measured_by_the_good_runs_before_it_and_never_by_itself() {
        let journal = in_memory(&Feed::default()).await;
        let stories = [100, 300, 500].map(|ms| (ms, Story::new("alice", "a")));
        let (first, second, third) = (&stories[0].1, &stories[1].1, &stories[2].1);
        first.run(&journal, stories[0].0).await;
        assert_eq!(usual(&journal, first).await, None);
        second.run(&journal, stories[1].0).await;
        assert_eq!(usual(&journal, second).await, Some((100, 1)));
        third.begin(&journal).await;
        journal.append(third.step_completed(stories[2].0, None, false)).await;
        journal.flush().await.expect("committed");
        assert_eq!(usual(&journal, third).await.map(|(_, runs)| runs), Some(2), "its own step is none of them");
        let after = usual(&journal, first).await.map(|(_, runs)| runs);
        assert_eq!(
            after,
            Some(2),
            "nothing came before it: what came after it, the step that has just succeeded as well"
        );
        let steps = second.plan().planned();
        let of = journal.usual_run_of(&name("a"), &steps).await.expect("an answer");
        assert_eq!(of.map(|usual| usual.runs), Some(3));
        assert_eq!(journal.usual_run_of(&name("b"), &steps).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn many_successes_in_one_commit_are_bounded_as_well() {
        let journal = in_memory(&Feed::default()).await;
        let stories: Vec<Story> = (0..50).map(|_| Story::new("alice", "a")).collect();
        for story in &stories {
            story.begin(&journal).await;
        }
        for (n, story) in stories.iter().enumerate() {
            journal.append(story.step_completed(n as u64, None, false)).await;
        }
        journal.flush().await.expect("committed");
        let past = past(&journal, "a").await;
        assert_eq!(past.durations, (30..50).rev().collect::<Vec<u64>>());
        assert!(past.silences.is_empty(), "nobody measured them");
    }

    #[tokio::test]
    async fn a_step_that_was_not_run_again_teaches_nothing() {
        let journal = in_memory(&Feed::default()).await;
        let story = Story::new("alice", "a");
        story.begin(&journal).await;
        journal.append(story.step_completed(900, None, true)).await;
        story.rest(&journal).await;
        assert_eq!(past(&journal, "a").await, Past::default());
    }

    #[tokio::test]
    async fn work_elsewhere_teaches_nothing_about_a_workflow_of_its_name() {
        let journal = in_memory(&Feed::default()).await;
        let story = Story::new("mallory", "a");
        let mut queued = story.queued();
        if let Event::ExecutionQueued { trigger, .. } = &mut queued.event {
            *trigger = Trigger::External;
        }
        journal.begin(queued, story.plan(), Beside::default()).await.expect("it begins");
        journal.append(story.step_completed(900_000, Some(900_000), false)).await;
        story.rest(&journal).await;
        assert_eq!(past(&journal, "a").await, Past::default());
        assert!(journal.outcomes(&Scope::Everything, &name("a")).await.expect("an answer").is_empty());
    }

    #[tokio::test]
    async fn the_past_outlives_its_executions_and_the_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = on_disk(folder.path()).await;
        Story::new("alice", "a").run(&journal, 40).await;
        assert_eq!(journal.prune(Retention { count: Some(0), ..Retention::default() }).await.expect("pruned"), 1);
        journal.close().await;
        let journal = on_disk(folder.path()).await;
        assert_eq!(past(&journal, "a").await, Past { durations: vec![40], silences: vec![20] });
        assert_eq!(journal.outcomes(&Scope::Everything, &name("a")).await.expect("an answer").len(), 1);
    }

    #[tokio::test]
    async fn outcomes_keep_enough_successes_however_much_fails_and_each_sees_their_own() {
        let journal = in_memory(&Feed::default()).await;
        for n in 0..22 {
            Story::new("alice", "a").run(&journal, n).await;
        }
        for _ in 0..55 {
            Story::new("bob", "a").fail(&journal).await;
        }
        let outcomes = async |scope| journal.outcomes(&scope, &name("a")).await.expect("an answer");
        let all = outcomes(Scope::Everything).await;
        assert_eq!(all.len(), 70);
        assert!(all[..50].iter().all(|run| run.status == Status::Failed && run.duration_ms == Some(7)));
        assert!(all[50..].iter().all(|run| run.status == Status::Succeeded));
        assert_eq!(outcomes(Scope::Owner(name("alice"))).await.len(), 20);
        assert!(outcomes(Scope::Owner(name("carol"))).await.is_empty());
    }

    #[tokio::test]
    async fn of_very_many_workflows_those_that_ended_long_ago_are_forgotten() {
        let journal = in_memory(&Feed::default()).await;
        for n in 0..WORKFLOWS_MAX + 2 {
            let story = Story::new("alice", &format!("w{n}"));
            story.begin(&journal).await;
            journal.append(story.step_completed(1, None, false)).await;
            journal.append(story.completed()).await;
        }
        journal.prune(Retention::default()).await.expect("pruned");
        assert_eq!(past(&journal, "w1").await, Past::default());
        assert_eq!(past(&journal, "w2").await.durations, [1]);
        assert!(journal.outcomes(&Scope::Everything, &name("w0")).await.expect("an answer").is_empty());
    }
}
