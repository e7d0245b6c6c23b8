//! Whether an attempt lives as its step usually does: how far it must be by now, and whether it is silent for too long.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{
    estimate::{Past, percent},
    time::millis,
};

/// An estimate is told when it has moved by so many points,
const POINTS: f64 = 1.0;
/// or when the time that has passed has become so many times what it was: a step that is late for days says little.
const TIMES: f64 = 1.15;
/// Most of the facts that a step in time gives: one for each point.
const PARTS: u32 = 100;

/// How the estimates of an engine's attempts go.
#[derive(Clone, Copy, Debug)]
pub(in crate::server::engine) struct Pace {
    /// Least time between two facts about one attempt.
    pub every: Duration,
    /// No silence shorter than this is worth a word.
    pub stall_min: Duration,
}

/// What there is to say about an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::server::engine) enum Word {
    /// It is silent for longer than it ever was.
    Stalled { silent_ms: u64, usual_ms: u64 },
    /// It has spoken again.
    Resumed,
    /// It says nothing about how far it is; it should be here, 0.0..=99.9, to a tenth.
    Estimate(f64),
    /// It has said how far it is some time ago, and what is left has changed.
    Again,
}

/// One attempt's time. Knows no clock: it is told what time it is.
pub(in crate::server::engine) struct Pulse {
    began: Instant,
    median_ms: Option<f64>,
    every: Duration,
    /// When the next estimate may go.
    next_at: Option<Instant>,
    /// The last percent that was told, and after how long.
    said: f64,
    said_after: Option<Duration>,
    /// Whether the step tells its percent itself.
    reported: bool,
    /// When it last printed something.
    sign_at: Instant,
    longest_silence: Duration,
    stall_after: Option<Duration>,
    usual_silence_ms: u64,
    stalled: bool,
    resumed: bool,
}

impl Pulse {
    pub(in crate::server::engine) fn new(past: &Past, pace: Pace, now: Instant) -> Self {
        let median_ms = past.usual().map(|usual| usual.median);
        let part = median_ms.map_or(Duration::ZERO, |ms| Duration::from_millis(ms as u64) / PARTS);
        let first = |ms: f64| if ms >= millis(pace.every) as f64 { now } else { now + pace.every };
        Self {
            began: now,
            median_ms,
            every: pace.every.max(part),
            next_at: median_ms.map(first),
            said: 0.0,
            said_after: None,
            reported: false,
            sign_at: now,
            longest_silence: Duration::ZERO,
            stall_after: past.stall_after(millis(pace.stall_min)).map(Duration::from_millis),
            usual_silence_ms: past.silences.iter().copied().max().unwrap_or(0),
            stalled: false,
            resumed: false,
        }
    }

    /// It has printed something, whatever that is.
    pub(in crate::server::engine) fn sign(&mut self, now: Instant) {
        self.longest_silence = self.silence(now);
        self.sign_at = now;
        self.resumed |= std::mem::take(&mut self.stalled);
    }

    /// What it had printed has been taken in; how long that took was not its silence.
    pub(in crate::server::engine) fn served(&mut self, now: Instant) {
        self.sign_at = now;
    }

    /// What it says of itself was told.
    pub(in crate::server::engine) fn told(&mut self, percent: f64, now: Instant) {
        self.reported = true;
        self.say(percent, now);
    }

    /// The percent that was told last; it never falls.
    pub(in crate::server::engine) fn said(&self) -> f64 {
        self.said
    }

    /// The longest time until now in which it printed nothing.
    pub(in crate::server::engine) fn silence(&self, now: Instant) -> Duration {
        self.longest_silence.max(now - self.sign_at)
    }

    /// When [`Pulse::word`] has something to say.
    pub(in crate::server::engine) fn due_at(&self) -> Option<Instant> {
        let stalls_at = self.stall_after.filter(|_| !self.stalled).and_then(|after| self.sign_at.checked_add(after));
        let resumed = self.resumed.then_some(self.sign_at);
        [self.next_at, stalls_at, resumed].into_iter().flatten().min()
    }

    /// The next thing to say, until there is none.
    pub(in crate::server::engine) fn word(&mut self, now: Instant) -> Option<Word> {
        if std::mem::take(&mut self.resumed) {
            return Some(Word::Resumed);
        }
        let silent = now - self.sign_at;
        if !self.stalled && self.stall_after.is_some_and(|after| silent >= after) {
            self.stalled = true;
            return Some(Word::Stalled { silent_ms: millis(silent), usual_ms: self.usual_silence_ms });
        }
        self.next_at.filter(|at| *at <= now)?;
        self.next_at = Some(now + self.every);
        let elapsed = now - self.began;
        let late = self.said_after.is_none_or(|said| elapsed.as_secs_f64() >= said.as_secs_f64() * TIMES);
        if self.reported {
            if !late {
                return None;
            }
            self.say(self.said, now);
            return Some(Word::Again);
        }
        let estimate = percent(elapsed.as_secs_f64() * 1000.0, self.median_ms?);
        if !late && estimate - self.said < POINTS {
            return None;
        }
        let estimate = ((estimate * 10.0).floor() / 10.0).max(self.said);
        self.say(estimate, now);
        Some(Word::Estimate(estimate))
    }

