//! A number that everybody has in common who has folded the same facts: with it a page can tell that it is in sync.
//!
//! It is FNV-1a, 64 bits (<https://www.rfc-editor.org/rfc/rfc9923>), over a text that `docs/stream.md` defines: what
//! facts change of an execution, a field on each line, as `name length value`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::execution::{Execution, Step, StepStatus};

/// The hash of an execution's folded state; written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateHash(pub u64);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for StateHash {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for StateHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StateHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Execution {
    /// The hash of what facts have made of it. What never changes is not in it, nor is the number of lines of a step
    /// that has not ended: a stream without output does not know it.
    pub fn state_hash(&self) -> StateHash {
        let mut text = Text(0xcbf2_9ce4_8422_2325);
        text.field("id", self.id);
        text.field("status", self.status.word());
        text.percent(self.percent);
        text.optional("eta_ms", self.eta_ms);
        self.eta_range_ms.iter().flatten().for_each(|ms| text.field("eta_range_ms", ms));
        if let Some(waiting) = &self.waiting {
            text.field("waiting.reason", waiting.reason.word());
            text.field("waiting.place", waiting.place);
        }
        text.optional("out_of_touch_at", self.out_of_touch_at);
        text.field("queued_at", self.queued_at);
        text.optional("started_at", self.started_at);
        text.optional("finished_at", self.finished_at);
        text.optional("duration_ms", self.duration_ms);
        text.optional("cancelled_by", self.cancelled_by.as_ref());
        if let Some(error) = &self.error {
            text.field("error", &error.message);
            text.optional("error.step", error.step.as_ref());
            text.optional("error.exit_code", error.exit_code);
            error.tail.iter().for_each(|line| text.field("error.tail", line));
        }
        for (step, outputs) in self.result.iter().flatten() {
            text.field("result", step);
            outputs.iter().for_each(|(key, value)| text.output(key, value));
        }
        self.steps.iter().for_each(|step| text.step(step));
        StateHash(text.0)
    }
}

/// The hash of the text so far.
struct Text(u64);

impl Text {
    fn field(&mut self, name: &str, value: impl fmt::Display) {
        let value = value.to_string();
        self.write(&format!("{name} {} {value}\n", value.len()));
    }

    fn optional(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// In thousandths, so that nobody's way of writing fractions matters.
    fn percent(&mut self, percent: f64) {
        self.field("percent", (percent * 1000.0 + 0.5).floor());
    }

    fn output(&mut self, key: &str, value: &str) {
        self.field("key", key);
        self.field("value", value);
    }

    fn step(&mut self, step: &Step) {
        self.field("step", &step.id);
        self.field("status", step.status.word());
        self.field("attempt", step.attempt);
        self.percent(step.percent);
        self.optional("message", step.message.as_ref());
        self.optional("source", step.source.map(|source| source.word()));
        self.optional("started_at", step.started_at);
        self.optional("finished_at", step.finished_at);
        self.optional("duration_ms", step.duration_ms);
        self.optional("exit_code", step.exit_code);
        self.optional("signal", step.signal.as_ref());
        self.optional("error", step.error.as_ref());
        for earlier in &step.attempts {
            self.field("attempts.attempt", earlier.attempt);
            self.field("attempts.error", &earlier.error);
        }
        self.optional("next_attempt_at", step.next_attempt_at);
        self.optional("estimate_ms", step.estimate_ms);
        self.optional("silent_since", step.silent_since);
        if step.status.is_final() && step.status != StepStatus::Skipped {
            self.field("lines", step.lines);
        }
        step.outputs.iter().for_each(|(key, value)| self.output(key, value));
    }

    fn write(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a_as_others_compute_it() {
        let mut text = Text(0xcbf2_9ce4_8422_2325);
        assert_eq!(text.0, 0xcbf2_9ce4_8422_2325);
        text.write("foobar");
        assert_eq!(StateHash(text.0).to_string(), "85944171f73967e8");
    }

    #[test]
    fn it_is_written_as_16_digits_and_read_again() {
        assert_eq!(StateHash(0x2a).to_string(), "000000000000002a");
        assert_eq!("000000000000002a".parse(), Ok(StateHash(0x2a)));
        assert_eq!(serde_json::to_string(&StateHash(1)).expect("a text"), "\"0000000000000001\"");
        assert!(serde_json::from_str::<StateHash>("\"x\"").is_err());
    }
}
