//! When a workflow starts by itself: cron expressions, read once, and the times they name in a time zone.
//!
//! Where the clock is put forward or back, it is as Vixie cron does it. An expression whose minute and hour both begin
//! with something else than `*` names **fixed times**: one that is skipped comes right after the gap (once, however many
//! were skipped), one that comes twice counts the first time only. All others are a **rhythm**: they follow the clock
//! on the wall minute by minute, so nothing comes in a gap, and an hour that comes twice has its times twice.
//!
//! `croner` reads the same expressions, but takes only those with exactly one minute and one hour for fixed times, so
//! that `0 2,14 * * *` would lose a run in spring and gain one in autumn; and its errors don't name the field. The tests
//! hold this module against it where both mean the same.

mod fields;
mod words;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use jiff::{
    SignedDuration, Timestamp as Instant,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

use self::fields::{DAY, HOUR, MINUTE, MONTH, WEEKDAY};
use super::{
    time::Timestamp,
    workflow::{SCHEDULE_MAX, Workflow},
};

pub use self::{fields::CronError, words::words};

/// Longest expression, in bytes.
pub const EXPRESSION_MAX: usize = 256;
/// Where a clock shows what is UTC.
pub const UTC: &str = "UTC";

/// A year and a day of week come together again after so many days: 400 years.
const CALENDAR_DAYS: usize = 146_097;
const MINUTE_LONG: SignedDuration = SignedDuration::from_mins(1);

/// A cron expression that comes true some day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    /// 0 to 59, as bits; the others in the same way.
    minutes: u64,
    /// 0 to 23.
    hours: u64,
    /// 1 to 31; bit 0 is the last day of the month.
    days: u64,
    /// 1 to 12.
    months: u64,
    /// 0 (Sunday) to 6, plus 8 times which one in the month: 1 to 5, 6 for the last one, 0 for each.
    weekdays: u64,
    /// Neither minute nor hour begins with `*`.
    fixed: bool,
    /// Day and day of week were both given: one of them is enough.
    either: bool,
}

impl FromStr for Cron {
    type Err = CronError;

    /// Five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    fn from_str(text: &str) -> Result<Self, CronError> {
        let words = fields::words(text)?;
        let [minute, hour, day, month, weekday] = words;
        let starred = |word: &str| word.starts_with('*');
        let cron = Self {
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            days: DAY.read(day)?,
            months: MONTH.read(month)?,
            weekdays: WEEKDAY.read(weekday)?,
            fixed: !starred(minute) && !starred(hour),
            either: !starred(day) && !starred(weekday),
        };
        let mut date = Some(Date::constant(2000, 1, 1));
        for _ in 0..CALENDAR_DAYS {
            match date {
                Some(day) if !cron.is_on(day) => date = day.tomorrow().ok(),
                _ => return Ok(cron),
            }
        }
        Err(CronError::Never)
    }
}

impl Cron {
    /// The first time after `after`; none in the years that have more than four digits.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let after = Instant::from_millisecond(after.0).ok()?;
        let next = if self.fixed { self.next_fixed(after, zone) } else { self.next_beat(after, zone) };
        next.map(|next| Timestamp(next.as_millisecond()))
    }

    /// The last time at or before `at`; none before the year 1.
    pub fn previous(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let at = Instant::from_millisecond(at.0).ok()?;
        let previous = if self.fixed { self.previous_fixed(at, zone) } else { self.previous_beat(at, zone) };
        previous.map(|previous| Timestamp(previous.as_millisecond()))
    }

    fn next_fixed(&self, after: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut date = self.from(zone.to_datetime(after).date())?;
        loop {
            let mut times = bits(self.hours).flat_map(|hour| bits(self.minutes).map(move |minute| (hour, minute)));
            let found = times.find_map(|(hour, minute)| {
                fixed_instant(date.at(hour, minute, 0, 0), zone).filter(|instant| *instant > after)
            });
            if found.is_some() {
                return found;
            }
            date = self.from(date.tomorrow().ok()?)?;
        }
    }

    fn previous_fixed(&self, at: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut date = self.until(zone.to_datetime(at).date())?;
        loop {
            let hours = bits(self.hours).rev();
            let mut times = hours.flat_map(|hour| bits(self.minutes).rev().map(move |minute| (hour, minute)));
            let found = times.find_map(|(hour, minute)| {
                fixed_instant(date.at(hour, minute, 0, 0), zone).filter(|instant| *instant <= at)
            });
            if found.is_some() {
                return found;
            }
            date = self.until(date.yesterday().ok()?)?;
        }
    }

    fn next_beat(&self, after: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut instant = whole_minute(after)?.checked_add(MINUTE_LONG).ok()?;
        loop {
            let clock = zone.to_datetime(instant);
            if self.shows(clock) {
                return Some(instant);
            }
            // By a minute, or by the days that don't count; never back, should a day begin in an hour that comes twice.
            let by_minute = instant.checked_add(MINUTE_LONG).ok()?;
            instant = match self.from(clock.date())? {
                date if date > clock.date() => {
                    zone.to_timestamp(date.to_datetime(Time::midnight())).ok()?.max(by_minute)
                }
                _ => by_minute,
            };
        }
    }

    fn previous_beat(&self, at: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut instant = whole_minute(at)?;
        loop {
            let clock = zone.to_datetime(instant);
            if self.shows(clock) {
                return Some(instant);
            }
            let by_minute = instant.checked_sub(MINUTE_LONG).ok()?;
            instant = match self.until(clock.date())? {
                date if date < clock.date() => {
                    let last = zone.to_ambiguous_timestamp(date.at(23, 59, 0, 0)).later().ok()?;
                    last.min(by_minute)
                }
                _ => by_minute,
            };
        }
    }

    /// Whether a clock on the wall shows one of its times, seconds aside.
    fn shows(&self, clock: DateTime) -> bool {
        has(self.minutes, clock.minute()) && has(self.hours, clock.hour()) && self.is_on(clock.date())
    }

    /// Whether it has times on this day.
    fn is_on(&self, date: Date) -> bool {
        let (day, last) = (date.day(), date.days_in_month());
        let weekday = date.weekday().to_sunday_zero_offset();
        let by_day = has(self.days, day) || has(self.days, 0) && day == last;
        let by_weekday = has(self.weekdays, weekday)
            || has(self.weekdays, ((day - 1) / 7 + 1) * 8 + weekday)
            || day + 7 > last && has(self.weekdays, fields::LAST * 8 + weekday);
        has(self.months, date.month()) && if self.either { by_day || by_weekday } else { by_day && by_weekday }
    }

    /// The first of its days from this one on.
    fn from(&self, mut date: Date) -> Option<Date> {
        while !self.is_on(date) {
            let skipped = if has(self.months, date.month()) { date } else { date.last_of_month() };
            date = skipped.tomorrow().ok()?;
        }
        Some(date)
    }

    /// The last of its days up to this one.
    fn until(&self, mut date: Date) -> Option<Date> {
        while !self.is_on(date) {
            let skipped = if has(self.months, date.month()) { date } else { date.first_of_month() };
            date = skipped.yesterday().ok()?;
        }
        Some(date)
    }
}

