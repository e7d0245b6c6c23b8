//! What admins are told of the server, and that nobody else is.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{TestApp, User, answer, eventually, problem};

const WAITS: (&str, &str) = (
    "waits",
    r#"
params: [{name: gate, type: string, default: /}]
steps:
  - id: wait
    run: until [ -e "$GATE" ]; do sleep 0.02; done
"#,
);

const FOR_ADMINS: [&str; 5] = ["/api/streams", "/api/health", "/api/settings", "/api/users", "/metrics"];

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().expect("a list has items")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_admins_is_refused_to_users_and_strangers() {
    let app = TestApp::new(&[]).await;
    let (root, alice, nobody) = (app.admin("root").await, app.user("alice").await, app.bearer("nobody", ""));
    for path in FOR_ADMINS {
        assert_eq!(root.get(path).await.status(), StatusCode::OK, "{path}");
        problem(alice.get(path).await, 403).await;
        problem(nobody.get(path).await, 401).await;
    }
    // Everybody's things: there is no such owner for a user.
    for path in ["/api/sessions?owner=*", "/api/tokens?owner=*"] {
        problem(alice.get(path).await, 404).await;
        assert_eq!(root.get(path).await.status(), StatusCode::OK, "{path}");
    }
    // A token acts for somebody, not for everybody.
    problem(root.post("/api/tokens?owner=*", &json!({ "name": "all" })).await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_for_admins_show_a_user_nothing() {
    let app = TestApp::new(&[]).await;
    let (root, alice) = (app.admin("root").await, app.user("alice").await);
    for room in ["users", "sessions", "tokens", "streams", "health", "configuration"] {
        let path = format!("/settings/{room}");
        assert_eq!(root.get(&path).await.status(), StatusCode::OK, "{path}");
        let hers = alice.get(&path).await;
        assert_eq!(hers.status(), StatusCode::FORBIDDEN, "{path}");
        let text = hers.text().await.expect("it is text");
        assert!(text.contains("This page is for admins") && !text.contains(">root<"), "{path}: {text}");
    }
    assert_eq!(root.get("/settings/attic").await.status(), StatusCode::NOT_FOUND);
    let profile = alice.get("/profile").await;
    assert_eq!(profile.status(), StatusCode::OK);
    let text = profile.text().await.expect("it is text");
    assert!(text.contains("alice") && !text.contains(">root<"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_in_the_list_of_streams_for_as_long_as_it_is_open() {
    let app = TestApp::new(&[WAITS]).await;
    let (root, alice) = (app.admin("root").await, app.user("alice").await);
    let gate = app.gate("one");
    let id = alice.start("waits", gate.param()).await;
    assert_eq!(items(&root.json("/api/streams").await), &[] as &[Value]);
    let all = alice.events().await.live().await;
    let one = root.follow(&id).await.live().await;
    let list = root.json("/api/streams").await;
    let found = items(&list);
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0]["user"], &found[0]["execution"]), (&json!("root"), &json!(id)));
    assert_eq!(
        (&found[1]["user"], &found[1]["owner"], &found[1]["execution"]),
        (&json!("alice"), &json!("alice"), &Value::Null)
    );
    assert!(found.iter().all(|stream| stream["bytes"].as_u64().is_some_and(|bytes| bytes > 0)), "{found:#?}");
    assert!(found.iter().all(|stream| stream["behind"] == 0), "{found:#?}");
    drop((all, one));
    eventually("closed streams leave the list", || async { items(&root.json("/api/streams").await).is_empty() }).await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_what_runs_what_waits_and_how_far_the_journal_is() {
    let app = TestApp::with(&["--max-executions", "1"], &[WAITS]).await;
    let root = app.admin("root").await;
    let gate = app.gate("one");
    let running = root.start("waits", gate.param()).await;
    root.follow(&running).await.until_kind("step.started").await;
    root.start("waits", gate.param()).await;
    let health = root.json("/api/health").await;
    assert_eq!((&health["running"], &health["queued"]), (&json!([1, 1]), &json!(1)));
    assert!(health["head"].as_u64().is_some_and(|head| head > 0));
    assert!(health["commit_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{health:#}");
    assert!(health["data_bytes"].as_u64().is_some_and(|bytes| bytes > 4096), "{health:#}");
    assert!(health["disk_bytes"][0].as_u64() <= health["disk_bytes"][1].as_u64());
    assert_eq!((&health["version"], &health["trouble"]), (&json!(env!("CARGO_PKG_VERSION")), &Value::Null));
    eventually("a second later the facts of this one are counted", || async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        root.json("/api/health").await["facts_per_second"].as_f64().is_some_and(|rate| rate > 0.0)
    })
    .await;
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_setting_says_where_it_comes_from() {
    let mut app = TestApp::asleep(&["--max-executions", "3"], &[]).env("RUNCAST_MAX_STREAMS", "77");
    app.launch().await;
    let root = app.admin("root").await;
    let list = root.json("/api/settings").await;
    let of = |name: &str| {
        let found = items(&list).iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {list:#}"));
        (found["value"].as_str().expect("a text").to_owned(), found["origin"].as_str().expect("a word").to_owned())
    };
    assert_eq!(of("max-executions"), ("3".to_owned(), "flag".to_owned()));
    assert_eq!(of("max-streams"), ("77".to_owned(), "environment".to_owned()));
    assert_eq!(of("max-user-streams"), ("64".to_owned(), "default".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_and_ends_everybodys_sessions_and_tokens() {
    let app = TestApp::new(&[]).await;
    let (root, alice, bob) = (app.admin("root").await, app.user("alice").await, app.user("bob").await);
    let login = json!({ "name": "bob", "password": crate::app::PASSWORD });
    assert_eq!(app.bearer("bob", "").post("/api/login", &login).await.status(), StatusCode::OK);
    let sessions = root.json("/api/sessions?owner=*").await;
    let session = items(&sessions).iter().find(|session| session["user"] == "bob").expect("bob's is there");
    let path = format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
    let ended = async |user: &User, path: &str| answer(user.request(Method::DELETE, path)).await.status();
    assert_eq!(ended(&alice, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(ended(&root, &path).await, StatusCode::NO_CONTENT);
    assert_eq!(items(&root.json("/api/sessions?owner=bob").await).len(), 0);
    let tokens = root.json("/api/tokens?owner=*").await;
    let owners: Vec<&str> = items(&tokens).iter().filter_map(|token| token["user"].as_str()).collect();
    assert!(owners.contains(&"alice") && owners.contains(&"bob") && owners.contains(&"root"), "{owners:?}");
    let token = items(&tokens).iter().find(|token| token["user"] == "bob").expect("bob's is there");
    let path = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    assert_eq!(ended(&root, &path).await, StatusCode::NO_CONTENT);
    problem(bob.get("/api/me").await, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_anothers_execution_is_told_nothing_of_it() {
    let app = TestApp::new(&[WAITS]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let gate = app.gate("one");
    let his = bob.start("waits", gate.param()).await;
    let asked = json!({ "what": [{ "execution": his }, { "workflow": "waits" }] });
    let told = async |user: &User| -> Value {
        let response = user.post("/fn/followed", &asked).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("it is JSON")
    };
    assert_eq!(told(&alice).await, json!([]));
    let bobs = told(&bob).await;
    assert_eq!(bobs.as_array().map(Vec::len), Some(2));
    assert_eq!((&bobs[0][1]["id"], &bobs[1][1]["id"]), (&json!(his), &json!(his)));
    gate.open();
}
