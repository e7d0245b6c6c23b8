//! How far an attempt is, from all that it says about that.

use crate::domain::{event::Source, execution::PERCENT_BEFORE_END};

/// How far one attempt at a step is. Its percent never falls, and once the step itself has reported, what is read off its
/// bars no longer counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    percent: f64,
    message: Option<String>,
    source: Source,
}

impl Meter {
    /// An attempt that has said nothing.
    pub fn new() -> Self {
        Self { percent: 0.0, message: None, source: Source::Estimated }
    }

    /// Takes in what a [`Said::Progress`](super::Said::Progress) says. Says whether that is news.
    pub fn take(&mut self, percent: f64, message: Option<String>, source: Source) -> bool {
        if self.source == Source::Reported && source != Source::Reported {
            return false;
        }
        let before = self.clone();
        self.source = source;
        self.raise(percent);
        if message.is_some() {
            self.message = message;
        }
        *self != before
    }

    /// Lets it begin from a percent that was told before, such as an estimated one.
    pub fn raise(&mut self, percent: f64) {
        self.percent = percent.max(self.percent).min(PERCENT_BEFORE_END);
    }

    /// 0.0..=99.9
    pub fn percent(&self) -> f64 {
        self.percent
    }

    /// What it is doing, as said last; at most [`super::MESSAGE_MAX`] bytes.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Where the percent comes from; `Estimated` as long as the step has said nothing.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}
