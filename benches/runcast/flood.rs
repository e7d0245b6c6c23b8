//! A step that prints a gigabyte: what it costs the server and everybody else; and any lines of a log of 100 MB.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::{
    scale::spawn,
    served::{Served, until},
    table::{Row, Unit, percentile, title},
};

const LOOK_EVERY: Duration = Duration::from_millis(20);
const AIM_MEMORY: f64 = 64e6;
/// Lines of 64 bytes, numbered, so that every piece of them is another one.
const LINES: &str =
    "awk 'BEGIN { s = sprintf(\"%053d\", 0); for (n = 0; n < NUMBER; n++) printf \"%09d %s\\n\", n, s }'";
const FLOOD_LINES: usize = 15_625_000;
const LOG_LINES: u64 = 1_562_500;
const RANGES: u64 = 200;
const RANGE: u64 = 500;
const AIM_RANGE: Duration = Duration::from_millis(50);
const OTHERS: usize = 40;

pub async fn measure() {
    let printing =
        |lines: usize| format!("steps:\n- id: print\n  run: {}\n", LINES.replace("NUMBER", &lines.to_string()));
    let five = (0..5).map(|step| format!("- {{ id: s{step}, run: 'true' }}\n")).collect::<String>();
    let server = Served::start(&[
        ("flood", &printing(FLOOD_LINES)),
        ("log", &printing(LOG_LINES as usize)),
        ("five", &format!("steps:\n{five}")),
    ]);
    let before = others(&server).await;
    flood(&server, before).await;
    ranges(&server).await;
    server.stop();
}

/// How long five steps of `true` take meanwhile: the median.
async fn others(server: &Served) -> Duration {
    let mut events = server.request("GET", "/api/events?workflow=five", "").await;
    until(&mut events, "caught_up").await;
    let mut times = Vec::new();
    for _ in 0..OTHERS {
        let began = Instant::now();
        server.answer("POST", "/api/executions", r#"{"workflow":"five"}"#).await;
        until(&mut events, r#""kind":"execution.completed""#).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    percentile(&times, 50.0)
}

async fn flood(server: &Served, quiet: Duration) {
    title("a step that prints 1 GB, of which 200 MB are kept");
    let (most, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let before = server.memory();
    let mut events = server.request("GET", "/api/events?workflow=flood", "").await;
    until(&mut events, "caught_up").await;
    let began = Instant::now();
    server.answer("POST", "/api/executions", r#"{"workflow":"flood"}"#).await;
    let watch = async {
        while !over.load(Ordering::Relaxed) {
            most.fetch_max(server.memory(), Ordering::Relaxed);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let run = async {
        let beside = others(server).await;
        until(&mut events, r#""kind":"execution.completed""#).await;
        over.store(true, Ordering::Relaxed);
        beside
    };
    let (beside, ()) = tokio::join!(run, watch);
    let grown = most.load(Ordering::Relaxed).saturating_sub(before);
    Row::new("the server's memory grows by at most", Unit::Bytes, grown as f64).at_most(AIM_MEMORY).print();
    Row::new("taken in, of what the step printed", Unit::Bytes, 1e9 / began.elapsed().as_secs_f64()).print();
    Row::time("five steps of `true` meanwhile: median", beside).beside_time("before", quiet).print();
    let (quiet, beside) = bare();
    Row::time("five bare spawns while as much goes to `cat`", beside).beside_time("before", quiet).print();
}

/// What a flood costs others without Runcast: the medians of five bare spawns, before and meanwhile.
fn bare() -> (Duration, Duration) {
    let five = || {
        let mut times: Vec<Duration> = (0..OTHERS)
            .map(|_| {
                let began = Instant::now();
                (0..5).for_each(|_| spawn());
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        percentile(&times, 50.0)
    };
    let quiet = five();
    let print = LINES.replace("NUMBER", &FLOOD_LINES.to_string());
    let mut printing = Command::new("sh");
    printing.args(["-c", &format!("exec {print} | exec cat > /dev/null")]);
    let mut printing = printing.spawn().expect("sh is there");
    let beside = five();
    printing.wait().expect("it is a child");
    (quiet, beside)
}

async fn ranges(server: &Served) {
    title(&format!("{RANGE} lines from anywhere in a log of 100 MB, {RANGES} times"));
    let mut events = server.request("GET", "/api/events?workflow=log", "").await;
    until(&mut events, "caught_up").await;
    let answer = server.answer("POST", "/api/executions", r#"{"workflow":"log"}"#).await;
    let id = answer.split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
    until(&mut events, r#""kind":"execution.completed""#).await;
    let mut times = Vec::new();
    for round in 0..RANGES {
        // Steps through the log by a number that has nothing in common with its length: everywhere, in no order.
        let from = round * 1_000_003 % (LOG_LINES - RANGE);
        let asked = Instant::now();
        let answer = server.answer("GET", &format!("/api/executions/{id}/log?from={from}&limit={RANGE}"), "").await;
        times.push(asked.elapsed());
        assert!(answer.contains(&format!("{from:09} ")), "the lines from {from} on");
    }
    times.sort_unstable();
    Row::time("p50", percentile(&times, 50.0)).print();
    Row::time("p99", percentile(&times, 99.0)).at_most(AIM_RANGE.as_secs_f64()).print();
}
