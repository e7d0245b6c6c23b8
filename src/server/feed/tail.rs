//! The tail of an audience: its last frames, back to back, ready to send.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::{Committed, reader::Filter};
use crate::domain::id::{Name, Seq};

/// Most bytes of frames that a tail holds, its newest segment excepted; who needs older ones reads the journal.
const TAIL_BYTES: usize = 256 * 1024;
/// Most segments that a tail holds.
const TAIL_SEGMENTS: usize = 4_096;
/// Most bytes that one reader takes at a time, a single longer segment excepted.
const TAKE_BYTES: usize = 128 * 1024;

pub(super) struct Tail {
    ring: Mutex<Ring>,
    /// Counts appends; readers wait for it to change.
    appended: watch::Sender<u64>,
}

struct Ring {
    /// Everything of the audience after this is in `segments`.
    floor: Seq,
    segments: VecDeque<Segment>,
    bytes: usize,
    /// The final fact of the one execution whose tail it is, once it was published.
    last: Option<Seq>,
}

/// The frames of one commit.
struct Segment {
    through: Seq,
    frames: Bytes,
    index: Box<[Place]>,
}

/// One frame of a segment.
struct Place {
    seq: Seq,
    end: usize,
    owner: Name,
    workflow: Name,
}

/// A segment in the making.
#[derive(Default)]
pub(super) struct Fresh {
    frames: BytesMut,
    index: Vec<Place>,
    last: Option<Seq>,
}

impl Fresh {
    pub(super) fn push(&mut self, fact: &Committed) {
        self.frames.extend_from_slice(fact.frame.as_bytes());
        self.index.push(Place {
            seq: fact.seq,
            end: self.frames.len(),
            owner: fact.owner.clone(),
            workflow: fact.workflow.clone(),
        });
        if fact.last {
            self.last = Some(fact.seq);
        }
    }
}

/// What a tail has for a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// These frames (none if a filter holds them all back), and where the cursor stands after them.
    Frames(Bytes, Seq),
    /// Nothing new.
    Nothing,
    /// The cursor is before what the tail holds.
    Behind,
}

impl Tail {
    pub(super) fn new(head: Seq) -> Self {
        let ring = Ring { floor: head, segments: VecDeque::new(), bytes: 0, last: None };
        Self { ring: Mutex::new(ring), appended: watch::Sender::new(0) }
    }

    pub(super) fn append(&self, fresh: Fresh) {
        let Some(newest) = fresh.index.last() else { return };
        let segment =
            Segment { through: newest.seq, frames: fresh.frames.freeze(), index: fresh.index.into_boxed_slice() };
        let mut ring = self.ring();
        ring.last = ring.last.or(fresh.last);
        ring.bytes += segment.frames.len();
        ring.segments.push_back(segment);
        while (ring.bytes > TAIL_BYTES && ring.segments.len() > 1) || ring.segments.len() > TAIL_SEGMENTS {
            let Some(oldest) = ring.segments.pop_front() else { break };
            ring.bytes -= oldest.frames.len();
            ring.floor = oldest.through;
        }
        drop(ring);
        self.appended.send_modify(|count| *count += 1);
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// The final fact, if it was published.
    pub(super) fn last(&self) -> Option<Seq> {
        self.ring().last
    }

    pub(super) fn after(&self, cursor: Seq, filter: &Filter) -> Taken {
        let ring = self.ring();
        if cursor < ring.floor {
            return Taken::Behind;
        }
        let first = ring.segments.partition_point(|segment| segment.through <= cursor);
        let mut parts = Vec::new();
        let mut bytes = 0;
        let mut through = cursor;
        for segment in ring.segments.range(first..) {
            segment.take(cursor, filter, &mut parts);
            bytes += segment.frames.len();
            through = segment.through;
            if bytes >= TAKE_BYTES {
                break;
            }
        }
        drop(ring);
        if through == cursor { Taken::Nothing } else { Taken::Frames(joined(parts), through) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Held for pushes, pops and slices only; whatever panicked there left the ring whole.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    fn take(&self, cursor: Seq, filter: &Filter, parts: &mut Vec<Bytes>) {
        let first = self.index.partition_point(|place| place.seq <= cursor);
        let mut begin = if first == 0 { 0 } else { self.index[first - 1].end };
        if filter.is_open() {
            parts.push(self.frames.slice(begin..));
            return;
        }
        for place in &self.index[first..] {
            if filter.holds(&place.owner, &place.workflow) {
                parts.push(self.frames.slice(begin..place.end));
            }
            begin = place.end;
        }
    }
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    match parts.len() {
        0 => Bytes::new(),
        1 => parts.remove(0),
        _ => {
            let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
            parts.iter().for_each(|part| whole.extend_from_slice(part));
            whole.freeze()
        }
    }
}
