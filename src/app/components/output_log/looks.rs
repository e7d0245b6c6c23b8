//! How the reader likes lines to look; their browser keeps it.

use leptos::prelude::*;

use crate::browser::{sizes, storage};

/// The names under which it is kept.
const WRAP: &str = "output-wrap";
const TIMES: &str = "output-times";

/// Which times stand beside lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Times {
    /// By the clock.
    #[default]
    Clock,
    /// Since the execution began.
    Since,
    /// None.
    Off,
}

/// How lines look. A copy is the same.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    /// Whether long lines go on in the next row.
    pub wrap: RwSignal<bool>,
    /// Which times there are.
    pub times: RwSignal<Times>,
}

impl Times {
    const ALL: [Times; 3] = [Times::Clock, Times::Since, Times::Off];

    /// The word of it.
    pub fn word(self) -> &'static str {
        match self {
            Times::Clock => "clock",
            Times::Since => "since",
            Times::Off => "off",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Times::Clock => "Times: by the clock",
            Times::Since => "Times: since the start",
            Times::Off => "Times: off",
        }
    }

    fn next(self) -> Self {
        match self {
            Times::Clock => Times::Since,
            Times::Since => Times::Off,
            Times::Off => Times::Clock,
        }
    }
}

impl Looks {
    /// As they were the last time. On a phone there are no times, unless they were asked for.
    pub fn new() -> Self {
        let looks = Self { wrap: RwSignal::new(false), times: RwSignal::default() };
        Effect::new(move || {
            if storage::kept(WRAP).as_deref() == Some("true") {
                looks.wrap.set(true);
            }
            let kept = storage::kept(TIMES).and_then(|kept| Times::ALL.into_iter().find(|times| times.word() == kept));
            let usual = if sizes::is_narrow() { Times::Off } else { Times::Clock };
            let times = kept.unwrap_or(usual);
            if looks.times.get_untracked() != times {
                looks.times.set(times);
            }
        });
        looks
    }

    /// Wraps lines, or does so no more.
    pub fn turn_wrap(self) {
        self.wrap.update(|wrap| *wrap = !*wrap);
        storage::keep(WRAP, Some(if self.wrap.get_untracked() { "true" } else { "false" }));
    }

    /// Shows other times.
    pub fn turn_times(self) {
        self.times.update(|times| *times = times.next());
        storage::keep(TIMES, Some(self.times.get_untracked().word()));
    }
}

/// How long after the start something was, in milliseconds: `0:07.2`, `1:02:03.4`.
pub fn since(ms: u64) -> String {
    let (tenths, seconds, minutes, hours) = (ms / 100 % 10, ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{tenths}")
    } else {
        format!("{minutes}:{seconds:02}.{tenths}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_since_the_start_are_short() {
        assert_eq!([since(0), since(7_250), since(3_723_456)], ["0:00.0", "0:07.2", "1:02:03.4"]);
    }
}
