//! Readers that never read: whether others notice, and what they cost.

use std::net::TcpStream;

use crate::{
    hosted::Hosted,
    load::{Carrier, Group, Load, Pace, run},
    plain::Plain,
    process::own_memory,
    reading::ask,
    table::{Row, Unit, title},
};

const READERS: usize = 20;
const STALLED: usize = 50;
const PUBLISHERS: u32 = 8;
const LOAD: Load = Load { events: 20_032, publishers: PUBLISHERS, batch: 8, pace: Pace::Answered, owners: 0 };
/// Runs with and without them, by turns; the medians count.
const ROUNDS: usize = 3;
const AIM_SPEED: f64 = 95.0;
const AIM_MEMORY: f64 = 64.0 * 1024.0;

pub async fn measure() {
    title(&format!("{READERS} readers beside {STALLED} that never read, {} events in batches of 8", LOAD.events));
    let hosted = Hosted::start(PUBLISHERS as usize).await;
    let runcast = compare(&hosted).await;
    hosted.stop().await;
    let axum = compare(&Plain::start(0).await).await;
    Row::new("the 20's events/s, without the 50", Unit::PerSecond, runcast.without)
        .beside("axum", axum.without)
        .print();
    Row::new("the 20's events/s, with the 50", Unit::PerSecond, runcast.with).beside("axum", axum.with).print();
    Row::new("with them, of what it is without", Unit::Percent, runcast.percent())
        .beside("axum", axum.percent())
        .at_least(AIM_SPEED)
        .print();
    Row::new("the process's memory for each of the 50", Unit::Bytes, runcast.memory)
        .beside("axum", axum.memory)
        .at_most(AIM_MEMORY)
        .print();
}

struct Compared {
    /// Events per second at each of those who read.
    without: f64,
    with: f64,
    /// What a run's memory grows by more when they are there, for each of them.
    memory: f64,
}

impl Compared {
    fn percent(&self) -> f64 {
        self.with * 100.0 / self.without
    }
}

async fn compare(carrier: &impl Carrier) -> Compared {
    // What the first run costs once, such as the allocator's pools and the database's pages.
    once(carrier, 0).await;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(once(carrier, 0).await);
        with.push(once(carrier, STALLED).await);
    }
    let grown = |runs: &[(f64, f64)]| median(runs.iter().map(|(_, grown)| *grown).collect());
    let memory = (grown(&with) - grown(&without)) / STALLED as f64;
    let speed = |runs: Vec<(f64, f64)>| median(runs.into_iter().map(|(speed, _)| speed).collect());
    Compared { without: speed(without), with: speed(with), memory: memory.max(0.0) }
}

/// Events per second at each reader, and by how many bytes the process has grown while the stalled ones are there.
async fn once(carrier: &impl Carrier, stalled: usize) -> (f64, f64) {
    let before = own_memory();
    let unread: Vec<TcpStream> = (0..stalled).map(|_| ask(&carrier.address(), &carrier.asked(0))).collect();
    let outcome = run(carrier, &Group::all(READERS), &LOAD, false).await;
    let grown = own_memory() as f64 - before as f64;
    unread.iter().for_each(stalls);
    (outcome.per_second() / READERS as f64, grown)
}

/// Panics if all that was sent is with the kernel already, so that the server never had to wait for this reader.
fn stalls(stream: &TcpStream) {
    let held = rustix::io::ioctl_fionread(stream).expect("a socket");
    assert!(held < u64::from(LOAD.events) * 100, "a stalled reader holds {held} bytes");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
