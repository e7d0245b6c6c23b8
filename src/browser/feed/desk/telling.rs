//! What the tabs are told of the streams they follow.

use std::cmp::Reverse;

use super::{Act, Desk};
use crate::{
    browser::feed::note::{Standstill, Told},
    domain::event::Control,
};

impl Desk {
    /// Tells what came.
    pub(super) fn flush(&mut self) {
        for stream in &mut self.streams {
            if !stream.pending.is_empty() {
                let to = stream.ring.to();
                let frames = stream.pending.iter().map(String::as_str).collect();
                let text = Told::Batch { from: stream.told, to, frames }.text(self.term);
                self.acts.push(Act::Tell(stream.address.clone(), text));
                stream.pending.clear();
                stream.told = to;
            }
        }
    }

    /// Tells those who asked where the stream is, all who follow the same one at once.
    pub(super) fn answer(&mut self) {
        let mut joins = std::mem::take(&mut self.joins);
        joins.sort_unstable_by(|one, other| (&one.0, Reverse(one.1)).cmp(&(&other.0, Reverse(other.1))));
        while let Some((address, mut at)) = joins.pop() {
            let stream = self.streams.iter().find(|stream| stream.address == address);
            let Some(stream) = stream else {
                joins.retain(|join| join.0 != address);
                self.tell(address, &Told::State(Standstill::Waiting));
                continue;
            };
            let (from, to) = (stream.ring.from(), stream.ring.to());
            let stale = at < from;
            while let Some(next) = joins.pop_if(|join| join.0 == address) {
                at = if at < from { next.1 } else { at };
            }
            let caught_up = serde_json::to_string(&Control::CaughtUp { head: to }).unwrap_or_default();
            let folder = stream.folder_frame();
            let frames = stream.ring.after(at).map(|frames| {
                let caught_up = stream.live.then_some(caught_up.as_str());
                frames.chain(stream.trouble.as_deref()).chain(folder.as_deref()).chain(caught_up).collect::<Vec<_>>()
            });
            let batch = frames.filter(|frames| !frames.is_empty()).map(|frames| Told::Batch { from: at, to, frames });
            let still = stream.lost.map(|_| Told::State(stream.how));
            let stale = stale.then_some(Told::Stale(from));
            for told in [stale, batch, still].into_iter().flatten() {
                self.acts.push(Act::Tell(address.clone(), told.text(self.term)));
            }
        }
    }

    pub(super) fn tell(&mut self, address: String, told: &Told<'_>) {
        self.acts.push(Act::Tell(address, told.text(self.term)));
    }
}
