//! The feed: from commits to readers.
//!
//! For each audience that somebody reads there is one [`Tail`]: the last frames, ready to send. A subscriber is a
//! [`Reader`]: a cursor in the log, and nothing else. It takes what the tail has after its cursor; where the tail
//! does not reach back so far it reads pages of the journal until it meets the tail, so replay and live are one loop.
//! Publishing never waits for a reader and holds no queue for one.

mod reader;
mod tail;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::domain::{
    access::{Audience, Scope},
    event::{Control, Recorded},
    id::{ExecutionId, Name, Seq},
};

pub use self::reader::{Filter, Reader, Refusal, Start};
use self::tail::{Fresh, Tail};

/// A fact that is committed, with its frame.
#[derive(Clone, Debug)]
pub struct Committed {
    seq: Seq,
    execution: ExecutionId,
    owner: Name,
    workflow: Name,
    output: bool,
    last: bool,
    frame: String,
}

impl Committed {
    /// `body` is the fact as JSON without its opening brace.
    pub fn new(recorded: &Recorded, body: &str) -> Self {
        let fact = &recorded.fact;
        Self {
            seq: recorded.seq,
            execution: fact.execution_id,
            owner: fact.owner.clone(),
            workflow: fact.workflow.clone(),
            output: fact.event.is_output(),
            last: fact.event.is_final(),
            frame: frame(recorded.seq, body),
        }
    }
}

/// The frame of a fact: <https://html.spec.whatwg.org/multipage/server-sent-events.html>. `body` is the fact as JSON
/// without its opening brace; JSON has no line ends outside of strings, and in strings they are escaped.
pub fn frame(seq: Seq, body: &str) -> String {
    format!("id: {seq}\ndata: {{\"seq\":{seq},{body}\n\n")
}

/// The frame of a control message, which has no id.
pub fn control(message: &Control) -> String {
    // A control message is made of words and numbers: it can always be written.
    let json = serde_json::to_string(message).expect("a control message is plain JSON");
    format!("data: {json}\n\n")
}

/// A handle on the feed; cheap to clone.
#[derive(Clone, Default)]
pub struct Feed(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    head: Seq,
    /// As many as there are audiences with a reader; what nobody reads any more goes with the next publishing.
    tails: HashMap<Audience, Weak<Tail>>,
}

impl Feed {
    /// Says where the log stands, before the first fact is published.
    pub fn begin(&self, head: Seq) {
        self.inner().head = head;
    }

    /// The last fact that was published.
    pub fn head(&self) -> Seq {
        self.inner().head
    }

    /// Puts committed facts, in order, into the tails of all who may see them, and wakes their readers.
    pub fn publish(&self, facts: Vec<Committed>) {
        let Some(last) = facts.last() else { return };
        let mut inner = self.inner();
        inner.head = last.seq;
        if inner.tails.is_empty() {
            return;
        }
        inner.tails.retain(|_, tail| tail.strong_count() > 0);
        let mut fresh: HashMap<Audience, (Arc<Tail>, Fresh)> = HashMap::new();
        for fact in &facts {
            for audience in audiences(fact) {
                match fresh.entry(audience) {
                    Entry::Occupied(mut entry) => entry.get_mut().1.push(fact),
                    Entry::Vacant(entry) => {
                        if let Some(tail) = inner.tails.get(entry.key()).and_then(Weak::upgrade) {
                            let (_, segment) = entry.insert((tail, Fresh::default()));
                            segment.push(fact);
                        }
                    }
                }
            }
        }
        for (tail, segment) in fresh.into_values() {
            tail.append(segment);
        }
    }

    /// The tail of an audience; it holds everything of it that is published from now on, as far as its bound goes.
    fn tail(&self, audience: &Audience) -> Arc<Tail> {
        let mut inner = self.inner();
        if let Some(tail) = inner.tails.get(audience).and_then(Weak::upgrade) {
            return tail;
        }
        let tail = Arc::new(Tail::new(inner.head));
        inner.tails.insert(audience.clone(), Arc::downgrade(&tail));
        tail
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The lock is held for pushes into vectors and maps only; whatever panicked there left them whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom a fact concerns: its execution's readers, and, unless it is output, its owner's and everything's.
fn audiences(fact: &Committed) -> impl Iterator<Item = Audience> {
    let shared = [Audience::Scope(Scope::Owner(fact.owner.clone())), Audience::Scope(Scope::Everything)];
    let own = Audience::Execution(fact.execution);
    std::iter::once(own).chain(shared.into_iter().filter(|_| !fact.output))
}

#[cfg(test)]
mod tests;
