//! Points in time, to the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; 0 if the clock went back.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0).max(0).unsigned_abs()
    }

    /// The point in time so many milliseconds after it.
    pub fn later(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add_unsigned(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{instant:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|instant| Self(instant.as_millisecond()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_with_milliseconds_and_read_back() {
        for (ms, text) in [(0, "1970-01-01T00:00:00.000Z"), (1_795_341_600_123, "2026-11-22T10:00:00.123Z")] {
            assert_eq!(Timestamp(ms).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().map(|t| t.0).ok(), Some(ms));
        }
    }

    #[test]
    fn what_is_far_away_is_said_in_one_unit() {
        let said = [0, 89_999, 90_000, 5_399_000, 5_400_000, 129_599_000, 129_600_000].map(about);
        assert_eq!(said, ["0 s", "89 s", "2 m", "90 m", "2 h", "36 h", "2 d"]);
    }
}
