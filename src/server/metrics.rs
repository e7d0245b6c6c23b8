//! What the server counts of itself, as Prometheus reads it: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

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
    /// The same, of late.
    lag: Lately,
    resets: Counter,
    ends: Family<Reason, Counter>,
}

/// What the journal counts.
#[derive(Clone, Debug)]
pub struct JournalMetrics {
    batches: Histogram,
    commits: Histogram,
    /// The same, of late.
    commit: Lately,
    /// Facts of late.
    rate: Arc<Rate>,
    failures: Counter,
}

/// The mean of some times, each new one a sixteenth of it. The clones share it.
#[derive(Clone, Debug, Default)]
struct Lately(Arc<AtomicU64>);

impl Lately {
    fn add(&self, time: Duration) {
        // In microseconds. Two at once may lose one, which matters little to a mean.
        let new = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let old = self.0.load(Ordering::Relaxed);
        let mean =
            if old == 0 { new } else { (old / 16).saturating_mul(15).saturating_add(old % 16 * 15 / 16 + new / 16) };
        self.0.store(mean, Ordering::Relaxed);
    }

    fn ms(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1000.0
    }
}

/// Seconds that a rate is taken over.
const RATE_SECONDS: u64 = 10;

/// How many facts were committed in each of the last seconds.
#[derive(Debug)]
struct Rate {
    begun: Instant,
    /// For each second its number and its count; one of them is the second that goes on.
    seconds: Mutex<[(u64, u64); RATE_SECONDS as usize + 1]>,
}

impl Default for Rate {
    fn default() -> Self {
        Self { begun: Instant::now(), seconds: Mutex::default() }
    }
}

impl Rate {
    fn add(&self, count: usize) {
        let now = self.begun.elapsed().as_secs();
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = seconds.get_mut((now % (RATE_SECONDS + 1)) as usize) {
            *slot = (now, if slot.0 == now { slot.1 } else { 0 } + count as u64);
        }
    }

    /// A second's, over those that are over.
    fn per_second(&self) -> f64 {
        let now = self.begun.elapsed().as_secs();
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = |slot: &&(u64, u64)| slot.0 < now && slot.0 + RATE_SECONDS >= now;
        let facts: u64 = seconds.iter().filter(counted).map(|slot| slot.1).sum();
        facts as f64 / now.clamp(1, RATE_SECONDS) as f64
    }
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
            lag: Lately::default(),
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
            self.lag.add(age);
        }
    }

    /// From a fact's commit to its socket of late, in milliseconds.
    pub(super) fn lag_ms(&self) -> f64 {
        self.lag.ms()
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
        Self {
            batches: Histogram::new(FACTS),
            commits: Histogram::new(SECONDS),
            commit: Lately::default(),
            rate: Arc::default(),
            failures: Counter::default(),
        }
    }
}

impl JournalMetrics {
    pub(super) fn committed(&self, facts: usize, took: Duration) {
        self.batches.observe(facts as f64);
        self.commits.observe(took.as_secs_f64());
        self.commit.add(took);
        self.rate.add(facts);
    }

    /// How long a commit takes of late, in milliseconds.
    pub(super) fn commit_ms(&self) -> f64 {
        self.commit.ms()
    }

    /// Facts committed in a second, over the last ten.
    pub(super) fn facts_per_second(&self) -> f64 {
        self.rate.per_second()
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
