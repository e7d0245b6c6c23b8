//! One event to 10,000 readers.

use std::time::Duration;

use crate::{
    hosted::Hosted,
    limit::Limit,
    load::{Group, Load, Pace, run},
    plain::Plain,
    process::may_open,
    table::{Row, title},
};

const READERS: usize = 10_000;
const EVENTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
const AIMS: [(f64, Duration); 2] = [(50.0, Duration::from_millis(50)), (99.0, Duration::from_millis(130))];

pub async fn measure() {
    title(&format!("one event to {READERS} readers, {EVENTS} times: from its making, commit included"));
    if !may_open(READERS as u64 + 500) {
        println!("  left out: this machine does not allow so many open files");
        return;
    }
    let load = Load::new(EVENTS, 1, 1, Pace::Settled(PAUSE));
    let limit = run(&Limit::start(READERS), &Group::all(READERS), &load, true).await;
    let axum = run(&Plain::start(0).await, &Group::all(READERS), &load, true).await;
    let hosted = Hosted::start(1).await;
    let runcast = run(&hosted, &Group::all(READERS), &load, true).await;
    hosted.stop().await;
    for (percent, aim) in AIMS {
        Row::time(format!("p{percent} of arrival"), runcast.made(percent))
            .beside_time("limit", limit.made(percent))
            .beside_time("axum", axum.made(percent))
            .at_most(aim.as_secs_f64())
            .print();
    }
}
