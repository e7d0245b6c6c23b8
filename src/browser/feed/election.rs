//! Who leads: the one who holds the lock, where there are locks; else who spoke up first and was not silent since.
//!
//! Web Locks need a secure context, and a server is often reached as `http://host:3000`. So locks make it faster and
//! surer, but what decides is what tabs hear from each other. That two lead for a moment does no harm: each fact is
//! folded once, whoever brings it, and the one whose term is older stops as soon as it hears of the other.

use super::note::{Down, TabId, Term};
use crate::domain::time::Timestamp;

/// A leader that has not answered for so long is gone, milliseconds. Tabs in view ask three times in it.
const SILENCE: i64 = 1_200;
/// How long a tab that has just come waits for a leader's word, milliseconds: with locks, and without.
const FIRST: (i64, i64) = (1_000, 150);
/// After a leader said goodbye, the same.
const NEXT: (i64, i64) = (400, 0);
/// Tabs without locks wait so much longer at most, each its own part of it, milliseconds.
const SPREAD: f64 = 150.0;
/// Whoever looks so late at the clock was not there to hear anything, milliseconds.
const LATE: u64 = 800;

/// What comes of what was heard, or of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Stay,
    /// This tab is to lead.
    Lead,
    /// It leads no more: another does.
    Resign,
    /// Another leads than before.
    Follow,
}

/// What a tab knows of who leads.
#[derive(Debug)]
pub struct Election {
    me: TabId,
    locks: bool,
    mine: Option<Term>,
    leader: Option<Term>,
    due: Timestamp,
    looked: Timestamp,
}

impl Election {
    /// Of a tab that has heard nothing yet. `chance` is from 0.0 to 1.0.
    pub fn new(me: TabId, locks: bool, now: Timestamp, chance: f64) -> Self {
        let mut election = Self { me, locks, mine: None, leader: None, due: now, looked: now };
        election.wait(FIRST, now, chance);
        election
    }

    /// Who leads, as far as is known.
    pub fn leader(&self) -> Option<Term> {
        self.leader
    }

    /// This tab leads from now on.
    pub fn begin(&mut self, now: Timestamp) -> Term {
        let term = Term { since: now.0.unsigned_abs(), tab: self.me };
        (self.mine, self.leader) = (Some(term), Some(term));
        term
    }

    /// It leads no more.
    pub fn end(&mut self, now: Timestamp) {
        (self.mine, self.leader) = (None, None);
        self.due = Timestamp(now.0 + SILENCE);
    }

    /// Hears what is said to all.
    pub fn hear(&mut self, said: Down, now: Timestamp, chance: f64) -> Turn {
        match said {
            Down::Lead(term) if term.tab != self.me => self.hear_of(term, now),
            Down::Bye(tab) if self.mine.is_none() && self.leader.is_some_and(|leader| leader.tab == tab) => {
                self.leader = None;
                self.wait(NEXT, now, chance);
                Turn::Stay
            }
            _ => Turn::Stay,
        }
    }

    fn hear_of(&mut self, term: Term, now: Timestamp) -> Turn {
        if self.leader.is_some_and(|leader| leader > term) && (self.mine.is_some() || now < self.due) {
            return Turn::Stay;
        }
        self.due = Timestamp(now.0 + SILENCE);
        let resigns = self.mine.take().is_some();
        let before = self.leader.replace(term);
        match before {
            _ if resigns => Turn::Resign,
            Some(before) if before == term => Turn::Stay,
            _ => Turn::Follow,
        }
    }

    /// Looks at the clock. `needs` says whether this tab is in view and follows something; one that does not need a
    /// leader does not become one because another is silent.
    pub fn look(&mut self, now: Timestamp, needs: bool) -> Turn {
        let late = now.since(self.looked) > LATE;
        self.looked = now;
        if late || !needs {
            self.due = Timestamp(self.due.0.max(now.0 + SILENCE));
        }
        if self.mine.is_some() || now < self.due {
            return Turn::Stay;
        }
        self.due = Timestamp(now.0 + SILENCE);
        Turn::Lead
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is less than a second")]
    fn wait(&mut self, (with, without): (i64, i64), now: Timestamp, chance: f64) {
        let wait = if self.locks { with } else { without + (SPREAD * chance) as i64 };
        self.due = Timestamp(now.0 + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp(1_000_000 + ms)
    }

    fn term(since: i64, tab: TabId) -> Term {
        Term { since: at(since).0.unsigned_abs(), tab }
    }

    /// When a tab that looks at the clock every 200 ms comes to lead, and hears its leader until `until`.
    fn takes_over(locks: bool, until: i64) -> i64 {
        let mut election = Election::new(1, locks, at(0), 0.5);
        for ms in (0..20_000).step_by(200) {
            if ms <= until && ms % 400 == 0 {
                election.hear(Down::Lead(term(-50, 2)), at(ms), 0.5);
            }
            if election.look(at(ms), true) == Turn::Lead {
                return ms;
            }
        }
        panic!("nobody leads");
    }

    #[test]
    fn the_first_tab_leads_at_once_and_with_locks_at_its_turn() {
        assert_eq!(takes_over(false, -1), 400);
        assert_eq!(takes_over(true, -1), 1_000);
    }

    #[test]
    fn a_silent_leader_is_followed_within_a_second_and_a_half_and_one_that_speaks_is_not() {
        for locks in [true, false] {
            let last = 10_000;
            let taken = takes_over(locks, last);
            assert!(taken > last + 800 && taken <= last + 1_500, "{taken}");
        }
    }

    #[test]
    fn a_leader_that_says_goodbye_is_followed_sooner() {
        let mut election = Election::new(1, false, at(0), 1.0);
        assert_eq!(election.hear(Down::Lead(term(0, 2)), at(10), 0.0), Turn::Follow);
        election.hear(Down::Bye(3), at(20), 0.5);
        assert_eq!(election.look(at(200), true), Turn::Stay);
        election.hear(Down::Bye(2), at(210), 0.5);
        assert_eq!(election.look(at(400), true), Turn::Lead);
    }

    #[test]
    fn of_two_who_lead_the_later_one_stays() {
        let (mut one, mut two) = (Election::new(1, false, at(0), 0.0), Election::new(2, false, at(0), 0.0));
        let (first, second) = (one.begin(at(5)), two.begin(at(5)));
        assert_eq!(two.hear(Down::Lead(first), at(6), 0.0), Turn::Stay);
        assert_eq!(one.hear(Down::Lead(second), at(6), 0.0), Turn::Resign);
        assert_eq!((one.mine, two.mine), (None, Some(second)));
    }

    #[test]
    fn a_tab_that_slept_or_is_not_seen_lets_the_leader_be() {
        let mut election = Election::new(1, false, at(0), 0.0);
        election.hear(Down::Lead(term(0, 2)), at(0), 0.0);
        assert_eq!(election.look(at(60_000), true), Turn::Stay, "it slept");
        for ms in (60_200..70_000).step_by(200) {
            assert_eq!(election.look(at(ms), false), Turn::Stay, "nobody sees it");
        }
        assert_eq!(election.look(at(70_100), true), Turn::Stay, "it was not in view");
    }
}
