//! Runs of all shapes, and what must be true of every one of them, whatever has happened to the server.

use std::{collections::BTreeMap, fs, time::Duration};

use reqwest::{Method, StatusCode};
use runcast::domain::{event::Recorded, execution::Execution};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, User, eventually},
    stream::{Fact, assert_in_order, fold, is_final, seq},
    witness::replay,
};

/// The shapes by their names; `MARK` becomes something that no other process has in its environment.
const SHAPES: [(&str, &str); 6] = [
    (
        "quick",
        r#"
env: { RUNMARK: MARK }
steps:
  - {id: one, run: 'true'}
  - {id: two, run: 'echo "word=done" >> "$RUNCAST_OUTPUT"'}
  - {id: three, run: echo three}
"#,
    ),
    (
        "talk",
        r#"
env: { RUNMARK: MARK }
steps:
  - id: talk
    run: for n in $(seq 40); do echo "line $n"; echo "::progress $n/50 part $n"; sleep 0.004; done
  - {id: close, run: 'echo "::warning::nearly"; echo end'}
"#,
    ),
    (
        "wide",
        r#"
env: { RUNMARK: MARK }
steps:
  - {id: begin, run: echo begin}
  - {id: a, needs: [begin], run: 'for n in 1 2 3; do echo "a $n"; echo "::progress $n/4"; sleep 0.02; done'}
  - {id: b, needs: [begin], run: 'for n in 1 2 3; do echo "b $n"; echo "::progress $n/4"; sleep 0.02; done'}
  - {id: end, needs: [a, b], run: echo end}
"#,
    ),
    (
        "fails",
        r#"
env: { RUNMARK: MARK }
steps:
  - {id: tries, run: 'echo "::error::it broke"; exit 3'}
  - {id: never, run: echo never}
  - {id: always, run: echo always, if: always}
"#,
    ),
    (
        "gush",
        r#"
env: { RUNMARK: MARK }
steps:
  - {id: a, run: "awk 'BEGIN { s = sprintf(\"%080d\", 0); for (n = 1; n <= 3000; n++) print n, s }'"}
  - {id: b, run: 'for m in $(seq 30); do echo "::progress $m/31"; for n in $(seq 40); do echo "$m $n"; done; sleep 0.01; done'}
"#,
    ),
    (
        "long",
        r#"
env: { RUNMARK: MARK }
steps:
  - id: hold
    run: |
      sleep 600 &
      setsid sleep 600 &
      echo begun
      sleep 600
"#,
    ),
];

/// The names of all shapes.
pub const NAMES: [&str; 6] = ["quick", "talk", "wide", "fails", "gush", "long"];

/// The workflows of all shapes, whose steps carry a mark.
pub fn shapes(mark: &str) -> Vec<(&'static str, String)> {
    SHAPES.iter().map(|(name, text)| (*name, text.replace(": MARK", &format!(": {mark}")))).collect()
}

/// Whether any process of a step with this mark is there.
pub fn is_marked_process_left(mark: &str) -> bool {
    let wanted = format!("RUNMARK={mark}");
    fs::read_dir("/proc").expect("it is Linux").flatten().any(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        memchr::memmem::find(&environment, wanted.as_bytes()).is_some()
    })
}

/// Asks for a run though the server may go away meanwhile; its id if the server has given one.
pub async fn try_start(user: &User, workflow: &str) -> Option<String> {
    let request = user.request(Method::POST, "/api/executions").json(&json!({ "workflow": workflow, "params": {} }));
    let response = request.send().await.ok()?;
    assert_eq!(response.status(), StatusCode::CREATED);
    let snapshot: Value = response.json().await.ok()?;
    Some(snapshot["id"].as_str().expect("it has an id").to_owned())
}

