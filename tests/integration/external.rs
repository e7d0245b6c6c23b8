//! Work that runs elsewhere: what its reporter tells becomes facts, once each, whatever happens to the server.

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use runcast::{
    client::arguments::ServeArgs,
    domain::access::Role,
    server::{Server, http::paths, settings::Settings},
};
use serde_json::{Value, json};

use crate::{
    app::{LONGEST, TestApp, User, answer, eventually, problem},
    dice::Dice,
    stream::{first, kinds, lines},
};

/// Times so short that a test need not wait.
const QUICK: [&str; 6] =
    ["--out-of-touch-after", "400ms", "--interrupt-after-least", "100ms", "--external-grace", "600ms"];

/// Somebody who reports on one execution.
pub struct Reporter {
    /// Of the execution.
    pub id: String,
    bearer: User,
}

impl Reporter {
    /// Begins an execution.
    pub async fn begin(app: &TestApp, user: &User, body: Value) -> Self {
        let response = user.post("/api/external", &body).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{:?}", response.text().await);
        let begun: Value = response.json().await.expect("it is JSON");
        let text = |field: &str| begun[field].as_str().expect("it is a text").to_owned();
        Self { id: text("id"), bearer: app.bearer("reporter", &text("token")) }
    }

    fn path(&self) -> String {
        format!("/api/executions/{}/report", self.id)
    }

    /// Sends lines; the answer, whatever it is.
    pub async fn send(&self, lines: &[Value]) -> Response {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        answer(self.bearer.request(Method::POST, &self.path()).body(body)).await
    }

    /// Sends lines that must be taken.
    pub async fn told(&self, lines: &[Value]) -> Value {
        let response = self.send(lines).await;
        let status = response.status();
        let said: Value = response.json().await.expect("it is JSON");
        assert_eq!(status, StatusCode::OK, "{said}");
        said
    }
}

fn output(client_seq: u64, texts: &[&str]) -> Value {
    json!({ "client_seq": client_seq, "kind": "step.output", "lines": texts })
}

fn progress(client_seq: u64, percent: f64) -> Value {
    json!({ "client_seq": client_seq, "kind": "step.progress", "percent": percent })
}

async fn log(user: &User, id: &str) -> String {
    user.get(&format!("/api/executions/{id}/log")).await.text().await.expect("it is text")
}

