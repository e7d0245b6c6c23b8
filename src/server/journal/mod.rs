//! The journal: the log of facts, on disk, and what can be asked of it.
//!
//! One writer task gathers facts and commits them together (group commit); a fact gets its [`Seq`] there, so order of
//! `seq` is order of commits. Only after the commit do facts go to the [`Feed`] and do those who wait get their
//! answers. Readers use connections of their own and see whole commits only.
//!
//! With [`Place::Memory`] the same database lives in memory, for people who want no history.

mod external;
mod facts;
mod failure;
mod list;
mod log;
mod marks;
mod overview;
mod page;
mod past;
mod query;
mod retention;
mod schedules;
mod search;
mod writer;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use super::{feed::Feed, metrics::JournalMetrics, sqlite::pool};
use crate::domain::{
    event::{Event, Fact},
    execution::Execution,
    id::{ExecutionId, Seq},
    workflow::Workflow,
};

pub use self::{
    external::External,
    page::Page,
    query::{Beside, Idempotent},
    retention::Retention,
    schedules::{Handled, SCHEDULES_KEPT},
};
use writer::{Message, Writer};

/// Most facts that wait for a commit; whoever has one more waits.
const QUEUE: usize = 65_536;
/// Most bytes of output that wait for a commit or are in one; whoever has more waits. In JSON, and again as frames, it
/// is a few times as much. So little because everybody else's facts wait behind it: with 4 MiB five short steps beside a
/// flood took six times as long as alone, with 128 KiB 1.45 times, with this 1.3 times; and the flood itself, which has the
/// journal's whole speed with 4 MiB, two thirds of it.
const QUEUE_BYTES: u32 = 64 * 1024;
/// What a line weighs beside its text, in bytes.
const LINE_BYTES: usize = 64;
/// How long commits may fail before nobody is kept waiting for them.
const STUCK_FOR: Duration = Duration::from_secs(2);
/// Most rows that SQLite reads ahead of whoever takes them.
const ROWS_AHEAD: usize = 8;
/// Memory for pages of the database, in KiB, below 0 as SQLite has it: the writer's index pages want to stay; what is
/// read is the system's to keep.
const WRITER_CACHE: &str = "-16384";
const READER_CACHE: &str = "-2048";
/// Connections for reading.
const READERS: u32 = 4;

/// What the journal could not do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database said no.
    #[error("the journal's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Its tables could not be brought to this version.
    #[error("the journal's database could not be upgraded: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What it holds is not what was written.
    #[error("the journal holds something unreadable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The writer has stopped.
    #[error("the journal is closed")]
    Closed,
}

/// Where the journal lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// In memory, gone with the server.
    Memory,
}

/// A handle on the journal; cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<Message>,
    /// One permit for each byte of [`QUEUE_BYTES`].
    room: Arc<Semaphore>,
    read: SqlitePool,
    health: watch::Receiver<Health>,
    /// Keeps a database in memory from going with its last connection: the pool closes one when a request is given up
    /// in the middle of a query.
    _anchor: Option<Mutex<SqliteConnection>>,
}

/// Whether facts reach the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They do.
    Good,
    /// They wait, and the writer tries again; why.
    Stuck(String),
}

impl Journal {
    /// Opens the journal, brings its tables to this version, and starts its writer on `tasks`. The facts of a new one
    /// come after `begin`, which should be past whatever an earlier one gave: so a reader who comes with a place of
    /// another journal is told that it missed something.
    ///
    /// # Errors
    /// If the database can't be opened or upgraded.
    pub async fn open(
        place: Place,
        begin: Seq,
        feed: Feed,
        metrics: JournalMetrics,
        tasks: &TaskTracker,
    ) -> Result<Self, JournalError> {
        let (write, read, anchor) = pools(&place).await?;
        sqlx::migrate!("src/server/journal/migrations").run(&write).await?;
        let mut connection = write.acquire().await?;
        if query::head(&mut connection).await? == Seq(0) {
            query::begin_after(&mut connection, begin).await?;
        }
        let (head, last_key) = (query::head(&mut connection).await?, query::last_key(&mut connection).await?);
        let (begin, pruned_through) = page::marks(&mut connection).await?;
        drop(connection);
        feed.begin(begin, pruned_through, head);
        let (queue, messages) = mpsc::channel(QUEUE);
        let (say, health) = watch::channel(Health::Good);
        let writer = Writer::new((write, anchor.is_some()), (head, last_key), feed, metrics, say);
        tasks.spawn(writer.run(messages));
        let room = Arc::new(Semaphore::new(QUEUE_BYTES as usize));
        Ok(Self(Arc::new(Inner { queue, room, read, health, _anchor: anchor })))
    }

