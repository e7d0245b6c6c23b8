//! A page that reads what the leader tells: it folds each fact once, and knows whether it has missed any.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use futures::{
    StreamExt,
    channel::mpsc,
    future::{Either, select},
};
use leptos::prelude::*;

use super::{
    super::time,
    bus,
    desk::UNSEEN,
    note::{Standstill, Told, Word},
    ring::place,
    tab::{Led, Tab},
};
use crate::{
    app::live::{Folded, Follower, Live, LiveState},
    domain::{
        event::{Control, EndReason, Recorded},
        id::Seq,
        time::Timestamp,
    },
};

/// Most messages of the leader that wait to be folded, each of 4,096 frames at most; a page that has one more forgets
/// them all and asks for them again.
const WAITING: usize = 256;
/// Most messages folded in one frame.
const BATCH: usize = 32;
/// How often a page in view shows the leader that it is there, milliseconds; half as long if it waits for an answer.
const CALL: u64 = 400;
/// How long a page waits for its leader before it looks at the clock, milliseconds; a quarter if it waits for an answer.
const LOOK: u64 = 200;
/// How often a page that nobody sees folds what came, milliseconds.
const UNSEEN_FOLD: u64 = 1_000;
/// Over how long the events are counted that are told as so many a second, milliseconds.
const PACE: u64 = 3_000;

/// Why a page stopped listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more will happen.
    Finished,
    /// The page must be fetched anew, and has all up to there then.
    Stale(Seq),
    /// The same, and nothing counts that it had before.
    Reset(Seq),
    /// Nobody looks.
    Unseen,
    /// More came than it could take.
    Full,
}

/// How far a page is.
pub struct Reader<F> {
    follower: F,
    live: Live,
    /// It has all up to there.
    at: Seq,
    /// Whom it asks.
    led: Led,
    /// Whether that leader has told it where its stream stands, and it has missed nothing since.
    told: bool,
    came: u64,
    counted: Timestamp,
    seen: Timestamp,
}

impl<F: Follower> Reader<F> {
    /// Of a page that has all up to `at`.
    pub fn new(follower: F, live: Live, at: Seq, now: Timestamp) -> Self {
        Self { follower, live, at, led: Led::default(), told: false, came: 0, counted: now, seen: now }
    }

    /// It has all up to there.
    pub fn at(&self) -> Seq {
        self.at
    }

    /// The page was fetched anew: it has all up to there, or up to where what it fetched stands, if that is later.
    pub fn stands(&mut self, up_to: Seq) {
        self.at = up_to.max(self.follower.stands_at());
    }

    /// Reads what the leader tells until something else is to be done. Asks for what was missed until it is told that
    /// this is all.
    pub async fn listen(&mut self, tab: &Rc<Tab>) -> Ending {
        let address = self.follower.address();
        let (sender, inbox) = mpsc::channel(WAITING);
        let (sender, full) = (RefCell::new(sender), Rc::new(Cell::new(false)));
        let mark = full.clone();
        let _listening = bus::listen(&tab.room(&address), move |text| {
            if sender.borrow_mut().try_send(text.to_owned()).is_err() {
                mark.set(true);
            }
        });
        let mut inbox = inbox.ready_chunks(BATCH);
        let mut called = Timestamp(0);
        (self.led, self.told) = (tab.led(), false);
        self.seen = time::now();
        loop {
            let now = time::now();
            if self.led != tab.led() {
                (self.led, called, self.told) = (tab.led(), Timestamp(0), false);
            }
            if !time::hidden() && now.since(called) >= if self.told { CALL } else { CALL / 2 } {
                tab.want(&address, self.at, !self.told);
                called = now;
            }
            let look = if self.told { LOOK } else { LOOK / 4 };
            let look = Box::pin(time::sleep(Duration::from_millis(look)));
            if let Either::Left((Some(told), _)) = select(inbox.next(), look).await {
                if let Some(ending) = self.take(&told) {
                    return ending;
                }
                if time::hidden() {
                    time::sleep(Duration::from_millis(UNSEEN_FOLD)).await;
                } else {
                    time::frame().await;
                }
            }
            if full.get() {
                return Ending::Full;
            }
            if let Some(ending) = self.look(tab) {
                return ending;
            }
        }
    }

