//! How far silent work is and how long it will take, learned from how long it took before.
//!
//! The past of a step is a short list of its successes. Everything here is a statement about such a list: what is usual
//! ([`Usual`]), how far a step is that says nothing ([`percent`]), what it still needs ([`Past::remaining`]), what the
//! whole execution still needs ([`execution`]), how much of it each step is ([`weights`]), and after how long a silence
//! is worth a word ([`Past::stall_after`]). Newer runs count for more, and one run that went wild counts for little.
//!
//! An estimate is never a promise: each comes with a band in which three runs of five lie.

mod path;
mod percent;
mod remaining;
mod samples;
mod silence;
mod usual;
mod weights;

#[cfg(test)]
mod properties;

use serde::{Deserialize, Serialize};

pub use self::{
    path::{Ahead, Standing, execution},
    percent::percent,
    remaining::Heard,
    silence::SILENCES_MIN,
    usual::Usual,
    weights::weights,
};

/// Most successes of a step that are remembered, and looked at.
pub const PAST_MAX: usize = 20;

/// The last successes of a step of a workflow, newest first; at most [`PAST_MAX`] of each are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// How long each took, in milliseconds.
    pub durations: Vec<u64>,
    /// The longest time in each in which it printed nothing, in milliseconds; of those where that is known.
    pub silences: Vec<u64>,
}

impl Past {
    /// One more success, in milliseconds; the oldest one beyond [`PAST_MAX`] is forgotten.
    pub fn add(&mut self, duration: u64, silence: u64) {
        for (times, time) in [(&mut self.durations, duration), (&mut self.silences, silence)] {
            times.insert(0, time);
            times.truncate(PAST_MAX);
        }
    }
}

/// A time to come, in milliseconds: a best guess and the band it lies in. `0 <= low <= likely <= high`, all finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// One run of five needs less.
    pub low: f64,
    /// The best guess.
    pub likely: f64,
    /// One run of five needs more.
    pub high: f64,
}

impl Span {
    /// The best guess in whole milliseconds.
    pub fn likely_ms(self) -> u64 {
        whole(self.likely)
    }

    /// The band in whole milliseconds: from, to.
    pub fn range_ms(self) -> [u64; 2] {
        [whole(self.low), whole(self.high)]
    }

    /// Part `share` (0.0..=1.0) of this, the rest of `other`.
    fn blend(self, share: f64, other: Span) -> Span {
        let mix = |this: f64, that: f64| that + (this - that) * share;
        Span { low: mix(self.low, other.low), likely: mix(self.likely, other.likely), high: mix(self.high, other.high) }
    }
}

/// The nearest whole number, from 0 on; there is no number of milliseconds too large for it.
fn whole(value: f64) -> u64 {
    value.round() as u64
}
