//! A reader: a cursor in the log, of somebody who may see what it reads.

use std::{pin::Pin, time::Duration};

use bytes::{Buf, Bytes};
use tokio::{sync::watch, time::Interval};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    Feed, Framing, Kind,
    seats::Seat,
    tail::{Ring, Slice, Taken},
};
use crate::{
    domain::{
        access::Audience,
        event::{Control, EndReason, ResetReason},
        id::Seq,
    },
    server::{
        clock,
        journal::{Journal, Page},
    },
};

/// A cursor in the log. Made with a [`Viewer`](crate::domain::access::Viewer), and with nothing less. It holds no frames: what could not be sent is
/// taken again.
pub struct Reader {
    pub(super) feed: Feed,
    pub(super) journal: Journal,
    pub(super) kind: Kind,
    /// There until it is dropped.
    pub(super) tail: Option<watch::Receiver<Ring>>,
    pub(super) seat: Seat,
    pub(super) cursor: Seq,
    /// How many bytes of the frame after `cursor` were sent already.
    pub(super) sent: usize,
    /// The final fact of the one execution that is read, once it is known.
    pub(super) last: Option<Seq>,
    /// What it has to say of itself, as far as that was not sent yet.
    pub(super) words: Bytes,
    pub(super) caught_up: bool,
    pub(super) over: bool,
    /// Which of the feed's troubles it has told of.
    pub(super) troubles: u64,
    /// Of which state of the workflows folder it has told.
    pub(super) folder: u64,
    pub(super) heartbeat: Interval,
    pub(super) revoked: Pin<Box<WaitForCancellationFutureOwned>>,
    pub(super) revocation: CancellationToken,
}

/// What a reader has to send next: whole frames, the first of which may have been begun.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    /// How many of `bytes` were sent already.
    sent: usize,
    /// None for words of the reader's own.
    facts: Option<Facts>,
}

#[derive(Debug)]
struct Facts {
    through: Seq,
    count: usize,
    at: Option<u32>,
}

impl Piece {
    /// The bytes to send.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}

/// Why a reader has to go though it has not asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dismissal(EndReason);

impl Reader {
    /// Puts the head of an HTTP answer before its first words.
    pub fn preface(&mut self, head: &str) {
        self.words = [head.as_bytes(), &self.words].concat().into();
    }

    /// Goes on from the head, and says that something was left out.
    pub(super) fn reset(&mut self) {
        let head = self.feed.head();
        self.say(&Control::Reset { reason: ResetReason::Expired, head });
        self.cursor = head;
        self.feed.0.metrics.reset();
    }

