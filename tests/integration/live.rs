//! Live status: start, progress, completion with its result, errors, on both streams.

use std::slice;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, User},
    stream::{Events, Fact, Frame, assert_in_order, first, fold, is_final, kinds, lines, seq},
};

const GATED: (&str, &str) = (
    "gated",
    r#"
params: [{name: gate, type: string}]
steps:
  - id: copy
    name: Copy the files
    run: |
      echo one
      echo "::progress 25 first part"
      until [ -e "$GATE" ]; do sleep 0.02; done
      echo two
      echo "::progress 3/4 second part"
      echo "where=/srv/copy" >> "$RUNCAST_OUTPUT"
  - id: check
    run: echo "count=2" >> "$RUNCAST_OUTPUT"
"#,
);

const BROKEN: (&str, &str) = (
    "broken",
    r#"
steps:
  - {id: fine, run: echo fine}
  - id: compile
    run: |
      for n in $(seq 30); do echo "line $n"; done
      echo "cannot find the source" >&2
      exit 7
  - {id: publish, run: echo never}
"#,
);

const GRAPH: (&str, &str) = (
    "graph",
    r#"
steps:
  - {id: begin, run: echo begin}
  - {id: left, needs: [begin], run: 'for n in $(seq 40); do echo "left $n"; echo "::progress $n/40"; sleep 0.01; done'}
  - {id: right, needs: [begin], run: 'for n in $(seq 40); do echo "right $n" >&2; echo "::progress $n/40 part $n"; sleep 0.01; done'}
  - {id: end, needs: [left, right], run: 'echo "all=done" >> "$RUNCAST_OUTPUT"'}
"#,
);

const HELLO: (&str, &str) = ("hello", "steps:\n- {id: greet, run: echo hello}\n");

