//! How many streams may be open at once: for each user, and in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::id::Name;

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
    in_all: usize,
}

/// A seat, given back when it is dropped.
pub(super) struct Seat {
    user: Name,
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

    pub(super) fn take(&self, user: &Name) -> Option<Seat> {
        let mut taken = locked(&self.taken);
        let theirs = taken.of.get(user).copied().unwrap_or_default();
        if theirs >= self.of_one_user || taken.in_all >= self.in_all {
            return None;
        }
        taken.of.insert(user.clone(), theirs + 1);
        taken.in_all += 1;
        Some(Seat { user: user.clone(), taken: self.taken.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        taken.in_all -= 1;
        if let Some(theirs) = taken.of.get_mut(&self.user) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.of.remove(&self.user);
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

    #[test]
    fn a_seat_is_given_back_and_nobody_takes_more_than_theirs() {
        let seats = Seats::new(2, 3);
        let [ann, bob]: [Name; 2] = ["ann", "bob"].map(|name| name.parse().expect("a name"));
        let hers = [seats.take(&ann), seats.take(&ann)];
        assert!(hers.iter().all(Option::is_some));
        assert!(seats.take(&ann).is_none());
        let his = seats.take(&bob);
        assert!(his.is_some());
        assert!(seats.take(&bob).is_none(), "there are three in all");
        drop(hers);
        assert!(seats.take(&ann).is_some());
        drop(his);
        assert_eq!(locked(&seats.taken).of.len(), 0);
    }
}
