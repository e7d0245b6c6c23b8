//! What the server counts of itself, as Prometheus reads it: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::domain::event::EndReason;

/// Bounds of times, in seconds: from a tenth of a millisecond to half a minute.
const SECONDS: [f64; 12] = [0.0001, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 30.0];
/// Bounds of numbers of facts.
const FACTS: [f64; 8] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// All of it. Cheap to clone; the clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Of the feed.
    pub feed: FeedMetrics,
    /// Of the journal.
    pub journal: JournalMetrics,
    /// How often somebody who follows an execution found to be out of sync with it.
    pub out_of_sync: Counter,
}

/// What the feed counts.
#[derive(Clone, Debug)]
pub struct FeedMetrics {
    readers: Gauge,
    refused: Counter,
    frames: Counter,
    bytes: Counter,
    behind: Histogram,
    age: Histogram,
    resets: Counter,
    ends: Family<Reason, Counter>,
}

/// What the journal counts.
#[derive(Clone, Debug)]
pub struct JournalMetrics {
    batches: Histogram,
    commits: Histogram,
    failures: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

impl Default for FeedMetrics {
    fn default() -> Self {
        Self {
            readers: Gauge::default(),
            refused: Counter::default(),
            frames: Counter::default(),
            bytes: Counter::default(),
            behind: Histogram::new(FACTS),
            age: Histogram::new(SECONDS),
            resets: Counter::default(),
            ends: Family::default(),
        }
    }
}

impl FeedMetrics {
    pub(super) fn opened(&self) {
        self.readers.inc();
    }

    pub(super) fn closed(&self) {
        self.readers.dec();
    }

    pub(super) fn refused(&self) {
        self.refused.inc();
    }

    pub(super) fn bytes(&self, bytes: usize) {
        self.bytes.inc_by(bytes as u64);
    }

    /// So many frames were handed to a socket, which left so many; the first one waited so long, if that is known.
    pub(super) fn frames(&self, count: usize, behind: usize, age: Option<Duration>) {
        self.frames.inc_by(count as u64);
        self.behind.observe(behind as f64);
        if let Some(age) = age {
            self.age.observe(age.as_secs_f64());
        }
    }

    pub(super) fn reset(&self) {
        self.resets.inc();
    }

    pub(super) fn ended(&self, reason: EndReason) {
        self.ends.get_or_create(&Reason { reason: reason.word() }).inc();
    }
}

impl Default for JournalMetrics {
    fn default() -> Self {
        Self { batches: Histogram::new(FACTS), commits: Histogram::new(SECONDS), failures: Counter::default() }
    }
}

impl JournalMetrics {
    pub(super) fn committed(&self, facts: usize, took: Duration) {
        self.batches.observe(facts as f64);
        self.commits.observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }
}

impl Metrics {
    /// All of it as text. `executions`: how many there are in each status.
    pub fn text(&self, executions: &[(&'static str, u64)]) -> String {
        let statuses = Family::<Status, Gauge>::default();
        for (status, count) in executions {
            statuses.get_or_create(&Status { status }).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        let mut registry = Registry::with_prefix("runcast");
        let (feed, journal) = (self.feed.clone(), self.journal.clone());
        registry.register("executions", "Executions that are kept, by status", statuses);
        registry.register(
            "out_of_sync",
            "Times that a follower's state was not the server's",
            self.out_of_sync.clone(),
        );
        let streams = registry.sub_registry_with_prefix("stream");
        streams.register("readers", "Streams that are open", feed.readers);
        streams.register("refused", "Streams refused because there were too many", feed.refused);
        streams.register("frames", "Facts handed to sockets", feed.frames);
        streams.register_with_unit("sent", "Bytes handed to sockets", Unit::Bytes, feed.bytes);
        streams.register("lag_facts", "Facts that a socket left waiting when it was written to", feed.behind);
        streams.register_with_unit("lag", "From a fact's commit to its socket", Unit::Seconds, feed.age);
        streams.register("resets", "Readers told that something was left out", feed.resets);
        streams.register("ends", "Streams that the server ended, by reason", feed.ends);
        let log = registry.sub_registry_with_prefix("journal");
        log.register("batch_facts", "Facts in one commit", journal.batches);
        log.register_with_unit("commit", "How long a commit took", Unit::Seconds, journal.commits);
        log.register("failures", "Commits that failed and were tried again", journal.failures);
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
