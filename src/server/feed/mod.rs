//! The feed: from commits to readers.
//!
//! For each audience that somebody reads there is one tail: the last frames, ready to send. A subscriber is a
//! [`Reader`]: a cursor in the log, and nothing else. It takes what the tail has after its cursor; where the tail
//! does not reach back so far it reads pages of the journal until it meets the tail, so replay and live are one loop.
//! Publishing never waits for a reader and holds no queue for one.

mod frame;
mod opening;
mod reader;
mod seats;
mod tail;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::sleep_until};
use tokio_util::sync::CancellationToken;

use self::{
    seats::Holder,
    tail::{Fresh, Ring, Taken, Wake},
};
use super::metrics::FeedMetrics;
use crate::domain::{
    access::Audience,
    administration::OpenStream,
    event::Recorded,
    id::{ExecutionId, Name, Seq},
};

pub use self::{
    frame::{Framing, full},
    opening::{Link, Refusal, Start},
    reader::{Dismissal, Piece, Reader},
    seats::{IN_ALL, OF_ONE_USER, Seats},
    tail::Slice,
};

/// A fact that is committed.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its place.
    pub seq: Seq,
    /// Of which execution.
    pub execution: ExecutionId,
    /// Whose.
    pub owner: Name,
    /// Of which workflow.
    pub workflow: Name,
    /// Whether it is output, which only the execution's own stream carries.
    pub output: bool,
    /// Whether nothing comes after it in its execution.
    pub last: bool,
    /// The fact as JSON without its opening brace and its `seq`.
    pub body: String,
}

impl Committed {
    /// `body` is the fact as JSON without its opening brace and its `seq`.
    pub fn new(recorded: &Recorded, body: String) -> Self {
        let fact = &recorded.fact;
        Self {
            seq: recorded.seq,
            execution: fact.execution_id,
            owner: fact.owner.clone(),
            workflow: fact.workflow.clone(),
            output: fact.event.is_output(),
            last: fact.event.is_final(),
            body,
        }
    }

    /// Whom it concerns: its execution's readers, and, unless it is output, those of its owner's, of its workflow's
    /// and of all executions.
    fn audiences(&self) -> Vec<Audience> {
        let mut audiences = vec![Audience::Execution(self.execution)];
        if !self.output {
            let (owner, workflow) = (Some(self.owner.clone()), Some(self.workflow.clone()));
            audiences.extend([
                Audience::Selection(None, None),
                Audience::Selection(owner.clone(), None),
                Audience::Selection(None, workflow.clone()),
                Audience::Selection(owner, workflow),
            ]);
        }
        audiences
    }
}

/// An audience and the framing that its readers want: an event is made a frame once for each.
type Kind = (Audience, Framing);

/// What waking one reader costs, roughly: its turn, and one write to its socket.
const TURN: Duration = Duration::from_micros(5);
/// Longest that readers wait for more to come with what there is.
const PAUSE_MAX: Duration = Duration::from_millis(5);

/// What all tails may hold together, in bytes of frames, as far as each one's least allows.
const TAILS_BYTES: usize = 64 * 1024 * 1024;
/// Most and least that one tail may hold, in bytes of frames: a crowd that comes late should find what it needs here and
/// not, each reader by itself, in the journal.
const TAIL_BYTES: (usize, usize) = (1024 * 1024, 128 * 1024);

/// Between two wake-ups of a tail with so many readers.
fn pause(readers: usize) -> Duration {
    TURN.saturating_mul(u32::try_from(readers).unwrap_or(u32::MAX)).min(PAUSE_MAX)
}

/// As many as there are kinds with a reader.
type Tails = HashMap<Kind, watch::Sender<Ring>>;

/// A handle on the feed; cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Hub>);

