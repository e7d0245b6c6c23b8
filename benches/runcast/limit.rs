//! A yardstick: the most that these cores can do. One thread writes frames that are ready to each socket, and waits for
//! those which are full. No framework, no journal, nobody signs in.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    ops::Range,
    os::fd::OwnedFd,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};
use tokio::sync::oneshot;

use crate::{
    load::{Carrier, Load, Pace, Stamps},
    marked::Maker,
    readers::Readers,
    reading::Asked,
};

pub struct Limit {
    address: String,
    jobs: mpsc::Sender<Job>,
}

struct Job {
    load: Load,
    numbers: Range<u32>,
    every: Option<Duration>,
    stamps: Arc<Stamps>,
    done: oneshot::Sender<()>,
}

impl Limit {
    /// Waits for so many streams, and for no more.
    pub fn start(streams: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || {
            let mut sockets = Sockets::accept(&listener, streams);
            queue.into_iter().for_each(|job: Job| sockets.send(job));
        });
        Self { address, jobs }
    }

    async fn work(&self, load: &Load, numbers: Range<u32>, every: Option<Duration>, stamps: &Arc<Stamps>) {
        let (done, answer) = oneshot::channel();
        let job = Job { load: *load, numbers, every, stamps: stamps.clone(), done };
        self.jobs.send(job).expect("the thread lives");
        answer.await.expect("the thread lives");
    }
}

impl Carrier for Limit {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn asked(&self, topic: u32) -> Asked {
        Asked { path: format!("/{topic}"), token: "-".to_owned() }
    }

    fn ready(&self) -> &'static str {
        "ready"
    }

    async fn send(&self, load: &Load, stamps: &Arc<Stamps>, readers: &mut Readers) {
        match load.pace {
            Pace::Answered => self.work(load, 0..load.events, None, stamps).await,
            Pace::Every(period) => self.work(load, 0..load.events, Some(period), stamps).await,
            Pace::Settled(pause) => {
                for number in 0..load.events {
                    self.work(load, number..number + 1, None, stamps).await;
                    readers.through(number).await;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

struct Sockets {
    epoll: OwnedFd,
    all: Vec<TcpStream>,
    /// The places of each topic's sockets.
    topics: Vec<Vec<usize>>,
    maker: Maker,
}

impl Sockets {
    fn accept(listener: &TcpListener, count: usize) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        let (mut all, mut topics) = (Vec::with_capacity(count), Vec::<Vec<usize>>::new());
        for place in 0..count {
            let (mut stream, _) = listener.accept().expect("a connection");
            let topic = topic(&mut stream);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ready\n\n";
            stream.write_all(head.as_bytes()).expect("sent");
            stream.set_nodelay(true).expect("a socket");
            stream.set_nonblocking(true).expect("a socket");
            all.push(stream);
            topics.resize_with(topics.len().max(topic + 1), Vec::new);
            topics[topic].push(place);
        }
        Self { epoll, all, topics, maker: Maker::new() }
    }

    fn send(&mut self, job: Job) {
        let (began, mut due) = (Instant::now(), Duration::ZERO);
        let numbers: Vec<u32> = job.numbers.clone().collect();
        for some in numbers.chunks(job.load.at_once() as usize) {
            if let Some(every) = job.every {
                thread::sleep(due.saturating_sub(began.elapsed()));
                due += every;
            }
            some.iter().for_each(|number| job.stamps.made(*number));
            some.iter().for_each(|number| job.stamps.committed(*number));
            self.write(0, some);
            if job.load.owners > 0 {
                some.iter().for_each(|number| self.write(job.load.topic(*number).unwrap_or(0), &[*number]));
            }
        }
        // Nobody waits any more if the part was given up.
        let _ = job.done.send(());
    }

    /// Returns when all of it is in the sockets.
    fn write(&self, topic: u32, numbers: &[u32]) {
        let mut frames = Vec::with_capacity(numbers.len() * 320);
        numbers.iter().for_each(|number| self.maker.frame(*number, &mut frames));
        let mut full = Vec::new();
        for place in &self.topics[topic as usize] {
            let written = self.push(*place, &frames);
            if written < frames.len() {
                epoll::add(&self.epoll, &self.all[*place], EventData::new_u64(full.len() as u64), EventFlags::OUT)
                    .expect("a socket");
                full.push((*place, written));
            }
        }
        let mut left = full.len();
        let mut ready = Vec::with_capacity(256);
        while left > 0 {
            ready.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut ready), None).expect("sockets");
            for event in &ready {
                let data = event.data;
                let (place, written) = &mut full[usize::try_from(data.u64()).expect("it was one")];
                *written += self.push(*place, &frames[*written..]);
                if *written == frames.len() {
                    epoll::delete(&self.epoll, &self.all[*place]).expect("it was added");
                    left -= 1;
                }
            }
        }
    }

    fn push(&self, place: usize, bytes: &[u8]) -> usize {
        match (&self.all[place]).write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("a stream broke: {error}"),
        }
    }
}

/// Reads a request's head, and the topic out of `GET /topic HTTP/1.1`.
fn topic(stream: &mut TcpStream) -> usize {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut buffer).expect("bytes");
        assert!(read > 0, "a connection ended before its request");
        head.extend_from_slice(&buffer[..read]);
    }
    let head = String::from_utf8(head).expect("ASCII");
    head.split(['/', ' ']).nth(2).and_then(|topic| topic.parse().ok()).expect("a topic")
}