    /// Looks at the clock.
    #[expect(clippy::cast_precision_loss, reason = "it is told roughly")]
    fn look(&mut self, tab: &Tab) -> Option<Ending> {
        let now = time::now();
        let passed = now.since(self.counted);
        if passed >= PACE {
            let pace = (self.came * 1_000) as f64 / passed as f64;
            if self.live.pace.get_untracked() != pace {
                self.live.pace.set(pace);
            }
            (self.came, self.counted) = (0, now);
        }
        if time::hidden() {
            return (now.since(self.seen) > UNSEEN).then_some(Ending::Unseen);
        }
        self.seen = now;
        if tab.is_alone(now) && self.live.state.get_untracked() == LiveState::Live {
            self.live.turn(LiveState::Reconnecting);
            self.told = false;
        }
        None
    }

    /// Takes in what was told: the facts as one, the rest in its turn.
    ///
    /// Of one who leads no more, or whom this tab does not know yet, it takes facts only: one that was asleep wakes up
    /// with questions that were put long ago, and answers them.
    fn take(&mut self, told: &[String]) -> Option<Ending> {
        let (mut facts, mut ending) = (Vec::new(), None);
        for text in told {
            let Some(Word { by, told }) = Word::read(text) else { continue };
            let leads = self.led.by == Some(by);
            let new = match told {
                Told::Batch { from, to, frames } if from <= self.at => {
                    let new = self.read(&frames, leads, &mut facts);
                    self.at = self.at.max(to);
                    new
                }
                _ if !leads => None,
                Told::Batch { .. } => {
                    self.told = false;
                    None
                }
                Told::Stale(from) => (self.at < from).then_some(Ending::Stale(from)),
                Told::Reset(head) => Some(Ending::Reset(head)),
                Told::State(how) => {
                    self.stand_still(how);
                    None
                }
            };
            ending = new.or(ending);
        }
        self.fold(&facts).or(ending)
    }

    fn read(&mut self, frames: &[&str], leads: bool, facts: &mut Vec<Recorded>) -> Option<Ending> {
        let mut ending = None;
        for frame in frames {
            if place(frame).is_some_and(|seq| seq <= self.at) {
                continue;
            }
            if let Ok(fact) = serde_json::from_str::<Recorded>(frame) {
                facts.push(fact);
            } else if leads && let Ok(control) = serde_json::from_str::<Control>(frame) {
                ending = self.obey(&control).or(ending);
            }
        }
        ending
    }

    fn fold(&mut self, facts: &[Recorded]) -> Option<Ending> {
        let last = facts.last()?;
        self.came += facts.len() as u64;
        self.live.seq.update(|seq| *seq = last.seq.max(*seq));
        match self.follower.fold(facts) {
            Folded::In => None,
            Folded::InSync(seq) => {
                self.live.in_sync.set(Some(seq));
                None
            }
            // Also if that was the end: what is shown of it is not true.
            Folded::Beyond => Some(Ending::Stale(Seq(0))),
            Folded::OutOfSync => {
                self.live.mended.update(|times| *times += 1);
                Some(Ending::Stale(Seq(0)))
            }
        }
    }

    fn obey(&mut self, control: &Control) -> Option<Ending> {
        match control {
            Control::CaughtUp { head } => {
                self.told = true;
                self.live.seq.update(|seq: &mut Seq| *seq = (*head).max(*seq));
                self.live.turn(LiveState::Live);
            }
            Control::Workflows { version } => self.live.folder(Some(*version)),
            Control::Heartbeat { at, trouble } => {
                self.live.agree(*at);
                if self.live.trouble.with_untracked(|known| known != trouble) {
                    self.live.trouble.set(trouble.clone());
                }
            }
            Control::End { reason: EndReason::Finished } => return Some(Ending::Finished),
            Control::Hello { .. } | Control::Reset { .. } | Control::End { .. } => {}
        }
        None
    }