/// Cancels what takes long, and waits until nothing runs or waits.
pub async fn at_rest(root: &User) {
    eventually("all executions have ended", async || {
        let mut open = 0;
        for status in ["queued", "running"] {
            let list = root.json(&format!("/api/executions?limit=200&status={status}")).await;
            for item in list["items"].as_array().expect("it has items") {
                open += 1;
                if item["workflow"] == "long" {
                    let id = item["id"].as_str().expect("it has an id");
                    let status = root.post(&format!("/api/executions/{id}/cancel"), &json!({})).await.status();
                    assert!([StatusCode::ACCEPTED, StatusCode::CONFLICT].contains(&status), "{status}");
                }
            }
        }
        if open > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        open == 0
    })
    .await;
}

/// Checks every execution that ended after a position, and that each of these is one of them: each event stands once,
/// each has one final status, its own stream and everybody's tell the same, and their sum is its snapshot. Returns the
/// position that is reached.
pub async fn all_is_whole_since(app: &TestApp, root: &User, position: u64, promised: &[String]) -> u64 {
    let all = replay(&app.address, root, "/api/events").await;
    assert_in_order(&all);
    let mut of: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
    for fact in &all {
        of.entry(fact["execution_id"].as_str().expect("it has an id")).or_default().push(fact);
    }
    for id in promised {
        assert!(of.contains_key(id.as_str()), "{id} was answered with 201 and is not there");
    }
    for (id, facts) in &of {
        let finals = facts.iter().filter(|fact| is_final(fact)).count();
        assert!(finals == 1 && facts.last().is_some_and(|last| is_final(last)), "{id} has one final event: {facts:#?}");
        if facts.last().is_some_and(|last| seq(last) > position) {
            is_whole(app, root, id, facts).await;
        }
    }
    all.last().map_or(position, seq)
}

async fn is_whole(app: &TestApp, root: &User, id: &str, quiet: &[&Fact]) {
    let own = replay(&app.address, root, &format!("/api/executions/{id}/events")).await;
    let loud: Vec<&Fact> = own.iter().filter(|fact| fact["kind"] != "step.output").collect();
    assert_eq!(loud, quiet, "{id}: its own stream and everybody's tell the same");
    let snapshot = root.snapshot(id).await;
    assert_eq!(fold(&own), snapshot, "{id}: the sum of its events is its snapshot");
    is_in_sync(id, quiet);
    let end = quiet.last().expect("it has a final event");
    assert_eq!(end["hash"], snapshot["hash"], "{id}");
    let lines: u64 =
        snapshot["steps"].as_array().expect("a list").iter().filter_map(|step| step["lines"].as_u64()).sum();
    assert_eq!(end["lines"], lines, "{id}: the final event and the snapshot tell the same number of lines");
    let mut printed: BTreeMap<&str, u64> = BTreeMap::new();
    for output in own.iter().filter(|fact| fact["kind"] == "step.output") {
        let next = printed.entry(output["step"].as_str().expect("it has a step")).or_default();
        assert_eq!(output["first_line"], *next, "{id}: lines follow one another: {output}");
        *next += output["lines"].as_array().expect("a list").len() as u64;
    }
    assert_eq!(printed.values().sum::<u64>(), lines, "{id}: all lines are there");
}

/// That each hash that is told is right for somebody who reads without output.
fn is_in_sync(id: &str, quiet: &[&Fact]) {
    let recorded = |fact: &Fact| serde_json::from_value::<Recorded>(fact.clone()).expect("it is a fact");
    let first = recorded(quiet[0]);
    let mut execution = Execution::begin(first.seq, &first.fact).expect("the first is execution.queued");
    for fact in &quiet[1..] {
        let next = recorded(fact);
        execution.apply(&next);
        assert_ne!(execution.in_sync(&next), Some(false), "{id}: {fact}");
    }
}

/// That nothing of any step is left: no process.
pub async fn nothing_is_left(mark: &str) {
    eventually("all processes of steps have ended", async || !is_marked_process_left(mark)).await;
}
