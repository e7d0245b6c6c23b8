//! Many at once, much at once, and readers that do not read: execution goes on, and memory stays within limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    app::{TestApp, User},
    stream::{Fact, assert_in_order, kinds, lines, seq},
};

/// Most memory of the server at any moment, in MiB, in a debug build; a fresh one has about 40, and the caches of
/// SQLite may take 80.
const MEMORY_MAX: u64 = 200;

const QUICK: (&str, &str) = ("quick", "steps:\n- {id: only, run: 'true'}\n");

const STORM: (&str, &str) = (
    "storm",
    r#"
steps:
  - id: storm
    run: awk 'BEGIN { for (n = 1; n <= 100000; n++) print "::progress " n "/200000 part " n }'
"#,
);

/// 20 MB of output.
const FLOOD: (&str, &str) = (
    "flood",
    r#"
steps:
  - id: flood
    run: awk 'BEGIN { s = sprintf("%0192d", 0); for (n = 1; n <= 100000; n++) printf "%07d%s\n", n, s }'
"#,
);

async fn two_hundred_at_once(user: &User) {
    let mut stream = user.events().await.live().await;
    let starts = join_all((0..200).map(|_| user.start("quick", json!({}))));
    let (ids, facts) = tokio::join!(starts, stream.facts_of(200));
    let ids: BTreeSet<String> = ids.into_iter().collect();
    assert_eq!(ids.len(), 200);
    assert_in_order(&facts);
    let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (fact, kind) in facts.iter().zip(kinds(&facts)) {
        of.entry(fact["execution_id"].as_str().expect("it has an id")).or_default().push(kind);
    }
    let wanted = ["execution.queued", "execution.started", "step.started", "step.completed", "execution.completed"];
    let mut waits = 0;
    for id in &ids {
        let kinds = of.get_mut(id.as_str()).expect("it has events");
        // How often it is told its place depends on who was before it; only while it waits.
        let told = kinds.iter().skip(1).take_while(|kind| **kind == "execution.waiting").count();
        kinds.drain(1..=told);
        assert_eq!(kinds.as_slice(), wanted, "each event once, in order");
        waits += told;
    }
    assert_eq!(facts.len(), 200 * wanted.len() + waits);
    let list = user.json("/api/executions?limit=200&status=succeeded").await;
    let listed = list["items"].as_array().expect("it has items").iter();
    assert_eq!(listed.map(|item| item["id"].as_str().expect("it has an id").to_owned()).collect::<BTreeSet<_>>(), ids);
}

async fn a_storm(user: &User) -> Duration {
    let begun = Instant::now();
    let (_, facts) = user.run("storm", json!({})).await;
    let took = begun.elapsed();
    assert_eq!(kinds(&facts).last(), Some(&"execution.completed"));
    let progress: Vec<&Fact> = facts.iter().filter(|fact| fact["kind"] == "step.progress").collect();
    let most = took.as_millis() / 100 + 3;
    assert!(!progress.is_empty() && (progress.len() as u128) <= most, "{} in {took:?}", progress.len());
    assert!(progress.is_sorted_by(|one, next| one["percent"].as_f64() <= next["percent"].as_f64()));
    let last = progress.last().expect("there is one");
    assert_eq!((&last["percent"], &last["message"]), (&json!(50.0), &json!("part 100000")), "the last one counts");
    assert_eq!(lines(&facts, "storm"), [""; 0]);
    took
}

