//! What the README quotes: `make bench` prints it, with a yardstick of the same run beside each figure.
//!
//! The server is the release build that `make run` starts, a process of its own, driven over real sockets. Each part
//! makes its own empty data folder. Parts can be named: `cargo bench --features ssr --bench runcast -- steps latency`.

mod latency;
mod memory;
mod served;
mod steps;
mod wasm;

use std::time::Duration;

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "{} cores, durable commits (SQLite, synchronous=FULL) in the system's folder for temporary files\n",
        cores()
    );
    if wanted("steps") {
        runtime.block_on(steps::measure());
    }
    if wanted("latency") {
        runtime.block_on(latency::measure());
    }
    if wanted("memory") {
        runtime.block_on(memory::measure());
    }
    if wanted("wasm") {
        wasm::measure();
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The value below which so many percent of the sorted `times` lie.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// One line of the table: what, the figure, and whether it meets its aim.
fn row(what: &str, figure: &str, met: Option<bool>) {
    let verdict = match met {
        Some(true) => "meets its aim",
        Some(false) => "MISSES its aim",
        None => "",
    };
    println!("{what:<58} {figure:>22}  {verdict}");
}
