//! What the README quotes: `make bench` prints it, each figure with its ratio to yardsticks of the same run first.
//!
//! The server is Runcast's release build as a process of its own, or, where events have to be handed to its journal,
//! the same server within this process. Readers are always a process of their own, with one thread (see `reading`). Each
//! part is a process too, so that none sees the memory of another, and makes its own empty data folder. Parts can be
//! named: `cargo bench --features ssr --bench runcast -- steps latency`.

mod burst;
mod clocks;
mod crowd;
mod estimates;
mod fanout;
mod flood;
mod history;
mod hosted;
mod journal;
mod latency;
mod limit;
mod load;
mod marked;
mod memory;
mod plain;
mod process;
mod readers;
mod reading;
mod replay;
mod scale;
mod served;
mod shutdown;
mod stalled;
mod steps;
mod table;
mod wasm;

use std::process::{Command, ExitCode};

/// All parts, in the order in which they run.
const PARTS: [&str; 15] = [
    "steps",
    "scale",
    "flood",
    "fanout",
    "latency",
    "burst",
    "crowd",
    "stalled",
    "journal",
    "replay",
    "history",
    "memory",
    "shutdown",
    "wasm",
    "estimates",
];
/// What this program is started with to measure one part.
const PART: &str = "--part";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [reading::WORD] => reading::read(),
        [PART, part] => measure(part),
        _ => return all(&words),
    }
    ExitCode::SUCCESS
}

/// Every part, or those that are named, each in its own process.
fn all(words: &[String]) -> ExitCode {
    let named: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| !PARTS.contains(name)) {
        eprintln!("{unknown} is no part; there are {}", PARTS.join(", "));
        return ExitCode::FAILURE;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores; durable commits in the system's folder for temporary files");
    println!(
        "limit: one thread that writes ready frames to all sockets; axum: its Sse over a broadcast, keeps nothing"
    );
    let mut well = ExitCode::SUCCESS;
    for part in PARTS.iter().filter(|part| named.is_empty() || named.contains(part)) {
        let program = std::env::current_exe().expect("this program");
        if !Command::new(program).args([PART, part]).status().expect("it starts").success() {
            println!("  {part} was not measured to its end");
            well = ExitCode::FAILURE;
        }
    }
    well
}

fn measure(part: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match part {
            "steps" => steps::measure().await,
            "scale" => scale::measure().await,
            "flood" => flood::measure().await,
            "fanout" => fanout::measure().await,
            "latency" => latency::measure().await,
            "burst" => burst::measure().await,
            "crowd" => crowd::measure().await,
            "stalled" => stalled::measure().await,
            "journal" => journal::measure().await,
            "replay" => replay::measure().await,
            "history" => history::measure().await,
            "memory" => memory::measure().await,
            "shutdown" => shutdown::measure().await,
            "estimates" => estimates::measure(),
            _ => wasm::measure(),
        }
    });
}
