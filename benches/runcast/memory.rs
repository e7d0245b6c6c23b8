//! Memory of an idle stream: 5,000 of them, beside the same number of bare sockets in this process.

use tokio::net::{TcpListener, TcpStream};

use crate::{
    row,
    served::{Served, until},
};

const STREAMS: usize = 5_000;
const AIM: u64 = 13 * 1024;

pub async fn measure() {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: files.maximum, maximum: files.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("more open files");
    if files.maximum.is_some_and(|most| most < 3 * STREAMS as u64) {
        println!("memory: left out, this machine allows {:?} open files\n", files.maximum);
        return;
    }
    let server = Served::start(&[]);
    warm(&server).await;
    let before = server.memory();
    let mut open = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let mut stream = server.request("GET", "/api/events", "").await;
        until(&mut stream, "caught_up").await;
        open.push(stream);
    }
    let each = (server.memory() - before) / STREAMS as u64;
    println!("{STREAMS} idle event streams");
    row("  Runcast: memory of the server's process for each", &kib(each), Some(each < AIM));
    row("  bare sockets, accepted and held: for each", &kib(bare().await), None);
    println!();
}

/// What the first streams cost once and not each, such as the allocator's pools.
async fn warm(server: &Served) {
    for _ in 0..200 {
        let mut stream = server.request("GET", "/api/events", "").await;
        until(&mut stream, "caught_up").await;
    }
}

async fn bare() -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let before = own_memory();
    let mut open = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        open.push((one.expect("a connection"), other.expect("a connection").0));
    }
    (own_memory() - before) / 2 / STREAMS as u64
}

fn own_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("it lives");
    let line = text.lines().find(|line| line.starts_with("Pss:")).expect("a Pss line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}
