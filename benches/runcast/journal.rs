//! What a durable commit costs, alone and shared, and how long the journal holds up whoever hands it something.

use std::{
    fs::File,
    io::Write,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::sync::broadcast;

use crate::{
    hosted::Hosted,
    load::Carrier,
    marked::{Maker, Seen},
    readers::Readers,
    reading::Plan,
    table::{Row, Unit, percentile, title},
};

const FACTS: u32 = 100_000;
const EXECUTIONS: usize = 10;
/// The journal's own bound on facts in one commit: the yardstick writes as many at once.
const COMMIT: usize = 1_000;
const AIM_FACTS: f64 = 90_000.0;
const SINGLE: u32 = 1_000;
const PAGE: usize = 4_096;
const READERS: usize = 1_000;
const STALLED: usize = 50;
const HANDED_OVER: u32 = 4_000;
const EVERY: Duration = Duration::from_millis(2);
const AIM_HAND_OVER: Duration = Duration::from_micros(20);

pub async fn measure() {
    title("the journal, durable (SQLite, synchronous=FULL)");
    full_batches().await;
    single().await;
    hand_over().await;
}

async fn full_batches() {
    let hosted = Hosted::start(EXECUTIONS).await;
    let (journal, before) = (hosted.journal(), hosted.journal().head().await.expect("the database answers"));
    let began = Instant::now();
    for number in 0..FACTS {
        journal.append(hosted.track(number).progress(number)).await;
    }
    journal.flush().await.expect("committed");
    let runcast = began.elapsed();
    let head = journal.head().await.expect("the database answers");
    assert_eq!(head.0 - before.0, u64::from(FACTS), "facts that were committed");
    let maker = Maker::new();
    let (mut file, began) = (scratch(&hosted), Instant::now());
    for first in (0..FACTS).step_by(COMMIT) {
        let mut frames = Vec::new();
        (first..first + COMMIT as u32).for_each(|number| maker.frame(number, &mut frames));
        file.write_all(&frames).and_then(|()| file.sync_data()).expect("written");
    }
    let file = began.elapsed();
    hosted.stop().await;
    let speed = |took: Duration| f64::from(FACTS) / took.as_secs_f64();
    Row::new("facts at full batches, nobody reads", Unit::PerSecond, speed(runcast))
        .beside("bare file", speed(file))
        .at_least(AIM_FACTS)
        .print();
}

async fn single() {
    let hosted = Hosted::start(1).await;
    let mut file = scratch(&hosted);
    let (mut commits, mut writes) = (Vec::new(), Vec::new());
    for number in 0..SINGLE {
        let began = Instant::now();
        hosted.journal().append(hosted.track(number).progress(number)).await;
        hosted.journal().flush().await.expect("committed");
        commits.push(began.elapsed());
        let began = Instant::now();
        file.write_all(&[7; PAGE]).and_then(|()| file.sync_data()).expect("written");
        writes.push(began.elapsed());
    }
    hosted.stop().await;
    commits.sort_unstable();
    writes.sort_unstable();
    for percent in [50.0, 99.0] {
        Row::time(format!("one fact, to its commit: p{percent}"), percentile(&commits, percent))
            .beside_time("write+sync", percentile(&writes, percent))
            .print();
    }
}

fn scratch(hosted: &Hosted) -> File {
    File::create(hosted.folder().join("scratch")).expect("a file")
}

/// Time within `append`, beside that within the `send` of a channel with as many receivers.
async fn hand_over() {
    let hosted = Hosted::start(EXECUTIONS).await;
    let streams = vec![hosted.asked(0); READERS];
    let (address, ready) = (hosted.address(), hosted.ready().to_owned());
    let mut readers = Readers::open(&Plan { address, ready, streams, times: false }).await;
    let unread = hosted.unread(STALLED);
    let (mut times, mut waits) = (Vec::new(), Vec::new());
    let mut tick = tokio::time::interval(EVERY);
    for number in 0..HANDED_OVER {
        tick.tick().await;
        let fact = hosted.track(number).progress(number);
        let (took, waited) = handed_over(hosted.journal().append(fact)).await;
        times.push(took);
        waits.push(waited);
    }
    readers.through(HANDED_OVER - 1).await;
    let arrived = readers.finish().await;
    let mut expected = Seen::default();
    (0..HANDED_OVER).for_each(|number| expected.add(number));
    (0..READERS).for_each(|place| arrived.check(place, &expected));
    drop(unread);
    hosted.stop().await;
    times.sort_unstable();
    waits.sort_unstable();
    let mut sends = sends().await;
    sends.sort_unstable();
    Row::time(format!("hand-over with {READERS} readers, {STALLED} stalled: p50"), percentile(&times, 50.0))
        .beside_time("broadcast", percentile(&sends, 50.0))
        .print();
    Row::time("the same, p99.9", percentile(&times, 99.9)).beside_time("broadcast", percentile(&sends, 99.9)).print();
    Row::time("how long it waited, p99.9", percentile(&waits, 99.9)).at_most(AIM_HAND_OVER.as_secs_f64()).print();
}

/// What a future took of its caller: the processor's time, since a loaded machine gives a thread's turn to others, and how
/// long it made its caller wait.
async fn handed_over(future: impl Future<Output = ()>) -> (Duration, Duration) {
    let mut future = std::pin::pin!(future);
    let began = thread_time();
    let first = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    let kept = thread_time() - began;
    if first.is_ready() {
        return (kept, Duration::ZERO);
    }
    let waits = Instant::now();
    future.await;
    (kept, waits.elapsed())
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

async fn sends() -> Vec<Duration> {
    let (sender, maker) = (broadcast::channel::<String>(1024).0, Maker::new());
    for _ in 0..READERS {
        let mut receiver = sender.subscribe();
        tokio::spawn(async move { while receiver.recv().await.is_ok() {} });
    }
    let mut times = Vec::new();
    let mut tick = tokio::time::interval(EVERY);
    for number in 0..HANDED_OVER {
        tick.tick().await;
        let json = maker.json(number);
        let began = thread_time();
        sender.send(json).expect("somebody receives");
        times.push(thread_time() - began);
    }
    times
}