/// Both streams of somebody who starts a workflow: all they may see, and the execution's own.
async fn started(user: &User, workflow: &str, params: Value) -> (String, [Events; 2]) {
    let all = user.events().await.live().await;
    let id = user.start(workflow, params).await;
    let own = user.follow(&id).await;
    (id, [all, own])
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_an_execution_gives_the_start_event_on_both_streams() {
    let app = TestApp::new(&[GATED]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("a");
    let (id, streams) = started(&alice, "gated", gate.param()).await;
    for mut stream in streams {
        let had = stream.until("execution.started", |frame| frame.kind() == "execution.started").await;
        let facts: Vec<Fact> = had.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json).collect();
        assert_eq!(kinds(&facts), ["execution.queued", "execution.started"]);
        for fact in &facts {
            assert_eq!((&fact["execution_id"], &fact["owner"]), (&json!(id), &json!("alice")));
            assert_eq!(fact["workflow"], "gated");
            let at = fact["at"].as_str().expect("it has a time");
            assert!(at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.', "RFC 3339, UTC, ms: {at}");
        }
        let queued = &facts[0];
        assert_eq!((&queued["trigger"], &queued["params"]), (&json!("api"), &gate.param()));
        let steps = json!([
            { "id": "copy", "name": "Copy the files", "needs": [], "weight": 1.0 },
            { "id": "check", "name": "check", "needs": ["copy"], "weight": 1.0 },
        ]);
        assert_eq!(queued["steps"], steps);
        assert_eq!(stream.until_kind("step.started").await["step"], "copy");
    }
    assert_eq!(alice.snapshot(&id).await["status"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_arrives_while_the_step_runs() {
    let app = TestApp::new(&[GATED]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("a");
    let (id, mut streams) = started(&alice, "gated", gate.param()).await;
    for stream in &mut streams {
        let progress = stream.until_kind("step.progress").await;
        let said = ["step", "attempt", "percent", "message", "source", "execution_percent"].map(|key| &progress[key]);
        assert_eq!(json!(said), json!(["copy", 1, 25.0, "first part", "reported", 12.5]));
    }
    // The gate is shut: what came, came in the middle of the step.
    let snapshot = alice.snapshot(&id).await;
    assert_eq!((&snapshot["status"], &snapshot["percent"]), (&json!("running"), &json!(12.5)));
    assert_eq!(snapshot["steps"][0]["message"], "first part");
    let listed = &alice.json("/api/executions").await["items"][0];
    let running = json!({ "id": "copy", "name": "Copy the files", "percent": 25.0, "source": "reported", "message": "first part" });
    assert_eq!(listed["running"], json!([running]));
    gate.open();
    for mut stream in streams {
        let progress = stream.until_kind("step.progress").await;
        assert_eq!((&progress["percent"], &progress["message"]), (&json!(75.0), &json!("second part")));
        let completed = stream.until_kind("step.completed").await;
        assert_eq!((&completed["step"], &completed["execution_percent"]), (&json!("copy"), &json!(50.0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_arrives_while_the_step_runs_on_the_executions_own_stream_only() {
    let app = TestApp::new(&[GATED]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("a");
    let (id, [mut all, mut own]) = started(&alice, "gated", gate.param()).await;
    let output = own.until_kind("step.output").await;
    assert_eq!((&output["step"], &output["first_line"]), (&json!("copy"), &json!(0)));
    assert_eq!((&output["lines"][0]["text"], &output["lines"][0]["stream"]), (&json!("one"), &json!("out")));
    gate.open();
    let next = own.until_kind("step.output").await;
    assert_eq!((&next["first_line"], &next["lines"][0]["text"]), (&json!(1), &json!("two")));
    let facts = all.facts_of(1).await;
    assert!(!kinds(&facts).contains(&"step.output"));
    let log = alice.get(&format!("/api/executions/{id}/log?step=copy")).await;
    assert_eq!(log.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(log.text().await.expect("it is text"), "one\ntwo\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_comes_with_the_result_on_both_streams() {
    let app = TestApp::new(&[GATED]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("a");
    gate.open();
    let (id, [mut all, own]) = started(&alice, "gated", gate.param()).await;
    for facts in [all.facts_of(1).await, own.facts().await] {
        let step = first(&facts, "step.completed");
        assert_eq!((&step["outputs"], &step["lines"]), (&json!({ "where": "/srv/copy" }), &json!(2)));
        let completed = facts.last().expect("there are facts");
        assert_eq!((&completed["kind"], &completed["percent"]), (&json!("execution.completed"), &json!(100.0)));
        assert_eq!(completed["result"], json!({ "copy": { "where": "/srv/copy" }, "check": { "count": "2" } }));
        assert!(completed["duration_ms"].is_u64());
    }
    let snapshot = alice.snapshot(&id).await;
    assert_eq!((&snapshot["status"], &snapshot["percent"]), (&json!("succeeded"), &json!(100.0)));
    assert_eq!(snapshot["result"]["check"]["count"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_comes_with_its_step_message_exit_code_and_last_lines() {
    let app = TestApp::new(&[BROKEN]).await;
    let alice = app.user("alice").await;
    let (id, [mut all, own]) = started(&alice, "broken", json!({})).await;
    let mut tail: Vec<String> = (12..=30).map(|n| format!("line {n}")).collect();
    tail.push("cannot find the source".to_owned());
    for facts in [all.facts_of(1).await, own.facts().await] {
        let step = first(&facts, "step.failed");
        let said = ["step", "attempt", "status", "exit_code", "lines"].map(|key| &step[key]);
        assert_eq!(json!(said), json!(["compile", 1, "failed", 7, 31]));
        let mut sorted: Vec<&str> = step["tail"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        // Two pipes: where the line of the one falls among those of the other is not promised.
        assert_eq!(sorted.len(), 20);
        sorted.retain(|line| !tail.iter().any(|wanted| wanted == line));
        assert!(sorted.is_empty() || sorted == ["line 11"], "{sorted:?}");
        assert!(step["error"].as_str().is_some_and(|error| error.contains('7')), "{step}");
        assert_eq!(first(&facts, "step.skipped")["step"], "publish");
        let failed = facts.last().expect("there are facts");
        assert_eq!((&failed["kind"], &failed["status"]), (&json!("execution.failed"), &json!("failed")));
        let error = &failed["error"];
        assert_eq!((&error["step"], &error["exit_code"]), (&json!("compile"), &json!(7)));
        assert_eq!((&error["message"], &error["tail"]), (&step["error"], &step["tail"]));
    }
    let snapshot = alice.snapshot(&id).await;
    assert_eq!((&snapshot["status"], &snapshot["error"]["step"]), (&json!("failed"), &json!("compile")));
    assert_eq!(snapshot["result"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_execution_says_who_stopped_it_and_a_late_one_that_it_was_late() {
    let late = ("late", "timeout: 300ms\nsteps:\n- {id: wait, run: sleep 1000}\n");
    let app = TestApp::new(&[GATED, late]).await;
    let alice = app.user("alice").await;
    let (id, [mut all, mut own]) = started(&alice, "gated", app.gate("a").param()).await;
    own.until_kind("step.progress").await;
    let answer = alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    assert_eq!(answer.status(), 202);
    for facts in [all.facts_of(1).await, own.facts().await] {
        let cancelled = facts.last().expect("there are facts");
        assert_eq!((&cancelled["kind"], &cancelled["by"]), (&json!("execution.cancelled"), &json!("alice")));
        assert_eq!(first(&facts, "step.failed")["status"], "cancelled");
        assert_eq!(first(&facts, "step.skipped")["reason"], "cancelled");
    }
    let (_, facts) = alice.run("late", json!({})).await;
    let failed = facts.last().expect("there are facts");
    assert_eq!((&failed["kind"], &failed["status"]), (&json!("execution.failed"), &json!("timed_out")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_in_order_complete_and_folds_to_the_snapshot() {
    let app = TestApp::new(&[GRAPH]).await;
    let alice = app.user("alice").await;
    let (id, [mut all, own]) = started(&alice, "graph", json!({})).await;
    let (all, own) = (all.facts_of(1).await, own.facts().await);
    assert_in_order(&own);
    assert_eq!(own.iter().filter(|fact| is_final(fact)).count(), 1);
    let quiet: Vec<Fact> = own.iter().filter(|fact| fact["kind"] != "step.output").cloned().collect();
    assert_eq!(all, quiet, "the stream of everything is the execution's own without output");
    assert_eq!(fold(&own), alice.snapshot(&id).await);
    for (step, word) in [("left", "left"), ("right", "right")] {
        let printed: Vec<String> = (1..=40).map(|n| format!("{word} {n}")).collect();
        assert_eq!(lines(&own, step), printed);
    }
    let percents: Vec<f64> = own.iter().filter_map(|fact| fact["execution_percent"].as_f64()).collect();
    assert!(percents.is_sorted() && percents.iter().all(|percent| *percent <= 99.9), "{percents:?}");
    // Whoever reads it later reads the same.
    assert_eq!(alice.follow(&id).await.facts().await, own);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_in_the_middle_is_the_fold_of_what_came_before() {
    let app = TestApp::new(&[GRAPH]).await;
    let alice = app.user("alice").await;
    let id = alice.start("graph", json!({})).await;
    let mut own = alice.follow(&id).await;
    own.until("the middle", |frame| frame.kind() == "step.progress" && frame.json["step"] == "right").await;
    let snapshot = alice.snapshot(&id).await;
    assert_eq!(snapshot["status"], "running");
    let all = alice.follow(&id).await.facts().await;
    let before: Vec<Fact> = all.into_iter().filter(|fact| seq(fact) <= seq(&snapshot)).collect();
    assert_eq!(fold(&before), snapshot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_hello_catches_up_once_and_ends_after_the_final_event() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    let request = alice.request(Method::GET, &format!("/api/executions/{id}/events"));
    let mut stream = Events::open(request.header("accept-encoding", "gzip, br, deflate")).await;
    let header = |name: &str| stream.headers().get(name).map(|value| value.to_str().expect("it is text").to_owned());
    assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(header("cache-control").as_deref(), Some("no-cache, no-transform"));
    assert_eq!(header("x-accel-buffering").as_deref(), Some("no"));
    assert_eq!(header("content-encoding"), None);
    let hello = stream.next().await.expect("it begins");
    assert_eq!((hello.kind(), &hello.json["user"], hello.id), ("hello", &json!("alice"), None));
    let head = hello.json["head"].as_u64().expect("it has a head");
    let mut frames = Vec::new();
    while let Some(frame) = stream.next().await {
        frames.push(frame);
    }
    assert_eq!(stream.retries(), 1, "when to come back is said once");
    let caught_up: Vec<&Frame> = frames.iter().filter(|frame| frame.kind() == "caught_up").collect();
    assert_eq!(caught_up.len(), 1);
    let end = frames.last().expect("it ends");
    assert_eq!((end.kind(), &end.json["reason"], end.id), ("end", &json!("finished"), None));
    let last = frames.iter().rev().find(|frame| frame.id.is_some()).expect("there are facts");
    assert_eq!((last.kind(), last.id), ("execution.completed", Some(head)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_be_narrowed_to_a_workflow_and_an_owner() {
    let app = TestApp::new(&[HELLO, ("other", HELLO.1)]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let narrow = |query: &str| Events::open(root.request(Method::GET, &format!("/api/events?{query}")));
    let mut of_other = narrow("workflow=other").await.live().await;
    let mut of_alice = narrow("owner=alice&after=0").await.live().await;
    root.run("hello", json!({})).await;
    let (wanted, _) = alice.run("hello", json!({})).await;
    let (other, _) = root.run("other", json!({})).await;
    for (stream, id) in [(&mut of_other, other), (&mut of_alice, wanted)] {
        let facts = stream.facts_of(1).await;
        assert!(facts.iter().all(|fact| fact["execution_id"] == *id), "{facts:#?}");
        assert!(fold(slice::from_ref(&facts[0]))["status"] == "queued", "it has the beginning");
    }
}