    /// What to send next; it is the same again until [`sent`](Self::sent) is told. None when the stream is over.
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            if self.sent > 0 {
                return self.rest_of_frame().await;
            }
            if !self.words.is_empty() {
                return Some(Piece { bytes: self.words.clone(), sent: 0, facts: None });
            }
            if self.over {
                return None;
            }
            if let Some(dismissal) = self.dismissal() {
                self.dismiss(dismissal);
            } else if let Some(piece) = self.advance().await {
                return Some(piece);
            }
        }
    }

    /// So many of the piece's [`rest`](Piece::rest) have been sent.
    pub fn sent(&mut self, piece: &Piece, bytes: usize) {
        self.feed.0.metrics.bytes(bytes);
        let Some(facts) = &piece.facts else {
            self.seat.told(bytes, self.cursor);
            return self.words.advance(bytes.min(self.words.len()));
        };
        let whole = bytes == piece.rest().len();
        let (seq, rest, count) = match whole {
            true => (Some(facts.through), 0, facts.count),
            false => self.framing().cut(&piece.bytes, piece.sent + bytes),
        };
        self.cursor = seq.unwrap_or(self.cursor);
        self.sent = rest;
        self.seat.told(bytes, self.cursor);
        let age = facts.at.map(|at| Duration::from_millis(self.feed.clock().saturating_sub(at).into()));
        self.feed.0.metrics.frames(count, facts.count - count.min(facts.count), age);
    }

    /// Ends when the reader has to go. What is published meanwhile does not wake it.
    pub async fn dismissed(&mut self) -> Dismissal {
        tokio::select! {
            () = self.revoked.as_mut() => Dismissal(EndReason::Revoked),
            () = self.feed.0.closing.cancelled() => Dismissal(EndReason::Shutdown),
        }
    }

    fn dismissal(&self) -> Option<Dismissal> {
        if self.revocation.is_cancelled() {
            Some(Dismissal(EndReason::Revoked))
        } else if self.feed.is_closed() {
            Some(Dismissal(EndReason::Shutdown))
        } else {
            None
        }
    }

    /// After the frame that was begun there is nothing but a word of farewell.
    pub fn dismiss(&mut self, Dismissal(reason): Dismissal) {
        self.end(reason);
    }

    /// The same, for a reader that has taken nothing for too long.
    pub fn give_up(&mut self) {
        self.end(EndReason::Lagged);
    }

    fn end(&mut self, reason: EndReason) {
        if !self.over {
            self.over = true;
            self.say(&Control::End { reason });
            self.words = [&self.words, self.framing().last().as_bytes()].concat().into();
            self.feed.0.metrics.ended(reason);
        }
    }

    fn say(&mut self, message: &Control) {
        self.words = [&self.words, self.framing().control(message).as_bytes()].concat().into();
    }

    /// How its frames are made.
    pub fn framing(&self) -> Framing {
        self.kind.1
    }

    fn look(&mut self) -> Taken {
        let Some(tail) = &mut self.tail else { return Taken::Nothing };
        let ring = tail.borrow_and_update();
        if let Audience::Execution(_) = self.kind.0 {
            self.last = self.last.or(ring.last());
        }
        ring.after(self.cursor)
    }

    async fn advance(&mut self) -> Option<Piece> {
        match self.look() {
            Taken::Frames(slice) => return Some(piece(slice, 0)),
            Taken::Behind => return self.catch_up().await,
            Taken::Nothing => {}
        }
        if !self.caught_up {
            self.caught_up = true;
            self.say(&Control::CaughtUp { head: self.cursor });
        } else if self.last.is_some_and(|last| last <= self.cursor) {
            self.end(EndReason::Finished);
        } else if self.troubles != self.feed.troubles() {
            self.troubles = self.feed.troubles();
            self.beat();
        } else if self.folder != self.feed.folder() {
            self.folder = self.feed.folder();
            if !matches!(self.kind.0, Audience::Execution(_)) {
                self.say(&Control::Workflows { version: self.folder });
            }
        } else {
            self.wait().await;
        }
        None
    }

    async fn catch_up(&mut self) -> Option<Piece> {
        match self.page().await {
            Some(Page::Frames(slice)) if slice.frames.is_empty() => self.cursor = slice.through,
            Some(Page::Frames(slice)) => return Some(piece(slice, 0)),
            Some(Page::Gone) => {
                self.reset();
                // Of an execution that is no longer there nothing will come.
                if let Audience::Execution(_) = self.kind.0 {
                    self.end(EndReason::Finished);
                }
            }
            None => self.end(EndReason::Lagged),
        }
        None
    }

    async fn page(&self) -> Option<Page> {
        // Boxed, or every idle stream would hold the room that reading the database takes.
        match Box::pin(self.journal.page(&self.kind.0, self.kind.1, self.cursor)).await {
            Ok(page) => Some(page),
            Err(error) => {
                tracing::error!(%error, "a stream can't be replayed");
                None
            }
        }
    }

    /// The frame that was begun, without what comes after it. If it is no longer to be had, the stream is over: nothing
    /// else can be said in the middle of a frame.
    async fn rest_of_frame(&mut self) -> Option<Piece> {
        let slice = match self.look() {
            Taken::Frames(slice) => Some(slice),
            // A page may be ahead of the tail for as long as publishing takes.
            Taken::Nothing | Taken::Behind => match self.page().await {
                Some(Page::Frames(slice)) => Some(slice),
                _ => None,
            },
        };
        let first = slice.and_then(|mut slice| {
            slice.frames.truncate(self.framing().first_len(&slice.frames));
            (slice.through, _, slice.count) = match self.framing().cut(&slice.frames, slice.frames.len()) {
                (Some(seq), rest, count) => (seq, rest, count),
                (None, ..) => return None,
            };
            Some(piece(slice, self.sent))
        });
        if first.is_none() {
            (self.over, self.sent, self.words) = (true, 0, Bytes::new());
        }
        first
    }

    async fn wait(&mut self) {
        let Some(tail) = &mut self.tail else { return };
        tokio::select! {
            _ = tail.changed() => {}
            () = self.revoked.as_mut() => {}
            _ = self.heartbeat.tick() => self.beat(),
        }
    }

    fn beat(&mut self) {
        self.say(&Control::Heartbeat { at: clock::now(), trouble: self.feed.current_trouble() });
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(tail) = self.tail.take() {
            self.feed.leave(&self.kind, tail);
        }
        self.feed.0.metrics.closed();
    }
}

fn piece(slice: Slice, sent: usize) -> Piece {
    Piece { bytes: slice.frames, sent, facts: Some(Facts { through: slice.through, count: slice.count, at: slice.at }) }
}
