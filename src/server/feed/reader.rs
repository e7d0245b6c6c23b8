//! A reader: a cursor in the log, of somebody who may see what it reads.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    Feed, control,
    tail::{Tail, Taken},
};
use crate::{
    domain::{
        access::{Audience, Viewer, visible},
        event::{Control, EndReason, ResetReason},
        id::{ExecutionId, Name, Seq},
    },
    server::{
        clock,
        journal::{Journal, JournalError},
    },
};

/// How often a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Which of the facts in a scope a stream carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this user's executions.
    pub owner: Option<Name>,
    /// Those of this workflow's executions.
    pub workflow: Option<Name>,
}

impl Filter {
    /// Whether it lets everything through.
    pub fn is_open(&self) -> bool {
        self.owner.is_none() && self.workflow.is_none()
    }

    /// Whether it lets facts of such an execution through.
    pub fn holds(&self, owner: &Name, workflow: &Name) -> bool {
        self.owner.as_ref().is_none_or(|wanted| wanted == owner)
            && self.workflow.as_ref().is_none_or(|wanted| wanted == workflow)
    }
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first fact of the audience.
    Beginning,
    /// With the next one that is committed.
    Now,
    /// With the one that follows this one.
    After(Seq),
}

/// Why there is no reader.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such execution, or the viewer may not see it: the same to them.
    #[error("there is no such execution")]
    NotFound,
    /// The execution has ended and the reader has had all of it.
    #[error("the execution has ended, and all of it was read")]
    NothingMore,
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A cursor in the log. Made with a [`Viewer`], and with nothing less.
pub struct Reader {
    journal: Journal,
    tail: Arc<Tail>,
    appended: watch::Receiver<u64>,
    audience: Audience,
    filter: Filter,
    user: Name,
    cursor: Seq,
    /// The final fact of the one execution that is read, once it is known.
    last: Option<Seq>,
    opening: Option<String>,
    caught_up: bool,
    over: bool,
    pub(super) heartbeat: Interval,
    revoked: CancellationToken,
    shutdown: CancellationToken,
}

impl Feed {
    /// A reader of all that `viewer` may see, without output, as far as `filter` lets it through.
    ///
    /// # Errors
    /// If the journal fails.
    pub async fn read_all(
        &self,
        journal: &Journal,
        viewer: &Viewer,
        filter: Filter,
        start: Start,
        ends: (CancellationToken, CancellationToken),
    ) -> Result<Reader, Refusal> {
        let mut reader = Reader::new(self, journal, Audience::Scope(viewer.scope()), viewer, ends);
        reader.filter = filter;
        let head = reader.head().await?;
        match start {
            Start::Beginning => reader.cursor = Seq(0),
            Start::Now => reader.cursor = head,
            Start::After(after) => reader.resume(after, head, journal.pruned_through().await?),
        }
        Ok(reader)
    }

    /// A reader of all of one execution.
    ///
    /// # Errors
    /// If `viewer` may not see it, if there is nothing more to read, or if the journal fails.
    pub async fn read_execution(
        &self,
        journal: &Journal,
        viewer: &Viewer,
        id: ExecutionId,
        start: Start,
        ends: (CancellationToken, CancellationToken),
    ) -> Result<Reader, Refusal> {
        // The tail comes first: what is committed after the snapshot is then in the tail.
        let mut reader = Reader::new(self, journal, Audience::Execution(id), viewer, ends);
        let execution = journal.snapshot(id).await?.ok_or(Refusal::NotFound)?;
        if !visible(viewer, &execution.owner) {
            return Err(Refusal::NotFound);
        }
        reader.last = execution.status.is_final().then_some(execution.seq);
        let head = reader.head().await?;
        match start {
            Start::Beginning => {}
            Start::Now => reader.cursor = head,
            Start::After(after) => {
                if after <= head && reader.last.is_some_and(|last| last <= after) {
                    return Err(Refusal::NothingMore);
                }
                reader.resume(after, head, Seq(0));
            }
        }
        Ok(reader)
    }
}

impl Reader {
    fn new(
        feed: &Feed,
        journal: &Journal,
        audience: Audience,
        viewer: &Viewer,
        (revoked, shutdown): (CancellationToken, CancellationToken),
    ) -> Self {
        let tail = feed.tail(&audience);
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            journal: journal.clone(),
            appended: tail.watch(),
            tail,
            audience,
            filter: Filter::default(),
            user: viewer.name.clone(),
            cursor: Seq(0),
            last: None,
            opening: None,
            caught_up: false,
            over: false,
            heartbeat,
            revoked,
            shutdown,
        }
    }

    /// Reads the head and prepares the stream's first words. `retry` carries jitter, so that a crowd which lost its
    /// server does not come back all at once.
    async fn head(&mut self) -> Result<Seq, JournalError> {
        let head = self.journal.head().await?;
        let retry = rand::random_range(1_000..4_000);
        let hello = control(&Control::Hello { head, user: self.user.clone() });
        self.opening = Some(format!("retry: {retry}\n\n{hello}"));
        Ok(head)
    }

    fn resume(&mut self, after: Seq, head: Seq, pruned_through: Seq) {
        if (pruned_through..=head).contains(&after) {
            self.cursor = after;
            return;
        }
        let reset = control(&Control::Reset { reason: ResetReason::Expired, head });
        self.opening.get_or_insert_default().push_str(&reset);
        self.cursor = head;
    }

    /// The next bytes to send: whole frames, one or many. None when the stream is over. Cancel safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening.into());
        }
        while !self.over {
            if self.revoked.is_cancelled() {
                return self.end(EndReason::Revoked);
            }
            if self.shutdown.is_cancelled() {
                return self.end(EndReason::Shutdown);
            }
            if matches!(self.audience, Audience::Execution(_)) {
                self.last = self.last.or_else(|| self.tail.last());
            }
            if let Some(frames) = self.advance().await {
                return Some(frames);
            }
        }
        None
    }

    async fn advance(&mut self) -> Option<Bytes> {
        self.appended.mark_unchanged();
        match self.tail.after(self.cursor, &self.filter) {
            Taken::Frames(frames, through) => {
                self.cursor = through;
                (!frames.is_empty()).then_some(frames)
            }
            Taken::Behind => self.catch_up().await,
            Taken::Nothing if !self.caught_up => {
                self.caught_up = true;
                Some(control(&Control::CaughtUp { head: self.cursor }).into())
            }
            Taken::Nothing if self.last.is_some_and(|last| last <= self.cursor) => self.end(EndReason::Finished),
            Taken::Nothing => self.wait().await,
        }
    }

    async fn catch_up(&mut self) -> Option<Bytes> {
        // Boxed, or every idle stream would hold the room that reading the database takes.
        match Box::pin(self.journal.page(&self.audience, &self.filter, self.cursor)).await {
            Ok(page) => {
                self.cursor = page.through;
                (!page.frames.is_empty()).then(|| page.frames.into())
            }
            Err(error) => {
                tracing::error!(%error, "a stream can't be replayed");
                self.end(EndReason::Lagged)
            }
        }
    }

    async fn wait(&mut self) -> Option<Bytes> {
        tokio::select! {
            _ = self.appended.changed() => None,
            () = self.revoked.cancelled() => None,
            () = self.shutdown.cancelled() => None,
            _ = self.heartbeat.tick() => Some(control(&Control::Heartbeat { at: clock::now() }).into()),
        }
    }

    fn end(&mut self, reason: EndReason) -> Option<Bytes> {
        self.over = true;
        Some(control(&Control::End { reason }).into())
    }
}
