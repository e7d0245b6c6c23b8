//! The axis of time under an execution: from when to when it goes, where a moment lies on it, and where its ruler has its
//! marks. The timeline's bars, its ruler and whatever moves along it share one.

use super::{
    execution::{Execution, Status},
    time::Timestamp,
};

/// What has just begun is drawn on so much time at least, in milliseconds.
const RUNNING_MIN_MS: i64 = 5_000;
/// A shorter axis than this has marks that count from its beginning; a longer one has the clock's.
const BY_CLOCK_MS: i64 = 120_000;
/// An axis is at most this much longer than what happened, to show that it usually takes longer.
const BEYOND_END: f64 = 1.3;
/// A mark to the right of this has no room for its label.
const LABEL_MAX: f64 = 0.955;
const DAY_MS: i64 = 86_400_000;

/// The distances that marks may have, in milliseconds; more than a day is whole days, doubled as often as needed.
const STEPS: [i64; 27] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, DAY_MS,
];

/// A span of time, drawn from 0.0 at its left end to 1.0 at its right one. It is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// What lies at 0.0.
    pub from: Timestamp,
    /// What lies at 1.0; later than `from`.
    pub to: Timestamp,
}

/// A mark of a ruler.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where it is, 0.0..=1.0.
    pub at: f64,
    /// What is written beside it; empty where there is no room.
    pub label: String,
}

impl Axis {
    /// From a moment to a later one; to the next millisecond if it is not later.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: Timestamp(to.0.max(from.0.saturating_add(1))) }
    }

    /// The axis of an execution at this moment; `usual_ms` is how long it usually takes. While it runs the axis has room
    /// for what is expected, and becomes longer in steps, so that it does not move all the time.
    pub fn of(execution: &Execution, usual_ms: Option<u64>, now: Timestamp) -> Self {
        let from = execution.started_at.unwrap_or(execution.queued_at);
        let known = known_until(execution);
        let usual = usual_ms.map(|ms| from.0.saturating_add_unsigned(ms));
        if execution.status.is_final() {
            let to = execution.finished_at.unwrap_or(known).max(known);
            let most = from.0.saturating_add(scaled(to.0.saturating_sub(from.0), BEYOND_END));
            let usual = usual.filter(|_| execution.status == Status::Succeeded).map_or(to.0, |usual| usual.min(most));
            return Self::new(from, Timestamp(to.0.max(usual)));
        }
        let now = if execution.status == Status::Running { now.max(known) } else { from };
        let expected = expected_end(execution, now).map(|[_, latest]| latest.0);
        let known_end = [expected, usual].into_iter().flatten().max();
        let taken = now.0.saturating_sub(from.0);
        // Without an idea of the end there is room for a fourth more.
        let to = known_end.map_or(from.0.saturating_add(scaled(taken, 1.25)), |end| end.max(now.0));
        let span = to.saturating_sub(from.0).max(RUNNING_MIN_MS);
        Self::new(from, Timestamp(from.0.saturating_add(rounded_up(scaled(span, 1.04)))))
    }

    /// How long it is, in milliseconds; more than 0.
    pub fn span_ms(&self) -> i64 {
        self.to.0.saturating_sub(self.from.0).max(1)
    }

    /// Where a moment lies, 0.0..=1.0; what is outside lies at the nearer end.
    pub fn at(&self, moment: Timestamp) -> f64 {
        (self.ms(moment) as f64 / self.span_ms() as f64).clamp(0.0, 1.0)
    }

    /// The moment at a place, to the millisecond.
    #[expect(clippy::cast_possible_truncation, reason = "a part of a span of milliseconds is one")]
    pub fn moment(&self, at: f64) -> Timestamp {
        let at = if at.is_nan() { 0.0 } else { at.clamp(0.0, 1.0) };
        Timestamp(self.from.0.saturating_add((self.span_ms() as f64 * at).round() as i64).min(self.to.0))
    }

    /// Milliseconds from the left end to a moment; less than 0 for one before it.
    pub fn ms(&self, moment: Timestamp) -> i64 {
        moment.0.saturating_sub(self.from.0)
    }

    /// At most `most` marks and one. `zone_ms` is how far the reader's clock is ahead of UTC; without it, and on a short axis,
    /// the marks count from the left end.
    pub fn ticks(&self, most: u32, zone_ms: Option<i64>) -> Vec<Tick> {
        let span = self.span_ms();
        let step = step(span, most);
        let zone = zone_ms.filter(|_| span >= BY_CLOCK_MS);
        // What the marks are whole steps of: the reader's clock, or the time since the left end.
        let origin = zone.map_or(0, |zone| self.from.0.saturating_add(zone));
        let first = origin.saturating_add(step - 1).div_euclid(step).saturating_mul(step);
        let marks = (0..=i64::from(most)).map(|n| first.saturating_add(n.saturating_mul(step)));
        let tick = |mark: i64| {
            let at = mark.saturating_sub(origin) as f64 / span as f64;
            let label = || if zone.is_some() { by_clock(mark, step) } else { counted(mark, step) };
            (at <= 1.0).then(|| Tick { at, label: if at <= LABEL_MAX { label() } else { String::new() } })
        };
        marks.map_while(tick).collect()
    }
}

