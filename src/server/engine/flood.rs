//! What is kept of an execution that prints more than it may: all of the beginning, up to the bound, and the last lines
//! of each step, with a line between them that says what is missing.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::domain::{
    log::{Level, Line, Stream},
    size::{spoken_bytes, spoken_number},
    time::Timestamp,
};

/// Most lines that are kept of a step's end, once the bound is passed.
pub(super) const LAST_LINES: usize = 1_000;
/// Most bytes of these lines.
pub(super) const LAST_BYTES: usize = 1024 * 1024;

/// How much output of an execution is kept, shared by its steps; without their last lines, which come on top.
pub(super) struct Budget {
    /// In bytes of text, a line's end included.
    most: u64,
    had: AtomicU64,
}

/// What an attempt prints, past the bound or not.
pub(super) struct Flood {
    budget: Arc<Budget>,
    /// Whether the bound was passed.
    over: bool,
    /// The last lines since then, at most [`LAST_LINES`] and [`LAST_BYTES`].
    last: VecDeque<Line>,
    last_bytes: usize,
    /// Lines since then that are kept no more.
    lost_lines: u64,
    lost_bytes: u64,
    /// Whether a group ended or began among them.
    lost_group: bool,
}

impl Budget {
    /// A bound of so many bytes of text.
    pub(super) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, had: AtomicU64::new(0) })
    }

    /// Whether so many more bytes are kept. Once that was refused, nothing is: what is missing has one beginning.
    fn takes(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let add = |had: u64| had.checked_add(bytes).filter(|sum| *sum <= self.most);
        let taken = self.had.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        if !taken {
            self.had.store(u64::MAX, Ordering::Relaxed);
        }
        taken
    }
}

impl Flood {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            over: false,
            last: VecDeque::new(),
            last_bytes: 0,
            lost_lines: 0,
            lost_bytes: 0,
            lost_group: false,
        }
    }

    /// What is to be recorded now that this line was printed: it, or nothing, and once that nothing more comes.
    pub(super) fn pass(&mut self, line: Line) -> Option<Line> {
        if !self.over && self.budget.takes(size(&line)) {
            return Some(line);
        }
        let first = !std::mem::replace(&mut self.over, true);
        let at = line.at;
        self.keep_for_the_end(line);
        let most = spoken_bytes(self.budget.most);
        first.then(|| notice(at, format!("… more than {most} of output: from here on only the last lines are kept …")))
    }

    /// What is to be recorded at the end: how much is missing, and the last lines.
    pub(super) fn end(&mut self, now: Timestamp) -> Vec<Line> {
        let (lines, bytes) = (spoken_number(self.lost_lines), spoken_bytes(self.lost_bytes));
        let mut missing =
            (self.lost_lines > 0).then(|| notice(now, format!("… {lines} lines ({bytes}) are not kept …")));
        if let Some(missing) = &mut missing {
            missing.after_group = std::mem::take(&mut self.lost_group);
        }
        (self.lost_lines, self.lost_bytes, self.last_bytes) = (0, 0, 0);
        missing.into_iter().chain(self.last.drain(..)).collect()
    }

    fn keep_for_the_end(&mut self, line: Line) {
        self.last_bytes += size(&line);
        self.last.push_back(line);
        while self.last.len() > LAST_LINES || self.last_bytes > LAST_BYTES {
            let Some(lost) = self.last.pop_front() else { return };
            self.last_bytes -= size(&lost);
            self.lost_lines += 1;
            // The title of another group ends one as well.
            self.lost_group |= lost.after_group || lost.level == Some(Level::Group);
            self.lost_bytes += size(&lost) as u64;
        }
    }
}

/// Of a line, its end included, in bytes.
fn size(line: &Line) -> usize {
    line.text.len() + 1
}

fn notice(at: Timestamp, text: String) -> Line {
    Line { at, stream: Stream::Out, text, level: Some(Level::Notice), after_group: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Line {
        Line { at: Timestamp(7), stream: Stream::Out, text: format!("{number:09}"), level: None, after_group: false }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn what_fits_is_kept_as_it_comes_and_nothing_is_said() {
        let mut flood = Flood::new(Budget::new(100));
        let kept: Vec<Line> = (0..10).filter_map(|number| flood.pass(line(number))).collect();
        assert_eq!(kept, (0..10).map(line).collect::<Vec<_>>());
        assert!(flood.end(Timestamp(9)).is_empty());
    }

    #[test]
    fn past_the_bound_the_last_lines_are_kept_and_the_others_counted() {
        let mut flood = Flood::new(Budget::new(100));
        let mut kept: Vec<Line> = (0..10_000).filter_map(|number| flood.pass(line(number))).collect();
        assert_eq!(kept.len(), 11);
        assert_eq!(kept.remove(10).text, "… more than 100 B of output: from here on only the last lines are kept …");
        let end = flood.end(Timestamp(9));
        assert_eq!(
            (end[0].text.as_str(), end[0].level),
            ("… 8,990 lines (89.9 kB) are not kept …", Some(Level::Notice))
        );
        assert_eq!(texts(&end[1..]), texts(&(9_000..10_000).map(line).collect::<Vec<_>>()));
        assert!(flood.end(Timestamp(9)).is_empty(), "it was said");
    }

    #[test]
    fn a_group_that_ended_among_lost_lines_has_ended() {
        let mut flood = Flood::new(Budget::new(0));
        flood.pass(Line { after_group: true, ..line(0) });
        (1..=LAST_LINES).for_each(|number| drop(flood.pass(line(number))));
        assert!(flood.end(Timestamp(9))[0].after_group);
        (0..=LAST_LINES).for_each(|number| drop(flood.pass(line(number))));
        assert!(!flood.end(Timestamp(9))[0].after_group, "it is told once");
    }

    #[test]
    fn steps_share_the_bound_and_each_has_its_own_end() {
        let budget = Budget::new(50);
        let (mut one, mut other) = (Flood::new(Arc::clone(&budget)), Flood::new(budget));
        assert!((0..5).all(|number| one.pass(line(number)) == Some(line(number))));
        assert_eq!(other.pass(line(5)).expect("it says so").level, Some(Level::Notice));
        assert_eq!(texts(&other.end(Timestamp(9))), ["000000005"], "nothing is missing");
    }

    #[test]
    fn long_lines_are_bounded_by_their_bytes() {
        let mut flood = Flood::new(Budget::new(0));
        for _ in 0..1_000 {
            flood.pass(Line { text: "x".repeat(16 * 1024 - 1), ..line(0) });
        }
        assert_eq!(flood.last.len(), LAST_BYTES / (16 * 1024));
        assert_eq!(flood.end(Timestamp(9))[0].text, "… 936 lines (15.3 MB) are not kept …");
    }
}