    /// Hands a fact over for the next commit. Facts are committed in the order they were handed over. Waits only
    /// while [`QUEUE`] facts wait already, or for output [`QUEUE_BYTES`] of it: so a step that prints faster than the
    /// disk takes it is held up, and not the memory filled. Once the writer has stopped the fact is dropped, as after
    /// a crash.
    pub async fn append(&self, fact: Fact) {
        let room = match weight(&fact.event) {
            0 => None,
            bytes => self.0.room.clone().acquire_many_owned(bytes).await.ok(),
        };
        if self.0.queue.send(Message::Append(fact, room)).await.is_err() {
            tracing::error!("a fact came after the journal was closed");
        }
    }

    /// Commits an execution's first fact together with its plan and what belongs to it.
    ///
    /// # Errors
    /// If the journal is closed.
    pub async fn begin(&self, fact: Fact, plan: Arc<Workflow>, beside: Beside) -> Result<Execution, JournalError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Begin { fact, plan, beside, reply };
        self.0.queue.send(message).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)
    }

    /// Waits until all that was handed over before is committed.
    ///
    /// # Errors
    /// If the journal is closed.
    pub async fn flush(&self) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.0.queue.send(Message::Flush(reply)).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)
    }

    /// Commits what was handed over and stops the writer; whatever comes after is refused. A journal that can't be
    /// written is not waited for: what is lost then nobody has seen.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        let close = async {
            if self.0.queue.send(Message::Close(reply)).await.is_ok() {
                // If the writer is gone already, so is everything that could be waited for.
                let _ = closed.await;
            }
        };
        tokio::select! {
            () = close => {}
            why = self.stuck() => tracing::error!(%why, "what happened last was not written down"),
        }
    }

    /// Removes what `retention` no longer keeps. Returns how many executions went.
    ///
    /// # Errors
    /// If the journal is closed.
    pub async fn prune(&self, retention: Retention) -> Result<u64, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.0.queue.send(Message::Prune(retention, reply)).await.map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)
    }

    /// Whether facts reach the disk.
    pub fn health(&self) -> Health {
        self.0.health.borrow().clone()
    }

    /// How many facts wait for their commit, and how many may.
    pub fn waiting(&self) -> [u64; 2] {
        let most = self.0.queue.max_capacity();
        [(most - self.0.queue.capacity()) as u64, most as u64]
    }

    /// Ends when facts have not reached the disk for some time, with the reason.
    pub async fn stuck(&self) -> String {
        let mut health = self.0.health.clone();
        loop {
            if health.wait_for(|health| *health != Health::Good).await.is_err() {
                // The writer has stopped: whoever waits for it is told by it.
                return std::future::pending().await;
            }
            tokio::time::sleep(STUCK_FOR).await;
            if let Health::Stuck(why) = self.health() {
                return why;
            }
        }
    }

    async fn reader(&self) -> Result<Transaction<'static, Sqlite>, JournalError> {
        Ok(self.0.read.begin().await?)
    }
}

/// How much of [`QUEUE_BYTES`] a fact takes, one that is larger than all of it all.
fn weight(event: &Event) -> u32 {
    let Event::StepOutput { lines, .. } = event else { return 0 };
    let bytes: usize = lines.iter().map(|line| line.text.len() + LINE_BYTES).sum();
    u32::try_from(bytes).unwrap_or(QUEUE_BYTES).min(QUEUE_BYTES)
}

/// For writing, for reading, and what keeps the database if it has no other place.
type Pools = (SqlitePool, SqlitePool, Option<Mutex<SqliteConnection>>);

async fn pools(place: &Place) -> Result<Pools, JournalError> {
    let path = match place {
        Place::Memory => {
            let options = SqliteConnectOptions::from_str("sqlite::memory:")?.foreign_keys(true);
            let anchor = options.connect().await?;
            let one = pool(1).connect_with(options).await?;
            return Ok((one.clone(), one, Some(Mutex::new(anchor))));
        }
        Place::File(path) => path,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .row_buffer_size(ROWS_AHEAD)
        .pragma("cache_size", WRITER_CACHE)
        // A slow commit is seen in the metrics; its text, a thousand statements long, would only fill the log.
        .disable_statement_logging();
    let write = pool(1).connect_with(options.clone()).await?;
    let read =
        pool(READERS).connect_with(options.pragma("query_only", "on").pragma("cache_size", READER_CACHE)).await?;
    Ok((write, read, None))
}

/// Reads an execution's fold from a row's text.
fn snapshot(text: &str) -> Result<Execution, JournalError> {
    Ok(serde_json::from_str(text)?)
}

/// An execution's id as the database has it.
fn id_bytes(id: ExecutionId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

/// A `seq` as the database has it; there are no more than `i64` holds.
fn db(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A `seq` out of the database.
fn seq(value: i64) -> Seq {
    Seq(u64::try_from(value).unwrap_or(0))
}

/// A connection that a query runs on.
type Connection = SqliteConnection;

#[cfg(test)]
pub(in crate::server) mod tests;