/// Between which two moments an execution that runs will most likely end, as it was last told.
pub fn expected_end(execution: &Execution, now: Timestamp) -> Option<[Timestamp; 2]> {
    let eta = execution.eta_ms.filter(|_| execution.status == Status::Running)?;
    let [low, high] = execution.eta_range_ms.unwrap_or([eta, eta]);
    Some([low, high].map(|ms| Timestamp(now.0.saturating_add_unsigned(ms))))
}

/// The last moment at which something is known to have happened.
pub fn known_until(execution: &Execution) -> Timestamp {
    let steps = execution
        .steps
        .iter()
        .flat_map(|step| [step.started_at, step.finished_at, step.attempts.last().map(|attempt| attempt.finished_at)]);
    let whole = [execution.started_at, execution.finished_at];
    steps.chain(whole).flatten().max().unwrap_or(execution.queued_at)
}

/// A span, so many times.
#[expect(clippy::cast_possible_truncation, reason = "floats saturate")]
fn scaled(ms: i64, times: f64) -> i64 {
    (ms as f64 * times).ceil() as i64
}

/// The least distance with which there are at most `most` marks.
fn step(span: i64, most: u32) -> i64 {
    let most = i64::from(most.max(1));
    let fits = |step: &i64| span / step <= most;
    STEPS.into_iter().find(fits).unwrap_or_else(|| {
        let mut step = DAY_MS * 2;
        while !fits(&step) && step < i64::MAX / 2 {
            step *= 2;
        }
        step
    })
}

/// The next longer span that is a whole number of its own marks.
fn rounded_up(span: i64) -> i64 {
    let step = step(span, 12);
    span.saturating_add(step - 1).div_euclid(step).saturating_mul(step)
}

/// A time of day, or the day at its beginning; `local` is in the reader's clock.
fn by_clock(local: i64, step: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Timestamp(local).to_string();
    let part = |range| text.get(range).unwrap_or_default();
    if local.rem_euclid(DAY_MS) == 0 || step >= DAY_MS {
        let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        return format!("{} {}", part(8..10).trim_start_matches('0'), month.copied().unwrap_or_default());
    }
    if step < 60_000 { part(11..19).to_owned() } else { part(11..16).to_owned() }
}

/// A time since the left end: `0`, `250 ms`, `1.5 s`, `20 s`, `1 m 30 s`, `2 h`, `1 d 12 h`.
fn counted(ms: i64, step: i64) -> String {
    if ms == 0 {
        return "0".to_owned();
    }
    if step < 100 && ms < 1_000 {
        return format!("{ms} ms");
    }
    if step < 1_000 {
        let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
        return format!("{} s", text.trim_end_matches('0').trim_end_matches('.'));
    }
    let s = ms / 1_000;
    let units = [(s / 86_400, "d"), (s / 3_600 % 24, "h"), (s / 60 % 60, "m"), (s % 60, "s")];
    let said: Vec<String> = units
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    said.join(" ")
}

#[cfg(test)]
#[path = "axis_tests.rs"]
mod tests;
