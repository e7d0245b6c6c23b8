//! The one writer: gathers facts, commits them together, and only then tells the world.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{QueryBuilder, Sqlite, SqlitePool, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::{
    Beside, Handled, Health, JournalError, Retention, db, external::ExternalNotes, marks, past, query, retention,
    schedules,
};
use crate::{
    domain::{
        event::{Event, Fact, Recorded},
        execution::{Execution, Status},
        id::{ExecutionId, Name, Seq},
        workflow::Workflow,
    },
    server::{
        feed::{Committed, Feed},
        metrics::JournalMetrics,
    },
};

/// Most facts in one commit; one that came with others brings these, too.
const BATCH: usize = 1_000;
/// With how many facts of an execution its hash is told.
const HASH_EVERY: u64 = 100;
/// Commits of so many rows and fewer are prepared once for all.
const ALIKE: usize = 16;
/// How long the writer waits after a commit that failed, before it tries the same one again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What the writer is asked.
pub(super) enum Message {
    /// A fact, and the room it takes until it is committed.
    Append(Fact, Option<OwnedSemaphorePermit>),
    /// Facts of one execution that are committed together, and how far its reporter has been heard by them.
    Together {
        id: ExecutionId,
        facts: Vec<Fact>,
        client_seq: Option<u64>,
        room: Option<OwnedSemaphorePermit>,
    },
    /// Who asked that work which runs elsewhere be stopped.
    Cancelled(ExecutionId, Name),
    Begin {
        fact: Fact,
        plan: Arc<Workflow>,
        beside: Beside,
        reply: oneshot::Sender<Execution>,
    },
    Flush(oneshot::Sender<()>),
    Prune(Retention, oneshot::Sender<u64>),
    /// How far the schedule of a workflow was handled; nothing for one that is gone.
    Schedule(Name, Option<Handled>, oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// An execution that has not ended, as of the last fact that was taken in.
struct Open {
    execution: Execution,
    /// Its place in the table of executions.
    key: i64,
    /// How many lines its log has.
    lines: u64,
    /// How many facts of it were taken in.
    facts: u64,
    /// Set for as long as it is not in the table.
    first: Option<First>,
    /// Its status in the table.
    written: Option<Status>,
}

struct First {
    plan: Arc<Workflow>,
    beside: Beside,
}

/// One commit, made ready: the same again if it has to be tried again.
#[derive(Default)]
struct Batch {
    /// The facts, and the place of each one's execution in the table of executions.
    committed: Vec<Committed>,
    keys: Vec<i64>,
    chunks: Vec<ChunkRow>,
    /// What it teaches for estimates.
    past: past::Rows,
    touched: BTreeMap<ExecutionId, i64>,
    external: ExternalNotes,
    /// What its output takes; given back when it is gone.
    room: Vec<OwnedSemaphorePermit>,
}

struct ChunkRow {
    execution: i64,
    first: i64,
    step: String,
    step_first: i64,
    lines: i64,
    seq: i64,
    attempt: u32,
    marks: Vec<u8>,
}

enum Reply {
    Begun(ExecutionId, oneshot::Sender<Execution>),
    Flushed(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pool: SqlitePool,
    /// A connection of the pool, kept between commits unless others need it.
    held: Option<PoolConnection<Sqlite>>,
    shared: bool,
    head: Seq,
    last_key: i64,
    /// Executions that have not ended: as many as the engine holds.
    open: HashMap<ExecutionId, Open>,
    feed: Feed,
    metrics: JournalMetrics,
    health: watch::Sender<Health>,
}

impl Writer {
    pub(super) fn new(
        (pool, shared): (SqlitePool, bool),
        (head, last_key): (Seq, i64),
        feed: Feed,
        metrics: JournalMetrics,
        health: watch::Sender<Health>,
    ) -> Self {
        Self { pool, held: None, shared, head, last_key, open: HashMap::new(), feed, metrics, health }
    }

    /// Runs until it is told to close, or every handle on the journal is gone, and all is committed.
    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut waiting = Vec::with_capacity(BATCH);
        while messages.recv_many(&mut waiting, BATCH).await > 0 {
            let mut batch = Batch::default();
            let mut replies = Vec::new();
            let mut prunings = Vec::new();
            let mut handled = Vec::new();
            let mut close = None;
            for message in waiting.drain(..) {
                if batch.committed.len() >= BATCH {
                    self.commit(&batch).await;
                    self.answer(std::mem::take(&mut batch), std::mem::take(&mut replies));
                }
                match message {
                    Message::Append(fact, room) => {
                        self.take(fact, &mut batch).await;
                        batch.room.extend(room);
                    }
                    Message::Together { id, facts, client_seq, room } => {
                        for fact in facts {
                            self.take(fact, &mut batch).await;
                        }
                        if let Some(client_seq) = client_seq {
                            batch.external.heard(id, client_seq);
                        }
                        batch.room.extend(room);
                    }
                    Message::Cancelled(id, by) => batch.external.cancelled(id, by),
                    Message::Begin { fact, plan, beside, reply } => {
                        replies.push(Reply::Begun(fact.execution_id, reply));
                        self.begin(fact, First { plan, beside }, &mut batch).await;
                    }
                    Message::Flush(reply) => replies.push(Reply::Flushed(reply)),
                    Message::Prune(retention, reply) => prunings.push((retention, reply)),
                    Message::Schedule(workflow, how_far, reply) => handled.push((workflow, how_far, reply)),
                    Message::Close(reply) => close = Some(reply),
                }
            }
            self.commit(&batch).await;
            self.answer(batch, replies);
            // Those who were answered hand over what comes next before the next commit begins: fewer, larger ones.
            tokio::task::yield_now().await;
            for (workflow, how_far, reply) in handled {
                self.keep_schedule(&workflow, how_far.as_ref(), reply).await;
            }
            for (retention, reply) in prunings {
                self.prune(&retention, reply).await;
            }
            if self.shared {
                self.held = None;
            }
            if let Some(reply) = close {
                let _ = reply.send(());
                return;
            }
        }
    }

    async fn begin(&mut self, fact: Fact, first: First, batch: &mut Batch) {
        let key = self.next_key();
        if let Some(execution) = Execution::begin(Seq::default(), &fact) {
            let open = Open { execution, key, lines: 0, facts: 0, first: Some(first), written: None };
            self.open.insert(fact.execution_id, open);
            self.take(fact, batch).await;
        }
    }

    async fn take(&mut self, fact: Fact, batch: &mut Batch) {
        if !self.open.contains_key(&fact.execution_id) && !self.reopen(fact.execution_id).await {
            tracing::error!(execution = %fact.execution_id, "a fact of an execution that the journal does not know");
            return;
        }
        let Some(open) = self.open.get_mut(&fact.execution_id) else { return };
        if open.execution.status.is_final() {
            tracing::error!(execution = %fact.execution_id, ?fact.event, "a fact came after the final one; dropped");
            return;
        }
        self.head = Seq(self.head.0 + 1);
        let mut recorded = Recorded { seq: self.head, fact, hash: None };
        open.execution.apply(&recorded);
        open.facts += 1;
        if open.facts.is_multiple_of(HASH_EVERY) || open.execution.status.is_final() {
            recorded.hash = Some(open.execution.state_hash());
        }
        batch.touched.insert(recorded.fact.execution_id, open.key);
        batch.add(&recorded, open);
    }

    /// Brings back an execution that an earlier life of the server began.
    async fn reopen(&mut self, id: ExecutionId) -> bool {
        let found = loop {
            let found = self.find(id).await;
            if let Some(found) = self.settled(found).await {
                break found;
            }
        };
        let Some((key, execution)) = found else { return false };
        let lines = execution.steps.iter().map(|step| step.lines).sum();
        let written = Some(execution.status);
        self.open.insert(id, Open { execution, key, lines, facts: 0, first: None, written });
        true
    }

    async fn find(&mut self, id: ExecutionId) -> Result<Option<(i64, Execution)>, JournalError> {
        query::row(self.connection().await?, id).await
    }

    fn next_key(&mut self) -> i64 {
        self.last_key += 1;
        self.last_key
    }

    /// Commits until it succeeds: what was handed over is never lost while the server lives.
    async fn commit(&mut self, batch: &Batch) {
        while !batch.committed.is_empty() || !batch.external.is_empty() {
            let begun = Instant::now();
            let written = self.write(batch).await;
            if written.is_ok() {
                self.metrics.committed(batch.committed.len(), begun.elapsed());
            }
            if self.settled(written).await.is_some() {
                return;
            }
        }
    }

    /// What came of an attempt; after one that failed it says so, and returns when the next one makes sense.
    async fn settled<T>(&self, attempt: Result<T, JournalError>) -> Option<T> {
        match attempt {
            Ok(done) => {
                if self.health.send_if_modified(|health| std::mem::replace(health, Health::Good) != Health::Good) {
                    tracing::info!("the journal can be written again");
                    self.feed.trouble(None);
                }
                Some(done)
            }
            Err(error) => {
                self.metrics.failed();
                let stuck = Health::Stuck(trouble(&error).to_owned());
                if self.health.send_if_modified(|health| std::mem::replace(health, stuck.clone()) != stuck) {
                    tracing::error!(%error, "the journal can't be written; trying again until it can");
                    self.feed.trouble(Some(trouble(&error)));
                }
                tokio::time::sleep(AGAIN_AFTER).await;
                None
            }
        }
    }

    /// Commits it as one request to the database, whose thread is asked and waited for no more than once.
    async fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let mut commit = QueryBuilder::new("begin immediate; ");
        let mut going_on = Vec::new();
        for (id, key) in &batch.touched {
            let Some(Open { execution, first, written, .. }) = self.open.get(id) else { continue };
            match first {
                Some(First { plan, beside }) => query::push_insert(&mut commit, *key, execution, plan, beside)?,
                None if *written == Some(execution.status) => going_on.push((*key, execution)),
                None => query::push_update(&mut commit, *key, execution)?,
            }
        }
        query::push_progress(&mut commit, &going_on)?;
        batch.external.push(&mut commit);
        batch.push_events(&mut commit);
        batch.push_chunks(&mut commit);
        batch.past.push(&mut commit);
        commit.push("commit");
        // Small ones are alike: the next one finds its statements prepared.
        let again = batch.committed.len() + batch.touched.len() <= ALIKE;
        let connection = self.connection().await?;
        let written = commit.build().persistent(again).execute(&mut *connection).await;
        if written.is_err() {
            // What it had begun. If it had begun nothing, this fails, and nothing is as it should be.
            let _ = sqlx::query("rollback").execute(&mut *connection).await;
        }
        written?;
        Ok(())
    }

    /// The connection for writing; in memory it is the one for reading as well, and given back after use.
    async fn connection(&mut self) -> Result<&mut super::Connection, JournalError> {
        let connection = match self.held.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(self.held.insert(connection))
    }

    fn answer(&mut self, batch: Batch, replies: Vec<Reply>) {
        self.feed.publish(&batch.committed);
        for reply in replies {
            match reply {
                Reply::Begun(id, reply) => {
                    if let Some(open) = self.open.get(&id) {
                        // Nobody waits any more if the request was given up; the execution goes on all the same.
                        let _ = reply.send(open.execution.clone());
                    }
                }
                Reply::Flushed(reply) => {
                    let _ = reply.send(());
                }
            }
        }
        for id in batch.touched.keys() {
            if let Some(open) = self.open.get_mut(id) {
                (open.first, open.written) = (None, Some(open.execution.status));
                if open.execution.status.is_final() {
                    self.open.remove(id);
                }
            }
        }
    }

    /// Tried once: whoever asked is told by nothing that it failed, and asks again.
    async fn keep_schedule(&mut self, workflow: &Name, how_far: Option<&Handled>, reply: oneshot::Sender<()>) {
        let kept = match self.connection().await {
            Ok(connection) => schedules::keep(connection, workflow, how_far).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(()) => _ = reply.send(()),
            Err(error) => {
                tracing::error!(%error, %workflow, "how far a schedule was handled could not be written down")
            }
        }
    }

    async fn prune(&mut self, retention: &Retention, reply: oneshot::Sender<u64>) {
        let head = self.head;
        let pruned = match self.connection().await {
            Ok(connection) => retention::prune(connection, retention, head).await,
            Err(error) => Err(error),
        };
        match pruned {
            Ok((pruned, through)) => {
                self.feed.pruned(through);
                let _ = reply.send(pruned);
            }
            Err(error) => {
                // The pool sees to it that what was begun is over.
                self.held = None;
                tracing::error!(%error, "old executions could not be removed");
            }
        }
    }
}

impl Batch {
    fn add(&mut self, recorded: &Recorded, open: &mut Open) {
        let fact = &recorded.fact;
        if let Event::StepOutput { step, attempt, first_line, lines } = &fact.event {
            let count = lines.len() as u64;
            self.chunks.push(ChunkRow {
                execution: open.key,
                first: number(open.lines),
                step: step.to_string(),
                step_first: number(*first_line),
                lines: number(count),
                seq: db(recorded.seq),
                attempt: *attempt,
                marks: marks::note(lines),
            });
            open.lines += count;
        }
        self.past.add(recorded, &open.execution);
        // A fact is made of strings, numbers and maps with string keys: it can always be written.
        let mut body = serde_json::to_string(fact).expect("a fact is plain JSON");
        body.remove(0);
        if let Some(hash) = recorded.hash {
            body.pop();
            body.push_str(&format!(",\"hash\":\"{hash}\"}}"));
        }
        self.committed.push(Committed::new(recorded, body));
        self.keys.push(open.key);
    }

