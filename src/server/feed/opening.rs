//! How a reader is opened: who may, and where it begins.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Feed, Framing, Reader};
use crate::{
    domain::{
        access::{Audience, Viewer, visible},
        event::Control,
        id::{ExecutionId, Name, Seq},
    },
    server::journal::{Journal, JournalError},
};

/// How often a stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

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

/// What carries a reader's frames.
#[derive(Clone, Debug)]
pub struct Link {
    /// How.
    pub framing: Framing,
    /// Cancelled when the viewer may no longer read.
    pub revoked: CancellationToken,
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
    /// The user, or the server, has as many readers as it may.
    #[error("too many streams are open")]
    Limit,
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Feed {
    /// A reader of all that `viewer` may see, without output, as far as it belongs to `owner` and `workflow`.
    ///
    /// # Errors
    /// If there is no seat, or the journal fails.
    pub async fn read_all(
        &self,
        journal: &Journal,
        viewer: &Viewer,
        (owner, workflow): (Option<Name>, Option<Name>),
        start: Start,
        link: Link,
    ) -> Result<Reader, Refusal> {
        let mut reader = Reader::new(self, journal, Audience::of(viewer, owner, workflow), viewer, link)?;
        match start {
            Start::Beginning => reader.cursor = Seq(0),
            Start::Now => {}
            Start::After(after) => reader.resume(after).await?,
        }
        Ok(reader)
    }

    /// A reader of all of one execution.
    ///
    /// # Errors
    /// If `viewer` may not see it, if there is nothing more to read, if there is no seat, or if the journal fails.
    pub async fn read_execution(
        &self,
        journal: &Journal,
        viewer: &Viewer,
        id: ExecutionId,
        start: Start,
        link: Link,
    ) -> Result<Reader, Refusal> {
        // The tail comes first: what is committed after the snapshot is then in the tail.
        let made = Reader::new(self, journal, Audience::Execution(id), viewer, link);
        let execution = journal.snapshot(id).await?.ok_or(Refusal::NotFound)?;
        if !visible(viewer, &execution.owner) {
            return Err(Refusal::NotFound);
        }
        let mut reader = made?;
        reader.last = execution.status.is_final().then_some(execution.seq);
        match start {
            Start::Beginning => reader.cursor = Seq(0),
            Start::Now => {}
            Start::After(after) => {
                let known = after <= reader.head_for(after).await?;
                if known && reader.last.is_some_and(|last| last <= after) {
                    return Err(Refusal::NothingMore);
                }
                // An execution that is there is there from its first fact on.
                if known { reader.cursor = after } else { reader.reset() }
            }
        }
        Ok(reader)
    }
}

impl Reader {
    /// A reader from now on, with its first words to say. `retry` carries jitter, so that a crowd which lost its server
    /// does not come back all at once.
    fn new(feed: &Feed, journal: &Journal, audience: Audience, viewer: &Viewer, link: Link) -> Result<Self, Refusal> {
        let kind = (audience, link.framing);
        let Some(seat) = feed.0.seats.take(&viewer.name, &kind) else {
            feed.0.metrics.refused();
            return Err(Refusal::Limit);
        };
        let (tail, head) = feed.join(&kind);
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        feed.0.metrics.opened();
        let mut reader = Self {
            feed: feed.clone(),
            journal: journal.clone(),
            kind,
            tail: Some(tail),
            seat,
            cursor: head,
            sent: 0,
            last: None,
            words: Bytes::new(),
            caught_up: false,
            over: false,
            troubles: if feed.current_trouble().is_some() { u64::MAX } else { feed.troubles() },
            folder: feed.folder(),
            heartbeat,
            revoked: Box::pin(link.revoked.clone().cancelled_owned()),
            revocation: link.revoked,
        };
        let retry = rand::random_range(1_000..4_000);
        let workflows = Some(reader.folder).filter(|version| *version > 0);
        let hello = Control::Hello { head, user: viewer.name.clone(), workflows };
        reader.words = link.framing.hello(retry, &hello).into();
        Ok(reader)
    }

    async fn resume(&mut self, after: Seq) -> Result<(), JournalError> {
        if self.feed.reaches_back_to(after) && after <= self.head_for(after).await? {
            self.cursor = after;
        } else {
            self.reset();
        }
        Ok(())
    }

    /// The last fact that is committed, as far as it matters for somebody who has had `after`: the journal may be ahead
    /// of the feed for as long as publishing takes.
    async fn head_for(&self, after: Seq) -> Result<Seq, JournalError> {
        let head = self.feed.head();
        if after <= head { Ok(head) } else { self.journal.head().await }
    }
}
