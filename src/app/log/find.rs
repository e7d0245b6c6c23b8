//! What is looked for in a log: the server counts, the page goes from one to the next and goes on counting live.

use std::time::Duration;

use futures::future::{AbortHandle, abortable};
use leptos::prelude::*;

use crate::{
    browser,
    domain::{
        id::{ExecutionId, StepId},
        listing::LogLine,
        problem::Problem,
        search::{FOUND_MAX, Found, Needle},
    },
};

/// How long nobody types before the server is asked, milliseconds.
const PAUSE: u64 = 180;

/// What is looked for, and what was found: at first nothing. A copy is the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Find {
    /// The words.
    pub text: RwSignal<String>,
    /// What was found of them.
    pub hits: RwSignal<Hits>,
    /// Whether the server is still looking.
    pub busy: RwSignal<bool>,
    /// What went wrong.
    pub problem: RwSignal<Option<Problem>>,
    request: StoredValue<Option<AbortHandle>>,
}

/// Lines that hold what is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// What is marked in them; none if nothing is looked for.
    pub needle: Option<Needle>,
    /// How many there are, as far as was looked.
    pub total: u64,
    /// The numbers of some that follow each other, [`FOUND_MAX`] at most.
    pub lines: Vec<u64>,
    /// Which of all these the first of them is, from 0.
    pub base: u64,
    /// Which of `lines` the reader is at.
    pub at: Option<usize>,
    /// The first line that was not looked at.
    next: u64,
    /// Where earlier stretches of lines begin, and which of all their first is.
    before: Vec<(u64, u64)>,
}

impl Hits {
    /// Whether `lines` go on to the last there is.
    fn is_whole(&self) -> bool {
        self.base + self.lines.len() as u64 == self.total
    }

    /// Adds what a later part of the log holds.
    fn add(&mut self, found: Found) {
        if self.is_whole() {
            let room = FOUND_MAX.saturating_sub(self.lines.len());
            self.lines.extend(found.lines.into_iter().take(room));
        }
        self.total += found.total;
        self.next = self.next.max(found.next);
    }

    /// Takes in the lines that were printed next.
    fn extend(&mut self, lines: &[LogLine]) {
        let Some(needle) = self.needle.clone() else { return };
        for line in lines {
            if line.n < self.next {
                continue;
            }
            if needle.is_in(&crate::domain::ansi::plain(&line.line.text)) {
                self.add(Found { total: 1, lines: vec![line.n], ..Found::default() });
            }
            self.next = line.n + 1;
        }
    }

    /// The line the reader is at.
    pub fn current(&self) -> Option<u64> {
        self.lines.get(self.at?).copied()
    }

    /// The first line from `line` on, or else the first of all; the reader is at it then.
    fn begin(&mut self, line: u64) -> Option<u64> {
        let after = self.lines.partition_point(|hit| *hit < line);
        self.at = if after < self.lines.len() { Some(after) } else { (!self.lines.is_empty()).then_some(0) };
        self.current()
    }

    /// How many of them are before line `end`.
    pub fn before(&self, end: u64) -> u64 {
        let there = self.lines.partition_point(|line| *line < end);
        if there == self.lines.len() { self.total } else { self.base + there as u64 }
    }
}

/// What going on to the next one takes.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// There is none.
    Nowhere,
    /// To this one of those that are known.
    To(usize),
    /// To one that is not: those from this line on, the first of which is this one of all. Whether to the first of them.
    Fetch(u64, u64, bool),
}

impl Hits {
    fn step(&self, forward: bool, end: u64) -> Step {
        let known = self.lines.partition_point(|line| *line < end);
        let Some(last) = known.checked_sub(1) else { return Step::Nowhere };
        let cut_off = known == self.lines.len() && !self.is_whole();
        match (self.at, forward) {
            (Some(at), true) if at < last => Step::To(at + 1),
            (Some(_), true) if cut_off => {
                Step::Fetch(self.lines.last().map_or(0, |line| line + 1), self.base + self.lines.len() as u64, true)
            }
            (_, true) if self.base > 0 => Step::Fetch(0, 0, true),
            (_, true) => Step::To(0),
            (Some(at), false) if at > 0 => Step::To((at - 1).min(last)),
            (_, false) => match self.before.last() {
                Some((line, base)) => Step::Fetch(*line, *base, false),
                None => Step::To(last),
            },
        }
    }
}