struct Hub {
    /// The last fact that was published.
    head: AtomicU64,
    /// The greatest `seq` that is no longer kept.
    pruned_through: AtomicU64,
    /// The journal's beginning: nothing that has a smaller `seq` was ever in it.
    begin: AtomicU64,
    closed: AtomicBool,
    /// Cancelled with that, for readers that wait for nothing else of the feed's.
    closing: CancellationToken,
    /// What keeps facts from being committed, if anything does.
    trouble: Mutex<Option<Arc<str>>>,
    /// Changes with `trouble`.
    troubles: AtomicU64,
    /// Which state of the workflows folder readers are told of; 0 before the first.
    folder: AtomicU64,
    tails: Mutex<Tails>,
    seats: Seats,
    metrics: FeedMetrics,
    /// What the times of frames are counted from.
    epoch: Instant,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new(Seats::default(), FeedMetrics::default())
    }
}

impl Feed {
    /// With so many seats for readers, and counting what it does.
    pub fn new(seats: Seats, metrics: FeedMetrics) -> Self {
        Self(Arc::new(Hub {
            head: AtomicU64::default(),
            pruned_through: AtomicU64::default(),
            begin: AtomicU64::default(),
            closed: AtomicBool::default(),
            closing: CancellationToken::new(),
            trouble: Mutex::default(),
            troubles: AtomicU64::default(),
            folder: AtomicU64::default(),
            tails: Mutex::default(),
            seats,
            metrics,
            epoch: Instant::now(),
        }))
    }

    /// Says where the log begins, what of it is gone, and where it stands, before the first fact is published.
    pub fn begin(&self, begin: Seq, pruned_through: Seq, head: Seq) {
        self.0.begin.store(begin.0, Ordering::Release);
        self.0.pruned_through.store(pruned_through.0, Ordering::Release);
        self.0.head.store(head.0, Ordering::Release);
    }

    /// The last fact that was published.
    pub fn head(&self) -> Seq {
        Seq(self.0.head.load(Ordering::Acquire))
    }

    /// Facts up to here are no longer all there.
    pub fn pruned(&self, through: Seq) {
        self.0.pruned_through.fetch_max(through.0, Ordering::AcqRel);
    }

    /// Whether all that was ever told after this place is still there.
    fn reaches_back_to(&self, after: Seq) -> bool {
        let (begin, pruned) = (self.0.begin.load(Ordering::Acquire), self.0.pruned_through.load(Ordering::Acquire));
        // 0 is before everything: who stands there has had nothing, of this journal or of another.
        after.0 >= pruned || (after.0 == 0 && pruned <= begin)
    }

    /// Puts committed facts, in order, into the tails of all who may see them, and wakes their readers: at once, unless
    /// these were woken so shortly before that they can't all have been served since.
    pub fn publish(&self, facts: &[Committed]) {
        let Some(last) = facts.last() else { return };
        let at = self.clock();
        let tails = self.tails();
        self.0.head.store(last.seq.0, Ordering::Release);
        if tails.is_empty() {
            return;
        }
        let mut fresh: HashMap<Kind, Fresh> = HashMap::new();
        // Most facts of a commit are of few executions: whom these concern is looked up once.
        let mut concerned: HashMap<(ExecutionId, bool), Vec<Kind>> = HashMap::new();
        for fact in facts {
            let kinds = concerned.entry((fact.execution, fact.output)).or_insert_with(|| {
                let of = |audience: Audience| Framing::ALL.map(|framing| (audience.clone(), framing));
                fact.audiences().into_iter().flat_map(of).filter(|kind| tails.contains_key(kind)).collect()
            });
            for kind in kinds {
                fresh.entry(kind.clone()).or_default().push(fact, kind.1, at);
            }
        }
        let now = Instant::now();
        let most = (TAILS_BYTES / tails.len()).clamp(TAIL_BYTES.1, TAIL_BYTES.0);
        for (kind, fresh) in fresh {
            let Some(tail) = tails.get(&kind) else { continue };
            let mut wake = Wake::Now;
            tail.send_if_modified(|ring| {
                ring.append(fresh, most);
                wake = ring.wake(now, pause(tail.receiver_count()));
                wake == Wake::Now
            });
            if let Wake::At(at) = wake {
                self.wake_later(kind, at);
            }
        }
    }

