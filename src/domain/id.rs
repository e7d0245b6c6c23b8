//! Names and numbers with a type of their own: parsed once, then trusted.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time::Timestamp;

/// The place of a fact in the order of all facts; strictly increasing over the server's life, from 1.
///
/// `Seq(0)` is before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seq {
    type Err = InvalidSeq;

    /// Only plain decimal digits: no sign, no space. Beyond `u64` it is the greatest number there is.
    fn from_str(text: &str) -> Result<Self, InvalidSeq> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidSeq);
        }
        Ok(Seq(text.parse().unwrap_or(u64::MAX)))
    }
}

/// A stream position that is not a plain decimal number.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is a plain decimal number")]
pub struct InvalidSeq;

/// One run of a workflow: a UUIDv7, so that ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(pub Uuid);

impl ExecutionId {
    /// The millisecond it was made in: the first 48 bits of a UUIDv7.
    pub fn made_at(&self) -> Timestamp {
        Timestamp(i64::try_from(self.0.as_u128() >> 80).unwrap_or(i64::MAX))
    }

    /// The least id that can be made at a time: those made before it sort before this one, all others do not.
    pub fn first_at(at: Timestamp) -> Self {
        const MS_MAX: u128 = (1 << 48) - 1;
        let ms = u128::try_from(at.0.max(0)).unwrap_or(0).min(MS_MAX);
        Self(Uuid::from_u128(ms << 80))
    }

    /// Its first 13 characters, the millisecond it was made in: enough for a person to tell two runs apart.
    pub fn short(&self) -> String {
        let mut text = self.0.to_string();
        text.truncate(13);
        text
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ExecutionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Longest name of a user, a workflow or a step, in bytes.
pub const NAME_MAX: usize = 64;

/// A word that is no name. Says what a name is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Of a user, group or workflow.
    #[error("{0:?} is no name: a name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit")]
    Name(String),
    /// Of a step.
    #[error("{0:?} is no step id: an id has 1 to 64 of a-z, 0-9, '_' and '-', and begins with a letter or a digit")]
    StepId(String),
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $also:pat, $error:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let first = text.bytes().next();
                let good = text.len() <= NAME_MAX
                    && first.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | $also));
                if good { Ok(Self(text.into())) } else { Err($error(text.chars().take(80).collect())) }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

name!(
    /// The name of a user, a group or a workflow: `[a-z0-9][a-z0-9._-]{0,63}`.
    Name, b'.' | b'_' | b'-', InvalidName::Name
);
name!(
    /// The id of a step within its workflow: `[a-z0-9][a-z0-9_-]{0,63}`.
    StepId, b'_' | b'-', InvalidName::StepId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_and_begins_with_a_letter_or_digit() {
        for good in ["a", "nightly-backup", "0.9_x", &"x".repeat(64)] {
            assert_eq!(good.parse::<Name>().map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "-a", ".a", "A", "a b", "ä", "../x", &"x".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} passed");
        }
        assert!("a.b".parse::<StepId>().is_err());
    }

    #[test]
    fn a_stream_position_is_digits_and_nothing_else() {
        assert_eq!("0012".parse(), Ok(Seq(12)));
        assert_eq!("99999999999999999999999".parse(), Ok(Seq(u64::MAX)));
        for bad in ["", " 1", "-1", "+1", "1e3", "0x1", "1\n"] {
            assert_eq!(bad.parse::<Seq>(), Err(InvalidSeq), "{bad:?} passed");
        }
    }
}
