//! What the leader decides: which streams are open, for whom, from where on, and what it tells the tabs.
//!
//! It touches nothing: what happens is put in, with the time, and what is to be done is taken out. Its time moves on
//! with whatever it hears, since the timers of a leader that nobody sees run once a minute.

mod seats;
mod telling;

use super::{
    super::http::Standing,
    note::{Down, Standstill, Term, Told, Up, Want},
    ring::{Ring, place},
};
use crate::domain::{
    access::Viewer,
    event::{Control, EndReason},
    id::Seq,
    time::Timestamp,
};

/// Most tabs that are known, counted once for each address that they follow; whoever was seen longest ago is forgotten.
const TABS: usize = 256;
/// How long a tab that nobody sees is told what happens, milliseconds.
pub const UNSEEN: u64 = 30_000;
/// A link that is silent for two and a half heartbeats is gone, milliseconds.
const SILENCE: u64 = 37_500;
/// One that was not even opened is given up sooner, milliseconds.
const OPENING: u64 = 10_000;
/// The wait after a failure is an eighth of the outage so far, within these bounds, milliseconds.
const BACKOFF: (u64, u64) = (250, 15_000);
/// How long the server asks those to wait who have too many streams, at least, milliseconds.
const LIMIT: u64 = 20_000;
/// The leader says that it leads so often at most, milliseconds.
const BEAT: u64 = 250;
/// An answer about the session that takes longer is not waited for, milliseconds.
const ANSWER: u64 = 5_000;
/// So many failures in a row while the server answers: what the pages show may be no more to be seen.
const REFUSED: u32 = 3;

/// Which link, over the leader's term.
pub type LinkId = u32;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a stream at this address, which says from where on.
    Open(LinkId, String),
    /// Close it.
    Close(LinkId),
    /// Tell those who follow an address.
    Tell(String, String),
    /// Tell all.
    Say(Down),
    /// Ask the server whether the session still holds.
    Ask,
}

#[derive(Debug)]
struct Tab {
    id: u64,
    address: String,
    at: Seq,
    seen: Timestamp,
    served: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Opening(Timestamp),
    Open,
    Waiting(Timestamp),
}

#[derive(Debug)]
struct Stream {
    address: String,
    id: LinkId,
    link: Link,
    ring: Ring,
    /// All up to there was told.
    told: Seq,
    /// What came since. The leader takes in so much at once, no more; see `leader`.
    pending: Vec<String>,
    live: bool,
    heard: Timestamp,
    begun: Timestamp,
    lost: Option<Timestamp>,
    /// What is known of why, while it is lost.
    how: Standstill,
    failures: u32,
    revoked: bool,
    trouble: Option<String>,
    /// Which state of the workflows folder there is, as the server told it last.
    folder: Option<u64>,
}

impl Stream {
    fn folder_frame(&self) -> Option<String> {
        self.folder.and_then(|version| serde_json::to_string(&Control::Workflows { version }).ok())
    }
}

/// The leader's desk.
#[derive(Debug)]
pub struct Desk {
    viewer: Viewer,
    term: Term,
    tabs: Vec<Tab>,
    streams: Vec<Stream>,
    /// Who asked to be told where the stream is, since the last [`Desk::look`].
    joins: Vec<(String, Seq)>,
    acts: Vec<Act>,
    links: LinkId,
    said: Timestamp,
    asked: Option<Timestamp>,
    online: bool,
}

impl Desk {
    /// Of a leader who reads what `viewer` may see, in this term.
    pub fn new(viewer: Viewer, term: Term) -> Self {
        Self {
            viewer,
            term,
            tabs: Vec::new(),
            streams: Vec::new(),
            joins: Vec::new(),
            acts: Vec::new(),
            links: 0,
            said: Timestamp(0),
            asked: None,
            online: true,
        }
    }

    /// A tab said something. Says whether it wants to hear that there is a leader.
    pub fn hear(&mut self, up: Up, now: Timestamp) -> bool {
        let Want { tab, at, seen, join, address } = match up {
            Up::Bye(tab, address) => {
                self.tabs
                    .retain(|one| one.id != tab || address.as_ref().is_some_and(|address| one.address != *address));
                return false;
            }
            Up::Want(want) => want,
        };
        if join {
            self.joins.push((address.clone(), at));
        }
        let known = self.tabs.iter().position(|one| one.id == tab && one.address == address);
        let known = known.map(|place| self.tabs.swap_remove(place));
        let (before, served) = known.map_or((Timestamp(0), Timestamp(0)), |tab| (tab.seen, tab.served));
        if self.tabs.len() >= TABS
            && let Some(oldest) = (0..self.tabs.len()).min_by_key(|place| self.tabs.get(*place).map(|tab| tab.seen))
        {
            self.tabs.swap_remove(oldest);
        }
        self.tabs.push(Tab { id: tab, address, at, seen: if seen { now } else { before }, served });
        let beat = now.since(self.said) >= BEAT || join;
        if beat {
            self.said = now;
        }
        beat
    }

