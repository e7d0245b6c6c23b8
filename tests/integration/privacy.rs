//! Who sees what: their own, all for an admin, nothing for nobody; and the end of a right is the end of its streams.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use crate::{
    app::{Gate, PASSWORD, TestApp, User, answer, problem},
    stream::{Events, Fact, seq},
};

const SECRETIVE: (&str, &str) = (
    "secretive",
    r#"
params: [{name: gate, type: string, default: /}]
steps:
  - id: tell
    run: |
      echo secret; echo "::progress 50 secret"; echo "it=secret" >> "$RUNCAST_OUTPUT"
      until [ -e "$GATE" ]; do sleep 0.02; done
"#,
);

/// Nobody's id.
const NOBODYS: &str = "01934f0e-7b1c-7000-8000-000000000001";

/// Alice, Bob, and an execution of Bob's that waits at a gate.
async fn two_users() -> (TestApp, User, User, String, Gate) {
    let app = TestApp::new(&[SECRETIVE]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let gate = app.gate("bob");
    let id = bob.start("secretive", gate.param()).await;
    bob.follow(&id).await.until_kind("step.progress").await;
    (app, alice, bob, id, gate)
}

fn owners(facts: &[Fact]) -> Vec<&str> {
    let mut owners: Vec<&str> = facts.iter().map(|fact| fact["owner"].as_str().expect("each has an owner")).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_receives_their_own_executions_updates_and_not_anothers() {
    let (app, alice, bob, _, gate) = two_users().await;
    let (mut hers, mut his) = (alice.events().await.live().await, bob.events().await.live().await);
    let (his_id, _) = bob.run("secretive", json!({})).await;
    let (her_id, her_run) = alice.run("secretive", json!({})).await;
    gate.open();
    // What came first is told first: had her stream anything of his run, it would be there before hers ended.
    let facts = hers.facts_of(1).await;
    assert_eq!(owners(&facts), ["alice"]);
    assert!(facts.iter().all(|fact| fact["execution_id"] == *her_id));
    assert_eq!(owners(&his.facts_of(2).await), ["bob"]);
    assert_eq!(owners(&her_run), ["alice"]);
    let hello = alice.events().await.until_kind("hello").await;
    assert_eq!(hello["user"], "alice");
    let _ = (app, his_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_from_the_beginning_holds_nothing_of_anothers() {
    let (_app, alice, bob, _, gate) = two_users().await;
    gate.open();
    bob.run("secretive", json!({})).await;
    let (her_id, _) = alice.run("secretive", json!({})).await;
    for query in ["?after=0", "?after=0&owner=alice", "?after=0&workflow=secretive"] {
        let mut replay = Events::open(alice.request(Method::GET, &format!("/api/events{query}"))).await;
        let had = replay.until("caught_up", |frame| frame.kind() == "caught_up").await;
        let facts: Vec<Fact> = had.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json).collect();
        assert!(facts.len() >= 4 && facts.iter().all(|fact| fact["execution_id"] == *her_id), "{query}: {facts:#?}");
    }
    let mut of_his = Events::open(alice.request(Method::GET, "/api/events?after=0&owner=bob")).await;
    let had = of_his.until("caught_up", |frame| frame.kind() == "caught_up").await;
    assert!(had.iter().all(|frame| frame.id.is_none()), "asking for another's gives nothing: {had:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_ones_own() {
    let (_app, alice, bob, his_id, _gate) = two_users().await;
    let (her_id, _) = alice.run("secretive", json!({})).await;
    let ids = |list: Value| -> Vec<String> {
        let items = list["items"].as_array().expect("a list has items").iter();
        items.map(|item| item["id"].as_str().expect("it has an id").to_owned()).collect()
    };
    for query in ["", "?workflow=secretive", "?owner=alice", "?q=secretive", "?limit=200"] {
        assert_eq!(ids(alice.json(&format!("/api/executions{query}")).await), std::slice::from_ref(&her_id), "{query}");
    }
    for query in ["?owner=bob", "?q=bob", "?status=running", &format!("?q={his_id}")] {
        assert_eq!(ids(alice.json(&format!("/api/executions{query}")).await), [""; 0], "{query}");
    }
    assert_eq!(ids(bob.json("/api/executions").await), [his_id]);
    let workflow = alice.json("/api/workflows/secretive").await;
    assert_eq!((&workflow["statistics"]["runs"], &workflow["last"]["id"]), (&json!(1), &json!(her_id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_execution_is_not_there_at_all() {
    let (_app, alice, bob, id, gate) = two_users().await;
    let logs = ["/log", "/log?step=tell", "/log/marks", "/log/marks?step=tell", "/log/search?q=secret"];
    for path in logs.iter().chain(&["", "/history", "/events", "/events?after=0", "/events?after=99999999"]) {
        let his = problem(alice.get(&format!("/api/executions/{id}{path}")).await, 404).await;
        let nobodys = problem(alice.get(&format!("/api/executions/{NOBODYS}{path}")).await, 404).await;
        assert_eq!(his, nobodys, "{path}: one can't tell that it exists");
        assert!(!his.to_string().contains("secret"));
    }
    let his = problem(alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await, 404).await;
    assert_eq!(his, problem(alice.post(&format!("/api/executions/{NOBODYS}/cancel"), &json!({})).await, 404).await);
    gate.open();
    let facts = bob.follow(&id).await.facts().await;
    assert_eq!(facts.last().expect("there are facts")["kind"], "execution.completed", "nobody stopped it");
    // The same when it has ended and its stream would have nothing more.
    let last = seq(facts.last().expect("there are facts"));
    problem(alice.get(&format!("/api/executions/{id}/events?after={last}")).await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_used_gives_nothing_of_theirs() {
    let (_app, alice, bob, _, _gate) = two_users().await;
    let keyed = async |user: &User| -> Value {
        let body = json!({ "workflow": "secretive", "params": {} });
        let request = user.request(Method::POST, "/api/executions").header("Idempotency-Key", "monday").json(&body);
        let response = answer(request).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json().await.expect("it is JSON")
    };
    let (his, hers) = (keyed(&bob).await, keyed(&alice).await);
    assert_ne!(his["id"], hers["id"]);
    assert_eq!((&his["owner"], &hers["owner"]), (&json!("bob"), &json!("alice")));
    assert_eq!(keyed(&bob).await["id"], his["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_receives_everything() {
    let (app, alice, _bob, his_id, gate) = two_users().await;
    let root = app.admin("root").await;
    let mut all = root.events().await.live().await;
    let (her_id, her_facts) = alice.run("secretive", json!({})).await;
    assert_eq!(root.follow(&her_id).await.facts().await, her_facts);
    assert_eq!(root.snapshot(&her_id).await, alice.snapshot(&her_id).await);
    let log = root.get(&format!("/api/executions/{his_id}/log")).await;
    assert_eq!(log.text().await.expect("it is text"), "secret\n");
    let answer = root.post(&format!("/api/executions/{his_id}/cancel"), &json!({})).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let facts = all.facts_of(2).await;
    assert_eq!(owners(&facts), ["alice", "bob"]);
    assert_eq!(facts.last().expect("there are facts")["by"], "root");
    assert_eq!(owners(&root.events_after(0).await.facts_of(2).await), ["alice", "bob"]);
    assert_eq!(root.json("/api/executions").await["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(root.json("/api/executions?owner=bob").await["items"][0]["id"], json!(his_id));
    drop(gate);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_user_receives_nothing() {
    let (app, _alice, bob, id, _gate) = two_users().await;
    let gone = app.user("gone").await;
    assert_eq!(app.command(&["user", "remove", "gone"]).await.code, 0);
    let (revoked_id, revoked) = new_token(&bob, &app).await;
    assert_eq!(delete(&bob, &format!("/api/tokens/{revoked_id}")).await, 204);
    let nobody = app.bearer("nobody", "");
    let mut cut = bob.token.clone();
    cut.pop();
    let garbage = [app.bearer("nobody", "rc_garbage"), app.bearer("nobody", &cut), app.bearer("nobody", "ü")];
    let basic = {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Basic Ym9iOng="));
        nobody.over(reqwest::Client::builder().default_headers(headers).build().expect("there is a client"))
    };
    for user in garbage.iter().chain([&nobody, &gone, &revoked, &basic]) {
        let reads = ["/api/me", "/api/workflows", "/api/workflows/secretive", "/api/executions", "/api/events"];
        let more = ["/api/events?after=0", "/api/tokens", "/api/sessions", "/api/users"];
        for path in reads.iter().chain(&more) {
            problem(user.get(path).await, 401).await;
        }
        for path in ["", "/log", "/log/marks", "/log/search?q=secret", "/events", "/events?after=0", "/history"] {
            problem(user.get(&format!("/api/executions/{id}{path}")).await, 401).await;
        }
        let start = json!({ "workflow": "secretive", "params": {} });
        problem(user.post("/api/executions", &start).await, 401).await;
        problem(user.post(&format!("/api/executions/{id}/cancel"), &json!({})).await, 401).await;
    }
    assert_eq!(bob.snapshot(&id).await["status"], "running");
    assert_eq!(bob.json("/api/executions").await["items"].as_array().map(Vec::len), Some(1));
    // A token in an address counts for nothing.
    problem(nobody.get(&format!("/api/executions?token={}", bob.token)).await, 401).await;
}

/// Another token of somebody's: its id, and them with it.
async fn new_token(user: &User, app: &TestApp) -> (String, User) {
    let response = user.post("/api/tokens", &json!({ "name": "another" })).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let made: Value = response.json().await.expect("it is JSON");
    let id = made["id"].to_string().trim_matches('"').to_owned();
    (id, app.bearer(&user.name, made["token"].as_str().expect("it is told")))
}

async fn delete(user: &User, path: &str) -> u16 {
    answer(user.request(Method::DELETE, path)).await.status().as_u16()
}

/// Somebody with a cookie, as a page of this site has it.
async fn signed_in(app: &TestApp, name: &str) -> User {
    let nobody = app.bearer(name, "");
    let response = nobody.post("/api/login", &json!({ "name": name, "password": PASSWORD })).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()["set-cookie"].to_str().expect("it is text").to_owned();
    assert!(cookie.starts_with("runcast=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let (cookie, _) = cookie.split_once(';').expect("it has attributes");
    let mut headers = HeaderMap::new();
    headers.insert("cookie", cookie.parse().expect("it is a header"));
    headers.insert("origin", format!("http://{}", app.address).parse().expect("it is a header"));
    nobody.over(reqwest::Client::builder().default_headers(headers).build().expect("there is a client"))
}

/// That all streams end, and say why, within one second after `act` has been done.
async fn revoked_by(streams: Vec<Events>, act: impl Future<Output = ()>) {
    act.await;
    let begun = Instant::now();
    for stream in streams {
        assert_eq!(stream.end().await.0, "revoked");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
}

/// Both of somebody's streams, with a run that goes on.
async fn both(user: &User, id: &str) -> Vec<Events> {
    vec![user.events().await.live().await, user.follow(id).await.live().await]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_token_is_the_end_of_its_streams() {
    let (app, _alice, bob, id, _gate) = two_users().await;
    let (token, other) = new_token(&bob, &app).await;
    let mut kept = bob.events().await.live().await;
    revoked_by(both(&other, &id).await, async {
        assert_eq!(delete(&bob, &format!("/api/tokens/{token}")).await, 204);
    })
    .await;
    problem(other.get("/api/events").await, 401).await;
    bob.start("secretive", json!({})).await;
    assert_eq!(kept.until_kind("execution.queued").await["owner"], "bob", "his other token is as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_user_by_the_command_line_is_the_end_of_their_streams() {
    let (app, _alice, bob, id, _gate) = two_users().await;
    let mut streams = both(&bob, &id).await;
    streams.extend(both(&signed_in(&app, "bob").await, &id).await);
    revoked_by(streams, async {
        assert_eq!(app.command(&["user", "remove", "bob"]).await.code, 0);
    })
    .await;
    problem(bob.get("/api/events").await, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_is_the_end_of_streams_that_were_opened_in_the_old_one() {
    let (app, _alice, bob, id, _gate) = two_users().await;
    let (root, second) = (app.admin("root").await, app.admin("second").await);
    revoked_by(both(&second, &id).await, async {
        let request = root.request(Method::PATCH, "/api/users/second").json(&json!({ "role": "user" }));
        assert_eq!(answer(request).await.status(), StatusCode::OK);
    })
    .await;
    problem(second.get(&format!("/api/executions/{id}")).await, 404).await;
    problem(second.get("/api/users").await, 403).await;
    assert_eq!(bob.snapshot(&id).await["status"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_is_the_end_of_the_sessions_streams() {
    let (app, _alice, bob, id, _gate) = two_users().await;
    let (page, other) = (signed_in(&app, "bob").await, signed_in(&app, "bob").await);
    let mut kept = other.events().await.live().await;
    revoked_by(both(&page, &id).await, async {
        assert_eq!(page.post("/api/logout", &json!({})).await.status(), StatusCode::NO_CONTENT);
    })
    .await;
    problem(page.get("/api/me").await, 401).await;
    bob.start("secretive", json!({})).await;
    assert_eq!(kept.until_kind("execution.queued").await["owner"], "bob");
    // And so does whoever ends the session from elsewhere.
    let sessions = bob.json("/api/sessions").await;
    let session = sessions["items"][0]["id"].to_string();
    revoked_by(vec![kept], async {
        assert_eq!(delete(&bob, &format!("/api/sessions/{}", session.trim_matches('"'))).await, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_the_end_of_the_streams_of_the_old_one() {
    let (app, _alice, _bob, id, _gate) = two_users().await;
    let root = app.admin("root").await;
    let page = signed_in(&app, "bob").await;
    revoked_by(both(&page, &id).await, async {
        let request = root.request(Method::PATCH, "/api/users/bob").json(&json!({ "password": "another password" }));
        assert_eq!(answer(request).await.status(), StatusCode::OK);
    })
    .await;
    problem(page.get("/api/me").await, 401).await;
    let old = json!({ "name": "bob", "password": PASSWORD });
    problem(app.bearer("bob", "").post("/api/login", &old).await, 401).await;
}
