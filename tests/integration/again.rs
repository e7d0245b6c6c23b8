//! Attempts, and executions that are run again.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, User, eventually, problem},
    stream::kinds,
};

/// A step that fails twice, and says how it went on.
const FLAKY: (&str, &str) = (
    "flaky",
    "steps:
- id: try
  retry: { attempts: 4, backoff: 200ms, max-backoff: 1s }
  run: |
    echo attempt $RUNCAST_ATTEMPT
    echo x >> tries
    test $(wc -l < tries) -ge 3 || { echo '::error::not yet'; exit 7; }
    echo tries=$(wc -l < tries) >> $RUNCAST_OUTPUT
",
);

const HOPELESS: (&str, &str) = (
    "hopeless",
    "steps:
- { id: try, run: 'echo no; exit 3', retry: { attempts: 2, backoff: 10ms } }
- { id: after, run: 'true' }
",
);

const PATIENT: (&str, &str) =
    ("patient", "steps:\n- { id: try, run: 'exit 1', retry: { attempts: 9, backoff: 1h, max-backoff: 1h } }\n");

/// Says what it does in a file, and fails as long as another is not there.
const STAGES: (&str, &str) = (
    "stages",
    "params: [{ name: where }, { name: word, default: hello }]
steps:
- id: first
  run: |
    echo first >> $WHERE/ran
    echo '::add-mask::s3cr3t-token'
    echo made here > made
    echo \"token=s3cr3t-token\" >> $RUNCAST_OUTPUT
    echo \"word=$WORD\" >> $RUNCAST_OUTPUT
- id: second
  run: |
    echo second >> $WHERE/ran
    cat made
    test -e $WHERE/ready
    echo \"got $RUNCAST_OUTPUT_FIRST_TOKEN\" | tee -a $WHERE/seen
- id: third
  run: echo third >> $WHERE/ran
",
);

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_the_end_can_go_on_from_there_at_once() {
    let half = ("half", "steps:\n- { id: good, run: 'true' }\n- { id: bad, run: 'exit 1' }\n");
    let app = TestApp::new(&[half]).await;
    let alice = app.user("alice").await;
    for round in 0..20 {
        let (id, _) = alice.run("half", json!({})).await;
        let again = alice.post(&format!("/api/executions/{id}/rerun"), &json!({ "from": "failed" })).await;
        assert_eq!(again.status(), StatusCode::CREATED, "in round {round}: {}", again.text().await.unwrap_or_default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_tried_until_it_succeeds_and_all_attempts_are_told() {
    let app = TestApp::new(&[FLAKY]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("flaky", json!({})).await;
    let told: Vec<&Value> = facts.iter().filter(|fact| fact["kind"] == "step.retrying").collect();
    assert_eq!(told.len(), 2, "{:?}", kinds(&facts));
    for (attempt, fact) in (1..).zip(&told) {
        assert_eq!(
            (&fact["attempt"], &fact["error"], &fact["exit_code"]),
            (&json!(attempt), &json!("not yet"), &json!(7))
        );
        assert!(fact["next_attempt_at"].as_str() > fact["at"].as_str(), "{fact}");
    }
    assert!(!kinds(&facts).contains(&"step.failed"), "an attempt that is followed by another is no failure");
    let snapshot = alice.snapshot(&id).await;
    let step = &snapshot["steps"][0];
    assert_eq!((&snapshot["status"], &step["attempt"]), (&json!("succeeded"), &json!(3)));
    assert_eq!(snapshot["result"], json!({ "try": { "tries": "3" } }));
    assert_eq!(step["attempts"].as_array().map(Vec::len), Some(2));
    assert_eq!(step["attempts"][1]["attempt"], 2);
    assert_eq!((&step["next_attempt_at"], &step["error"]), (&Value::Null, &Value::Null));
    // Lines are numbered through all attempts.
    let log = alice.get(&format!("/api/executions/{id}/log?step=try")).await.text().await.expect("text");
    assert_eq!(log, "attempt 1\nnot yet\nattempt 2\nnot yet\nattempt 3\n");
    assert_eq!(step["lines"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_attempt_that_fails_is_the_steps_failure() {
    let app = TestApp::new(&[HOPELESS]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("hopeless", json!({})).await;
    let snapshot = alice.snapshot(&id).await;
    assert_eq!(snapshot["status"], "failed", "{:?}", kinds(&facts));
    let (step, after) = (&snapshot["steps"][0], &snapshot["steps"][1]);
    assert_eq!((&step["status"], &step["attempt"], &step["exit_code"]), (&json!("failed"), &json!(2), &json!(3)));
    assert_eq!(after["status"], "skipped");
    assert_eq!(snapshot["error"]["tail"], json!(["no"]), "of the last attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_waits_for_an_attempt_can_be_cancelled_and_does_not_outlive_the_server() {
    let mut app = TestApp::new(&[PATIENT]).await;
    let alice = app.user("alice").await;
    let retrying = async |id: &str| {
        eventually("it waits for its next attempt", async || {
            alice.snapshot(id).await["steps"][0]["status"] == "retrying"
        })
        .await;
    };
    let id = alice.start("patient", json!({})).await;
    retrying(&id).await;
    let cancelled = alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    eventually("it is cancelled", async || alice.snapshot(&id).await["status"] == "cancelled").await;
    let step = alice.snapshot(&id).await["steps"][0].clone();
    assert_eq!((&step["status"], &step["next_attempt_at"]), (&json!("cancelled"), &Value::Null));
    assert!(step["error"].as_str().expect("it says why").contains("exited with 1"), "{step}");

    let id = alice.start("patient", json!({})).await;
    retrying(&id).await;
    app.kill_9().await;
    app.launch().await;
    let snapshot = alice.snapshot(&id).await;
    assert_eq!((&snapshot["status"], &snapshot["steps"][0]["status"]), (&json!("interrupted"), &json!("interrupted")));
}

async fn rerun(user: &User, id: &str, from: &str) -> Value {
    let response = user.post(&format!("/api/executions/{id}/rerun"), &json!({ "from": from })).await;
    assert_eq!(response.status(), StatusCode::CREATED, "{:?}", response.text().await);
    response.json().await.expect("a snapshot")
}

async fn ended(user: &User, id: &str) -> Value {
    eventually("it ends", async || !user.snapshot(id).await["finished_at"].is_null()).await;
    user.snapshot(id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_run_again_where_it_stopped_with_all_that_the_good_steps_left() {
    let mut app = TestApp::new(&[STAGES]).await;
    let alice = app.user("alice").await;
    let place = app.text_path("");
    let (id, _) = alice.run("stages", json!({ "where": place, "word": "bye" })).await;
    assert_eq!(alice.snapshot(&id).await["status"], "failed");
    // A restart between them takes nothing away.
    app.restart().await;
    fs::write(app.path("ready"), "").expect("written");
    let again = rerun(&alice, &id, "failed").await;
    assert_eq!(
        (&again["trigger"], &again["rerun_of"], &again["owner"]),
        (&json!("rerun"), &json!(id), &json!("alice"))
    );
    let new = again["id"].as_str().expect("an id");
    let done = ended(&alice, new).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(fs::read_to_string(app.path("ran")).expect("read"), "first\nsecond\nsecond\nthird\n");
    let first = &done["steps"][0];
    assert_eq!((&first["status"], &first["reused"]), (&json!("succeeded"), &json!(true)));
    assert_eq!(done["params"]["word"], "bye");
    assert_eq!(done["result"]["first"], json!({ "token": "***", "word": "bye" }), "its outputs are this one's, too");
    assert_eq!(fs::read_to_string(app.path("seen")).expect("read"), "got s3cr3t-token\n", "later steps get them whole");
    let log = alice.get(&format!("/api/executions/{new}/log")).await.text().await.expect("text");
    assert_eq!(log, "made here\ngot ***\n", "the folder is the same, and so are the masks");
    // The folder has moved on.
    let response = alice.post(&format!("/api/executions/{id}/rerun"), &json!({ "from": "failed" })).await;
    let refused = problem(response, 409).await;
    assert!(refused["detail"].as_str().expect("why").contains("run all of it again"), "{refused}");
    let all = rerun(&alice, &id, "all").await;
    let all = ended(&alice, all["id"].as_str().expect("an id")).await;
    assert_eq!((&all["status"], &all["steps"][0]["reused"]), (&json!("succeeded"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_was_changed_since_runs_again_and_so_do_those_after_it() {
    let app = TestApp::new(&[STAGES]).await;
    let alice = app.user("alice").await;
    let place = app.text_path("");
    let (id, _) = alice.run("stages", json!({ "where": place })).await;
    app.write_workflow("stages", &STAGES.1.replace("echo made here > made", "echo made anew > made"));
    fs::write(app.path("ready"), "").expect("written");
    let changed = async || {
        let again = rerun(&alice, &id, "failed").await;
        ended(&alice, again["id"].as_str().expect("an id")).await
    };
    // The file is picked up within two seconds.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let done = changed().await;
    assert_eq!((&done["status"], &done["steps"][0]["reused"]), (&json!("succeeded"), &json!(false)), "{done}");
    assert_eq!(fs::read_to_string(app.path("ran")).expect("read"), "first\nsecond\nfirst\nsecond\nthird\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_strangers_can_run_nothing_again() {
    let app = TestApp::new(&[
        STAGES,
        (
            "gate",
            "params: [{ name: gate }]\nsteps: [{ id: a, run: 'while [ ! -e \"$GATE\" ]; do sleep 0.05; done' }]\n",
        ),
    ])
    .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let gate = app.gate("one");
    let id = alice.start("gate", gate.param()).await;
    let path = format!("/api/executions/{id}/rerun");
    problem(alice.post(&path, &json!({ "from": "failed" })).await, 409).await;
    problem(bob.post(&path, &json!({ "from": "all" })).await, 404).await;
    problem(alice.post(&path, &json!({ "from": "middle" })).await, 400).await;
    gate.open();
    ended(&alice, &id).await;
    let refused = problem(alice.post(&path, &json!({ "from": "failed" })).await, 409).await;
    assert!(refused["detail"].as_str().expect("why").contains("it succeeded"), "{refused}");
    fs::remove_file(app.path("workflows/gate.yaml")).expect("removed");
    eventually("the workflow is gone", async || {
        alice.post(&path, &json!({ "from": "all" })).await.status() == StatusCode::CONFLICT
    })
    .await;
}
