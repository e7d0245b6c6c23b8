//! All of an execution with a million events, read from its beginning: how fast, and in how much memory.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use crate::{
    hosted::Hosted,
    limit::Limit,
    load::{Carrier, Group, Load, Pace, run},
    marked::Seen,
    process::{forget_peak, peak_memory},
    reading::{Asked, ask},
    table::{Row, Unit, title},
};

const EVENTS: u32 = 1_000_000;
/// Every tenth one is a line of output.
const OUTPUT_EVERY: u32 = 10;
const AIM_MEMORY: f64 = 32.0 * 1024.0 * 1024.0;
const BUFFER: usize = 256 * 1024;
const END: &[u8] = br#""reason":"finished""#;

pub async fn measure() {
    title(&format!("an execution of {EVENTS} events, read from its beginning to its end"));
    let load = Load::new(EVENTS, 1, 1_000, Pace::Answered);
    let limit = run(&Limit::start(1), &Group::all(1), &load, false).await;
    let hosted = Hosted::start(1).await;
    let recorded = record(&hosted).await;
    let mut buffer = vec![7; BUFFER];
    let counts = forget_peak();
    let before = peak_memory();
    let (took, seen) = tokio::task::block_in_place(|| replay(&hosted, &mut buffer));
    let grown = peak_memory() - before;
    hosted.stop().await;
    let mut expected = Seen::default();
    (0..EVENTS).for_each(|number| expected.add(number));
    assert_eq!((seen.count, seen.digest), (expected.count, expected.digest), "each event comes once");
    let speed = |took: Duration| f64::from(EVENTS) / took.as_secs_f64();
    Row::new("recorded, durable", Unit::PerSecond, speed(recorded)).print();
    Row::new("replayed to one reader", Unit::PerSecond, speed(took)).beside("limit", limit.per_second()).print();
    if counts {
        Row::new("growth of the process's peak memory", Unit::Bytes, grown as f64).at_most(AIM_MEMORY).print();
    } else {
        println!("  growth of the process's peak memory: left out, this machine does not let us begin it again");
    }
}

async fn record(hosted: &Hosted) -> Duration {
    let (journal, track) = (hosted.journal(), hosted.track(0));
    let (began, mut lines) = (Instant::now(), 0);
    for number in 0..EVENTS {
        if number % OUTPUT_EVERY == 0 {
            journal.append(track.output(number, lines)).await;
            lines += 1;
        } else {
            journal.append(track.progress(number)).await;
        }
    }
    journal.append(track.completed()).await;
    journal.flush().await.expect("committed");
    began.elapsed()
}

/// Reads in this very thread, into a buffer that is there already, until the server ends the stream.
fn replay(hosted: &Hosted, buffer: &mut [u8]) -> (Duration, Seen) {
    let path = format!("/api/executions/{}/events", hosted.track(0).id);
    let began = Instant::now();
    let mut stream = ask(&hosted.address(), &Asked { path, ..hosted.asked(0) });
    let (mut seen, mut last) = (Seen::default(), Vec::new());
    loop {
        let read = stream.read(buffer).expect("bytes");
        assert!(read > 0, "the stream ended without saying so");
        seen.read(&buffer[..read], |_| {});
        last.extend_from_slice(&buffer[read.saturating_sub(2 * END.len())..read]);
        if last.windows(END.len()).any(|window| window == END) {
            return (began.elapsed(), seen);
        }
        last.drain(..last.len().saturating_sub(2 * END.len()));
    }
}
