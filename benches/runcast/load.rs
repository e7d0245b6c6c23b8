//! What is sent and how fast, who sends it, and how it is measured: the same for Runcast and the yardsticks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    clocks::{monotonic, process_cpu},
    marked::Seen,
    readers::{Arrived, Readers},
    reading::{Asked, Plan},
    table::percentile,
};

/// When the next events go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As soon as those before are answered: committed, written to each socket, or (with a channel that answers
    /// nothing) read by all.
    Answered,
    /// A batch each time so much has passed.
    Every(Duration),
    /// When all readers had those before, and so much later.
    Settled(Duration),
}

/// Events with the numbers from 0 on, one or many at a time.
#[derive(Clone, Copy)]
pub struct Load {
    pub events: u32,
    /// How many send at once; each has its own part of the numbers.
    pub publishers: u32,
    /// How many events each hands over together.
    pub batch: u32,
    pub pace: Pace,
    /// Event `n` concerns topic `1 + n % owners`, beside topic 0 which everything concerns.
    pub owners: u32,
}

impl Load {
    /// Events of one topic.
    pub fn new(events: u32, publishers: u32, batch: u32, pace: Pace) -> Self {
        assert_eq!(events % (publishers * batch), 0, "each publisher has whole batches");
        Self { events, publishers, batch, pace, owners: 0 }
    }

    /// How many events are on their way together.
    pub fn at_once(&self) -> u32 {
        self.publishers * self.batch
    }

    /// The topic of an event besides 0.
    pub fn topic(&self, number: u32) -> Option<u32> {
        (self.owners > 0).then(|| 1 + number % self.owners)
    }

    /// What one reader of a topic gets.
    fn expected(&self, topic: u32) -> Seen {
        let mut seen = Seen::default();
        (0..self.events).filter(|n| topic == 0 || self.topic(*n) == Some(topic)).for_each(|n| seen.add(n));
        seen
    }
}

/// When each event was made and committed, on the clock of all processes.
pub struct Stamps {
    made: Vec<AtomicU64>,
    committed: Vec<AtomicU64>,
}

impl Stamps {
    fn new(events: u32) -> Self {
        let zeros = || (0..events).map(|_| AtomicU64::new(0)).collect();
        Self { made: zeros(), committed: zeros() }
    }

    pub fn made(&self, number: u32) {
        self.made[number as usize].store(monotonic(), Ordering::Relaxed);
    }

    pub fn committed(&self, number: u32) {
        self.committed[number as usize].store(monotonic(), Ordering::Relaxed);
    }

    fn since(stamps: &[AtomicU64], arrivals: &[(u32, u64)]) -> Vec<Duration> {
        let since = |(number, at): &(u32, u64)| at.saturating_sub(stamps[*number as usize].load(Ordering::Relaxed));
        let mut times: Vec<Duration> = arrivals.iter().map(since).map(Duration::from_nanos).collect();
        times.sort_unstable();
        times
    }
}

/// So many readers of a topic.
#[derive(Clone, Copy)]
pub struct Group {
    pub topic: u32,
    pub readers: usize,
}

impl Group {
    /// Readers of everything.
    pub fn all(readers: usize) -> [Self; 1] {
        [Self { topic: 0, readers }]
    }
}

/// A server that events can be sent through.
pub trait Carrier {
    fn address(&self) -> String;
    /// How a stream of a topic is asked for.
    fn asked(&self, topic: u32) -> Asked;
    /// What stands in a stream before its first event.
    fn ready(&self) -> &'static str;
    /// Hands over so many events, as the load says. Not all need to have arrived when it returns.
    async fn send(&self, load: &Load, stamps: &Arc<Stamps>, readers: &mut Readers);
}

/// What came of a load.
pub struct Outcome {
    /// From the first event's making until the last one had arrived at its last reader.
    pub took: Duration,
    /// How long the server was at work, without the readers.
    pub cpu: Duration,
    /// Events that arrived, counted at each reader.
    pub delivered: u64,
    /// Sorted; empty unless times were asked for.
    pub from_making: Vec<Duration>,
    /// The same from the commit on, none less than zero.
    pub from_commit: Vec<Duration>,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.delivered as f64 / self.took.as_secs_f64()
    }

    pub fn cpu_each(&self) -> Duration {
        self.cpu.div_f64(self.delivered as f64)
    }

    pub fn made(&self, percent: f64) -> Duration {
        percentile(&self.from_making, percent)
    }

    pub fn commit(&self, percent: f64) -> Duration {
        percentile(&self.from_commit, percent)
    }
}

/// Opens the streams, sends the load through them, and checks that each reader had each of its events once.
pub async fn run(carrier: &impl Carrier, groups: &[Group], load: &Load, times: bool) -> Outcome {
    let streams =
        groups.iter().flat_map(|group| std::iter::repeat_n(carrier.asked(group.topic), group.readers)).collect();
    let plan = Plan { address: carrier.address(), ready: carrier.ready().to_owned(), streams, times };
    let mut readers = Readers::open(&plan).await;
    // What was begun by opening them comes to its end.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stamps = Arc::new(Stamps::new(load.events));
    let expected: Vec<Seen> = groups.iter().map(|group| load.expected(group.topic)).collect();
    let delivered = groups.iter().zip(&expected).map(|(group, seen)| group.readers as u64 * seen.count).sum();
    let (began, cpu) = (monotonic(), process_cpu());
    carrier.send(load, &stamps, &mut readers).await;
    readers.reached(delivered).await;
    let (took, cpu) = (Duration::from_nanos(monotonic() - began), process_cpu() - cpu);
    let arrived = readers.finish().await;
    check(&arrived, groups, &expected);
    Outcome {
        took,
        cpu,
        delivered,
        from_making: Stamps::since(&stamps.made, &arrived.arrivals),
        from_commit: Stamps::since(&stamps.committed, &arrived.arrivals),
    }
}

fn check(arrived: &Arrived, groups: &[Group], expected: &[Seen]) {
    let mut place = 0;
    for (group, seen) in groups.iter().zip(expected) {
        (place..place + group.readers).for_each(|place| arrived.check(place, seen));
        place += group.readers;
    }
}
