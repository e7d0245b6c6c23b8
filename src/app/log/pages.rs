//! The lines that the page holds, out of however many there are: those that were looked at last.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::domain::listing::LogLine;

/// Lines in a page: what is fetched, and forgotten, at once.
pub const PAGE: u64 = 200;
/// Most lines that are held, those in view excepted.
pub const HELD_LINES: usize = 20_000;
/// Most bytes of text that are held, those in view excepted.
pub const HELD_BYTES: usize = 8 << 20;

/// Lines by their numbers, in pages.
#[derive(Debug, Default)]
pub struct Pages {
    lines: BTreeMap<u64, Arc<LogLine>>,
    /// When each page was wanted last.
    used: BTreeMap<u64, u64>,
    clock: u64,
    bytes: usize,
}

impl Pages {
    /// The line of that number, if it is there.
    pub fn get(&self, n: u64) -> Option<Arc<LogLine>> {
        self.lines.get(&n).cloned()
    }

    /// Takes lines in; those it has stay as they are.
    pub fn insert(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        self.clock += 1;
        for line in lines {
            self.used.insert(line.n / PAGE, self.clock);
            let bytes = line.line.text.len();
            let had = self.lines.insert(line.n, Arc::new(line));
            self.bytes += bytes - had.map_or(0, |had| had.line.text.len()).min(bytes);
        }
    }

    /// Which lines of a page are missing, of a log with `end` lines: from the first that is, to the last.
    pub fn missing(&self, page: u64, end: u64) -> Option<Range<u64>> {
        let all = page * PAGE..((page + 1) * PAGE).min(end);
        if all.is_empty() || self.lines.range(all.clone()).count() as u64 == all.end - all.start {
            return None;
        }
        let absent = |n: &u64| !self.lines.contains_key(n);
        let first = all.clone().find(absent)?;
        let last = all.rev().find(absent)?;
        Some(first..last + 1)
    }

    /// Keeps what `wanted` pages hold, and of the others those that were wanted last, within the bounds.
    pub fn trim(&mut self, wanted: &BTreeSet<u64>) {
        self.clock += 1;
        for page in wanted {
            self.used.insert(*page, self.clock);
        }
        while self.lines.len() > HELD_LINES || self.bytes > HELD_BYTES {
            let oldest = self.used.iter().filter(|(page, _)| !wanted.contains(page)).min_by_key(|(_, used)| **used);
            let Some(page) = oldest.map(|(page, _)| *page) else { return };
            self.forget(page);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self { clock: self.clock, ..Self::default() };
    }

    fn forget(&mut self, page: u64) {
        self.used.remove(&page);
        for n in page * PAGE..(page + 1) * PAGE {
            if let Some(line) = self.lines.remove(&n) {
                self.bytes -= line.line.text.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        log::{Line, Stream},
        time::Timestamp,
    };

    fn lines(range: Range<u64>, bytes: usize) -> Vec<LogLine> {
        let line = |n| {
            let line = Line {
                at: Timestamp(0),
                stream: Stream::Out,
                text: "x".repeat(bytes),
                level: None,
                after_group: false,
            };
            LogLine { n, step: "a".parse().expect("it is an id"), attempt: 1, line }
        };
        range.map(line).collect()
    }

    #[test]
    fn what_is_missing_is_fetched_and_no_more() {
        let mut pages = Pages::default();
        pages.insert(lines(450..520, 1));
        assert_eq!(pages.missing(2, 520), Some(400..450));
        assert_eq!(pages.missing(2, 530), Some(400..530));
        assert_eq!(pages.missing(1, 520), Some(200..400));
        assert_eq!(pages.missing(3, 520), None);
        pages.insert(lines(400..450, 1));
        assert_eq!(pages.missing(2, 520), None);
    }

    proptest! {
        #[test]
        fn what_is_held_is_bounded_and_what_is_wanted_stays(
            begins in prop::collection::vec(0u64..400_000, 1..150), bytes in prop::sample::select(vec![1usize, 200, 5_000]),
        ) {
            let mut pages = Pages::default();
            for begin in begins {
                pages.insert(lines(begin..begin + PAGE, bytes));
                let wanted = BTreeSet::from([begin / PAGE, begin / PAGE + 1]);
                pages.trim(&wanted);
                prop_assert!(pages.lines.len() <= HELD_LINES);
                prop_assert!(pages.bytes <= HELD_BYTES);
                prop_assert_eq!(pages.bytes, pages.lines.values().map(|line| line.line.text.len()).sum::<usize>());
                prop_assert!((begin..begin + PAGE).all(|n| pages.get(n).is_some()));
            }
        }
    }
}
