//! From an event to its readers: 100 of them, 500 events a second. With the commit in it (from before the event was
//! handed to the journal), and from the commit on; a yardstick that commits nothing has one time for both.

use std::time::Duration;

use crate::{
    hosted::Hosted,
    limit::Limit,
    load::{Group, Load, Pace, run},
    plain::Plain,
    table::{Row, title},
};

const READERS: usize = 100;
const EVERY: Duration = Duration::from_millis(2);
const EVENTS: u32 = 5_000;
/// Percent, the aim with the commit in it, and the aim from the commit on.
const AIMS: [(f64, Duration, Duration); 2] = [
    (50.0, Duration::from_millis(3), Duration::from_millis(1)),
    (99.0, Duration::from_millis(6), Duration::from_micros(2_500)),
];

pub async fn measure() {
    title(&format!("{READERS} readers, 500 events/s for {} s: from an event to its readers", EVENTS / 500));
    let load = Load::new(EVENTS, 1, 1, Pace::Every(EVERY));
    let limit = run(&Limit::start(READERS), &Group::all(READERS), &load, true).await;
    let axum = run(&Plain::start(0).await, &Group::all(READERS), &load, true).await;
    let hosted = Hosted::start(1).await;
    let runcast = run(&hosted, &Group::all(READERS), &load, true).await;
    hosted.stop().await;
    for (percent, with_commit, after_commit) in AIMS {
        let (limit, axum) = (limit.made(percent), axum.made(percent));
        let beside = |row: Row| row.beside_time("limit", limit).beside_time("axum", axum);
        let row = Row::time(format!("p{percent}, commit included"), runcast.made(percent));
        beside(row).at_most(with_commit.as_secs_f64()).print();
        let row = Row::time(format!("p{percent}, from the commit on"), runcast.commit(percent));
        beside(row).at_most(after_commit.as_secs_f64()).print();
    }
}