    /// Wakes a tail's readers when it is time, together for all that is published until then.
    fn wake_later(&self, kind: Kind, at: Instant) {
        let feed = self.clone();
        tokio::spawn(async move {
            sleep_until(at.into()).await;
            if let Some(tail) = feed.tails().get(&kind) {
                tail.send_if_modified(|ring| ring.due(Instant::now()));
            }
        });
    }

    /// Tells all readers what keeps facts from being committed, or that nothing does any more.
    pub fn trouble(&self, what: Option<&str>) {
        *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = what.map(Arc::from);
        self.0.troubles.fetch_add(1, Ordering::AcqRel);
        self.wake_all();
    }

    /// Tells the readers of everything that the workflows folder is in another state, which has this number from now on.
    pub fn folder_changed(&self, version: u64) {
        self.0.folder.store(version, Ordering::Release);
        self.wake_all();
    }

    /// The number of the state in which the workflows folder is; 0 before any was told.
    pub fn folder(&self) -> u64 {
        self.0.folder.load(Ordering::Acquire)
    }

    /// Ends all readers, and whoever comes later, because the server stops.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.closing.cancel();
        self.wake_all();
    }

    /// Milliseconds since the feed was made; 49 days of them, then it stands still and lag is no longer measured.
    fn clock(&self) -> u32 {
        u32::try_from(self.0.epoch.elapsed().as_millis()).unwrap_or(u32::MAX)
    }

    fn wake_all(&self) {
        self.tails().values().for_each(|tail| tail.send_modify(|_| {}));
    }

    fn troubles(&self) -> u64 {
        self.0.troubles.load(Ordering::Acquire)
    }

    fn current_trouble(&self) -> Option<String> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).as_deref().map(str::to_owned)
    }

    fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// The tail of a kind, which holds all that is published from now on as far as its bound goes, and the head
    /// of this moment.
    fn join(&self, kind: &Kind) -> (watch::Receiver<Ring>, Seq) {
        let mut tails = self.tails();
        let head = self.head();
        let tail = tails.entry(kind.clone()).or_insert_with(|| watch::Sender::new(Ring::new(head)));
        (tail.subscribe(), head)
    }

    /// A tail that nobody reads goes with its last reader.
    fn leave(&self, kind: &Kind, tail: watch::Receiver<Ring>) {
        let mut tails = self.tails();
        drop(tail);
        if tails.get(kind).is_some_and(|tail| tail.receiver_count() == 0) {
            tails.remove(kind);
        }
    }

    /// The streams that are open, newest first, `most` of them.
    pub fn streams(&self, most: usize) -> Vec<OpenStream> {
        let holders = self.0.seats.holders(most);
        let tails = self.tails();
        let waiting = |holder: &Holder| match tails.get(&holder.kind).map(|tail| tail.borrow().after(holder.cursor())) {
            Some(Taken::Frames(slice)) => Some(slice.count as u64),
            Some(Taken::Behind) => None,
            Some(Taken::Nothing) | None => Some(0),
        };
        let open = |(id, holder): &(u64, Arc<Holder>)| {
            let (execution, owner, workflow) = match holder.kind.0.clone() {
                Audience::Execution(id) => (Some(id), None, None),
                Audience::Selection(owner, workflow) => (None, owner, workflow),
                Audience::Nothing => (None, None, None),
            };
            OpenStream {
                id: *id,
                user: holder.user.clone(),
                execution,
                owner,
                workflow,
                since: holder.since,
                bytes: holder.bytes(),
                position: holder.cursor(),
                behind: waiting(holder),
            }
        };
        holders.iter().map(open).collect()
    }

    /// How many streams are open, and how many may be.
    pub fn seats(&self) -> [u64; 2] {
        self.0.seats.count()
    }

    fn tails(&self) -> MutexGuard<'_, Tails> {
        // Held for pushes into vectors and maps only; whatever panicked there left them whole.
        self.0.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