impl Find {
    /// Looks for `text` from the begin, unless more is typed at once, and says `found` what there is, once: given a
    /// line, it answers with the first hit from there on.
    pub fn look_for(
        self,
        id: ExecutionId,
        step: Option<StepId>,
        text: String,
        found: impl Fn(Box<dyn FnOnce(u64) -> Option<u64>>) + 'static,
    ) {
        self.stop();
        let needle = Needle::new(&text);
        self.text.set(text.clone());
        self.hits.set(Hits { needle: needle.clone(), ..Hits::default() });
        if needle.is_none() {
            return;
        }
        self.busy.set(true);
        let (looking, handle) = abortable(async move {
            browser::time::sleep(Duration::from_millis(PAUSE)).await;
            loop {
                let Some(next) = self.hits.try_with_untracked(|hits| hits.next) else { return };
                let answer = browser::http::search(id, step.as_ref(), &text, next).await;
                let more = answer.as_ref().is_ok_and(|found| found.more);
                match answer {
                    Ok(answer) => self.hits.update(|hits| hits.add(answer)),
                    Err(problem) => self.problem.set(Some(problem)),
                }
                if self.hits.with_untracked(|hits| hits.at.is_none() && !hits.lines.is_empty()) {
                    found(Box::new(move |line| self.hits.try_update(|hits| hits.begin(line)).flatten()));
                }
                if !more {
                    break;
                }
            }
            self.busy.set(false);
        });
        self.request.set_value(Some(handle));
        leptos::task::spawn_local(async move {
            let _ = looking.await;
        });
    }

    fn stop(self) {
        if let Some(request) = self.request.try_update_value(Option::take).flatten() {
            request.abort();
        }
        self.busy.set(false);
        self.problem.set(None);
    }

    /// Takes in the lines that were printed next. While the server is looking it will find them itself.
    pub fn extend(self, lines: &[LogLine]) {
        if !self.busy.get_untracked() && self.hits.with_untracked(|hits| hits.needle.is_some()) {
            self.hits.update(|hits| hits.extend(lines));
        }
    }

    /// Goes to the next one before line `end`, or to the one before, around the end; further ones are fetched.
    pub fn step(self, id: ExecutionId, of: Option<StepId>, end: u64, forward: bool, go: impl Fn(u64) + 'static) {
        match self.hits.with_untracked(|hits| hits.step(forward, end)) {
            Step::Nowhere => {}
            Step::To(at) => {
                self.hits.update(|hits| hits.at = Some(at));
                self.hits.with_untracked(Hits::current).into_iter().for_each(go);
            }
            Step::Fetch(from, base, first) => {
                let (text, before) = (self.text.get_untracked(), self.hits.get_untracked());
                leptos::task::spawn_local(async move {
                    let answer = browser::http::search(id, of.as_ref(), &text, from).await;
                    let still = self.hits.try_get_untracked().as_ref() == Some(&before);
                    let Some(answer) = answer.ok().filter(|answer| still && !answer.lines.is_empty()) else { return };
                    self.hits.update(|hits| hits.turn_to(answer.lines, base, first));
                    self.hits.with_untracked(Hits::current).into_iter().for_each(go);
                });
            }
        }
    }
}

impl Hits {
    /// Holds other lines, of which the first is number `base` of all; the reader is at the first or the last.
    fn turn_to(&mut self, lines: Vec<u64>, base: u64, first: bool) {
        if base == 0 {
            self.before.clear();
        } else if base > self.base {
            let begin = self.lines.first().copied().unwrap_or(0);
            self.before.push((begin, self.base));
        } else {
            self.before.pop();
        }
        (self.lines, self.base) = (lines, base);
        self.at = if first { Some(0) } else { self.lines.len().checked_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of a thousand times [`FOUND_MAX`] is a hit; the log is asked as the server is.
    fn hits(total: u64) -> Hits {
        let mut hits = Hits { needle: Needle::new("x"), ..Hits::default() };
        hits.add(Found { total, lines: (0..total.min(FOUND_MAX as u64)).collect(), next: total, more: false });
        hits
    }

    fn go(hits: &mut Hits, forward: bool) -> Option<u64> {
        match hits.step(forward, u64::MAX) {
            Step::Nowhere => return None,
            Step::To(at) => hits.at = Some(at),
            Step::Fetch(from, base, first) => {
                let lines = (from..hits.total).take(FOUND_MAX).collect();
                hits.turn_to(lines, base, first);
            }
        }
        hits.current()
    }

    #[test]
    fn one_goes_on_from_where_one_looks_and_around_the_end() {
        let mut hits = hits(3);
        assert_eq!(hits.begin(1), Some(1));
        assert_eq!([go(&mut hits, true), go(&mut hits, true), go(&mut hits, false)], [Some(2), Some(0), Some(2)]);
        assert_eq!(hits.begin(9), Some(0));
    }

    #[test]
    fn more_than_are_named_are_gone_through_both_ways() {
        let mut hits = hits(12_000);
        hits.at = Some(FOUND_MAX - 1);
        assert_eq!(go(&mut hits, true), Some(5_000));
        assert_eq!((hits.base, hits.at), (5_000, Some(0)));
        assert_eq!(go(&mut hits, false), Some(4_999));
        assert_eq!(go(&mut hits, true), Some(5_000));
        hits.at = Some(FOUND_MAX - 1);
        assert_eq!([go(&mut hits, true), go(&mut hits, false)], [Some(10_000), Some(9_999)]);
        hits.at = Some(0);
        assert_eq!(go(&mut hits, false), Some(4_999));
    }

    #[test]
    fn what_the_page_does_not_show_is_not_counted() {
        let mut hits = hits(10);
        assert_eq!((hits.before(4), hits.before(10)), (4, 10));
        hits.begin(3);
        assert_eq!(hits.step(true, 4), Step::To(0));
    }
}