    fn say(&mut self, percent: f64, now: Instant) {
        self.said = percent.max(self.said);
        self.said_after = Some(now - self.began);
        self.next_at = Some(now + self.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { every: Duration::from_secs(2), stall_min: Duration::from_secs(10) };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn pulse(durations: &[u64], silences: &[u64]) -> (Pulse, Instant) {
        let now = Instant::now();
        (Pulse::new(&Past { durations: durations.to_vec(), silences: silences.to_vec() }, PACE, now), now)
    }

    /// All that is said until then, each when it is due, and after how many seconds.
    fn words(pulse: &mut Pulse, began: Instant, until: Duration) -> Vec<(f64, Word)> {
        let mut words = Vec::new();
        while let Some(at) = pulse.due_at().filter(|at| *at <= began + until) {
            words.extend(pulse.word(at).map(|word| ((at - began).as_secs_f64(), word)));
        }
        words
    }

    fn estimates(words: &[(f64, Word)]) -> Vec<f64> {
        let estimate = |(_, word): &(f64, Word)| match word {
            Word::Estimate(percent) => Some(*percent),
            _ => None,
        };
        words.iter().filter_map(estimate).collect()
    }

    #[test]
    fn a_step_without_a_past_that_says_nothing_is_left_alone() {
        let (pulse, _) = pulse(&[], &[]);
        assert_eq!(pulse.due_at(), None);
    }

    #[test]
    fn a_silent_step_rises_from_0_every_two_seconds_at_most() {
        let (mut pulse, began) = pulse(&[20_000; 5], &[]);
        let words = words(&mut pulse, began, seconds(20.0));
        assert_eq!(words.len(), 11, "{words:?}");
        let percents = estimates(&words);
        assert_eq!((percents[0], percents[5]), (0.0, 50.0));
        assert!(percents.is_sorted_by(|a, b| a < b), "{percents:?}");
    }

    #[test]
    fn a_step_of_a_day_that_takes_a_week_gives_few_facts() {
        let day = 86_400.0;
        let (mut pulse, began) = pulse(&[86_400_000; 5], &[]);
        let words = words(&mut pulse, began, seconds(7.0 * day));
        assert!((50..=120).contains(&words.len()), "{}", words.len());
    }

    #[test]
    fn a_step_of_a_second_that_hangs_for_a_week_gives_few_facts() {
        let (mut pulse, began) = pulse(&[1000; 5], &[]);
        let words = words(&mut pulse, began, seconds(7.0 * 86_400.0));
        assert!((20..=110).contains(&words.len()), "{}", words.len());
        assert!(estimates(&words).iter().all(|percent| *percent <= 99.9));
    }

    #[test]
    fn once_it_has_told_its_percent_nothing_is_estimated() {
        let (mut pulse, began) = pulse(&[20_000; 5], &[]);
        assert_eq!(words(&mut pulse, began, seconds(5.0)).len(), 3);
        pulse.told(30.0, began + seconds(5.0));
        let words = words(&mut pulse, began, seconds(20.0));
        assert!(!words.is_empty() && words.iter().all(|(_, word)| *word == Word::Again), "{words:?}");
        assert_eq!(pulse.said(), 30.0);
    }

    #[test]
    fn it_is_stalled_when_it_is_silent_for_longer_than_ever_and_resumed_when_it_speaks() {
        let (mut pulse, began) = pulse(&[], &[20_000, 1_000, 1_000, 1_000, 1_000]);
        pulse.sign(began + seconds(30.0));
        let stalled = Word::Stalled { silent_ms: 40_000, usual_ms: 20_000 };
        assert_eq!(words(&mut pulse, began, seconds(200.0)), [(70.0, stalled)]);
        pulse.sign(began + seconds(210.0));
        assert_eq!(words(&mut pulse, began, seconds(215.0)), [(210.0, Word::Resumed)]);
        assert_eq!(pulse.silence(began + seconds(215.0)), seconds(180.0));
        assert_eq!(words(&mut pulse, began, seconds(260.0)).len(), 1, "it may stall again");
    }

    #[test]
    fn four_runs_are_too_few_to_call_a_silence_unusual() {
        let (mut pulse, began) = pulse(&[], &[1_000; 4]);
        assert_eq!(words(&mut pulse, began, seconds(1e6)), []);
    }

    #[test]
    fn the_time_in_which_nobody_read_is_not_its_silence() {
        let (mut pulse, began) = pulse(&[], &[]);
        pulse.sign(began + seconds(1.0));
        pulse.served(began + seconds(60.0));
        assert_eq!(pulse.silence(began + seconds(61.0)), seconds(1.0));
    }
}
