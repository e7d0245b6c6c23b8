//! The tail of an audience: its last frames, back to back, ready to send.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::{Committed, Framing};
use crate::domain::id::Seq;

/// A segment shorter than this takes in the next commit as well, in bytes: a reader that has fallen behind finds few
/// long slices and not many short ones.
const SEGMENT_BYTES: usize = 32 * 1024;

/// Readers are woken at once for so much, in bytes: long before the tail lets go of what they have not seen.
const UNTOLD_MAX: usize = 2 * SEGMENT_BYTES;

/// What readers look at; they wait for it to change.
pub(super) struct Ring {
    /// Everything of the audience after this is in `segments`.
    floor: Seq,
    /// No more than there are [`SEGMENT_BYTES`] in the ring's bound, twice.
    segments: VecDeque<Segment>,
    bytes: usize,
    /// The final fact of the one execution whose tail it is, once it was published.
    last: Option<Seq>,
    /// When its readers were last woken, if they ever were.
    woken: Option<Instant>,
    /// How many bytes have come since.
    untold: usize,
    /// Whether they will be woken, without another commit.
    waking: bool,
}

/// When the readers of a tail are to be woken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// At once.
    Now,
    /// Then; somebody has to see to it.
    At(Instant),
    /// Soon, which is seen to already.
    Coming,
}

/// The frames of one commit, or of a few.
struct Segment {
    frames: Bytes,
    /// Never empty.
    index: Vec<Place>,
}

/// One frame of a segment.
#[derive(Clone, Copy)]
struct Place {
    seq: Seq,
    end: usize,
    /// When it was published, in milliseconds of the feed's own clock.
    at: u32,
}

/// What a commit adds to a tail.
#[derive(Default)]
pub(super) struct Fresh {
    frames: String,
    index: Vec<Place>,
    last: Option<Seq>,
}

impl Fresh {
    pub(super) fn push(&mut self, fact: &Committed, framing: Framing, at: u32) {
        framing.fact(&mut self.frames, fact.seq, &fact.body);
        self.index.push(Place { seq: fact.seq, end: self.frames.len(), at });
        if fact.last {
            self.last = Some(fact.seq);
        }
    }
}

/// What a tail has for a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The next frames.
    Frames(Slice),
    /// Nothing new.
    Nothing,
    /// The cursor is before what the tail holds.
    Behind,
}

/// Frames, back to back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The bytes of them.
    pub frames: Bytes,
    /// How many they are.
    pub count: usize,
    /// Where the cursor stands after them.
    pub through: Seq,
    /// When the first one was published, in milliseconds of the feed's own clock; none if nobody knows any more.
    pub at: Option<u32>,
}

impl Ring {
    pub(super) fn new(head: Seq) -> Self {
        Self { floor: head, segments: VecDeque::new(), bytes: 0, last: None, woken: None, untold: 0, waking: false }
    }

    /// `most` is how many bytes of frames it may hold, its newest segment excepted; who needs older ones reads the
    /// journal.
    pub(super) fn append(&mut self, fresh: Fresh, most: usize) {
        self.last = self.last.or(fresh.last);
        self.bytes += fresh.frames.len();
        self.untold += fresh.frames.len();
        match self.segments.back_mut() {
            Some(newest) if newest.frames.len() + fresh.frames.len() <= SEGMENT_BYTES => newest.extend(fresh),
            _ => self.segments.push_back(Segment { frames: fresh.frames.into(), index: fresh.index }),
        }
        while self.bytes > most && self.segments.len() > 1 {
            let Some(oldest) = self.segments.pop_front() else { break };
            self.bytes -= oldest.frames.len();
            self.floor = oldest.through();
        }
    }

    /// When its readers are to be told of what was appended: not within this pause after they were last woken, unless
    /// it is much.
    pub(super) fn wake(&mut self, now: Instant, pause: Duration) -> Wake {
        match self.woken.map(|woken| woken + pause) {
            _ if self.untold >= UNTOLD_MAX => {}
            _ if self.waking => return Wake::Coming,
            Some(due) if due > now => {
                self.waking = true;
                return Wake::At(due);
            }
            _ => {}
        }
        self.woken(now);
        Wake::Now
    }

    /// Its readers are told now. One that was promised to happen later need not.
    pub(super) fn woken(&mut self, now: Instant) {
        (self.woken, self.untold) = (Some(now), 0);
    }

    /// The promise is kept: says whether there is anything left to tell.
    pub(super) fn due(&mut self, now: Instant) -> bool {
        self.waking = false;
        let left = self.untold > 0;
        if left {
            self.woken(now);
        }
        left
    }

    /// The final fact, if it was published.
    pub(super) fn last(&self) -> Option<Seq> {
        self.last
    }

    /// The rest of the segment that the cursor stands in or before.
    pub(super) fn after(&self, cursor: Seq) -> Taken {
        if cursor < self.floor {
            return Taken::Behind;
        }
        // A reader that keeps up stands in the newest one.
        let before = self.segments.iter().rev().take_while(|segment| segment.through() > cursor).count();
        match self.segments.len().checked_sub(before).and_then(|first| self.segments.get(first)) {
            Some(segment) => Taken::Frames(segment.after(cursor)),
            None => Taken::Nothing,
        }
    }
}

impl Segment {
    fn through(&self) -> Seq {
        self.index.last().map_or(Seq::default(), |place| place.seq)
    }

    fn extend(&mut self, fresh: Fresh) {
        let begin = self.frames.len();
        let mut frames = BytesMut::with_capacity(begin + fresh.frames.len());
        frames.extend_from_slice(&self.frames);
        frames.extend_from_slice(fresh.frames.as_bytes());
        self.frames = frames.freeze();
        self.index.extend(fresh.index.iter().map(|place| Place { end: begin + place.end, ..*place }));
    }

    fn after(&self, cursor: Seq) -> Slice {
        let first = self.index.partition_point(|place| place.seq <= cursor);
        let begin = first.checked_sub(1).map_or(0, |before| self.index[before].end);
        Slice {
            frames: self.frames.slice(begin..),
            count: self.index.len() - first,
            through: self.through(),
            at: self.index.get(first).map(|place| place.at),
        }
    }
}
