//! Whose turn it is: the bound on all executions and on a workflow's, users side by side, and what those that wait are
//! told.

use serde_json::{Value, json};

use crate::app::{Gate, TestApp, User, eventually};

/// Waits for its gate.
const STEPS: &str = "params: [{ name: gate }]
steps: [{ id: wait, run: 'until [ -e \"$GATE\" ]; do sleep 0.02; done' }]
";

fn workflow(concurrency: &str) -> String {
    format!("concurrency: {{ limit: 1, when-full: {concurrency} }}\n{STEPS}")
}

async fn status(user: &User, id: &str) -> String {
    user.snapshot(id).await["status"].as_str().expect("a word").to_owned()
}

async fn becomes(user: &User, id: &str, wanted: &str) {
    eventually(&format!("{id} is {wanted}"), async || status(user, id).await == wanted).await;
}

async fn start(user: &User, workflow: &str, gate: &Gate) -> String {
    user.start(workflow, gate.param()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_says_why_and_its_place_which_gets_better() {
    let app = TestApp::with(&["--max-executions", "1"], &[("free", STEPS), ("single", &workflow("queue"))]).await;
    let alice = app.user("alice").await;
    let gates = ["a", "b", "c"].map(|name| app.gate(name));
    let first = start(&alice, "single", &gates[0]).await;
    becomes(&alice, &first, "running").await;
    let second = start(&alice, "free", &gates[1]).await;
    let third = start(&alice, "single", &gates[2]).await;
    let waits = async |id: &str, wanted: Value| {
        eventually("it says so", async || alice.snapshot(id).await["waiting"] == wanted).await;
    };
    waits(&second, json!({ "reason": "capacity", "place": 1 })).await;
    waits(&third, json!({ "reason": "concurrency", "place": 2 })).await;
    assert_eq!(alice.snapshot(&first).await["waiting"], Value::Null);
    let list = alice.json("/api/executions?status=queued").await;
    assert_eq!(list["items"][0]["waiting"]["place"], 2, "in lists as well");
    gates[0].open();
    waits(&third, json!({ "reason": "capacity", "place": 1 })).await;
    gates[1].open();
    gates[2].open();
    for id in [&first, &second, &third] {
        becomes(&alice, id, "succeeded").await;
        assert_eq!(alice.snapshot(id).await["waiting"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_executions_of_one_user_keep_another_waiting_for_one_turn_only() {
    let app =
        TestApp::with(&["--max-executions", "1"], &[("free", STEPS), ("quick", "steps: [{ id: a, run: 'true' }]")])
            .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let gate = app.gate("one");
    let first = start(&alice, "free", &gate).await;
    becomes(&alice, &first, "running").await;
    let mut last = String::new();
    for _ in 0..100 {
        last = alice.start("quick", json!({})).await;
    }
    let bobs = bob.start("quick", json!({})).await;
    eventually("he is told", async || bob.snapshot(&bobs).await["waiting"]["place"] == 1).await;
    gate.open();
    becomes(&bob, &bobs, "succeeded").await;
    becomes(&alice, &last, "succeeded").await;
    let began = |snapshot: &Value| snapshot["started_at"].as_str().expect("it began").to_owned();
    let list = alice.json("/api/executions?limit=200").await;
    let before: Vec<String> = list["items"].as_array().expect("a list").iter().map(began).collect();
    let (bobs, mut earlier) = (began(&bob.snapshot(&bobs).await), before);
    earlier.retain(|at| *at < bobs);
    assert_eq!(earlier.len(), 1, "only the one that ran already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_workflow_lets_one_more_wait_passes_it_over_or_ends_the_oldest() {
    let workflows = [("queue", workflow("queue")), ("skip", workflow("skip")), ("cancel", workflow("cancel-running"))];
    let workflows = workflows.each_ref().map(|(name, text)| (*name, text.as_str()));
    let app = TestApp::with(&["--max-executions", "9"], &workflows).await;
    let alice = app.user("alice").await;
    let gate = app.gate("all");

    let (one, two) = (start(&alice, "queue", &gate).await, start(&alice, "queue", &gate).await);
    becomes(&alice, &one, "running").await;
    assert_eq!(status(&alice, &two).await, "queued");

    let (kept, passed) = (start(&alice, "skip", &gate).await, start(&alice, "skip", &gate).await);
    becomes(&alice, &passed, "cancelled").await;
    let snapshot = alice.snapshot(&passed).await;
    assert_eq!((&snapshot["cancelled_by"], &snapshot["started_at"]), (&json!("runcast"), &Value::Null));
    assert_eq!(snapshot["steps"][0]["error"], "as many of this workflow run as may");
    becomes(&alice, &kept, "running").await;

    let old = start(&alice, "cancel", &gate).await;
    becomes(&alice, &old, "running").await;
    let newer = start(&alice, "cancel", &gate).await;
    let newest = start(&alice, "cancel", &gate).await;
    becomes(&alice, &old, "cancelled").await;
    becomes(&alice, &newer, "cancelled").await;
    becomes(&alice, &newest, "running").await;

    gate.open();
    for id in [&one, &two, &kept, &newest] {
        becomes(&alice, id, "succeeded").await;
    }
}
