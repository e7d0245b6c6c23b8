//! A good citizen of the net: limits, slow readers, many at once, old clients, and what it tells of itself.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};

use crate::{
    app::{LONGEST, TestApp, User, answer, eventually, problem},
    stream::{Events, Frame, is_final, kinds},
    wire::{Answer, Wire, bearer, narrow},
};

const HELLO: (&str, &str) = ("hello", "steps:\n- {id: greet, run: echo hello}\n");
/// 20 MB of output.
const FLOOD: (&str, &str) = (
    "flood",
    r#"
steps:
  - id: flood
    run: awk 'BEGIN { s = sprintf("%0192d", 0); for (n = 1; n <= 100000; n++) printf "%07d%s\n", n, s }'
"#,
);

async fn connected(app: &TestApp) -> TcpStream {
    TcpStream::connect(&app.address).await.expect("the server listens")
}

/// A request as any client writes it.
fn get(app: &TestApp, user: &User, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{}\r\n", app.address, bearer(user))
}

/// That somebody is told to come back later, on a stream that ends with that.
async fn is_told_to_come_back(user: &User, path: &str) {
    let stream = Events::open(user.request(Method::GET, path)).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let body = answer(user.request(Method::GET, path)).await.text().await.expect("it ends");
    assert!(body.starts_with("retry:"), "{body}");
    let frames = stream.frames().await;
    let told: Vec<_> = frames.iter().map(|frame| &frame.json).collect();
    assert_eq!(told, [&json!({ "kind": "end", "reason": "limit" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_more_than_a_user_may_have_is_told_to_come_back_and_there_is_room_when_one_closes() {
    let app = TestApp::new(&[HELLO]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (id, _) = alice.run("hello", json!({})).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(alice.events().await.live().await);
    }
    is_told_to_come_back(&alice, "/api/events").await;
    is_told_to_come_back(&alice, &format!("/api/executions/{id}/events")).await;
    bob.events().await.live().await;
    assert_eq!(alice.snapshot(&id).await["status"], "succeeded", "all else works");
    drop(open.pop());
    eventually("there is room again", async || alice.events().await.next().await.expect("a frame").kind() == "hello")
        .await;
    let id = alice.start("hello", json!({})).await;
    let had = open[0].until("its end", |frame| is_final(&frame.json) && frame.json["execution_id"] == *id).await;
    assert!(had.iter().all(|frame| frame.kind() != "end"), "those who were there stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_more_than_the_server_has_is_told_to_come_back_whoever_asks() {
    let app = TestApp::with(&["--max-streams", "3", "--max-user-streams", "2"], &[HELLO]).await;
    let (alice, bob, root) = (app.user("alice").await, app.user("bob").await, app.admin("root").await);
    let one = alice.events().await.live().await;
    let two = alice.events().await.live().await;
    is_told_to_come_back(&alice, "/api/events").await;
    let _three = bob.events().await.live().await;
    is_told_to_come_back(&bob, "/api/events").await;
    is_told_to_come_back(&root, "/api/events").await;
    drop((one, two));
    eventually("there is room again", async || root.events().await.next().await.expect("a frame").kind() == "hello")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_for_half_a_minute_is_told_that_it_lagged_after_whole_frames() {
    let app = TestApp::new(&[FLOOD]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let (id, whole) = alice.run("flood", json!({})).await;
    let request = get(&app, &alice, &format!("/api/executions/{id}/events"));
    let mut deaf = Wire::over(narrow(&app).await, &request).await.expect("the server reads");
    let begun = Instant::now();
    let lagged = "runcast_stream_ends_total{reason=\"lagged\"}";
    let ended = async || metrics(&root).await.get(lagged).is_some_and(|count| *count >= 1.0);
    while !ended().await {
        assert!(begun.elapsed() < LONGEST + Duration::from_secs(10), "it is never ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(29), "it had {:?} only", begun.elapsed());
    let frames = timeout(LONGEST, deaf.rest()).await.expect("it ends");
    let last = frames.last().expect("there are frames");
    assert_eq!(last.json, json!({ "kind": "end", "reason": "lagged" }), "the last word of {}", frames.len());
    assert!(deaf.answer.is_whole(), "the last chunk says that it is the last");
    let facts: Vec<_> = frames.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json).collect();
    assert!(!facts.is_empty() && facts.len() < whole.len(), "{} of {}", facts.len(), whole.len());
    assert_eq!(facts, whole[..facts.len()], "what came is whole and in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_open_streams_are_all_told_of_the_shutdown_which_takes_less_than_a_second() {
    let mut app = TestApp::with(&["--max-user-streams", "2000"], &[HELLO]).await;
    let alice = app.user("alice").await;
    let streams = join_all((0..1_000).map(async |_| alice.events().await.live().await)).await;
    let ends = tokio::spawn(join_all(streams.into_iter().map(Events::end)));
    let took = app.stop().await;
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    for (reason, _) in ends.await.expect("each is told") {
        assert_eq!(reason, "shutdown");
    }
}

/// All samples of `/metrics`, by name and labels; the text must be what OpenMetrics 1.0 says.
async fn metrics(admin: &User) -> BTreeMap<String, f64> {
    let response = admin.get("/metrics").await;
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().expect("it is text").to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = response.text().await.expect("it is text");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (mut samples, mut families) = (BTreeMap::new(), Vec::new());
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (word, name) = (words.next().expect("a word"), words.next().expect("a name").to_owned());
            assert!(["HELP", "TYPE", "UNIT"].contains(&word) && words.next().is_some(), "{line}");
            families.push(name);
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let (name, labels) = sample.split_once('{').map_or((sample, "}"), |(name, labels)| (name, labels));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c)) && labels.ends_with('}'), "{line}");
        let family = families.last().expect("a family is told before its samples");
        assert!(name.starts_with(family.as_str()), "{line} is not of {family}");
        let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert_eq!(samples.insert(sample.to_owned(), value), None, "{line} comes twice");
    }
    samples
}

/// The value of a sample; 0 before anything happened.
fn value(samples: &BTreeMap<String, f64>, name: &str) -> f64 {
    samples.get(name).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_counts_changes_as_things_happen() {
    const RISE: [&str; 6] = [
        "runcast_stream_frames_total",
        "runcast_stream_sent_bytes_total",
        "runcast_stream_lag_facts_count",
        "runcast_stream_lag_seconds_count",
        "runcast_journal_batch_facts_sum",
        "runcast_journal_commit_seconds_count",
    ];
    let (succeeded, finished) =
        ("runcast_executions{status=\"succeeded\"}", "runcast_stream_ends_total{reason=\"finished\"}");
    let app = TestApp::with(&["--max-user-streams", "2"], &[HELLO]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let before = metrics(&root).await;
    assert_eq!(value(&before, "runcast_stream_readers"), 0.0);
    assert_eq!(value(&before, succeeded), 0.0);
    let (mut one, mut two) = (alice.events().await.live().await, alice.events().await.live().await);
    assert_eq!(value(&metrics(&root).await, "runcast_stream_readers"), 2.0);
    is_told_to_come_back(&alice, "/api/events").await;
    let id = alice.start("hello", json!({})).await;
    one.facts_of(1).await;
    two.facts_of(1).await;
    drop(one);
    eventually("one reader is gone", async || value(&metrics(&root).await, "runcast_stream_readers") == 1.0).await;
    alice.follow(&id).await.facts().await;
    Events::open(root.request(Method::GET, "/api/events?after=999999999999999")).await.until_kind("reset").await;
    let after = metrics(&root).await;
    for name in RISE {
        assert!(value(&after, name) > value(&before, name), "{name}: {} and {}", before[name], value(&after, name));
    }
    assert_eq!(value(&after, succeeded), 1.0);
    assert_eq!(value(&after, finished), 1.0);
    assert_eq!(value(&after, "runcast_stream_refused_total"), 2.0);
    assert_eq!(value(&after, "runcast_stream_resets_total"), 1.0);
    let at_least = f64::from(u32::try_from(kinds(&alice.follow(&id).await.facts().await).len()).expect("few"));
    assert!(value(&after, "runcast_journal_batch_facts_sum") >= at_least);
    problem(alice.get("/metrics").await, 403).await;
    problem(app.bearer("nobody", "").get("/metrics").await, 401).await;
}

/// The frames of a whole stream of a run that has ended.
fn of_hello(frames: &[Frame]) {
    let told: Vec<&str> = frames.iter().map(Frame::kind).collect();
    assert_eq!((told.first(), told.last()), (Some(&"hello"), Some(&"end")), "{told:?}");
    assert!(told.contains(&"execution.queued") && told.contains(&"execution.completed"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_in_one_way_only_how_long_it_is() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    for path in ["/api/events?after=0".to_owned(), format!("/api/executions/{id}/events")] {
        let mut wire = Wire::ask(&app.address, &alice, &path, None).await.expect("the server is there");
        while wire.answer.head.is_none() {
            wire.read(100).await.expect("it comes");
        }
        let head = wire.answer.head.expect("it has come");
        // Both at once are forbidden by RFC 9112, section 6.2, and proxies answer 502 to it.
        assert_eq!(head.fields.get("transfer-encoding").map(String::as_str), Some("chunked"), "{path}: {head:?}");
        assert_eq!(head.fields.get("content-length"), None, "{path}: {head:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_gets_a_stream_without_chunks() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    let request = format!("GET /api/executions/{id}/events HTTP/1.0\r\n{}\r\n", bearer(&alice));
    let mut wire = Wire::over(connected(&app).await, &request).await.expect("the server reads");
    let mut bytes = Vec::new();
    timeout(LONGEST, wire.socket.read_to_end(&mut bytes)).await.expect("it ends").expect("it can be read");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.starts_with("HTTP/1.") && text.contains(" 200 OK\r\n"), "{text}");
    let (head, _) =
        text.to_lowercase().split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.len())).expect("a head");
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(!head.contains("content-length"), "it would read no more than that: {head}");
    wire.answer.take(&bytes);
    of_hello(&wire.frames());
}

#[tokio::test(flavor = "multi_thread")]
async fn to_ask_for_the_head_of_a_stream_is_answered_at_once() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let root = app.admin("root").await;
    let (id, _) = alice.run("hello", json!({})).await;
    for path in ["/api/events".to_owned(), format!("/api/executions/{id}/events")] {
        let begun = Instant::now();
        let response = answer(alice.request(Method::HEAD, &path)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.text().await.expect("it ends"), "");
        assert!(begun.elapsed() < Duration::from_secs(2), "{path} took {:?}", begun.elapsed());
    }
    let readers = async || value(&metrics(&root).await, "runcast_stream_readers") == 0.0;
    eventually("no reader is left of it", readers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_sent_at_once_both_get_whole_answers() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    let both = get(&app, &alice, "/api/executions") + &get(&app, &alice, &format!("/api/executions/{id}/events"));
    let mut socket = Wire::over(connected(&app).await, &both).await.expect("the server reads").socket;
    let mut bytes = Vec::new();
    timeout(LONGEST, socket.read_to_end(&mut bytes)).await.expect("it ends").expect("it can be read");
    let mut list = Answer::default();
    let rest = list.take(&bytes);
    assert!(list.is_whole() && list.status() == Some(200));
    let document: serde_json::Value = serde_json::from_slice(&list.body).expect("it is JSON");
    assert_eq!(document["items"][0]["id"], json!(id));
    let mut stream = Answer::default();
    assert_eq!(stream.take(&rest), b"");
    assert!(stream.is_whole());
    of_hello(&stream.frames.ready.into_iter().collect::<Vec<_>>());
}
