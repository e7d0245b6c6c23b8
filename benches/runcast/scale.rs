//! Many steps, many executions, and many at once, each beside what the machine takes for the bare processes.

use std::{
    fmt::Write as _,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    served::{Served, until, until_times},
    table::{Row, Unit, percentile, title},
};

const STEPS: usize = 400;
const STEPS_ROUNDS: usize = 5;
const AIM_STEPS: f64 = 3.0;
const EXECUTIONS: usize = 600;
const CLIENTS: usize = 8;
const BOUND: usize = 16;
const STEPS_OF_EACH: usize = 5;
const AIM_EXECUTIONS: f64 = 150.0;
const AT_ONCE: usize = 1_000;
const UPDATES: usize = 10;
const BUSY_FOR: Duration = Duration::from_secs(20);
const AIM_MEMORY: f64 = 1e9;
const AIM_LIST: Duration = Duration::from_millis(50);
/// Prints its progress ten times a second by the clock, itself at next to no cost: a thousand of them share two cores with
/// the server.
const BUSY: &str = r#"steps:
- id: work
  run: |
    exec perl -MTime::HiRes=time,sleep -e '$| = 1; $next = time; for (1..1000000) {
      print "::progress $_/1000000 part $_\n"; $next += 0.1; $rest = $next - time; sleep $rest if $rest > 0 }'
"#;

pub async fn measure() {
    many_steps().await;
    many_executions().await;
    many_at_once().await;
}

fn chain(steps: usize) -> String {
    (0..steps).fold("steps:\n".to_owned(), |mut text, step| {
        writeln!(text, "- {{ id: s{step}, run: 'true' }}").expect("a string takes text");
        text
    })
}

async fn many_steps() {
    title(&format!("{STEPS} steps of `true`, one after the other, in one execution, durable"));
    let server = Served::start(&[("many", &chain(STEPS))]);
    let mut events = server.request("GET", "/api/events", "").await;
    until(&mut events, "caught_up").await;
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STEPS_ROUNDS {
        let began = Instant::now();
        let answer = server.request("POST", "/api/executions", r#"{"workflow":"many"}"#).await;
        until(&mut events, r#""kind":"execution.completed""#).await;
        whole.push(began.elapsed());
        drop(answer);
        let began = Instant::now();
        (0..STEPS).for_each(|_| spawn());
        bare.push(began.elapsed());
    }
    whole.sort_unstable();
    bare.sort_unstable();
    let (whole, bare) = (percentile(&whole, 50.0), percentile(&bare, 50.0));
    Row::time("from POST to the final event: median", whole)
        .beside_time("bare spawns", bare)
        .at_most(bare.as_secs_f64() * AIM_STEPS)
        .print();
    Row::time("for each step", whole / STEPS as u32).beside_time("bare spawn", bare / STEPS as u32).print();
}

async fn many_executions() {
    title(&format!(
        "{EXECUTIONS} executions of {STEPS_OF_EACH} steps of `true`, {BOUND} at once, asked for by {CLIENTS}, durable"
    ));
    let server = Served::with(&["--max-executions", &BOUND.to_string()], &[("five", &chain(STEPS_OF_EACH))]);
    let mut events = server.request("GET", "/api/events", "").await;
    until(&mut events, "caught_up").await;
    let began = Instant::now();
    let client = async || {
        for _ in 0..EXECUTIONS / CLIENTS {
            server.answer("POST", "/api/executions", r#"{"workflow":"five"}"#).await;
        }
    };
    futures::future::join_all((0..CLIENTS).map(|_| client())).await;
    until_times(&mut events, r#""kind":"execution.completed""#, EXECUTIONS).await;
    let speed = EXECUTIONS as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..EXECUTIONS * STEPS_OF_EACH / 2).for_each(|_| spawn()));
        }
    });
    let bare = EXECUTIONS as f64 / began.elapsed().as_secs_f64();
    Row::new("executions, from the first POST to the last end", Unit::PerSecond, speed)
        .beside("bare spawns", bare)
        .at_least(AIM_EXECUTIONS)
        .print();
}

async fn many_at_once() {
    title(&format!("{AT_ONCE} executions at once, each of which tells its progress {UPDATES} times a second"));
    let server = Served::with(&["--max-executions", &AT_ONCE.to_string()], &[("busy", BUSY)]);
    for _ in 0..AT_ONCE {
        server.answer("POST", "/api/executions", r#"{"workflow":"busy"}"#).await;
    }
    let running = r#"runcast_executions{status="running"} "#;
    while number(&server.answer("GET", "/metrics", "").await, running) < AT_ONCE as f64 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let facts = async || number(&server.answer("GET", "/metrics", "").await, "runcast_journal_batch_facts_sum ");
    let (before, began, mut lists) = (facts().await, Instant::now(), Vec::new());
    while began.elapsed() < BUSY_FOR {
        let asked = Instant::now();
        let list = server.answer("GET", "/api/executions?status=running&limit=50", "").await;
        lists.push(asked.elapsed());
        assert!(list.starts_with("HTTP/1.1 200"), "{}", list.lines().next().unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = (facts().await - before) / began.elapsed().as_secs_f64();
    let (own, supervisors) = (server.memory() as f64, server.memory_of_supervisors() as f64);
    lists.sort_unstable();
    Row::new("facts told and committed", Unit::PerSecond, told).beside("asked for", (AT_ONCE * UPDATES) as f64).print();
    Row::new("memory of the server and its supervisors", Unit::Bytes, own + supervisors).at_most(AIM_MEMORY).print();
    Row::new("of these, the server's", Unit::Bytes, own).print();
    Row::time("a list of 50 that run: p50", percentile(&lists, 50.0)).at_most(AIM_LIST.as_secs_f64()).print();
    Row::time("a list of 50 that run: p99", percentile(&lists, 99.0)).print();
    server.stop();
}

/// The number after a metric's name and labels; 0 if it is not there.
fn number(metrics: &str, name: &str) -> f64 {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
}

/// One process as a step begins it, and its end.
pub fn spawn() {
    assert!(Command::new("bash").args(["-euo", "pipefail", "-c", "true"]).status().expect("bash runs").success());
}
