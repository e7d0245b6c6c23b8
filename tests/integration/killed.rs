//! The server killed without a word in each phase of a run: at its next start all is final and no process is left.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app::{TestApp, User},
    mix::{is_marked_process_left, nothing_is_left},
    stream::{Frame, is_final},
};

/// A run that can be held in each phase. Its background process ends by KILL only.
const SLOW: &str = r#"
env: { RUNMARK: MARK }
steps:
  - id: work
    run: |
      trap 'echo stopping' TERM
      setsid bash -c 'trap "" TERM; while :; do sleep 1; done' > /dev/null 2>&1 &
      echo at work
      [ -z "${GATE:-}" ] || until [ -e "$GATE" ]; do sleep 0.05; done
params: [{name: gate, type: string, default: ''}]
"#;

async fn server() -> (TestApp, User, String) {
    let mark = Uuid::now_v7().to_string();
    let slow = SLOW.replace("MARK }", &format!("{mark} }}"));
    let app = TestApp::with(&["--max-executions", "1"], &[("slow", &slow)]).await;
    let alice = app.user("alice").await;
    (app, alice, mark)
}

/// Kills the server, begins another life, and waits until each of these has ended; their statuses.
async fn in_another_life(app: &mut TestApp, alice: &User, mark: &str, ids: &[&String]) -> Vec<String> {
    app.kill_9().await;
    app.launch().await;
    ended(alice, mark, ids).await
}

/// Waits until each of these has ended, and nothing is left of any; their statuses.
async fn ended(alice: &User, mark: &str, ids: &[&String]) -> Vec<String> {
    let mut statuses = Vec::new();
    for id in ids {
        let facts = alice.follow(id).await.facts().await;
        assert_eq!(facts.iter().filter(|fact| is_final(fact)).count(), 1, "{facts:#?}");
        let snapshot: Value = alice.snapshot(id).await;
        for step in snapshot["steps"].as_array().expect("it has steps") {
            assert!(["pending", "running"].iter().all(|status| step["status"] != *status), "{step}");
        }
        statuses.push(snapshot["status"].as_str().expect("it has one").to_owned());
    }
    nothing_is_left(mark).await;
    for status in ["queued", "running"] {
        let list = alice.json(&format!("/api/executions?status={status}")).await;
        assert_eq!(list["items"], json!([]));
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_one_runs_and_one_waits() {
    let (mut app, alice, mark) = server().await;
    let gate = app.gate("a");
    let runs = alice.start("slow", gate.param()).await;
    alice.follow(&runs).await.until_kind("step.output").await;
    let waits = alice.start("slow", json!({})).await;
    assert_eq!(alice.snapshot(&waits).await["status"], "queued");
    assert!(is_marked_process_left(&mark));
    let statuses = in_another_life(&mut app, &alice, &mark, &[&runs, &waits]).await;
    assert_eq!(statuses, ["interrupted", "succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_run_starts() {
    let (mut app, alice, mark) = server().await;
    for kind in ["execution.queued", "execution.started", "step.started"] {
        let gate = app.gate(kind);
        let mut all = alice.events().await;
        let id = alice.start("slow", gate.param()).await;
        all.until_kind(kind).await;
        app.kill_9().await;
        // One that had not started runs now, and comes to its end.
        gate.open();
        app.launch().await;
        let statuses = ended(&alice, &mark, &[&id]).await;
        assert!(["interrupted", "succeeded"].contains(&statuses[0].as_str()), "{kind}: {statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_term_and_kill() {
    let (mut app, alice, mark) = server().await;
    let id = alice.start("slow", app.gate("never").param()).await;
    let mut follow = alice.follow(&id).await;
    follow.until_kind("step.output").await;
    alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    // It has had its TERM and goes on, as its trap lets it.
    // The shell may say first that its `sleep` was ended.
    let says = |frame: &Frame| {
        frame.json["lines"].as_array().is_some_and(|lines| lines.iter().any(|line| line["text"] == "stopping"))
    };
    follow.until("stopping", says).await;
    assert!(is_marked_process_left(&mark));
    assert_eq!(in_another_life(&mut app, &alice, &mark, &[&id]).await, ["interrupted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_all_steps_have_ended_and_their_daemons_have_not() {
    let (mut app, alice, mark) = server().await;
    let id = alice.start("slow", json!({})).await;
    alice.follow(&id).await.until_kind("step.completed").await;
    let statuses = in_another_life(&mut app, &alice, &mark, &[&id]).await;
    // It may just have ended: then it stays so.
    assert!(["interrupted", "succeeded"].contains(&statuses[0].as_str()), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_supervisor_can_do_nothing() {
    let (mut app, alice, mark) = server().await;
    let id = alice.start("slow", app.gate("never").param()).await;
    alice.follow(&id).await.until_kind("step.output").await;
    let supervises = format!("RUNCAST_SUPERVISOR={}", app.path("data/work").display());
    for entry in std::fs::read_dir("/proc").expect("it is Linux").flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if memchr::memmem::find(&environment, supervises.as_bytes()).is_some() {
            let pid =
                entry.file_name().to_str().and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
            // Stopped, it does not end anything by itself.
            let stop = rustix::process::Signal::STOP;
            rustix::process::kill_process(pid.expect("it is a number"), stop).expect("it is ours");
        }
    }
    assert_eq!(in_another_life(&mut app, &alice, &mark, &[&id]).await, ["interrupted"]);
}
