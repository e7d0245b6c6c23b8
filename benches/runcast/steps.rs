//! A five-step execution of `true`, from POST to its final event on an open stream, beside five bare spawns.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    served::{Served, until},
    table::{Row, percentile, title},
};

const ROUNDS: usize = 100;
const AIM: Duration = Duration::from_millis(40);
const FIVE: &str = "steps:
  - { id: a, run: 'true' }
  - { id: b, run: 'true' }
  - { id: c, run: 'true' }
  - { id: d, run: 'true' }
  - { id: e, run: 'true' }
";

pub async fn measure() {
    let server = Served::start(&[("five", FIVE)]);
    let mut events = server.request("GET", "/api/events", "").await;
    until(&mut events, "caught_up").await;
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 5 {
        let began = Instant::now();
        let answer = server.request("POST", "/api/executions", r#"{"workflow":"five"}"#).await;
        until(&mut events, r#""kind":"execution.completed""#).await;
        let took = began.elapsed();
        drop(answer);
        let began = Instant::now();
        for _ in 0..5 {
            assert!(Command::new("sh").args(["-c", "true"]).status().expect("sh runs").success());
        }
        if round >= 5 {
            whole.push(took);
            bare.push(began.elapsed());
        }
    }
    whole.sort_unstable();
    bare.sort_unstable();
    title(&format!("five steps of `true`, POST to final event, {ROUNDS} rounds"));
    let row = Row::time("durable: median", percentile(&whole, 50.0));
    row.beside_time("five bare spawns", percentile(&bare, 50.0)).at_most(AIM.as_secs_f64()).print();
    let row = Row::time("durable: p99", percentile(&whole, 99.0));
    row.beside_time("five bare spawns", percentile(&bare, 99.0)).print();
}
