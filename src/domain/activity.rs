//! The last hour at a glance: what ran, as lanes of a strip, and how much of it ended how. Pure.

use serde::{Deserialize, Serialize};

use super::{
    event::{Event, Fact},
    execution::Status,
    id::{ExecutionId, Name},
    time::Timestamp,
};

/// How far back it goes, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// Most runs that it draws.
pub const RUNS_MAX: usize = 500;
const MINUTE_MS: i64 = 60_000;
/// How many minutes an hour touches, at most.
const MINUTES: i64 = 61;

/// A run, as far as the strip shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// Which.
    pub id: ExecutionId,
    /// Of which workflow.
    pub workflow: Name,
    /// How it ended.
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl Ran {
    /// The run that a fact ends, if it ends one.
    pub fn of(fact: &Fact) -> Option<Self> {
        let (status, duration_ms) = match &fact.event {
            Event::ExecutionCompleted { duration_ms, .. } => (Status::Succeeded, *duration_ms),
            Event::ExecutionCancelled { duration_ms, .. } => (Status::Cancelled, *duration_ms),
            Event::ExecutionFailed { status, duration_ms, .. } => ((*status).into(), *duration_ms),
            _ => return None,
        };
        Some(Self {
            id: fact.execution_id,
            workflow: fact.workflow.clone(),
            status,
            started_at: Timestamp(fact.at.0.saturating_sub_unsigned(duration_ms)),
            finished_at: fact.at,
        })
    }
}

/// How many ended in one way within one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Minutes since 1970.
    pub minute: i64,
    /// How they ended.
    pub status: Status,
    /// How many.
    pub count: u64,
}

/// How the executions of the last hour ended, by minutes: it has at most five entries for each of 61 minutes, however
/// many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally(Vec<Ends>);

impl Tally {
    /// What was counted elsewhere.
    pub fn new(ends: Vec<Ends>) -> Self {
        Self(ends)
    }

    /// Counts one more.
    pub fn add(&mut self, status: Status, at: Timestamp) {
        let minute = at.0.div_euclid(MINUTE_MS);
        match self.0.iter_mut().rev().find(|ends| ends.minute == minute && ends.status == status) {
            Some(ends) => ends.count += 1,
            None => {
                self.0.retain(|ends| ends.minute > minute - MINUTES);
                self.0.push(Ends { minute, status, count: 1 });
            }
        }
    }

    /// How many ended in one of these ways in the hour up to `now`, to the minute.
    pub fn count(&self, statuses: &[Status], now: Timestamp) -> u64 {
        let since = (now.0 - HOUR_MS).div_euclid(MINUTE_MS);
        let ends = self.0.iter().filter(|ends| ends.minute >= since && statuses.contains(&ends.status));
        ends.map(|ends| ends.count).sum()
    }
}

/// Gives each span a lane in which it meets no other: the first that is free since `gap` before it begins. Spans come in
/// the order of their beginnings; one that finds `most` lanes taken gets none.
pub fn lanes(spans: impl IntoIterator<Item = (i64, i64)>, gap: i64, most: usize) -> Vec<Option<usize>> {
    let mut ends: Vec<i64> = Vec::new();
    let place = |(start, end): (i64, i64)| {
        let free = ends.iter().position(|taken| taken.saturating_add(gap) <= start);
        let lane = free.or_else(|| (ends.len() < most).then_some(ends.len()))?;
        match ends.get_mut(lane) {
            Some(taken) => *taken = end,
            None => ends.push(end),
        }
        Some(lane)
    };
    spans.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_span_takes_the_first_lane_that_is_free_again() {
        let spans = [(0, 10), (2, 4), (5, 8), (9, 12), (11, 20)];
        assert_eq!(lanes(spans, 0, 9), [Some(0), Some(1), Some(1), Some(1), Some(0)]);
        assert_eq!(lanes(spans, 2, 9), [Some(0), Some(1), Some(2), Some(1), Some(2)], "a gap is kept free");
        assert_eq!(lanes(spans, 0, 1), [Some(0), None, None, None, Some(0)], "there are no more lanes than may be");
    }

    #[test]
    fn ends_are_counted_by_their_kind_and_leave_after_an_hour() {
        let at = |minute: i64| Timestamp(minute * MINUTE_MS);
        let mut tally = Tally::new(vec![Ends { minute: 0, status: Status::Failed, count: 3 }]);
        tally.add(Status::Failed, at(30));
        tally.add(Status::Succeeded, at(30));
        tally.add(Status::Succeeded, at(30));
        assert_eq!(tally.count(&[Status::Failed], at(60)), 4);
        assert_eq!(tally.count(&[Status::Failed], at(61)), 1);
        assert_eq!(tally.count(&[Status::Succeeded, Status::Failed], at(90)), 3);
        assert_eq!(tally.count(&[Status::Succeeded], at(92)), 0);
        for minute in 0..10_000 {
            tally.add(Status::Succeeded, at(minute));
            tally.add(Status::Cancelled, at(minute));
        }
        assert!(tally.0.len() <= 5 * 61, "{} entries", tally.0.len());
    }

    proptest! {
        #[test]
        fn no_two_spans_of_a_lane_meet(
            mut spans in prop::collection::vec((0..500_i64, 0..60_i64), 0..120),
            gap in 0..5_i64,
            most in 1..12_usize,
        ) {
            spans.sort_unstable();
            let spans: Vec<(i64, i64)> = spans.iter().map(|(start, long)| (*start, start + long)).collect();
            let placed = lanes(spans.iter().copied(), gap, most);
            prop_assert_eq!(placed.len(), spans.len());
            for (at, lane) in placed.iter().enumerate() {
                let Some(lane) = lane else { continue };
                prop_assert!(*lane < most);
                let before = placed.iter().take(at).zip(&spans).filter(|(other, _)| **other == Some(*lane));
                for (_, other) in before {
                    prop_assert!(other.1 + gap <= spans[at].0);
                }
            }
        }
    }
}
