//! The last hour as it is drawn: a bar for each run, in lanes. Where a bar lies is said in percent of an hour up to a
//! moment that seldom changes, so that time moves the whole, and not each bar.

use leptos::prelude::WithUntracked;

use super::rows::Row;
use crate::domain::{
    activity::{HOUR_MS, RUNS_MAX, Ran, lanes},
    execution::Status,
    id::{ExecutionId, Name},
    time::{Timestamp, spoken},
};

/// Most lanes that there is height for.
pub const LANES_MAX: usize = 10;
/// What is kept free between two bars of a lane, in milliseconds: some pixels.
const GAP_MS: i64 = 15_000;
/// How often the moment is set anew, in milliseconds: a quarter of what is seen.
const EPOCH_MS: i64 = HOUR_MS / 4;

/// A run as a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Which.
    pub id: ExecutionId,
    /// Where it begins, in percent of the hour.
    pub x: f64,
    /// How long it is, in percent of the hour; one that runs ends far beyond the right edge.
    pub width: f64,
    /// Its lane, from 0.
    pub lane: usize,
    /// A status, or `attention`.
    pub status: &'static str,
    /// What it is, in words.
    pub label: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strip {
    /// The moment that lies at the right edge of 100 percent.
    pub epoch: Timestamp,
    /// The bars, by when they began.
    pub bars: Vec<Bar>,
    /// How many found no lane.
    pub more: usize,
}

struct Span {
    id: ExecutionId,
    workflow: Name,
    start: Timestamp,
    end: Option<Timestamp>,
    status: Status,
}

impl Strip {
    /// Draws what runs and what ran in the hour up to `now`; `attention` are those that need a look, sorted.
    pub fn draw<'a>(
        running: impl Iterator<Item = &'a Row>,
        ran: impl Iterator<Item = &'a Ran>,
        attention: &[ExecutionId],
        now: Timestamp,
    ) -> Self {
        let epoch = Timestamp(now.0.div_euclid(EPOCH_MS) * EPOCH_MS);
        let since = now.0 - HOUR_MS;
        let running = running.filter_map(|row| {
            row.execution.with_untracked(|execution| {
                let (status, workflow) = (execution.status, execution.workflow.clone());
                let alive = status == Status::Running;
                Some(Span { id: row.id, workflow, start: execution.started_at.filter(|_| alive)?, end: None, status })
            })
        });
        let ran = ran.filter(|ran| ran.finished_at.0 >= since).map(|ran| Span {
            id: ran.id,
            workflow: ran.workflow.clone(),
            start: ran.started_at,
            end: Some(ran.finished_at),
            status: ran.status,
        });
        let mut spans: Vec<Span> = running.take(RUNS_MAX).chain(ran).collect();
        spans.sort_by_key(|span| (span.start, span.id));
        let ends = spans.iter().map(|span| (span.start.0, span.end.map_or(i64::MAX, |end| end.0)));
        let placed = lanes(ends, GAP_MS, LANES_MAX);
        let more = placed.iter().filter(|lane| lane.is_none()).count();
        let bars = spans.iter().zip(placed).filter_map(|(span, lane)| Some(span.bar(lane?, epoch, attention)));
        Self { epoch, bars: bars.collect(), more }
    }

    /// How far the whole has moved to the left since its moment, in percent of the hour.
    pub fn shift(&self, now: Timestamp) -> f64 {
        percent(now.0 - self.epoch.0)
    }
}

impl Span {
    fn bar(&self, lane: usize, epoch: Timestamp, attention: &[ExecutionId]) -> Bar {
        let left = epoch.0 - HOUR_MS;
        // What began before is cut; not at the edge, which moves.
        let start = self.start.0.max(left - HOUR_MS / 100);
        let end = self.end.map_or(left + 3 * HOUR_MS, |end| end.0.max(start));
        let status = if attention.binary_search(&self.id).is_ok() { "attention" } else { self.status.word() };
        let took = self.end.map(|end| format!(", {}", spoken(end.since(self.start)))).unwrap_or_default();
        Bar {
            id: self.id,
            x: percent(start - left),
            width: percent(end - start),
            lane,
            status,
            label: format!("{}: {}{took}", self.workflow, self.status.label().to_lowercase()),
        }
    }
}

/// Milliseconds as a part of the hour, in percent, to a hundredth: finer than a pixel.
#[expect(clippy::cast_precision_loss, reason = "some hours in milliseconds fit in 53 bits")]
fn percent(ms: i64) -> f64 {
    (ms as f64 / HOUR_MS as f64 * 10_000.0).round() / 100.0
}
