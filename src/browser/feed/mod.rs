//! How a page hears what happens: one stream for all tabs of a browser, since a browser opens six connections to a
//! server over HTTP/1.1, no matter how many tabs there are.
//!
//! One tab leads ([`election`], [`lock`]) and holds the streams ([`leader`], [`link`]), each shared by all pages that
//! follow its address ([`desk`]). The others are handed the frames as they came, over channels ([`bus`], [`note`]), and
//! each page folds for itself. What is handed on says from which place to which it leads; a page that is before the
//! first place asks for what it missed, and gets it out of the leader's [`ring`] or fetches a snapshot. So nothing is
//! lost or doubled, whoever leads, and whether one leads, two for a moment or none.
//!
//! A stream's facts are folded in the loop that reads them, one batch per frame. They are never carried by a signal:
//! signals keep the last value, and a stream is all of them.

mod bus;
mod desk;
mod election;
mod leader;
mod link;
mod lock;
mod note;
mod ring;
mod tab;

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

use self::{
    desk::UNSEEN,
    note::{Standstill, Told},
    ring::place,
    tab::Tab,
};
use super::{
    http::{Standing, sign_in, standing},
    time,
};
use crate::{
    app::live::{Folded, Follower, Live, LiveState},
    domain::{
        access::Viewer,
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
/// The first wait after a snapshot could not be had, and the longest, milliseconds.
const BACKOFF: (f64, f64) = (250.0, 5_000.0);

/// Why a page stopped listening.
enum Ending {
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

/// Who is signed in, if the page could not tell.
pub async fn whoever(live: Live) -> Viewer {
    loop {
        match standing().await {
            Standing::SignedIn(viewer) => return viewer,
            Standing::SignedOut => sign_in(),
            Standing::Unknown => live.turn(LiveState::Offline),
        }
        pause(BACKOFF.1).await;
    }
}

/// Follows until the follower is over, or the future is dropped.
pub async fn follow(follower: impl Follower, live: Live, viewer: Viewer) {
    let at = follower.stands_at();
    live.turn(LiveState::Connecting);
    live.seq.set(at);
    live.in_sync.set(None);
    let tab = Tab::of(&viewer, live);
    let now = time::now();
    let mut page = Page { follower, live, at, told: false, came: 0, counted: now, seen: now };
    let _following = tab.following(&page.follower.address());
    while !page.follower.is_over() {
        time::shown().await;
        match page.listen(&tab).await {
            Ending::Finished => break,
            Ending::Unseen => live.turn(LiveState::Connecting),
            Ending::Full => {}
            Ending::Stale(up_to) => {
                page.refresh().await;
                page.at = page.at.max(up_to).max(page.follower.stands_at());
            }
            Ending::Reset(up_to) => {
                page.refresh().await;
                page.at = up_to.max(page.follower.stands_at());
            }
        }
    }
    live.turn(LiveState::Live);
}

async fn pause(ms: f64) {
    time::sleep(Duration::from_secs_f64(ms * (0.5 + time::chance() / 2.0) / 1000.0)).await;
}

/// A page, and how far it is.
struct Page<F> {
    follower: F,
    live: Live,
    /// It has all up to there.
    at: Seq,
    /// Whether the leader has told it where its stream stands, and it has missed nothing since.
    told: bool,
    came: u64,
    counted: Timestamp,
    seen: Timestamp,
}

impl<F: Follower> Page<F> {
    async fn refresh(&self) {
        let mut wait = BACKOFF.0;
        while !self.follower.refresh().await {
            if self.live.state.get_untracked() != LiveState::Offline {
                self.live.turn(LiveState::Reconnecting);
            }
            pause(wait).await;
            wait = (wait * 1.5).min(BACKOFF.1);
        }
        self.live.seq.set(self.follower.stands_at());
    }

    async fn listen(&mut self, tab: &Rc<Tab>) -> Ending {
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
        let (mut leaders, mut called) = (tab.leaders(), Timestamp(0));
        self.told = false;
        self.seen = time::now();
        loop {
            let now = time::now();
            if leaders != tab.leaders() {
                (leaders, called, self.told) = (tab.leaders(), Timestamp(0), false);
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

    /// Takes in what the leader told: the facts as one, the rest in its turn.
    fn take(&mut self, told: &[String]) -> Option<Ending> {
        let (mut facts, mut ending) = (Vec::new(), None);
        for text in told {
            let new = match Told::read(text) {
                Some(Told::Batch { from, to, frames }) if from <= self.at => {
                    let new = self.read(&frames, &mut facts);
                    self.at = self.at.max(to);
                    new
                }
                Some(Told::Batch { .. }) => {
                    self.told = false;
                    None
                }
                Some(Told::Stale(from)) => (self.at < from).then_some(Ending::Stale(from)),
                Some(Told::Reset(head)) => Some(Ending::Reset(head)),
                Some(Told::State(how)) => {
                    self.stand_still(how);
                    None
                }
                None => None,
            };
            ending = new.or(ending);
        }
        self.fold(&facts).or(ending)
    }

    fn read(&mut self, frames: &[&str], facts: &mut Vec<Recorded>) -> Option<Ending> {
        let mut ending = None;
        for frame in frames {
            if place(frame).is_some_and(|seq| seq <= self.at) {
                continue;
            }
            if let Ok(fact) = serde_json::from_str::<Recorded>(frame) {
                facts.push(fact);
            } else if let Ok(control) = serde_json::from_str::<Control>(frame) {
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
