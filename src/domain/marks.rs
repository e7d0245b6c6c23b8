//! Where in a log something stands out: errors, warnings, groups, and where each attempt begins.

use serde::{Deserialize, Serialize};

use super::{id::StepId, listing::LogLine, log::Level};

/// Most places of each kind that are named; more are counted.
pub const PLACES_MAX: usize = 1_000;

/// Some lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// How many there are.
    pub total: u64,
    /// The numbers of the first [`PLACES_MAX`], in order.
    pub lines: Vec<u64>,
}

/// The first line of an attempt at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number.
    pub line: u64,
    /// Which step.
    pub step: StepId,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// What stands out in a log, or in that of one step, whose own numbers the lines then have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// How many lines were looked at, from the first.
    pub lines: u64,
    /// Those that the step marked as errors.
    pub errors: Places,
    /// Those that it marked as warnings.
    pub warnings: Places,
    /// Those that begin a group.
    pub groups: Places,
    /// Those before which a group ended, which may have been over already.
    #[serde(default)]
    pub group_ends: Places,
    /// The step whose group began last: of steps side by side none ends another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_of: Option<StepId>,
    /// Where each attempt begins, in order; [`PLACES_MAX`] at most.
    pub heads: Vec<Head>,
}

impl Places {
    fn add(&mut self, line: u64) {
        self.total += 1;
        if self.lines.len() < PLACES_MAX {
            self.lines.push(line);
        }
    }

    /// Those before line `end`, and how many they are, as far as is known.
    pub fn before(&self, end: u64) -> (&[u64], u64) {
        let known = self.lines.partition_point(|line| *line < end);
        let all = known == self.lines.len();
        (self.lines.get(..known).unwrap_or_default(), if all { self.total } else { known as u64 })
    }
}

impl Marks {
    /// Takes in that a line of a step is marked; called in the order of lines.
    pub fn add(&mut self, line: u64, level: Level, step: &StepId) {
        match level {
            Level::Error => self.errors.add(line),
            Level::Warning => self.warnings.add(line),
            Level::Group => {
                self.groups.add(line);
                self.group_of = Some(step.clone());
            }
            Level::Notice => {}
        }
    }

    /// Takes in that a step ended its group before a line; called in the order of lines, and before what the line is.
    pub fn end_group(&mut self, line: u64, step: &StepId) {
        if self.group_of.as_ref().is_none_or(|of| of == step) {
            self.group_ends.add(line);
        }
    }

    /// Takes in whose line it is; called in the order of lines.
    pub fn begin(&mut self, line: u64, step: &StepId, attempt: u32) {
        let known = |head: &&Head| head.attempt == attempt && head.step == *step;
        if self.heads.len() < PLACES_MAX && self.heads.iter().rev().find(known).is_none() {
            self.heads.push(Head { line, step: step.clone(), attempt });
        }
    }

    /// Takes in the lines that come next; those it knows are passed over.
    pub fn extend<'l>(&mut self, lines: impl IntoIterator<Item = &'l LogLine>) {
        for line in lines {
            if line.n != self.lines {
                continue;
            }
            self.lines += 1;
            self.begin(line.n, &line.step, line.attempt);
            if line.line.after_group {
                self.end_group(line.n, &line.step);
            }
            if let Some(level) = line.line.level {
                self.add(line.n, level, &line.step);
            }
        }
    }
}

/// Where `lines` lie on a map of `slots` equal parts of `end` lines: the parts that hold any, each once, in order.
pub fn slots(lines: &[u64], end: u64, slots: u64) -> Vec<u64> {
    let mut taken: Vec<u64> = Vec::new();
    for line in lines.iter().filter(|line| **line < end) {
        let slot = line.saturating_mul(slots) / end.max(1);
        if taken.last() != Some(&slot) {
            taken.push(slot);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        log::{Line, Stream},
        time::Timestamp,
    };

    fn line(n: u64, step: &str, attempt: u32, level: Option<Level>) -> LogLine {
        let line = Line { at: Timestamp(0), stream: Stream::Out, text: String::new(), level, after_group: false };
        LogLine { n, step: step.parse().expect("it is an id"), attempt, line }
    }

    #[test]
    fn what_is_told_twice_counts_once() {
        let lines = [line(0, "a", 1, None), line(1, "a", 1, Some(Level::Error)), line(2, "b", 1, Some(Level::Warning))];
        let mut marks = Marks::default();
        marks.extend(&lines[..2]);
        marks.extend(&lines);
        assert_eq!((marks.lines, marks.errors.total, marks.warnings.lines.clone()), (3, 1, vec![2]));
        assert_eq!(marks.heads.iter().map(|head| head.line).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn steps_that_take_turns_begin_once_each() {
        let mut marks = Marks::default();
        let turns = [("a", 1), ("b", 1), ("a", 1), ("a", 2), ("b", 1)];
        let lines: Vec<_> = (0..).zip(turns).map(|(n, (step, attempt))| line(n, step, attempt, None)).collect();
        marks.extend(&lines);
        assert_eq!(marks.heads.iter().map(|head| head.line).collect::<Vec<_>>(), [0, 1, 3]);
    }

    #[test]
    fn a_step_ends_its_own_group_and_no_other() {
        let ends = |n, step| LogLine {
            line: Line { after_group: true, ..line(n, step, 1, None).line },
            ..line(n, step, 1, None)
        };
        let mut marks = Marks::default();
        marks.extend(&[
            line(0, "a", 1, Some(Level::Group)),
            line(1, "b", 1, Some(Level::Group)),
            ends(2, "a"),
            ends(3, "b"),
        ]);
        assert_eq!(marks.group_ends.lines, [3]);
    }

    #[test]
    fn more_than_are_named_are_counted() {
        let mut places = Places::default();
        (0..3_000).for_each(|n| places.add(n));
        assert_eq!((places.total, places.lines.len()), (3_000, PLACES_MAX));
        assert_eq!(places.before(10).1, 10);
        assert_eq!(places.before(5_000).1, 3_000);
    }

    #[test]
    fn a_map_has_each_part_once() {
        assert_eq!(slots(&[0, 1, 499, 500, 999, 1_000], 1_000, 10), [0, 4, 5, 9]);
        assert!(slots(&[0], 0, 10).is_empty());
    }
}