/// Somebody who asks for a stream and never reads a byte of it.
async fn deaf(app: &TestApp, user: &User, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there is a socket");
    socket.set_recv_buffer_size(4096).expect("it can be small");
    let mut stream = socket.connect(app.address.parse().expect("it is an address")).await.expect("the server listens");
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n", app.address, user.token);
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_executions_at_once_all_succeed_and_each_event_comes_once() {
    let app = TestApp::new(&[QUICK]).await;
    two_hundred_at_once(&app.user("alice").await).await;
    assert!(app.memory() < MEMORY_MAX, "{} MiB", app.memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_progress_lines_are_few_events_and_the_last_one_counts() {
    let app = TestApp::new(&[STORM]).await;
    let alice = app.user("alice").await;
    let mut stream = alice.events().await.live().await;
    let took = a_storm(&alice).await;
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    let facts = stream.facts_of(1).await;
    assert!(facts.len() as u128 <= took.as_millis() / 100 + 8, "{} events in {took:?}", facts.len());
    assert!(app.memory() < MEMORY_MAX, "{} MiB", app.memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_holds_up_neither_the_execution_nor_others() {
    let app = TestApp::new(&[QUICK, FLOOD]).await;
    let alice = app.user("alice").await;
    let mut others = alice.events().await.live().await;
    let _all = deaf(&app, &alice, "/api/events?after=0").await;
    let id = alice.start("flood", json!({})).await;
    let path = format!("/api/executions/{id}/events");
    let mut deaf_ones = join_all((0..8).map(|_| deaf(&app, &alice, &path))).await;
    let facts = alice.follow(&id).await.facts().await;
    assert_eq!(kinds(&facts).last(), Some(&"execution.completed"));
    let lines = lines(&facts, "flood");
    assert_eq!(lines.len(), 100_000);
    assert!(lines.iter().enumerate().all(|(n, line)| line[..7].parse() == Ok(n + 1)));
    assert_eq!(kinds(&others.facts_of(1).await).last(), Some(&"execution.completed"));
    let begun = Instant::now();
    alice.run("quick", json!({})).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert!(app.memory() < MEMORY_MAX, "{} MiB: what nobody reads is not held for them", app.memory());
    // Each of them was given a stream, and whoever begins to read finds it whole up to there.
    for deaf in &mut deaf_ones {
        let mut head = [0; 15];
        deaf.read_exact(&mut head).await.expect("it is there");
        assert_eq!(&head, b"HTTP/1.1 200 OK");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_prints_faster_than_the_disk_takes_it_is_not_held_in_memory() {
    let run = "awk 'BEGIN { s = sprintf(\"%0199d\", 0); for (n = 1; n <= 400000; n++) print s }'";
    let app = TestApp::new(&[("gush", &format!("steps:\n- id: gush\n  run: {run}\n"))]).await;
    let alice = app.user("alice").await;
    let mut stream = alice.events().await.live().await;
    let id = alice.start("gush", json!({})).await;
    let facts = stream.facts_of(1).await;
    assert_eq!(kinds(&facts).last(), Some(&"execution.completed"));
    assert_eq!(alice.snapshot(&id).await["steps"][0]["lines"], 400_000);
    assert!(app.memory() < MEMORY_MAX, "{} MiB for 80 MB of output", app.memory());
    // Nor when it is all read again.
    assert_eq!(lines(&alice.follow(&id).await.facts().await, "gush").len(), 400_000);
    assert!(app.memory() < MEMORY_MAX, "{} MiB for 80 MB of output", app.memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_within_limits_after_all_that() {
    let app = TestApp::with(&["--max-user-streams", "200"], &[QUICK, STORM, FLOOD]).await;
    let alice = app.user("alice").await;
    let before = app.memory();
    let deaf_ones = join_all((0..50).map(|_| deaf(&app, &alice, "/api/events?after=0"))).await;
    let idle = join_all((0..50).map(|_| alice.events())).await;
    two_hundred_at_once(&alice).await;
    a_storm(&alice).await;
    for _ in 0..3 {
        let id = alice.start("flood", json!({})).await;
        let _deaf = deaf(&app, &alice, &format!("/api/executions/{id}/events")).await;
        alice.follow(&id).await.facts().await;
    }
    let all = alice.events_after(0).await.facts_of(204).await;
    assert_in_order(&all);
    for mut stream in idle {
        let facts = stream.facts_of(204).await;
        assert_eq!(facts.iter().map(seq).collect::<Vec<_>>(), all.iter().map(seq).collect::<Vec<_>>());
    }
    let after = app.memory();
    println!("most resident: {before} MiB before, {after} MiB after");
    assert!(after < MEMORY_MAX, "{after} MiB, from {before}");
    drop(deaf_ones);
}
