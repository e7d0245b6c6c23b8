//! Who gets a stream: there are fewer of them than there may be pages.

use super::{Act, Desk, Link, LinkId, Stream};
use crate::{
    browser::feed::{
        note::{Standstill, Told},
        ring::Ring,
    },
    domain::{id::Seq, time::Timestamp},
};

/// Most streams at once. A browser opens six connections to a server over HTTP/1.1, and the pages need some.
pub const STREAMS: usize = 3;
/// The stream that most pages are fed from: it is not given away while one of them is in view.
pub const SHARED: &str = "/api/events";
/// A tab in view says so every 400 ms; one that has not for so long is not in view, milliseconds.
const IN_VIEW: u64 = 2_500;
/// Where more pages are in view than there are streams they take turns, so long each, milliseconds.
const TURN: u64 = 2_000;

impl Desk {
    /// Gives the streams to those who need them most: in view before out of view, the shared one before others, who
    /// waits longest before who had a turn; out of view, who was seen last.
    pub(super) fn seat(&mut self, now: Timestamp) {
        let mut wanted: Vec<(bool, bool, bool, i64, &str)> = Vec::new();
        for tab in &self.tabs {
            let same = || self.tabs.iter().filter(|one| one.address == tab.address);
            if wanted.iter().any(|one| one.4 == tab.address) {
                continue;
            }
            let seen = same().map(|tab| tab.seen).max().unwrap_or_default();
            let stream = self.streams.iter().find(|stream| stream.address == tab.address);
            let fresh = stream.is_some_and(|stream| now.since(stream.begun) < TURN);
            let served = same().map(|tab| tab.served).max().unwrap_or_default();
            let served = if stream.is_some() { now } else { served };
            wanted.push(if now.since(seen) < IN_VIEW {
                (false, tab.address != SHARED, !fresh, served.0, &tab.address)
            } else {
                (true, false, false, -seen.0, &tab.address)
            });
        }
        wanted.sort_unstable();
        let wanted: Vec<String> = wanted.into_iter().take(STREAMS).map(|one| one.4.to_owned()).collect();
        self.unseat(&wanted, now);
        for address in wanted {
            if self.streams.iter().all(|stream| stream.address != address) {
                let theirs = self.tabs.iter().filter(|tab| tab.address == address);
                let after = theirs.map(|tab| tab.at).min().unwrap_or_default();
                self.begin(address, after, now);
            }
        }
    }

    fn unseat(&mut self, wanted: &[String], now: Timestamp) {
        self.flush();
        let (stay, go): (Vec<Stream>, Vec<Stream>) =
            std::mem::take(&mut self.streams).into_iter().partition(|stream| wanted.contains(&stream.address));
        self.streams = stay;
        for stream in go {
            self.acts.push(Act::Close(stream.id));
            let mut theirs = self.tabs.iter_mut().filter(|tab| tab.address == stream.address).peekable();
            if theirs.peek().is_some() {
                theirs.for_each(|tab| tab.served = now);
                self.tell(stream.address, &Told::State(Standstill::Waiting));
            }
        }
    }

    fn begin(&mut self, address: String, after: Seq, now: Timestamp) {
        self.links += 1;
        self.streams.push(Stream {
            address,
            id: self.links,
            link: Link::Opening(now),
            ring: Ring::new(after),
            told: after,
            pending: Vec::new(),
            live: false,
            heard: now,
            begun: now,
            lost: None,
            how: Standstill::Reconnecting,
            failures: 0,
            revoked: false,
            trouble: None,
            folder: None,
        });
        self.open(self.links, now);
    }

    pub(super) fn open(&mut self, id: LinkId, now: Timestamp) {
        self.links += 1;
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) else { return };
        (stream.id, stream.link, stream.heard) = (self.links, Link::Opening(now), now);
        let joint = if stream.address.contains('?') { '&' } else { '?' };
        self.acts.push(Act::Open(stream.id, format!("{}{joint}after={}", stream.address, stream.ring.to())));
    }
}
