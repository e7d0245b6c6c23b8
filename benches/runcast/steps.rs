//! A five-step execution of `true`, from POST to its final event on an open stream, beside five bare spawns.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    ms, percentile, row,
    served::{Served, until},
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
    let (median, yardstick) = (percentile(&whole, 50), percentile(&bare, 50));
    println!("five steps of `true`, POST to final event, {ROUNDS} rounds");
    row("  Runcast, durable: median", &ms(median), Some(median < AIM));
    row("  Runcast, durable: p99", &ms(percentile(&whole, 99)), None);
    row("  five bare spawns of `sh -c true`: median", &ms(yardstick), None);
    row("  ratio", &format!("{:.1}", median.as_secs_f64() / yardstick.as_secs_f64()), None);
    println!();
}
