//! Points in time, to the millisecond.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; 0 if the clock went back.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0).max(0).unsigned_abs()
    }

    /// As people read it: `10:31:18` on the day of `now`, `20 Nov 10:31` on any other. Both are taken for UTC: who
    /// wants them in another zone moves them there first.
    pub fn on_a_clock(self, now: Timestamp) -> String {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (days, s) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS) / 1000);
        let (hour, minute) = (s / 3600, s / 60 % 60);
        if days == now.0.div_euclid(DAY_MS) {
            return format!("{hour:02}:{minute:02}:{:02}", s % 60);
        }
        let (_, month, day) = date_of(days);
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
        format!("{day} {month} {hour:02}:{minute:02}")
    }

    /// The point in time so many milliseconds after it.
    pub fn later(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add_unsigned(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let (year, month, day) = date_of(days);
        let (s, ms) = (ms / 1000, ms % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
    }
}

/// A text that is no point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTime;

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a time as RFC 3339 has it, such as 2026-11-22T10:00:00Z")
    }
}

impl std::error::Error for NoTime {}

impl FromStr for Timestamp {
    type Err = NoTime;

    /// Reads what RFC 3339 calls a `date-time`, with any offset; its seconds may be left out. What is finer than a
    /// millisecond is cut off.
    ///
    /// # Errors
    /// Anything else.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        read(text).ok_or(NoTime)
    }
}

// Read and written here: what a library for dates takes for it is 40 KB of wasm for every page.

const DAY_MS: i64 = 86_400_000;

fn read(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(5)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute] = numbers(clock, ':', [2, 2])?;
    let (second, ms, zone) = match rest.strip_prefix(':') {
        None => (0, 0, rest),
        Some(rest) => {
            let (second, rest) = rest.split_at_checked(2)?;
            let [second] = numbers(second, ':', [2])?;
            let (ms, zone) = rest.strip_prefix('.').map_or(Some((0, rest)), thousandths)?;
            (second, ms, zone)
        }
    };
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = offset_of(zone.strip_prefix(['+', '-'])?)?;
            let offset = (hours < 24 && minutes < 60).then_some(60 * hours + minutes)?;
            if zone.starts_with('-') { -offset } else { offset }
        }
    };
    let days = days_to(year, month, day);
    // A second may be the 60th: one that was put in.
    let is_one = date_of(days) == (year, month, day) && hour < 24 && minute < 60 && second <= 60;
    is_one.then_some(Timestamp(days * DAY_MS + 1000 * (60 * (60 * hour + minute - offset) + second) + ms))
}

/// Hours and minutes, as RFC 3339 has them or, as many programs write them, without the colon or the minutes.
fn offset_of(text: &str) -> Option<[i64; 2]> {
    match text.len() {
        2 => numbers(text, ':', [2]).map(|[hours]| [hours, 0]),
        4 => text.split_at_checked(2).and_then(|(hours, minutes)| {
            Some([numbers::<1>(hours, ':', [2])?[0], numbers::<1>(minutes, ':', [2])?[0]])
        }),
        _ => numbers(text, ':', [2, 2]),
    }
}

/// The first three of the digits that a text begins with, and what comes after them all.
fn thousandths(text: &str) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let three = digits.bytes().chain(std::iter::repeat(b'0')).take(3);
    (!digits.is_empty()).then(|| (three.fold(0, |ms, digit| 10 * ms + i64::from(digit - b'0')), rest))
}

