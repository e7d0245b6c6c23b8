//! How many events arrive in a second: one by one to 100 readers, and in batches to 1,000.

use std::time::Duration;

use crate::{
    hosted::Hosted,
    limit::Limit,
    load::{Group, Load, Outcome, Pace, run},
    plain::Plain,
    table::{Row, Unit, title},
};

const ONE_BY_ONE: usize = 100;
const IN_BATCHES: usize = 1_000;
const PUBLISHERS: u32 = 8;
/// Runs of each, by turns: these runs are short, and the machine may have other work. The median counts.
const ROUNDS: usize = 3;
const AIM_ONE_BY_ONE: f64 = 184_000.0;
const AIM_IN_BATCHES: f64 = 1_000_000.0;
const AIM_CPU: Duration = Duration::from_micros(2);

pub async fn measure() {
    title(&format!("{ONE_BY_ONE} readers, events one by one, the next when the one before is answered"));
    let load = |events, publishers| Load::new(events, publishers, 1, Pace::Answered);
    let (mut limits, mut axums, mut eights, mut ones) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.push(limit(ONE_BY_ONE, &load(4_000, 1)).await);
        axums.push(axum(ONE_BY_ONE, &load(2_000, 1)).await);
        eights.push(runcast(ONE_BY_ONE, &load(4_000, PUBLISHERS)).await);
        ones.push(runcast(ONE_BY_ONE, &load(1_500, 1)).await);
    }
    let (limit, axum, eight, one) = (median(limits), median(axums), median(eights), median(ones));
    delivered("delivered, durable, 8 publishers", &eight, &limit, &axum).at_least(AIM_ONE_BY_ONE).print();
    delivered("delivered, durable, 1 publisher", &one, &limit, &axum).print();
    cpu("server's CPU for each delivered, 8 publishers", &eight, &limit, &axum).print();
    cpu("server's CPU for each delivered, 1 publisher", &one, &limit, &axum).print();
    batches().await;
}

async fn batches() {
    title(&format!("{IN_BATCHES} readers, events in batches of 64 by {PUBLISHERS} publishers"));
    let load = Load::new(8_192, PUBLISHERS, 64, Pace::Answered);
    let (mut limits, mut axums, mut runcasts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.push(limit(IN_BATCHES, &load).await);
        axums.push(axum(IN_BATCHES, &Load { events: 2_048, ..load }).await);
        runcasts.push(runcast(IN_BATCHES, &load).await);
    }
    let (limit, axum, runcast) = (median(limits), median(axums), median(runcasts));
    delivered("delivered, durable", &runcast, &limit, &axum).at_least(AIM_IN_BATCHES).print();
    cpu("server's CPU for each delivered", &runcast, &limit, &axum).at_most(AIM_CPU.as_secs_f64()).print();
}

async fn runcast(readers: usize, load: &Load) -> Outcome {
    let hosted = Hosted::start(PUBLISHERS as usize).await;
    let outcome = run(&hosted, &Group::all(readers), load, false).await;
    hosted.stop().await;
    outcome
}

async fn limit(readers: usize, load: &Load) -> Outcome {
    run(&Limit::start(readers), &Group::all(readers), load, false).await
}

async fn axum(readers: usize, load: &Load) -> Outcome {
    run(&Plain::start(0).await, &Group::all(readers), load, false).await
}

/// The one of the middle speed.
fn median(mut runs: Vec<Outcome>) -> Outcome {
    runs.sort_by(|one, other| one.per_second().total_cmp(&other.per_second()));
    runs.swap_remove(runs.len() / 2)
}

fn delivered(what: &str, runcast: &Outcome, limit: &Outcome, axum: &Outcome) -> Row {
    let row = Row::new(what, Unit::PerSecond, runcast.per_second());
    row.beside("limit", limit.per_second()).beside("axum", axum.per_second())
}

fn cpu(what: &str, runcast: &Outcome, limit: &Outcome, axum: &Outcome) -> Row {
    let row = Row::time(what, runcast.cpu_each());
    row.beside_time("limit", limit.cpu_each()).beside_time("axum", axum.cpu_each())
}
