//! Wrong input gets a clear answer each time, and disturbs nobody.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    app::{LONGEST, PASSWORD, TestApp, User, answer, eventually, problem},
    stream::{first, lines},
};

const HELLO: (&str, &str) = ("hello", "steps:\n- {id: greet, run: echo hello}\n");
const ASKS: (&str, &str) = (
    "asks",
    r#"
params:
  - {name: who, type: string}
  - {name: count, type: integer, default: 3}
  - {name: loud, type: boolean, default: false}
  - {name: where, type: string, default: here, choices: [here, there]}
steps:
  - {id: say, run: 'printf "%s\n" "$WHO" "$COUNT" "$LOUD" "$WHERE"'}
"#,
);
const GATED: (&str, &str) = (
    "gated",
    r#"
params: [{name: gate, type: string}]
steps:
  - {id: wait, run: 'echo waiting; until [ -e "$GATE" ]; do sleep 0.02; done'}
"#,
);

async fn workflow(user: &User, name: &str) -> Value {
    let response = user.get(&format!("/api/workflows/{name}")).await;
    if response.status() == StatusCode::OK { response.json().await.expect("it is JSON") } else { Value::Null }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_shows_its_error_and_keeps_its_last_good_version() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    app.write_workflow("hello", "steps:\n- id: greet\n  run: echo broken\n  neds: []\n");
    let errors = async || workflow(&alice, "hello").await["errors"].as_array().cloned().unwrap_or_default();
    eventually("the broken file is seen", async || !errors().await.is_empty()).await;
    let error = errors().await[0].as_str().expect("it is text").to_owned();
    assert!(error.contains("hello.yaml:4:3") && error.contains("neds"), "{error}");
    let listed = alice.json("/api/workflows").await;
    assert!(listed.to_string().contains("hello.yaml:4:3"), "{listed}");
    let (_, facts) = alice.run("hello", json!({})).await;
    assert_eq!(lines(&facts, "greet"), ["hello"], "the last good version runs");
    app.write_workflow("hello", "steps:\n- {id: greet, run: echo mended}\n");
    eventually("the mended file is seen", async || errors().await.is_empty()).await;
    let (_, facts) = alice.run("hello", json!({})).await;
    assert_eq!(lines(&facts, "greet"), ["mended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_and_go_while_the_server_runs() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    app.write_workflow("fresh", HELLO.1);
    eventually("the new file is seen", async || !workflow(&alice, "fresh").await.is_null()).await;
    alice.run("fresh", json!({})).await;
    std::fs::remove_file(app.path("workflows/fresh.yaml")).expect("it is there");
    eventually("it is seen to be gone", async || workflow(&alice, "fresh").await.is_null()).await;
    problem(alice.post("/api/executions", &json!({ "workflow": "fresh" })).await, 404).await;
    // One that never was good can't be started, and is there for an admin to see why.
    app.write_workflow("never", "steps: 7\n");
    let root = app.admin("root").await;
    eventually("it is seen", async || !workflow(&root, "never").await.is_null()).await;
    assert_eq!(workflow(&root, "never").await["runnable"], false);
    problem(alice.post("/api/executions", &json!({ "workflow": "never" })).await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_parameter_is_named() {
    let app = TestApp::new(&[ASKS]).await;
    let alice = app.user("alice").await;
    for (params, fields) in [
        (json!({}), &["who"][..]),
        (json!({ "who": "a", "count": "many" }), &["count"]),
        (json!({ "who": "a", "count": 1.5 }), &["count"]),
        (json!({ "who": "a", "loud": "perhaps" }), &["loud"]),
        (json!({ "who": "a", "where": "nowhere" }), &["where"]),
        (json!({ "who": "a", "whom": "b" }), &["whom"]),
        (json!({ "who": ["a"] }), &["who"]),
        (json!({ "who": null }), &["who"]),
        (json!({ "count": "x", "loud": 7 }), &["count", "loud", "who"]),
    ] {
        let response = alice.post("/api/executions", &json!({ "workflow": "asks", "params": params })).await;
        let problem = problem(response, 422).await;
        let errors = problem["errors"].as_array().expect("it says what is wrong");
        let mut named: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, fields, "{params}: {problem}");
        assert!(errors.iter().all(|error| error["message"].as_str().is_some_and(|text| !text.is_empty())));
    }
    assert_eq!(alice.json("/api/executions").await["items"], json!([]), "nothing was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_reach_a_step_with_their_types_and_never_as_shell_text() {
    let app = TestApp::new(&[ASKS]).await;
    let alice = app.user("alice").await;
    let nasty = "$(touch stolen); `id` \"'\\ ; exit 1 # ${HOME} ü\u{1b}";
    let params = json!({ "who": nasty, "count": "5", "loud": "true" });
    let (id, facts) = alice.run("asks", params).await;
    assert_eq!(lines(&facts, "say"), [nasty, "5", "true", "here"]);
    let wanted = json!({ "who": nasty, "count": 5, "loud": true, "where": "here" });
    assert_eq!(first(&facts, "execution.queued")["params"], wanted);
    assert_eq!(alice.snapshot(&id).await["params"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_404_a_wrong_method_405_and_what_cannot_be_read_400() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    let unknown = "01934f0e-7b1c-7000-8000-000000000001";
    for path in [
        &format!("/api/executions/{unknown}"),
        &format!("/api/executions/{unknown}/log"),
        &format!("/api/executions/{unknown}/events"),
        &format!("/api/executions/{id}/log?step=none"),
        "/api/executions/not-an-id",
        "/api/executions/..%2f..%2fetc",
        "/api/workflows/unheard-of",
        "/api/workflows/NO-NAME",
        "/api/nothing",
    ] {
        problem(alice.get(path).await, 404).await;
    }
    for name in ["unheard-of", "NO NAME", "../hello", ""] {
        problem(alice.post("/api/executions", &json!({ "workflow": name })).await, 404).await;
    }
    problem(alice.post(&format!("/api/executions/{unknown}/cancel"), &json!({})).await, 404).await;
    problem(alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await, 409).await;
    for (method, path) in [
        (Method::DELETE, "/api/executions".to_owned()),
        (Method::PUT, format!("/api/executions/{id}")),
        (Method::GET, format!("/api/executions/{id}/cancel")),
        (Method::POST, "/api/events".to_owned()),
        (Method::POST, "/api/workflows".to_owned()),
        (Method::GET, "/api/login".to_owned()),
        (Method::PATCH, "/api/me".to_owned()),
    ] {
        problem(answer(alice.request(method, &path)).await, 405).await;
    }
    for query in ["limit=0", "limit=201", "limit=ten", "status=asleep", "before=then", "owner=NO%20NAME", "colour=red"]
    {
        problem(alice.get(&format!("/api/executions?{query}")).await, 400).await;
    }
    for path in [format!("/api/executions/{id}/log?from=-1"), "/api/events?workflow=NO%20NAME".to_owned()] {
        problem(alice.get(&path).await, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_400() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let deep = "[".repeat(100_000);
    for body in ["", "{", "nonsense", "{\"workflow\":\"hello\"} trailing", "[1", "\u{0}", &deep] {
        for path in ["/api/executions", "/api/login", "/api/tokens"] {
            let request = alice.request(Method::POST, path).header("content-type", "application/json");
            problem(answer(request.body(body.to_owned())).await, 400).await;
        }
    }
    let request = alice.request(Method::POST, "/api/executions").header("content-type", "application/json");
    problem(answer(request.body(b"{\"workflow\":\"\xff\"}".to_vec())).await, 400).await;
    alice.run("hello", json!({})).await;
}

/// Sends a head and 100 MB, and reads what is answered meanwhile.
async fn flooded(app: &TestApp, head: &str, piece: &[u8], pieces: usize) -> String {
    let stream = TcpStream::connect(&app.address).await.expect("the server listens");
    let (mut reads, mut writes) = stream.into_split();
    let mut said = Vec::new();
    let write = async {
        writes.write_all(head.as_bytes()).await.expect("the server listens");
        for _ in 0..pieces {
            // The server may have heard enough.
            if writes.write_all(piece).await.is_err() {
                break;
            }
        }
    };
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reads.read(&mut buffer).await {
            said.extend_from_slice(&buffer[..count]);
        }
    };
    timeout(LONGEST, async { tokio::join!(write, read) }).await.expect("it is over in time");
    String::from_utf8(said).expect("it is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_100_mb_is_413_whether_it_says_so_or_not() {
    const HUNDRED_MB: usize = 100 * 1024 * 1024;
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let piece = vec![b'a'; 64 * 1024];
    let chunk = [b"10000\r\n".as_slice(), &piece, b"\r\n"].concat();
    for (path, token) in [("/api/executions", alice.token.as_str()), ("/api/login", "")] {
        let bearer = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: {}\r\n{bearer}content-type: application/json\r\n", app.address);
        let says = format!("{head}content-length: {HUNDRED_MB}\r\n\r\n");
        let silent = format!("{head}transfer-encoding: chunked\r\n\r\n");
        for (head, piece) in [(says, &piece), (silent, &chunk)] {
            let said = flooded(&app, &head, piece, HUNDRED_MB / (64 * 1024)).await;
            assert!(said.starts_with("HTTP/1.1 413 "), "{head}: {said:?}");
            assert!(said.contains("application/problem+json") && said.contains("\"status\":413"), "{said}");
        }
    }
    assert!(app.memory() < 150, "{} MiB: it is not held", app.memory());
    // What is a little less is looked at.
    let padded = format!("{{\"workflow\":\"hello\"{}}}", " ".repeat(1024 * 1024 - 22));
    let request = alice.request(Method::POST, "/api/executions").header("content-type", "application/json");
    assert_eq!(answer(request.body(padded.clone())).await.status(), StatusCode::CREATED);
    let request = alice.request(Method::POST, "/api/executions").header("content-type", "application/json");
    problem(answer(request.body(padded + "   ")).await, 413).await;
}

async fn keyed(user: &User, key: &str, body: &Value) -> reqwest::Response {
    answer(user.request(Method::POST, "/api/executions").header("Idempotency-Key", key).json(body)).await
}

async fn keyed_id(user: &User, key: &str, body: &Value) -> String {
    let response = keyed(user, key, body).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().expect("it is text").to_owned();
    let body: Value = response.json().await.expect("it is JSON");
    let id = body["id"].as_str().expect("it has an id").to_owned();
    assert_eq!(location, format!("/api/executions/{id}"));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_with_its_key_starts_nothing_twice() {
    let mut app = TestApp::new(&[ASKS]).await;
    let alice = app.user("alice").await;
    let body = json!({ "workflow": "asks", "params": { "who": "Ada" } });
    let ids = join_all((0..10).map(|_| keyed_id(&alice, "once", &body))).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "at the same moment, too: {ids:?}");
    let other = json!({ "workflow": "asks", "params": { "who": "Grace" } });
    problem(keyed(&alice, "once", &other).await, 422).await;
    alice.follow(&ids[0]).await.facts().await;
    app.restart().await;
    assert_eq!(keyed_id(&alice, "once", &body).await, ids[0]);
    app.kill_9().await;
    app.launch().await;
    assert_eq!(keyed_id(&alice, "once", &body).await, ids[0]);
    problem(keyed(&alice, "once", &other).await, 422).await;
    assert_ne!(keyed_id(&alice, "another", &body).await, ids[0]);
    assert_eq!(alice.json("/api/executions").await["items"].as_array().map(Vec::len), Some(2));
}

/// Somebody at another address of this machine.
fn at(last: u8) -> Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    Client::builder().local_address(address).no_proxy().build().expect("there is a client")
}

async fn log_in(user: &User, name: &str, password: &str) -> reqwest::Response {
    user.post("/api/login", &json!({ "name": name, "password": password })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_wrong_passwords_lock_out_nobody_else() {
    let app = TestApp::new(&[HELLO]).await;
    let (alice, _bob) = (app.user("alice").await, app.user("bob").await);
    let attacker = app.bearer("nobody", "").over(at(3));
    let (mut wrong, mut refused) = (0, 0);
    for n in 0..50 {
        let response = log_in(&attacker, "alice", &format!("wrong password {n}")).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait = response.headers().get("retry-after").expect("it says when to come back").to_str();
            assert!(wait.is_ok_and(|wait| wait.parse::<u64>().is_ok_and(|seconds| seconds > 0)));
            problem(response, 429).await;
            refused += 1;
        } else {
            assert_eq!(refused, 0, "once it is too much it stays so for a while");
            problem(response, 401).await;
            wrong += 1;
        }
    }
    assert!(wrong >= 3 && refused >= 20, "{wrong} wrong, {refused} refused");
    problem(log_in(&attacker, "alice", PASSWORD).await, 429).await;
    let elsewhere = app.bearer("nobody", "").over(at(2));
    assert_eq!(log_in(&elsewhere, "alice", PASSWORD).await.status(), StatusCode::OK, "another address");
    assert_eq!(log_in(&attacker, "bob", PASSWORD).await.status(), StatusCode::OK, "another name");
    alice.run("hello", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_request_from_another_site_is_refused() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let nobody = app.bearer("alice", "");
    let response = log_in(&nobody, "alice", PASSWORD).await;
    let cookie = response.headers()["set-cookie"].to_str().expect("it is text").to_owned();
    let (cookie, _) = cookie.split_once(';').expect("it has attributes");
    let start = |headers: &[(&'static str, String)]| {
        let mut request = nobody.request(Method::POST, "/api/executions").header("cookie", cookie);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        answer(request.json(&json!({ "workflow": "hello" })))
    };
    let own = format!("http://{}", app.address);
    for headers in [
        &[("origin", "https://evil.example".to_owned())][..],
        &[("origin", "null".to_owned())],
        &[("sec-fetch-site", "cross-site".to_owned())],
        &[("sec-fetch-site", "same-site".to_owned()), ("origin", own.clone())],
    ] {
        problem(start(headers).await, 403).await;
    }
    assert_eq!(alice.json("/api/executions").await["items"], json!([]), "nothing was started");
    assert_eq!(start(&[("origin", own)]).await.status(), StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_is_closed_to_somebody_is_not_there() {
    let closed = ("closed", "allow: [alice]\nsteps:\n- {id: a, run: 'true'}\n");
    let app = TestApp::new(&[HELLO, closed]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    problem(bob.get("/api/workflows/closed").await, 404).await;
    problem(bob.post("/api/executions", &json!({ "workflow": "closed" })).await, 404).await;
    assert!(!bob.json("/api/workflows").await.to_string().contains("closed"));
    assert!(alice.json("/api/workflows").await.to_string().contains("closed"));
    alice.run("closed", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_with_open_streams_takes_less_than_a_second() {
    let mut app = TestApp::new(&[GATED]).await;
    let alice = app.user("alice").await;
    let id = alice.start("gated", app.gate("a").param()).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(alice.events().await.live().await);
        streams.push(alice.follow(&id).await.live().await);
    }
    streams[1].until_kind("step.output").await;
    let took = app.stop().await;
    for stream in streams {
        assert_eq!(stream.end().await.0, "shutdown");
    }
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_code_makes_the_first_admin_once() {
    let mut app = TestApp::new(&[HELLO]).await;
    let code = app.setup_code().await;
    let nobody = app.bearer("root", "");
    assert_eq!(nobody.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(nobody.get("/readyz").await.status(), StatusCode::OK);
    let set_up = |code: &str| json!({ "code": code, "name": "root", "password": PASSWORD });
    problem(nobody.post("/api/setup", &set_up("0000-0000")).await, 403).await;
    let short = json!({ "code": code, "name": "root", "password": "short" });
    problem(nobody.post("/api/setup", &short).await, 422).await;
    assert!(nobody.post("/api/setup", &set_up(&code)).await.status().is_success());
    problem(nobody.post("/api/setup", &set_up(&code)).await, 409).await;
    let root = app.token("root").await;
    assert_eq!(root.json("/api/me").await, json!({ "name": "root", "role": "admin", "groups": [] }));
    root.run("hello", json!({})).await;
}
