//! How many streams may be open at once, for each user and in all; and which ones are.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    domain::{id::Name, id::Seq, time::Timestamp},
    server::clock,
};

use super::Kind;

/// Most streams of one user, unless told otherwise.
pub const OF_ONE_USER: usize = 64;
/// Most streams in all, unless told otherwise.
pub const IN_ALL: usize = 20_000;

/// The seats that there are. A cheap handle.
#[derive(Clone)]
pub struct Seats {
    of_one_user: usize,
    in_all: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    /// As many entries as users with an open stream.
    of: HashMap<Name, usize>,
    /// As many as there are seats at most, by their numbers.
    holders: BTreeMap<u64, Arc<Holder>>,
    /// The number that was given last.
    number: u64,
}

/// Who sits where, and how far they are.
pub(super) struct Holder {
    pub(super) user: Name,
    pub(super) kind: Kind,
    pub(super) since: Timestamp,
    cursor: AtomicU64,
    bytes: AtomicU64,
}

impl Holder {
    /// The last fact that was handed over, or where the stream began.
    pub(super) fn cursor(&self) -> Seq {
        Seq(self.cursor.load(Ordering::Relaxed))
    }

    /// How many bytes were handed over.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// A seat, given back when it is dropped.
pub(super) struct Seat {
    number: u64,
    holder: Arc<Holder>,
    taken: Arc<Mutex<Taken>>,
}

impl Default for Seats {
    fn default() -> Self {
        Self::new(OF_ONE_USER, IN_ALL)
    }
}

impl Seats {
    /// So many for each user, and so many in all.
    pub fn new(of_one_user: usize, in_all: usize) -> Self {
        Self { of_one_user, in_all, taken: Arc::default() }
    }

    /// A seat for somebody who is to read this kind.
    pub(super) fn take(&self, user: &Name, kind: &Kind) -> Option<Seat> {
        let mut taken = locked(&self.taken);
        let theirs = taken.of.get(user).copied().unwrap_or_default();
        if theirs >= self.of_one_user || taken.holders.len() >= self.in_all {
            return None;
        }
        taken.of.insert(user.clone(), theirs + 1);
        taken.number += 1;
        let number = taken.number;
        let holder = Arc::new(Holder {
            user: user.clone(),
            kind: kind.clone(),
            since: clock::now(),
            cursor: AtomicU64::default(),
            bytes: AtomicU64::default(),
        });
        taken.holders.insert(number, holder.clone());
        Some(Seat { number, holder, taken: self.taken.clone() })
    }

    /// The newest seats that are taken, `most` of them, with their numbers.
    pub(super) fn holders(&self, most: usize) -> Vec<(u64, Arc<Holder>)> {
        let taken = locked(&self.taken);
        taken.holders.iter().rev().take(most).map(|(number, holder)| (*number, holder.clone())).collect()
    }

    /// How many are taken, and how many there are.
    pub(super) fn count(&self) -> [u64; 2] {
        [locked(&self.taken).holders.len() as u64, self.in_all as u64]
    }
}

impl Seat {
    /// So many bytes were handed to the socket, and that is where the reader stands now.
    pub(super) fn told(&self, bytes: usize, cursor: Seq) {
        self.holder.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.holder.cursor.store(cursor.0, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        taken.holders.remove(&self.number);
        if let Some(theirs) = taken.of.get_mut(&self.holder.user) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.of.remove(&self.holder.user);
            }
        }
    }
}

fn locked(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // Held for counting only.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::access::Audience, server::feed::Framing};

    #[test]
    fn a_seat_is_given_back_and_nobody_takes_more_than_theirs() {
        let seats = Seats::new(2, 3);
        let [ann, bob]: [Name; 2] = ["ann", "bob"].map(|name| name.parse().expect("a name"));
        let kind = (Audience::Nothing, Framing::Plain);
        let hers = [seats.take(&ann, &kind), seats.take(&ann, &kind)];
        assert!(hers.iter().all(Option::is_some));
        assert!(seats.take(&ann, &kind).is_none());
        let his = seats.take(&bob, &kind);
        assert!(his.is_some());
        assert!(seats.take(&bob, &kind).is_none(), "there are three in all");
        let newest: Vec<String> = seats.holders(2).iter().map(|(_, holder)| holder.user.to_string()).collect();
        assert_eq!((newest, seats.count()), (vec!["bob".to_owned(), "ann".to_owned()], [3, 3]));
        drop(hers);
        assert!(seats.take(&ann, &kind).is_some());
        drop(his);
        let users = locked(&seats.taken).of.len();
        assert_eq!((users, seats.count()), (0, [0, 3]));
    }
}