/// The numbers between the marks, each of so many digits.
fn numbers<const N: usize>(text: &str, mark: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(mark);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let fits = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = fits.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>). What is no date counts on into the next month.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day so many days after 1970-01-01: `civil_from_days`, from the same place.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // March is the first month of such a year: so a leap day is the last one.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A span of time in milliseconds; what is longer than there are numbers for is the longest.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A span of time as a person says it: `0.4 s`, `38 s`, `2 m 31 s`, `1 h 04 m`, `3 d 2 h`.
pub fn spoken(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..10 => format!("{}.{} s", s, ms % 1000 / 100),
        10..60 => format!("{s} s"),
        60..3600 => format!("{} m {:02} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {:02} m", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// A span that is still growing, in whole seconds: tenths that never move would only disturb.
pub fn ticking(ms: u64) -> String {
    if ms < 10_000 { format!("{} s", ms / 1000) } else { spoken(ms) }
}

/// A span of time in its largest unit that is not too large: `40 s`, `5 m`, `16 h`, `3 d`.
pub fn about(ms: u64) -> String {
    match ms / 1000 {
        s @ 0..90 => format!("{s} s"),
        s @ 90..5400 => format!("{} m", (s + 30) / 60),
        s @ 5400..129_600 => format!("{} h", (s + 1800) / 3600),
        s => format!("{} d", (s + 43_200) / 86_400),
    }
}

/// A span that something takes, said like [`about`]; nothing takes no time, so what is short is told in tenths.
pub fn lasting(ms: u64) -> String {
    if ms < 1_000 { spoken(ms.max(100)) } else { about(ms) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_is_written_with_milliseconds_and_read_back() {
        for (ms, text) in [(0, "1970-01-01T00:00:00.000Z"), (1_795_341_600_123, "2026-11-22T10:00:00.123Z")] {
            assert_eq!(Timestamp(ms).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().map(|t| t.0).ok(), Some(ms));
        }
    }

    #[test]
    fn on_a_clock_another_day_is_named() {
        let at = |text: &str| text.parse::<Timestamp>().expect("it is a time");
        let now = at("2026-03-01T00:10:00Z");
        assert_eq!(at("2026-03-01T00:09:08.999Z").on_a_clock(now), "00:09:08");
        assert_eq!(at("2026-02-28T23:59:59Z").on_a_clock(now), "28 Feb 23:59");
        assert_eq!(at("2025-12-01T05:04:03Z").on_a_clock(now), "1 Dec 05:04");
    }

    proptest! {
        #[test]
        fn times_are_written_as_a_library_for_dates_writes_them(ms in -62_135_596_800_000i64..253_402_300_799_000) {
            let library = jiff::Timestamp::from_millisecond(ms).map(|instant| format!("{instant:.3}")).ok();
            prop_assert_eq!(Some(Timestamp(ms).to_string()), library);
            prop_assert_eq!(Timestamp(ms).to_string().parse(), Ok(Timestamp(ms)));
        }

        #[test]
        fn times_are_read_as_a_library_for_dates_reads_them(
            text in "(19[0-9]|20[0-9])[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-9])(:?[0-6][0-9])?)",
        ) {
            let library = text.parse::<jiff::Timestamp>().map(|instant| instant.as_millisecond()).ok();
            // Before 1970 it cuts off in the other direction.
            if library.is_none_or(|ms| ms > 0) {
                prop_assert_eq!(text.parse::<Timestamp>().map(|at| at.0).ok(), library, "{}", text);
            }
        }

        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,40}", ms: i64) {
            let _ = text.parse::<Timestamp>();
            let _ = Timestamp(ms).to_string();
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00:00.Z",
            "+026-11-22T10:00:00Z",
            "2026-11-22T10:00:00+1:00",
            "2026-11-22T10:00:00Z ",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NoTime), "{text}");
        }
        assert_eq!("2024-02-29t23:30:00.9999-01:30".parse(), Ok(Timestamp(1_709_254_800_999)));
    }

    #[test]
    fn what_is_far_away_is_said_in_one_unit() {
        let said = [0, 89_999, 90_000, 5_399_000, 5_400_000, 129_599_000, 129_600_000].map(about);
        assert_eq!(said, ["0 s", "89 s", "2 m", "90 m", "2 h", "36 h", "2 d"]);
        assert_eq!([0, 430, 1_400].map(lasting), ["0.1 s", "0.4 s", "1 s"]);
    }
}
