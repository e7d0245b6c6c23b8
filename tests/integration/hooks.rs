//! Calls by other systems: a signature lets in, once, and nothing else does.

use std::{fs, process::Stdio};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Response, StatusCode};
use runcast::server::clock;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{process::Command, time::timeout};

use crate::{
    app::{LONGEST, TestApp, User, answer, eventually, problem},
    stream::lines,
};

const DEPLOY: (&str, &str) = (
    "deploy",
    r#"
params: [{ name: payload }, { name: stage, default: test }]
webhook: { secret: HOOK_KEY, body: payload }
owner: alice
steps: [{ id: show, run: 'printf "%s at %s\n" "$PAYLOAD" "$STAGE"' }]
"#,
);
const PING: (&str, &str) = ("ping", "webhook: { secret: PING_KEY }\nallow: [bob]\nsteps: [{ id: one, run: 'true' }]\n");
const KEYLESS: (&str, &str) = ("keyless", "webhook: { secret: NO_SUCH_KEY }\nsteps: [{ id: one, run: 'true' }]\n");
const PRIVATE: (&str, &str) = ("private", "steps: [{ id: one, run: 'true' }]\n");
const KEY: &str = "correct horse";

async fn house() -> (TestApp, User) {
    let mut app = TestApp::asleep(&[], &[DEPLOY, PING, KEYLESS, PRIVATE]).env("HOOK_KEY", KEY);
    fs::create_dir(app.path("secrets")).expect("a folder");
    fs::write(app.path("secrets/PING_KEY"), "the file's\n").expect("a file");
    app = app.env("RUNCAST_SECRETS", "secrets");
    app.launch().await;
    let root = app.admin("root").await;
    (app, root)
}

/// The server's time, in seconds.
pub fn now() -> i64 {
    clock::now().0 / 1000
}

