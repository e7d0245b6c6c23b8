//! Many users at once: 1,000 with 10 readers each, 100 executions at work of 100 of the users, and 10 admins who see
//! everything.

use std::time::Duration;

use crate::{
    hosted::Hosted,
    limit::Limit,
    load::{Group, Load, Pace, run},
    plain::Plain,
    process::may_open,
    table::{Row, title},
};

const USERS: u32 = 1_000;
const READERS_EACH: usize = 10;
const ADMINS: usize = 10;
const EXECUTIONS: u32 = 100;
const EVERY: Duration = Duration::from_millis(1);
const EVENTS: u32 = 8_000;

pub async fn measure() {
    let streams = USERS as usize * READERS_EACH + ADMINS;
    title(&format!(
        "{USERS} users with {READERS_EACH} readers each, {EXECUTIONS} executions, 1,000 events/s, {ADMINS} admins"
    ));
    if !may_open(streams as u64 + 500) {
        println!("  left out: this machine does not allow so many open files");
        return;
    }
    let mut groups = vec![Group { topic: 0, readers: ADMINS }];
    groups.extend((1..=USERS).map(|topic| Group { topic, readers: READERS_EACH }));
    let load = Load { owners: EXECUTIONS, ..Load::new(EVENTS, 1, 1, Pace::Every(EVERY)) };
    let limit = run(&Limit::start(streams), &groups, &load, true).await;
    let axum = run(&Plain::start(USERS).await, &groups, &load, true).await;
    let hosted = Hosted::with_users(USERS, EXECUTIONS).await;
    let runcast = run(&hosted, &groups, &load, true).await;
    hosted.stop().await;
    for percent in [50.0, 99.0] {
        let row = Row::time(format!("p{percent}, commit included"), runcast.made(percent));
        row.beside_time("limit", limit.made(percent)).beside_time("axum", axum.made(percent)).print();
    }
    Row::time("p99, from the commit on", runcast.commit(99.0)).beside_time("limit", limit.commit(99.0)).print();
    Row::time("server's CPU for each delivered", runcast.cpu_each())
        .beside_time("limit", limit.cpu_each())
        .beside_time("axum", axum.cpu_each())
        .print();
}