    /// A frame came.
    pub fn frame(&mut self, id: LinkId, frame: String, now: Timestamp, chance: f64) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) else { return };
        stream.heard = now;
        if let Some(seq) = place(&frame) {
            if stream.ring.push(seq, frame.clone()) {
                stream.pending.push(frame);
            }
        } else if let Ok(control) = serde_json::from_str::<Control>(&frame) {
            self.obey(id, &control, frame, now, chance);
        }
    }

    fn obey(&mut self, id: LinkId, control: &Control, frame: String, now: Timestamp, chance: f64) {
        let Some(place) = self.streams.iter().position(|stream| stream.id == id) else { return };
        let Some(stream) = self.streams.get_mut(place) else { return };
        match control {
            // Another signed in meanwhile: what comes now is theirs.
            Control::Hello { user, .. } if *user != self.viewer.name => {
                self.acts.push(Act::Close(id));
                self.acts.push(Act::Say(Down::Changed));
                self.streams.remove(place);
            }
            Control::Hello { workflows, .. } => {
                stream.link = Link::Open;
                if stream.folder != *workflows {
                    stream.folder = *workflows;
                    stream.pending.extend(stream.folder_frame());
                }
                (stream.lost, stream.failures, stream.revoked) = (None, 0, false);
                stream.how = Standstill::Reconnecting;
            }
            Control::Workflows { version } => {
                stream.folder = Some(*version);
                stream.pending.push(frame);
            }
            Control::CaughtUp { head } => {
                stream.live = true;
                stream.ring.reach(*head);
                stream.pending.push(frame);
            }
            Control::Heartbeat { trouble, .. } => {
                stream.trouble = trouble.is_some().then(|| frame.clone());
                stream.pending.push(frame);
            }
            Control::Reset { head, .. } => {
                stream.pending.clear();
                (stream.ring, stream.told) = (Ring::new(*head), *head);
                let address = stream.address.clone();
                self.tell(address, &Told::Reset(*head));
            }
            Control::End { reason: EndReason::Finished } => {
                stream.pending.push(frame);
                self.flush();
                let Some(stream) = self.streams.get(place) else { return };
                self.tabs.retain(|tab| tab.address != stream.address);
                self.streams.remove(place);
                self.acts.push(Act::Close(id));
            }
            Control::End { reason } => {
                stream.revoked = *reason == EndReason::Revoked;
                let least = if *reason == EndReason::Limit { LIMIT } else { 0 };
                self.lost(id, least, now, chance);
            }
        }
    }

    /// A link broke, or was closed.
    pub fn broken(&mut self, id: LinkId, now: Timestamp, chance: f64) {
        self.lost(id, 0, now, chance);
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "it is less than a minute")]
    fn lost(&mut self, id: LinkId, least: u64, now: Timestamp, chance: f64) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) else { return };
        if matches!(stream.link, Link::Waiting(..)) {
            return;
        }
        let first = stream.lost.is_none();
        let outage = now.since(*stream.lost.get_or_insert(now));
        let wait = least.max((outage / 8).clamp(BACKOFF.0, BACKOFF.1)) as f64 * (0.5 + chance / 2.0);
        let wait = if least > 0 { wait * 2.0 } else { wait };
        stream.failures += 1;
        stream.live = false;
        stream.link = Link::Waiting(Timestamp(now.0 + wait as i64));
        let address = stream.address.clone();
        self.acts.push(Act::Close(id));
        self.flush();
        if first {
            self.tell(address, &Told::State(Standstill::Reconnecting));
        }
        self.ask(now);
    }

    fn ask(&mut self, now: Timestamp) {
        if self.asked.is_none_or(|asked| now.since(asked) > ANSWER) {
            self.asked = Some(now);
            self.acts.push(Act::Ask);
        }
    }

    /// What came of [`Act::Ask`].
    pub fn stands(&mut self, standing: &Standing, now: Timestamp, chance: f64) {
        self.asked = None;
        match standing {
            Standing::SignedOut => self.acts.push(Act::Say(Down::Out)),
            Standing::SignedIn(viewer) if *viewer != self.viewer => self.acts.push(Act::Say(Down::Changed)),
            Standing::SignedIn(_) => self.refused(),
            Standing::Unknown => {
                if !self.online {
                    let open: Vec<LinkId> = self.streams.iter().map(|stream| stream.id).collect();
                    open.into_iter().for_each(|id| self.lost(id, 0, now, chance));
                    self.asked = None;
                }
                self.stand_still(Standstill::Offline);
            }
        }
    }

    fn stand_still(&mut self, how: Standstill) {
        let mut still = Vec::new();
        for stream in &mut self.streams {
            if stream.lost.is_some() && stream.how != how {
                stream.how = how;
                still.push(stream.address.clone());
            }
        }
        still.into_iter().for_each(|address| self.tell(address, &Told::State(how)));
    }

    /// The session holds, and yet a stream was ended or refused: its pages may show what is no more to be seen.
    fn refused(&mut self) {
        self.stand_still(Standstill::Reconnecting);
        let mut refused = Vec::new();
        for stream in &mut self.streams {
            let doubted = stream.revoked || (stream.failures > 0 && stream.failures.is_multiple_of(REFUSED));
            if matches!(stream.link, Link::Waiting(..)) && doubted {
                stream.revoked = false;
                refused.push(stream.address.clone());
            }
        }
        refused.into_iter().for_each(|address| self.tell(address, &Told::Reset(Seq(0))));
    }

    /// Does what is due, and hands out all that is to be done.
    pub fn look(&mut self, now: Timestamp, online: bool, chance: f64) -> Vec<Act> {
        self.tabs.retain(|tab| now.since(tab.seen) < UNSEEN);
        self.seat(now);
        if !online && self.streams.iter().any(|stream| !matches!(stream.link, Link::Waiting(..))) {
            self.ask(now);
        }
        let back = online && !self.online;
        self.online = online;
        for (id, link, heard) in self.streams.iter().map(|one| (one.id, one.link, one.heard)).collect::<Vec<_>>() {
            match link {
                Link::Waiting(until) if back || until <= now => self.open(id, now),
                Link::Opening(begun) if now.since(begun) > OPENING => self.lost(id, 0, now, chance),
                Link::Open if now.since(heard) > SILENCE => self.lost(id, 0, now, chance),
                _ => {}
            }
        }
        self.flush();
        self.answer();
        std::mem::take(&mut self.acts)
    }
}

#[cfg(test)]
mod tests;