#[tokio::test(flavor = "multi_thread")]
async fn work_elsewhere_is_seen_as_if_it_ran_here() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let steps = json!([{ "id": "load", "weight": 3 }, { "id": "check", "name": "Check it" }]);
    let body = json!({ "name": "import", "steps": steps, "params": { "file": "a.csv" } });
    let reporter = Reporter::begin(&app, &alice, body).await;
    let snapshot = alice.snapshot(&reporter.id).await;
    assert_eq!((&snapshot["status"], &snapshot["trigger"]), (&json!("running"), &json!("external")));
    assert_eq!(snapshot["steps"][1]["needs"], json!(["load"]), "as in a workflow's file");
    let told = reporter
        .told(&[
            json!({ "client_seq": 1, "kind": "execution.started" }),
            json!({ "client_seq": 2, "kind": "step.started", "step": "load" }),
            json!({ "client_seq": 3, "kind": "step.output", "step": "load", "lines": [
                { "text": "one", "at": "2020-01-01T00:00:00Z" }, { "text": "two", "stream": "err", "level": "warning" },
            ] }),
            json!({ "client_seq": 4, "kind": "step.progress", "step": "load", "percent": 10 }),
            json!({ "client_seq": 5, "kind": "step.progress", "step": "load", "percent": 50, "message": "half" }),
        ])
        .await;
    assert_eq!(told, json!({ "client_seq": 5, "status": "running", "cancel": false }));
    let snapshot = alice.snapshot(&reporter.id).await;
    assert_eq!((&snapshot["percent"], &snapshot["steps"][0]["message"]), (&json!(37.5), &json!("half")));
    let told = reporter
        .told(&[
            json!({ "client_seq": 6, "kind": "step.completed", "step": "load", "outputs": { "rows": "7" } }),
            json!({ "client_seq": 7, "kind": "step.output", "step": "check", "lines": ["::progress 3", "\u{1b}[1mb"] }),
            json!({ "client_seq": 8, "kind": "step.failed", "step": "check", "error": "seven is odd", "exit_code": 3 }),
            json!({ "client_seq": 9, "kind": "execution.failed", "error": "not good" }),
        ])
        .await;
    assert_eq!((&told["status"], &told["client_seq"]), (&json!("failed"), &json!(9)));
    let facts = alice.follow(&reporter.id).await.facts().await;
    assert_eq!(
        kinds(&facts),
        [
            "execution.queued",
            "execution.started",
            "step.started",
            "step.output",
            "step.progress",
            "step.completed",
            "step.started",
            "step.output",
            "step.failed",
            "execution.failed"
        ]
    );
    assert_eq!(first(&facts, "step.completed")["lines"], 2);
    let progress = first(&facts, "step.progress");
    assert_eq!((&progress["percent"], &progress["source"]), (&json!(50.0), &json!("reported")));
    assert_eq!(lines(&facts, "check"), ["::progress 3", "\u{1b}[1mb"], "what is told as a line is one");
    let failed = first(&facts, "step.failed");
    assert_eq!((&failed["tail"], &failed["exit_code"]), (&json!(["::progress 3", "\u{1b}[1mb"]), &json!(3)));
    let end = first(&facts, "execution.failed");
    assert_eq!((&end["error"]["step"], &end["error"]["message"]), (&json!("check"), &json!("not good")));
    assert!(end["hash"].is_string() && end["lines"] == 4, "{end}");
    // Its time is years off, so ours counts.
    assert!(first(&facts, "step.output")["lines"][0]["at"].as_str().is_some_and(|at| at > "2025"));
    assert_eq!(log(&alice, &reporter.id).await, "one\ntwo\n::progress 3\n\u{1b}[1mb\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_twice_is_taken_once_even_the_last_one() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "twice" })).await;
    for _ in 0..3 {
        assert_eq!(reporter.told(&[output(1, &["a"]), output(2, &["b"])]).await["client_seq"], 2);
    }
    assert_eq!(reporter.told(&[output(2, &["b"]), output(5, &["c"])]).await["client_seq"], 5, "gaps are allowed");
    let last = [json!({ "client_seq": 6, "kind": "execution.completed" })];
    for _ in 0..2 {
        let told = reporter.told(&last).await;
        assert_eq!((&told["client_seq"], &told["status"]), (&json!(6), &json!("succeeded")));
    }
    let late = problem(reporter.send(&[output(7, &["late"])]).await, 409).await;
    assert_eq!((&late["client_seq"], &late["execution_status"]), (&json!(6), &json!("succeeded")));
    assert_eq!(log(&alice, &reporter.id).await, "a\nb\nc\n");
    assert_eq!(alice.snapshot(&reporter.id).await["steps"][0]["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_begin_that_is_repeated_with_its_key_gives_the_same_execution_and_token() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let ask = async |name: &str| {
        let request = alice.request(Method::POST, "/api/external").header("idempotency-key", "k");
        answer(request.json(&json!({ "name": name }))).await
    };
    let (one, two) = (ask("keyed").await, ask("keyed").await);
    assert_eq!((one.status(), two.status()), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(one.text().await.ok(), two.text().await.ok());
    problem(ask("other").await, 422).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_two_tries_neither_loses_a_line_nor_doubles_one() {
    let mut app = TestApp::new(&[]).await;
    let (alice, dice) = (app.user("alice").await, Dice::new());
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "killed" })).await;
    let (mut seq, mut expected) = (0, String::new());
    for round in 0..8 {
        // Each line becomes several facts: a part of them must not be there.
        let report: Vec<Value> = (0..4)
            .map(|_| {
                seq += 1;
                let texts: Vec<String> = (0..1100).map(|n| format!("line {seq}.{n}")).collect();
                texts.iter().for_each(|text| expected.push_str(&format!("{text}\n")));
                json!({ "client_seq": seq, "kind": "step.output", "lines": texts })
            })
            .collect();
        let body: String = report.iter().map(|line| format!("{line}\n")).collect();
        let first = reporter.bearer.request(Method::POST, &reporter.path()).body(body).send();
        let first = tokio::spawn(first);
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        app.kill_9().await;
        // Whether its answer came or not.
        let _ = first.await;
        app.launch().await;
        assert_eq!(reporter.told(&report).await["client_seq"], seq, "round {round}");
    }
    reporter.told(&[json!({ "client_seq": seq + 1, "kind": "execution.completed" })]).await;
    assert_eq!(log(&alice, &reporter.id).await, expected);
    assert_eq!(alice.snapshot(&reporter.id).await["steps"][0]["lines"], expected.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_reporter_is_out_of_touch_until_its_next_word() {
    let app = TestApp::with(&QUICK, &[]).await;
    let alice = app.user("alice").await;
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "shy", "interrupt_after": "1m" })).await;
    let mut stream = alice.follow(&reporter.id).await;
    stream.until_kind("execution.out_of_touch").await;
    assert!(alice.snapshot(&reporter.id).await["out_of_touch_at"].is_string());
    reporter.told(&[json!({ "kind": "heartbeat" })]).await;
    stream.until_kind("execution.in_touch").await;
    assert!(alice.snapshot(&reporter.id).await["out_of_touch_at"].is_null());
    // An empty report keeps in touch as well.
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        reporter.told(&[]).await;
    }
    reporter.told(&[json!({ "client_seq": 1, "kind": "execution.completed" })]).await;
    let facts = alice.follow(&reporter.id).await.facts().await;
    let count = |kind: &str| kinds(&facts).iter().filter(|other| **other == kind).count();
    assert_eq!((count("execution.out_of_touch"), count("execution.in_touch")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_beyond_what_was_agreed_interrupts_for_good() {
    let app = TestApp::with(&QUICK, &[]).await;
    let alice = app.user("alice").await;
    let steps = json!([{ "id": "a" }, { "id": "b" }]);
    let body = json!({ "name": "gone", "steps": steps, "interrupt_after": "1s" });
    let reporter = Reporter::begin(&app, &alice, body).await;
    reporter.told(&[json!({ "client_seq": 1, "kind": "step.output", "step": "a", "lines": ["last words"] })]).await;
    let facts = alice.follow(&reporter.id).await.facts().await;
    assert_eq!(kinds(&facts).last(), Some(&"execution.failed"));
    let failed = first(&facts, "step.failed");
    assert_eq!((&failed["status"], &failed["tail"]), (&json!("interrupted"), &json!(["last words"])));
    assert_eq!(first(&facts, "step.skipped")["step"], "b");
    let snapshot = alice.snapshot(&reporter.id).await;
    assert_eq!(snapshot["status"], "interrupted");
    assert_eq!(snapshot["error"]["message"], "nothing was heard of it for 1.0 s");
    let late = problem(reporter.send(&[output(2, &["late"])]).await, 409).await;
    assert_eq!(late["execution_status"], "interrupted");
    assert_eq!(alice.snapshot(&reporter.id).await, snapshot);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_on_while_the_server_is_away() {
    let mut app = TestApp::with(&QUICK, &[]).await;
    let alice = app.user("alice").await;
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "patient", "interrupt_after": "3s" })).await;
    reporter.told(&[output(1, &["before"])]).await;
    app.kill_9().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    app.launch().await;
    assert_eq!(alice.snapshot(&reporter.id).await["status"], "running", "its silence counts from the restart");
    reporter.told(&[output(1, &["before"]), output(2, &["after"])]).await;
    app.restart().await;
    assert_eq!(alice.snapshot(&reporter.id).await["status"], "running", "a stop in good order ends it neither");
    let facts = alice.follow(&reporter.id).await.facts().await;
    assert_eq!(facts.last().expect("there are facts")["status"], "interrupted");
    assert_eq!(lines(&facts, "main"), ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_told_to_the_reporter_who_may_end_it_in_its_own_words() {
    let app = TestApp::with(&QUICK[..4], &[]).await;
    let alice = app.user("alice").await;
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "obeys", "interrupt_after": "1m" })).await;
    reporter.told(&[output(1, &["a"])]).await;
    let cancelled = alice.post(&format!("/api/executions/{}/cancel", reporter.id), &json!({})).await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    assert_eq!(reporter.told(&[output(2, &["b"])]).await["cancel"], true);
    let told = reporter.told(&[json!({ "client_seq": 3, "kind": "execution.cancelled" })]).await;
    assert_eq!(told, json!({ "client_seq": 3, "status": "cancelled", "cancel": false }));
    let facts = alice.follow(&reporter.id).await.facts().await;
    assert_eq!(first(&facts, "execution.cancelled")["by"], "alice");
    assert_eq!(lines(&facts, "main"), ["a", "b"]);
    let again = alice.post(&format!("/api/executions/{}/cancel", reporter.id), &json!({})).await;
    problem(again, 409).await;
    let rerun = alice.post(&format!("/api/executions/{}/rerun", reporter.id), &json!({ "from": "all" })).await;
    assert!(problem(rerun, 409).await["detail"].as_str().is_some_and(|why| why.contains("elsewhere")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_nobody_heeds_is_written_down_in_the_end() {
    let mut app = TestApp::with(&QUICK, &[]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let body = json!({ "name": "deaf", "interrupt_after": "1m" });
    // One who is told and goes on; and one who is away.
    let (goes_on, away) =
        (Reporter::begin(&app, &alice, body.clone()).await, Reporter::begin(&app, &alice, body).await);
    let cancel = async |id: &str| root.post(&format!("/api/executions/{id}/cancel"), &json!({})).await.status();
    goes_on.told(&[output(1, &["a"])]).await;
    assert_eq!(cancel(&goes_on.id).await, StatusCode::ACCEPTED);
    // A restart forgets it not.
    app.kill_9().await;
    app.launch().await;
    assert_eq!(goes_on.told(&[]).await["cancel"], true);
    let mut seq = 1;
    eventually("it is written down", async || {
        alice.snapshot(&goes_on.id).await["status"] == "cancelled"
            || goes_on.send(&[json!({ "kind": "heartbeat" })]).await.status() == StatusCode::CONFLICT
    })
    .await;
    seq += 1;
    problem(goes_on.send(&[output(seq, &["late"])]).await, 409).await;
    alice.follow(&away.id).await.until_kind("execution.out_of_touch").await;
    assert_eq!(cancel(&away.id).await, StatusCode::ACCEPTED);
    for reporter in [&goes_on, &away] {
        let facts = alice.follow(&reporter.id).await.facts().await;
        assert_eq!(first(&facts, "execution.cancelled")["by"], "root");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_line_is_named_and_those_before_it_are_taken() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let steps = json!([{ "id": "a" }, { "id": "b" }]);
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "sloppy", "steps": steps })).await;
    let good = |seq: u64| json!({ "client_seq": seq, "kind": "step.progress", "step": "a", "percent": seq });
    for (n, (wrong, field)) in [
        (json!({ "client_seq": 999, "kind": "step.progress", "step": "a" }), "percent"),
        (json!({ "client_seq": 999, "kind": "step.started" }), "step"),
        (json!({ "client_seq": 999, "kind": "step.started", "step": "c" }), "step"),
        (json!({ "client_seq": 999, "kind": "step.skipped", "step": "a" }), "step"),
        (json!({ "client_seq": 999, "kind": "execution.queued" }), "kind"),
        (json!("nonsense"), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let seq = 2 * n as u64 + 1;
        let said = problem(reporter.send(&[good(seq), wrong, good(seq + 1)]).await, 422).await;
        assert_eq!((&said["line"], &said["client_seq"]), (&json!(2), &json!(seq)), "{said}");
        assert_eq!(said["errors"][0]["field"], field, "{said}");
        assert!(said["errors"][0]["message"].as_str().is_some_and(|text| text.starts_with("line 2: ")), "{said}");
        assert_eq!(alice.snapshot(&reporter.id).await["steps"][0]["percent"], json!(seq as f64));
    }
    // A step that has ended stays so.
    reporter.told(&[json!({ "client_seq": 100, "kind": "step.completed", "step": "a" })]).await;
    problem(reporter.send(&[good(101)]).await, 422).await;
    for (body, field) in [
        (json!({ "name": "No Name" }), "name"),
        (json!({ "name": "x", "steps": [] }), "steps"),
        (json!({ "name": "x", "steps": [{ "id": "a" }, { "id": "a" }] }), "steps[1].id"),
        (json!({ "name": "x", "steps": [{ "id": "a", "needs": ["b"] }] }), "steps[0].needs"),
        (json!({ "name": "x", "interrupt_after": "59s" }), "interrupt_after"),
        (json!({ "name": "x", "interrupt_after": "8d" }), "interrupt_after"),
        (json!({ "name": "x", "params": { "a": "x".repeat(70_000) } }), "params"),
    ] {
        let said = problem(alice.post("/api/external", &body).await, 422).await;
        assert_eq!(said["errors"][0]["field"], field, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_megabytes_is_taken_and_one_beyond_eight_is_not() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let reporter = Reporter::begin(&app, &alice, json!({ "name": "large" })).await;
    let many = |seq: u64, bytes: usize| json!({ "client_seq": seq, "kind": "step.output", "lines": vec!["x".repeat(1000); bytes / 1000] });
    reporter.told(&[many(1, 3_000_000), many(2, 3_000_000), many(3, 1_500_000)]).await;
    problem(reporter.send(&[many(4, 4_500_000), many(5, 4_500_000)]).await, 413).await;
    assert_eq!(alice.snapshot(&reporter.id).await["steps"][0]["lines"], 7_500);
    assert_eq!(log(&alice, &reporter.id).await.len(), 7_500 * 1001);
}

const SELF_REPORTING: (&str, &str) = (
    "self-reporting",
    r#"
params: [{name: gate, type: string}]
steps:
  - id: tell
    run: |
      report() {
        curl -sS -o "$1" -w '%{http_code}\n' -H "Authorization: Bearer $RUNCAST_TOKEN" \
          --data-binary "$2" "$RUNCAST_URL/api/executions/$RUNCAST_EXECUTION_ID/report"
      }
      report a '{"client_seq":1,"kind":"step.progress","step":"tell","percent":40,"message":"by hand"}'
      report b '{"client_seq":2,"kind":"step.completed","step":"tell"}'
      report c '{"client_seq":3,"kind":"step.progress","step":"other","percent":1}'
      cat a; echo; grep -o '"field":"[a-z]*"' b c
      echo "it is $RUNCAST_TOKEN"
      echo "$RUNCAST_TOKEN" > "$GATE.token"
      until [ -e "$GATE" ]; do sleep 0.02; done
  - id: other
    run: 'true'
"#,
);

#[tokio::test(flavor = "multi_thread")]
async fn a_step_tells_its_progress_by_its_token_and_nothing_else() {
    let app = TestApp::new(&[SELF_REPORTING]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("told");
    let id = alice.start("self-reporting", gate.param()).await;
    let mut stream = alice.follow(&id).await;
    let progress = stream.until_kind("step.progress").await;
    let shown = (&progress["percent"], &progress["message"], &progress["source"]);
    assert_eq!(shown, (&json!(40.0), &json!("by hand"), &json!("reported")));
    let file = app.path("gate-told.token");
    eventually("the step has told all", async || file.exists()).await;
    let token = std::fs::read_to_string(&file).expect("it is there");
    gate.open();
    let facts = alice.follow(&id).await.facts().await;
    let said = lines(&facts, "tell");
    assert_eq!(said[..3], ["200", "422", "422"]);
    assert_eq!(said[3], r#"{"client_seq":1,"status":"running","cancel":false}"#);
    assert_eq!(said[4..], [r#"b:"field":"kind""#, r#"c:"field":"step""#, "it is ***"]);
    let reporter = Reporter { id, bearer: app.bearer("step", token.trim()) };
    problem(reporter.send(&[progress_of("tell", 4, 50.0)]).await, 409).await;
}

fn progress_of(step: &str, client_seq: u64, percent: f64) -> Value {
    let mut line = progress(client_seq, percent);
    line["step"] = json!(step);
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn its_token_reports_on_its_own_execution_and_does_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ServeArgs {
        data: Some(folder.path().join("data")),
        workflows: Some(folder.path().join("workflows")),
        listen: Some("127.0.0.1:0".to_owned()),
        ..ServeArgs::default()
    };
    let server = Server::start(Settings::resolve(args, folder.path()).expect("settings")).await.expect("a server");
    let access = &server.app().access;
    let name = "root".parse::<runcast::domain::id::Name>().expect("a name");
    access.add_user(name.clone(), Role::Admin, "correct horse battery").await.expect("a user");
    let (_, admin) = access.create_token(&name, "test").await.expect("a token");
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
    let url = |path: &str| format!("http://{}{path}", server.address);
    let begin = async || {
        let request = http.post(url("/api/external")).bearer_auth(&admin).json(&json!({ "name": "walker" }));
        let begun: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        (begun["id"].as_str().expect("an id").to_owned(), begun["token"].as_str().expect("a token").to_owned())
    };
    let ((own, token), (other, _)) = (begin().await, begin().await);
    let report = |id: &str| format!("/api/executions/{id}/report");
    let mut looked_at = 0;
    for path in paths(server.app()) {
        // Doors, which are everybody's.
        if [
            "/healthz",
            "/readyz",
            "/api/login",
            "/api/logout",
            "/api/setup",
            "/api/schema/workflow.json",
            "/api/openapi.json",
            "/fn/me",
        ]
        .contains(&path.as_str())
            || path.starts_with("/sign-in")
            || path.starts_with("/set-up")
        {
            continue;
        }
        for id in [&own, &other] {
            let path = path.replace("{id}", id).replace("{name}", "root").replace("{who}", "root");
            let path = path.replace("{*rest}", "x").replace(":id", id).replace(":name", "walker");
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if path == report(&own) && method == Method::POST {
                    continue;
                }
                let request = http.request(method.clone(), url(&path)).bearer_auth(&token);
                let status = request.json(&json!({ "name": "walker" })).send().await.expect("an answer").status();
                assert!(!status.is_success() && !status.is_server_error(), "{method} {path}: {status}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 200, "{looked_at}");
    let status = async |id: &str, token: &str| {
        let request = http.post(url(&report(id))).bearer_auth(token).body("");
        request.send().await.expect("an answer").status()
    };
    let never = "01934f0e-7b1c-7000-8000-000000000001";
    assert_eq!(status(&own, &token).await, StatusCode::OK);
    for (id, token) in [(&*other, &*token), (&*own, &*admin), (&*own, "rc_x_AAAA"), (&*own, ""), (never, &*token)] {
        assert_eq!(status(id, token).await, StatusCode::UNAUTHORIZED);
    }
    let unknown = server.app().report_tokens.token(never.parse().expect("an id"));
    assert_eq!(status(never, &unknown).await, StatusCode::NOT_FOUND);
    tokio::time::timeout(LONGEST, server.stop()).await.expect("it stops");
}
