//! The readers' side: a process of its own with one thread, a bare epoll loop over all streams and one buffer. So what it
//! costs is not counted as the server's, and it has open files of its own.
//!
//! It is this program, started with [`WORD`]. On its standard input comes a [`Plan`] as one line of JSON, then orders, a
//! line each: `goal N` is answered with `reached` once N events have come in all, or with `ended` if a stream has ended
//! before; `finish` with a [`Report`] as one line
//! of JSON and then the arrivals, twelve bytes each.

use std::{
    io::{BufRead, ErrorKind, Read, Write},
    net::TcpStream,
    os::fd::OwnedFd,
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};
use serde::{Deserialize, Serialize};

use crate::{clocks::monotonic, marked::Seen};

/// What this program is started with to become the readers.
pub const WORD: &str = "--readers";
/// Streams that are opened at once.
const AT_ONCE: usize = 64;
const BUFFER: usize = 256 * 1024;
/// Stands for the standard input among the streams.
const ORDERS: u64 = u64::MAX;

/// What to read.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    pub address: String,
    /// What stands in each stream before its first event.
    pub ready: String,
    pub streams: Vec<Asked>,
    /// Whether to note when each event came.
    pub times: bool,
}

/// How a stream is asked for.
#[derive(Clone, Serialize, Deserialize)]
pub struct Asked {
    pub path: String,
    pub token: String,
}

/// What came.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// For each stream how many events, their digest, and whether it has ended.
    pub streams: Vec<(u64, u64, bool)>,
    pub arrivals: usize,
}

/// Does as the standard input says, until it has reported.
pub fn read() {
    let mut plan = String::new();
    std::io::stdin().lock().read_line(&mut plan).expect("a plan");
    let plan: Plan = serde_json::from_str(&plan).expect("a plan");
    let mut streams = Loop::new(&plan);
    say("open");
    while streams.turn() {}
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

struct Loop {
    epoll: OwnedFd,
    streams: Vec<(TcpStream, Seen, bool)>,
    times: bool,
    arrivals: Vec<(u32, u64)>,
    total: u64,
    ended: bool,
    goal: Option<u64>,
    buffer: Vec<u8>,
    ready: Vec<epoll::Event>,
}

impl Loop {
    fn new(plan: &Plan) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        let mut streams = Vec::with_capacity(plan.streams.len());
        for some in plan.streams.chunks(AT_ONCE) {
            let opened: Vec<TcpStream> = some.iter().map(|asked| ask(&plan.address, asked)).collect();
            for mut stream in opened {
                until(&mut stream, &plan.ready);
                stream.set_nonblocking(true).expect("a socket");
                let place = EventData::new_u64(streams.len() as u64);
                epoll::add(&epoll, &stream, place, EventFlags::IN).expect("a socket");
                streams.push((stream, Seen::default(), false));
            }
        }
        epoll::add(&epoll, std::io::stdin(), EventData::new_u64(ORDERS), EventFlags::IN).expect("a pipe");
        let (arrivals, buffer, ready) = (Vec::new(), vec![0; BUFFER], Vec::with_capacity(1024));
        Self { epoll, streams, times: plan.times, arrivals, total: 0, ended: false, goal: None, buffer, ready }
    }

    /// Waits, and reads what is there. False when it has reported.
    fn turn(&mut self) -> bool {
        self.ready.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("epoll failed: {error}"),
        }
        let mut orders = false;
        for event in 0..self.ready.len() {
            let data = self.ready[event].data;
            match data.u64() {
                ORDERS => orders = true,
                place => self.read(usize::try_from(place).expect("it was one")),
            }
        }
        if orders && !self.obey() {
            return false;
        }
        self.answer();
        true
    }

    /// Says so if the goal is reached, or can't be.
    fn answer(&mut self) {
        let Some(goal) = self.goal else { return };
        if self.total >= goal || self.ended {
            self.goal = None;
            say(if self.total >= goal { "reached" } else { "ended" });
        }
    }

    fn read(&mut self, place: usize) {
        let (stream, seen, over) = &mut self.streams[place];
        match stream.read(&mut self.buffer) {
            Ok(0) => {
                (*over, self.ended) = (true, true);
                epoll::delete(&self.epoll, &*stream).expect("it was added");
            }
            Ok(read) => {
                let now = if self.times { monotonic() } else { 0 };
                let before = seen.count;
                let (times, arrivals) = (self.times, &mut self.arrivals);
                seen.read(&self.buffer[..read], |number| {
                    if times {
                        arrivals.push((number, now));
                    }
                });
                self.total += seen.count - before;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => panic!("a stream broke: {error}"),
        }
    }

    /// Reads one order. They come one by one: the next is given when this one is answered.
    fn obey(&mut self) -> bool {
        let mut bytes = [0; 64];
        let read = rustix::io::read(std::io::stdin(), &mut bytes).expect("orders");
        let order = std::str::from_utf8(&bytes[..read]).expect("ASCII").trim();
        let Some(goal) = order.strip_prefix("goal ") else {
            if order == "finish" {
                self.report();
            }
            return false;
        };
        self.goal = Some(goal.parse().expect("a number"));
        true
    }

    fn report(&self) {
        let streams = self.streams.iter().map(|(_, seen, over)| (seen.count, seen.digest, *over)).collect();
        let report = Report { streams, arrivals: self.arrivals.len() };
        say(&serde_json::to_string(&report).expect("plain JSON"));
        let mut bytes = Vec::with_capacity(self.arrivals.len() * 12);
        for (number, at) in &self.arrivals {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&at.to_le_bytes());
        }
        std::io::stdout().lock().write_all(&bytes).expect("somebody listens");
    }
}

/// Asks for a stream, and reads nothing of it.
pub fn ask(address: &str, asked: &Asked) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let Asked { path, token } = asked;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Reads a blocking stream until `text` has come.
fn until(stream: &mut TcpStream, text: &str) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(text.len()).any(|window| window == text.as_bytes()) {
        let read = stream.read(&mut buffer).expect("bytes");
        assert!(read > 0, "a stream ended before {text:?}: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..read]);
    }
}