/// The header of a call with this body.
pub fn signed(time: i64, key: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length will do");
    let mac = mac.chain_update(time.to_string()).chain_update(".").chain_update(body).finalize().into_bytes();
    format!("t={time},v1={}", mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

async fn call(app: &TestApp, workflow: &str, signature: Option<&str>, body: &[u8]) -> Response {
    let http = Client::builder().no_proxy().build().expect("a client");
    let mut request = http.post(format!("http://{}/api/hooks/{workflow}", app.address)).body(body.to_vec());
    if let Some(signature) = signature {
        request = request.header("X-Runcast-Signature", signature);
    }
    answer(request).await
}

async fn started(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::CREATED);
    let told: Value = response.json().await.expect("it is JSON");
    assert_eq!(told.as_object().expect("an object").len(), 1, "the caller is told the id and nothing else: {told}");
    told["id"].as_str().expect("it is a text").to_owned()
}

async fn count(root: &User) -> usize {
    root.json("/api/executions").await["items"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_call_starts_the_workflow_with_its_body_once() {
    let (mut app, root) = house().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let body = r#"{"ref":"main $(id) 'ü'"}"#;
    let signature = signed(now(), KEY, body.as_bytes());
    let id = started(call(&app, "deploy", Some(&signature), body.as_bytes()).await).await;
    let facts = alice.follow(&id).await.facts().await;
    assert_eq!(lines(&facts, "show"), [format!("{body} at test")]);
    let snapshot = root.snapshot(&id).await;
    assert_eq!((&snapshot["trigger"], &snapshot["owner"]), (&json!("webhook"), &json!("alice")));
    problem(bob.get(&format!("/api/executions/{id}")).await, 404).await;

    let again = call(&app, "deploy", Some(&signature), body.as_bytes()).await;
    assert_eq!(started(again).await, id, "the same call gets the first one's answer");
    app.kill_9().await;
    app.launch().await;
    let again = call(&app, "deploy", Some(&signature), body.as_bytes()).await;
    assert_eq!(started(again).await, id, "after a crash as well");
    let together = (0..8).map(|_| call(&app, "deploy", Some(&signature), body.as_bytes()));
    for again in futures::future::join_all(together).await {
        assert_eq!(started(again).await, id);
    }
    assert_eq!(count(&root).await, 1);
    let later = signed(now() + 1, KEY, body.as_bytes());
    assert_ne!(started(call(&app, "deploy", Some(&later), body.as_bytes()).await).await, id);
    assert_eq!(count(&root).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_may_lie_in_a_file_and_who_calls_needs_no_leave() {
    let (app, root) = house().await;
    let id = started(call(&app, "ping", Some(&signed(now(), "the file's", b"")), b"").await).await;
    assert_eq!(root.snapshot(&id).await["owner"], "runcast");
    assert_eq!(app.user("bob").await.json("/api/executions").await["items"], json!([]), "only admins see it");
    fs::write(app.path("secrets/PING_KEY"), "another").expect("a file");
    let old = call(&app, "ping", Some(&signed(now() - 1, "the file's", b"")), b"").await;
    problem(old, 401).await;
    started(call(&app, "ping", Some(&signed(now(), "another", b"")), b"").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_signature_the_answer_is_the_same() {
    let (app, root) = house().await;
    let (body, good) = (b"hello".as_slice(), signed(now(), KEY, b"hello"));
    let bad = [
        ("deploy", None),
        ("deploy", Some(String::new())),
        ("deploy", Some(signed(now(), "wrong", body))),
        ("deploy", Some(signed(now(), KEY, b"hullo"))),
        ("deploy", Some(signed(now() - 330, KEY, body))),
        ("deploy", Some(signed(now() + 330, KEY, body))),
        ("deploy", Some(good.replace("v1=", "v0="))),
        ("deploy", Some(good.replacen("t=", "t=0", 1))),
        ("deploy", Some(format!("{good}00"))),
        ("ping", Some(good)),
        ("keyless", Some(signed(now(), "", body))),
    ];
    let mut told = Vec::new();
    for (workflow, signature) in &bad {
        told.push(problem(call(&app, workflow, signature.as_deref(), body).await, 401).await);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(count(&root).await, 0);
    assert!(app.log().contains("NO_SUCH_KEY"), "the log says why nobody can call it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_without_a_webhook_is_not_there() {
    let (app, root) = house().await;
    let signature = signed(now(), KEY, b"x");
    let mut told = Vec::new();
    for name in ["private", "no-such-workflow", "No%20Name"] {
        told.push(problem(call(&app, name, Some(&signature), b"x").await, 404).await);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let large = vec![b'x'; 64 * 1024 + 1];
    for name in ["deploy", "private", "no-such-workflow"] {
        problem(call(&app, name, None, &large).await, 413).await;
    }
    let response = root.get("/api/hooks/deploy").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(count(&root).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_can_be_no_parameter_is_refused_with_its_name() {
    let (app, root) = house().await;
    for body in [b"\xff\xfe".as_slice(), b"a\0b"] {
        let said = problem(call(&app, "deploy", Some(&signed(now(), KEY, body)), body).await, 422).await;
        assert_eq!(said["errors"][0]["field"], "payload", "{said}");
    }
    assert_eq!(count(&root).await, 0);
    let whole = vec![b'x'; 64 * 1024];
    started(call(&app, "deploy", Some(&signed(now(), KEY, &whole)), &whole).await).await;
}

/// The block of a language in a document.
fn block(document: &str, language: &str) -> String {
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("the document has one");
    rest.split_once("```").expect("it ends").0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_document_work() {
    let (app, root) = house().await;
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/webhooks.md")).expect("it is there");
    for (n, (language, program, flag)) in [("bash", "bash", "-c"), ("python", "python3", "-c")].into_iter().enumerate()
    {
        let mut command = Command::new(program);
        command.arg(flag).arg(block(&document, language));
        command.env("RUNCAST_URL", format!("http://{}", app.address)).env("HOOK_KEY", KEY).env("no_proxy", "*");
        let output = command.stdin(Stdio::null()).output();
        let output = timeout(LONGEST, output).await.expect("it ends").expect("the machine has it");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_str(out.trim()).unwrap_or_else(|_| panic!("{language}: {out} {err}"));
        let snapshot = root.snapshot(told["id"].as_str().expect("it has an id")).await;
        assert_eq!(snapshot["params"]["payload"], r#"{"ref":"main"}"#, "{language}");
        assert_eq!(count(&root).await, n + 1);
        // In the same second the next one would be the same call.
        let second = now();
        eventually("the next second begins", || async { now() > second }).await;
    }
}
