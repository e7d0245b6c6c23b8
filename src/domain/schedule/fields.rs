//! The five fields of a cron expression: from words to sets of numbers, with errors that name the field.

use super::EXPRESSION_MAX;

/// Which one in the month stands for the last one; those before are counted.
pub(super) const LAST: i8 = 6;

/// What is wrong with a cron expression, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It is far too long.
    #[error("is longer than {EXPRESSION_MAX} characters")]
    Long,
    /// It begins with `@`, but is none of those.
    #[error("{0:?} is no short form: there are @hourly, @daily, @weekly, @monthly and @yearly")]
    ShortForm(String),
    /// It has not five fields.
    #[error("has {0} fields, but needs 5: minute, hour, day of month, month, day of week")]
    Count(usize),
    /// A field is wrong.
    #[error("{field}: {what}; allowed are {allowed}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        what: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// No day is ever as it says.
    #[error("never comes true: none of its months has such a day")]
    Never,
}

/// What may stand in a field.
pub(super) struct Field {
    name: &'static str,
    allowed: &'static str,
    least: u32,
    most: u32,
    /// Three letters for each number from `least` on.
    names: &'static str,
}

pub(super) const MINUTE: Field = Field {
    name: "minute (first field)",
    allowed: "0-59, *, lists (0,30), ranges (0-10) and steps (*/15, 0-30/10)",
    least: 0,
    most: 59,
    names: "",
};
pub(super) const HOUR: Field = Field {
    name: "hour (second field)",
    allowed: "0-23, *, lists (6,18), ranges (9-17) and steps (*/2, 8-18/2)",
    least: 0,
    most: 23,
    names: "",
};
pub(super) const DAY: Field = Field {
    name: "day of month (third field)",
    allowed: "1-31, *, L for the last day, lists (1,15), ranges (1-7) and steps (*/2, 1-15/7)",
    least: 1,
    most: 31,
    names: "",
};
pub(super) const MONTH: Field = Field {
    name: "month (fourth field)",
    allowed: "1-12 or JAN-DEC, *, lists (1,7), ranges (4-9) and steps (*/3)",
    least: 1,
    most: 12,
    names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC",
};
pub(super) const WEEKDAY: Field = Field {
    name: "day of week (fifth field)",
    allowed: "0-7 (0 and 7 are Sunday) or SUN-SAT, *, lists (MON,THU), ranges (MON-FRI), steps (*/2), \
              FRI#2 for the second Friday of the month (#1 to #5) and FRI#L for the last one",
    least: 0,
    most: 7,
    names: "SUNMONTUEWEDTHUFRISAT",
};

/// The five words of an expression.
pub(super) fn words(text: &str) -> Result<[&str; 5], CronError> {
    if text.len() > EXPRESSION_MAX {
        return Err(CronError::Long);
    }
    let text = match text.trim() {
        "@hourly" => "0 * * * *",
        "@daily" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" => "0 0 1 1 *",
        short if short.starts_with('@') => return Err(CronError::ShortForm(short.to_owned())),
        text => text,
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = words.len();
    words.try_into().map_err(|_| CronError::Count(count))
}

impl Field {
    /// The numbers that a word names, as bits.
    pub(super) fn read(&self, word: &str) -> Result<u64, CronError> {
        word.split(',').try_fold(0, |bits, item| Ok(bits | self.item(item)?))
    }

    fn item(&self, item: &str) -> Result<u64, CronError> {
        if self.least == DAY.least && self.most == DAY.most && item == "L" {
            return Ok(1);
        }
        if self.most == WEEKDAY.most
            && let Some((range, which)) = item.split_once('#')
        {
            return self.counted(item, range, which);
        }
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, self.step(item, range, step)?),
            None => (item, 1),
        };
        let (first, last) = self.range(range)?;
        let numbers = (first..=last).step_by(step);
        // Sunday has two numbers.
        Ok(numbers.fold(0, |bits, number| bits | 1 << if self.most == WEEKDAY.most { number % 7 } else { number }))
    }

    fn step(&self, item: &str, range: &str, step: &str) -> Result<usize, CronError> {
        if range != "*" && !range.contains('-') {
            return Err(self.wrong(format!("in {item:?} the step has no range; write {range}-{}/{step}", self.most)));
        }
        match number(step) {
            Some(step @ 1..) if step <= self.most => Ok(step as usize),
            _ => Err(self.wrong(format!("{step:?} is no step from 1 to {}", self.most))),
        }
    }

    fn range(&self, range: &str) -> Result<(u32, u32), CronError> {
        if range == "*" {
            // Sunday is 0 here, not 7 as well: a step would count it twice.
            return Ok((self.least, if self.most == WEEKDAY.most { 6 } else { self.most }));
        }
        let Some((first, last)) = range.split_once('-') else {
            let only = self.number(range)?;
            return Ok((only, only));
        };
        let (first, last) = match (self.number(first)?, self.number(last)?) {
            // FRI-SUN.
            (first, 0) if self.most == WEEKDAY.most && first > 0 => (first, 7),
            both => both,
        };
        if first > last {
            return Err(self.wrong(format!("the range {range:?} goes backwards")));
        }
        Ok((first, last))
    }

    fn number(&self, word: &str) -> Result<u32, CronError> {
        let number = number(word).or_else(|| self.named(word));
        match number {
            Some(number) if (self.least..=self.most).contains(&number) => Ok(number),
            Some(_) => Err(self.wrong(format!("{word} is out of range"))),
            None if word.is_empty() => Err(self.wrong("a number is missing".to_owned())),
            None => Err(self.wrong(format!("{word:?} is not known"))),
        }
    }

    fn named(&self, word: &str) -> Option<u32> {
        let word = word.to_ascii_uppercase();
        let place = self.names.as_bytes().chunks(3).position(|name| name == word.as_bytes())?;
        u32::try_from(place).ok().map(|place| place + self.least)
    }

    /// `FRI#2`, `MON-FRI#1`, `5#L`.
    fn counted(&self, item: &str, range: &str, which: &str) -> Result<u64, CronError> {
        let which = match (number(which), which) {
            (Some(which @ 1..=5), _) => which,
            (_, "L") => LAST.unsigned_abs().into(),
            _ => return Err(self.wrong(format!("in {item:?} {which:?} says none of the month's: write 1 to 5, or L"))),
        };
        let (first, last) = self.range(range)?;
        Ok((first..=last).fold(0, |bits, number| bits | 1 << (which * 8 + number % 7)))
    }

    fn wrong(&self, what: String) -> CronError {
        CronError::Field { field: self.name, what, allowed: self.allowed }
    }
}

/// A whole number of at most three digits, without a sign.
fn number(word: &str) -> Option<u32> {
    let plain = (1..=3).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| plain)
}
