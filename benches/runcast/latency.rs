//! From an event to its readers: 100 of them, 500 events a second, commit included, over real sockets; beside what
//! people write otherwise, axum's `Sse` over a `tokio::sync::broadcast`, which keeps nothing.
//!
//! Server and readers share this process, so that both ends have the same clock: the journal, the feed and the whole
//! HTTP side are the server's own, started as `runcast serve` starts them. Each event carries the time of its making.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    response::sse::{Event as SseEvent, Sse},
    routing::get,
};
use runcast::{
    client::arguments::ServeArgs,
    domain::{
        access::Role,
        event::{Event, Fact, PlannedStep, Source, Trigger},
        id::ExecutionId,
        workflow::Workflow,
    },
    server::{Server, access::Access, clock, settings::Settings},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    task::JoinSet,
};

use crate::{ms, percentile, row};

const READERS: usize = 100;
const EVERY: Duration = Duration::from_millis(2);
const EVENTS: usize = 5_000;
const AIM: Duration = Duration::from_millis(20);

pub async fn measure() {
    println!("{READERS} readers, {} events/s for {} s: from making to arrival", 500, EVENTS / 500);
    let runcast = runcast().await;
    let plain = plain().await;
    row("  Runcast, durable: p50", &ms(percentile(&runcast, 50)), None);
    row("  Runcast, durable: p99", &ms(percentile(&runcast, 99)), Some(percentile(&runcast, 99) < AIM));
    row("  axum Sse over broadcast, keeps nothing: p50", &ms(percentile(&plain, 50)), None);
    row("  axum Sse over broadcast, keeps nothing: p99", &ms(percentile(&plain, 99)), None);
    println!();
}

async fn runcast() -> Vec<Duration> {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ServeArgs {
        data: Some(folder.path().join("data")),
        workflows: Some(folder.path().join("workflows")),
        listen: Some("127.0.0.1:0".to_owned()),
        ..ServeArgs::default()
    };
    let settings = Settings::resolve(args, folder.path()).expect("settings");
    let server = Server::start(settings).await.expect("a server");
    let access: &Access = &server.app().access;
    let root = "root".parse().expect("a name");
    access.add_user(root, Role::Admin, "correct horse battery").await.expect("a user");
    let (_, token) = access.create_token(&"root".parse().expect("a name"), "bench").await.expect("a token");

    let base = Instant::now();
    let readers = readers(&server.address.to_string(), &token, "/api/events", "caught_up", base).await;
    let journal = server.app().journal.clone();
    let plan = Workflow::parse("one.yaml", "one", "steps: [{ id: one, run: 'true' }]").expect("a workflow");
    let fact = |event| Fact {
        at: clock::now(),
        execution_id: ID,
        owner: "root".parse().expect("a name"),
        workflow: "one".parse().expect("a name"),
        event,
    };
    let steps = vec![PlannedStep { id: "one".parse().expect("an id"), name: "one".into(), needs: vec![], weight: 1.0 }];
    let queued = Event::ExecutionQueued { trigger: Trigger::Api, params: Default::default(), steps, rerun_of: None };
    journal.begin(fact(queued), Arc::new(plan), None).await.expect("begun");
    let mut tick = tokio::time::interval(EVERY);
    for n in 0..EVENTS {
        tick.tick().await;
        journal
            .append(fact(Event::StepProgress {
                step: "one".parse().expect("an id"),
                attempt: 1,
                percent: n as f64 * 100.0 / EVENTS as f64,
                message: Some(stamp(base)),
                source: Source::Reported,
                execution_percent: 0.0,
                eta_ms: None,
            }))
            .await;
    }
    let times = arrived(readers).await;
    server.stop().await;
    times
}

const ID: ExecutionId = ExecutionId(uuid::Uuid::from_u128(0x0193_4f0e_7b1c_7000_8000_0000_0000_0001));

async fn plain() -> Vec<Duration> {
    let (send, _) = broadcast::channel::<String>(1024);
    let sender = send.clone();
    let router = Router::new().route(
        "/events",
        get(move || {
            let receiver = sender.subscribe();
            let events = futures_util::stream::unfold(receiver, async |mut receiver| {
                let text = receiver.recv().await.ok()?;
                Some((Ok::<_, Infallible>(SseEvent::default().data(text)), receiver))
            });
            async move { Sse::new(futures_util::StreamExt::chain(hello(), events)) }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let base = Instant::now();
    let readers = readers(&address, "-", "/events", "hello", base).await;
    let mut tick = tokio::time::interval(EVERY);
    for _ in 0..EVENTS {
        tick.tick().await;
        let filler = "x".repeat(150);
        send.send(format!(r#"{{"filler":"{filler}","message":"{}"}}"#, stamp(base))).expect("somebody reads");
    }
    let times = arrived(readers).await;
    server.abort();
    times
}

fn hello() -> impl futures_util::Stream<Item = Result<SseEvent, Infallible>> {
    futures_util::stream::once(async { Ok(SseEvent::default().data("hello")) })
}

fn stamp(base: Instant) -> String {
    format!("@{}@", base.elapsed().as_nanos())
}

/// Readers that have had their stream's opening words; each ends when it has had all events.
async fn readers(address: &str, token: &str, path: &str, ready: &str, base: Instant) -> JoinSet<Vec<Duration>> {
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        crate::served::until(&mut stream, ready).await;
        readers.spawn(read(stream, base));
    }
    readers
}

async fn read(mut stream: TcpStream, base: Instant) -> Vec<Duration> {
    let mut times = Vec::with_capacity(EVENTS);
    let (mut rest, mut buffer) = (String::new(), vec![0; 64 * 1024]);
    while times.len() < EVENTS {
        let read = stream.read(&mut buffer).await.expect("bytes");
        assert!(read > 0, "a reader's stream ended");
        let now = base.elapsed();
        rest.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
        while let Some((before, after)) = rest.split_once('@') {
            let Some((nanos, after)) = after.split_once('@') else {
                rest = format!("{}@{after}", &before[before.len()..]);
                break;
            };
            let made = Duration::from_nanos(nanos.parse().expect("a number"));
            times.push(now.saturating_sub(made));
            rest = after.to_owned();
        }
        if !rest.contains('@') {
            rest.clear();
        }
    }
    times
}

async fn arrived(mut readers: JoinSet<Vec<Duration>>) -> Vec<Duration> {
    let mut all = Vec::with_capacity(READERS * EVENTS);
    while let Some(times) = readers.join_next().await {
        all.extend(times.expect("a reader"));
    }
    all.sort_unstable();
    all
}