    fn push_events(&self, commit: &mut QueryBuilder<Sqlite>) {
        if self.committed.is_empty() {
            return;
        }
        commit.push("insert into events (seq, execution, owner, output, body) ");
        commit.push_values(self.committed.iter().zip(&self.keys), |mut row, (fact, key)| {
            row.push_bind(db(fact.seq))
                .push_bind(*key)
                .push_bind(fact.owner.as_str())
                .push_bind(fact.output)
                .push_bind(fact.body.as_str());
        });
        commit.push("; ");
    }

    fn push_chunks(&self, commit: &mut QueryBuilder<Sqlite>) {
        if self.chunks.is_empty() {
            return;
        }
        commit.push("insert into chunks (execution, first, step, step_first, lines, seq, attempt, marks) ");
        commit.push_values(&self.chunks, |mut row, chunk| {
            row.push_bind(chunk.execution)
                .push_bind(chunk.first)
                .push_bind(&chunk.step)
                .push_bind(chunk.step_first)
                .push_bind(chunk.lines)
                .push_bind(chunk.seq)
                .push_bind(chunk.attempt)
                .push_bind(chunk.marks.as_slice());
        });
        commit.push("; ");
    }
}

/// What is wrong, as people read it.
fn trouble(error: &JournalError) -> &'static str {
    let code = match error {
        JournalError::Database(sqlx::Error::Database(error)) => error.code(),
        _ => None,
    };
    // The primary result codes of <https://www.sqlite.org/rescode.html>, in the low byte.
    match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(13) => "the disk is full; what happens now is written down, and shown, as soon as there is room",
        Some(8) => "the journal is read-only; what happens now is written down, and shown, once it can be written",
        _ => "the journal can't be written; what happens now is written down, and shown, as soon as it can",
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
