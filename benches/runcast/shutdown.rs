//! How long a server with 5,000 open streams takes to end, and whether each of them hears of it.

use std::{
    io::Read,
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    process::may_open,
    served::Served,
    table::{Row, Unit, title},
};

const STREAMS: usize = 5_000;
const AIM: Duration = Duration::from_secs(1);
const WORDS: &str = r#""reason":"shutdown""#;

pub async fn measure() {
    title(&format!("a server with {STREAMS} open streams is asked to stop"));
    if !may_open(STREAMS as u64 + 500) {
        println!("  left out: this machine does not allow so many open files");
        return;
    }
    let server = Served::start(&[]);
    let streams = server.streams(STREAMS).await;
    let streams: Vec<TcpStream> = streams.into_iter().map(|stream| stream.into_std().expect("a socket")).collect();
    let began = Instant::now();
    server.stop();
    let took = began.elapsed();
    let told = streams.into_iter().filter_map(|stream| rest(stream).ok()).filter(|rest| rest.contains(WORDS)).count();
    Row::time("from SIGTERM to its exit", took).at_most(AIM.as_secs_f64()).print();
    Row::new("streams that were told so", Unit::Percent, told as f64 * 100.0 / STREAMS as f64).at_least(100.0).print();
}

/// What the kernel still holds of a stream whose server is gone.
fn rest(mut stream: TcpStream) -> std::io::Result<String> {
    stream.set_nonblocking(false)?;
    let mut rest = String::new();
    stream.read_to_string(&mut rest).map(|_| rest)
}