/// When a fixed time comes: the first time if it comes twice, right after the gap if it is skipped.
fn fixed_instant(clock: DateTime, zone: &TimeZone) -> Option<Instant> {
    match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(clock).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(clock).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            let as_if = before.to_timestamp(clock).ok()?.checked_add(SignedDuration::from_secs(1)).ok()?;
            let change = zone.preceding(as_if).next();
            change.map(|change| change.timestamp())
        }
    }
}

fn whole_minute(instant: Instant) -> Option<Instant> {
    Instant::from_second(instant.as_second() - instant.as_second().rem_euclid(60)).ok()
}

fn has(bits: u64, bit: i8) -> bool {
    u32::try_from(bit).is_ok_and(|bit| bits.checked_shr(bit).is_some_and(|bits| bits & 1 == 1))
}

fn bits(bits: u64) -> impl DoubleEndedIterator<Item = i8> {
    (0..60).filter(move |bit| has(bits, *bit))
}

/// The times of a workflow: those of all its expressions, in its time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    crons: Vec<Cron>,
    zone: TimeZone,
}

/// A schedule that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// An expression is wrong.
    #[error("{0:?}: {1}")]
    Cron(String, CronError),
    /// The time zone is wrong.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
}

/// A word that is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone that is known here: write one as the IANA database has it, like Europe/Berlin or UTC")]
pub struct UnknownZone(pub String);

impl UnknownZone {
    /// With this name, cut where it is long.
    pub fn new(name: &str) -> Self {
        Self(name.chars().take(80).collect())
    }
}

/// The time zone of this name, from the database that is part of the program: nothing is read from the disk, so that a
/// file is good on one machine if it is on another. The browser's half has no zones but UTC.
///
/// # Errors
/// If there is none of that name.
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    if name == UTC {
        return Ok(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone::new(name))
}

impl Schedule {
    /// That of a workflow; none if it has none.
    ///
    /// # Errors
    /// If the zone or an expression is wrong, which the reading of its file refuses.
    pub fn of(workflow: &Workflow) -> Result<Option<Self>, ScheduleError> {
        if workflow.schedule.is_empty() {
            return Ok(None);
        }
        Self::new(&workflow.schedule, workflow.timezone.as_deref().unwrap_or(UTC)).map(Some)
    }

    /// From expressions, [`SCHEDULE_MAX`] at most, and the name of a time zone.
    ///
    /// # Errors
    /// If the zone or an expression is wrong.
    pub fn new<S: AsRef<str>>(expressions: &[S], zone_name: &str) -> Result<Self, ScheduleError> {
        let read = |text: &S| {
            let text = text.as_ref();
            text.parse().map_err(|error| ScheduleError::Cron(text.chars().take(EXPRESSION_MAX).collect(), error))
        };
        let crons = expressions.iter().take(SCHEDULE_MAX).map(read).collect::<Result<_, _>>()?;
        Ok(Self { crons, zone: zone(zone_name)? })
    }

    /// The first time after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.crons.iter().filter_map(|cron| cron.next(after, &self.zone)).min()
    }

    /// The last time at or before `at`.
    pub fn previous(&self, at: Timestamp) -> Option<Timestamp> {
        self.crons.iter().filter_map(|cron| cron.previous(at, &self.zone)).max()
    }

    /// The first `count` times after `after`.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after), |last| self.next(*last)).take(count).collect()
    }
}