    fn stand_still(&mut self, how: Standstill) {
        self.told = true;
        self.live.turn(match how {
            Standstill::Offline => LiveState::Offline,
            Standstill::Waiting => LiveState::Connecting,
            Standstill::Reconnecting => LiveState::Reconnecting,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::note::Term, *};

    /// A page that shows the places of the facts it was given.
    #[derive(Clone, Default)]
    struct Places(Rc<RefCell<Vec<u64>>>);

    impl Follower for Places {
        fn address(&self) -> String {
            "/api/events".to_owned()
        }

        fn stands_at(&self) -> Seq {
            Seq(10)
        }

        fn fold(&self, facts: &[Recorded]) -> Folded {
            self.0.borrow_mut().extend(facts.iter().map(|fact| fact.seq.0));
            Folded::In
        }

        async fn refresh(&self) -> bool {
            true
        }
    }

    const OLD: Term = Term { since: 1_000, tab: 1 };
    const NEW: Term = Term { since: 5_000, tab: 2 };

    /// A page that is in sync and has just asked the new leader for what it missed.
    fn asks() -> (Owner, Reader<Places>) {
        let owner = Owner::new();
        let live = owner.with(Live::provide);
        live.state.set(LiveState::Live);
        let mut reader = Reader::new(Places::default(), live, Seq(10), Timestamp(0));
        reader.led.by = Some(NEW);
        (owner, reader)
    }

    fn batch(by: Term, from: u64, places: &[u64], control: &str) -> String {
        let facts = places.iter().map(|place| {
            let (at, id) = ("2026-11-23T10:00:00.000Z", "01890000-0000-7000-8000-000000000000");
            let what = r#""owner":"ann","workflow":"quick","kind":"step.resumed","step":"a","attempt":1"#;
            format!(r#"{{"seq":{place},"at":"{at}","execution_id":"{id}",{what}}}"#)
        });
        let mut frames: Vec<String> = facts.collect();
        frames.push(control.to_owned());
        let frames = frames.iter().map(String::as_str).collect();
        Told::Batch { from: Seq(from), to: Seq(places.last().copied().unwrap_or(from)), frames }.text(by)
    }

    const CAUGHT_UP: &str = r#"{"kind":"caught_up","head":12}"#;

    #[test]
    fn a_leader_that_was_asleep_brings_facts_but_does_not_say_that_they_are_all() {
        let (_owner, mut reader) = asks();
        assert_eq!(reader.take(&[batch(OLD, 10, &[11, 12], CAUGHT_UP)]), None);
        assert_eq!((reader.at(), reader.told), (Seq(12), false), "it asks on");
        for told in [Told::State(Standstill::Waiting), Told::Stale(Seq(90)), Told::Reset(Seq(0))] {
            assert_eq!(reader.take(&[told.text(OLD)]), None);
        }
        assert!(!reader.told);
        assert_eq!(reader.take(&[batch(NEW, 10, &[11, 12, 13], CAUGHT_UP)]), None);
        assert_eq!((reader.at(), reader.told), (Seq(13), true));
        assert_eq!(*reader.follower.0.borrow(), [11, 12, 13], "each once");
    }

    #[test]
    fn who_missed_something_asks_again_and_takes_nothing_that_comes_after_it() {
        let (_owner, mut reader) = asks();
        reader.take(&[batch(NEW, 10, &[], CAUGHT_UP)]);
        assert!(reader.told);
        assert_eq!(reader.take(&[batch(NEW, 15, &[16], CAUGHT_UP)]), None);
        assert_eq!((reader.at(), reader.told), (Seq(10), false));
        assert_eq!(reader.take(&[Told::Stale(Seq(15)).text(NEW)]), Some(Ending::Stale(Seq(15))));
        reader.stands(Seq(15));
        assert_eq!((reader.at(), reader.follower.0.borrow().len()), (Seq(15), 0));
        assert_eq!(reader.take(&[Told::Stale(Seq(15)).text(NEW)]), None, "it has that by now");
        assert_eq!(reader.take(&[Told::Reset(Seq(3)).text(NEW)]), Some(Ending::Reset(Seq(3))));
    }
}
