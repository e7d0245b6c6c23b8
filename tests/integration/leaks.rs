//! Secrets reach the steps and nobody else: a workflow that tries to show them in every way that there is.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    app::{TestApp, eventually},
    stream::{first, lines},
};

const PASSWORD: &str = "swordfish-7f3a";
/// Of a file, with lines of which each is secret.
const KEY: &str = "BEGIN-KEY-91\nbm9ib2R5LWtub3dz\nEND-KEY-91";

const LEAKY: &str = r#"
secrets: [DB_PASSWORD, DEPLOY_KEY]
steps:
  - id: print
    tty: true
    run: |
      echo "whole $DB_PASSWORD."
      echo "error $DB_PASSWORD" >&2
      printf '%s' "pieces ${DB_PASSWORD:0:5}"; sleep 0.3; printf '%s\n' "${DB_PASSWORD:5}"
      echo "$DEPLOY_KEY"
      printf '%s' "no end $DB_PASSWORD"
  - id: tell
    needs: [print]
    run: |
      echo "::progress 10 with $DB_PASSWORD"
      sleep 0.2
      echo "::notice::$DB_PASSWORD"
      echo "::group::$DB_PASSWORD"
      echo "value=$DB_PASSWORD" >> "$RUNCAST_OUTPUT"
      printf 'key<<E\n%s\nE\n' "$DEPLOY_KEY" >> "$RUNCAST_OUTPUT"
      echo "${DB_PASSWORD//-/_}_${DB_PASSWORD}=of a key" >> "$RUNCAST_OUTPUT"
  - id: use
    needs: [tell]
    run: |
      [ "$RUNCAST_OUTPUT_TELL_VALUE" = "$DB_PASSWORD" ]
      [ "$RUNCAST_OUTPUT_TELL_KEY" = "$DEPLOY_KEY" ]
      [ "${#DB_PASSWORD}" = 14 ] && [ "$(echo "$DEPLOY_KEY" | wc -l)" = 3 ]
      echo "all there"
  - {id: not-found, needs: [use], continue-on-error: true, run: '"$DB_PASSWORD"'}
  - {id: error, needs: [use], continue-on-error: true, run: 'echo "::error::lost $DB_PASSWORD"; exit 1'}
  - {id: bad-output, needs: [use], continue-on-error: true, run: 'printf "%055d%s\n" 0 "$DB_PASSWORD" >> $RUNCAST_OUTPUT'}
  - {id: slow, needs: [use], continue-on-error: true, timeout: 300ms, run: 'trap "echo ended $DB_PASSWORD; exit 1" TERM; while :; do sleep 0.05; done'}
"#;

/// With the password in its environment and the key in a folder.
async fn server(workflows: &[(&str, &str)]) -> TestApp {
    let mut app = TestApp::asleep(&["--secrets", "secrets"], workflows).env("DB_PASSWORD", PASSWORD);
    fs::create_dir(app.path("secrets")).expect("a folder can be made");
    fs::write(app.path("secrets/DEPLOY_KEY"), format!("{KEY}\n")).expect("a file can be written");
    app.launch().await;
    app
}

fn assert_clean(what: &str, text: &[u8]) {
    for secret in [PASSWORD].into_iter().chain(KEY.lines()) {
        assert!(memchr::memmem::find(text, secret.as_bytes()).is_none(), "{secret} is in {what}");
    }
}

/// All of the journal's files, as they are on the disk.
fn assert_journal_clean(data: &Path) {
    for entry in fs::read_dir(data).expect("it is there").flatten().filter(|entry| entry.path().is_file()) {
        assert_clean(&entry.path().display().to_string(), &fs::read(entry.path()).expect("it can be read"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_nowhere_whatever_a_step_tries() {
    let app = server(&[("leaky", LEAKY)]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("leaky", json!({})).await;
    assert_eq!(facts.last().expect("it has an end")["kind"], "execution.completed", "{facts:#?}");
    assert_eq!(lines(&facts, "use"), ["all there"]);
    assert_eq!(lines(&facts, "print"), ["whole ***.", "error ***", "pieces ***", "***", "***", "***", "no end ***"]);
    assert_eq!(first(&facts, "step.progress")["message"], "with ***");
    // The shell may have said `Terminated` of its `sleep` as well.
    assert!(lines(&facts, "slow").contains(&"ended ***"));
    assert_clean("the stream", json!(facts).to_string().as_bytes());
    assert_clean("the snapshot", alice.snapshot(&id).await.to_string().as_bytes());
    assert_clean("the list", alice.json("/api/executions").await.to_string().as_bytes());
    let log = alice.get(&format!("/api/executions/{id}/log")).await.text().await.expect("it is text");
    assert!(log.contains("whole ***."), "{log}");
    assert_clean("the log", log.as_bytes());
    assert_clean("the server's own log", app.log().as_bytes());
    assert_journal_clean(&app.path("data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_masked_when_a_run_is_cancelled_or_the_server_stops() {
    let hold = "secrets: [DB_PASSWORD]\nsteps:\n- {id: a, run: 'trap \"echo ended $DB_PASSWORD >&2; exit 1\" TERM; printf \"at work with $DB_PASSWORD\"; while :; do sleep 0.05; done'}\n- {id: b, if: always, run: 'echo \"::progress 5 $DB_PASSWORD\"; echo begun; sleep 60'}\n";
    let mut app = server(&[("hold", hold)]).await;
    let alice = app.user("alice").await;
    let id = alice.start("hold", json!({})).await;
    let mut follow = alice.follow(&id).await;
    follow.until_kind("step.started").await;
    // So that the shell has set its trap.
    let folder = app.path(&format!("data/work/{id}"));
    eventually("it runs", async || folder.join("files").is_dir()).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    follow.until("begun", |frame| frame.json["lines"][0]["text"] == "begun").await;
    app.stop().await;
    app.launch().await;
    let facts = alice.follow(&id).await.facts().await;
    assert_eq!(facts.last().expect("it has an end")["kind"], "execution.cancelled");
    assert!(json!(facts).to_string().contains("at work with ***"), "{facts:#?}");
    assert_clean("the stream", json!(facts).to_string().as_bytes());
    assert_clean("the server's own log", app.log().as_bytes());
    assert_journal_clean(&app.path("data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_fails_every_step_and_is_named() {
    let lacking = "secrets: [DB_PASSWORD, NO_SUCH_SECRET]\nsteps:\n- {id: a, run: echo ran, retry: {attempts: 3, backoff: 1s}}\n- {id: b, run: echo ran, if: always}\n";
    let app = server(&[("lacking", lacking)]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("lacking", json!({})).await;
    let snapshot: Value = alice.snapshot(&id).await;
    let expected = "the secret NO_SUCH_SECRET is missing: it is neither in the server's environment nor in the folder secrets (--secrets)";
    assert_eq!(snapshot["status"], "failed");
    assert_eq!(snapshot["error"]["message"], expected);
    for step in snapshot["steps"].as_array().expect("it has steps") {
        assert_eq!((&step["status"], &step["error"], &step["lines"]), (&json!("failed"), &json!(expected), &json!(0)));
    }
    assert!(!facts.iter().any(|fact| fact["kind"] == "step.retrying"), "another attempt would find no more");
    // It is looked for anew each time: no restart is needed.
    fs::write(app.path("secrets/NO_SUCH_SECRET"), "found").expect("a file can be written");
    let (_, facts) = alice.run("lacking", json!({})).await;
    assert_eq!(lines(&facts, "a"), ["ran"]);
}

/// Leaves a secret behind, and shows it once it is let: before that it fails, or works for ever.
const LEAVES: &str = r#"
secrets: [DEPLOY_KEY]
params: [{name: go}, {name: else, default: exit 1}]
steps:
- id: leave
  run: |
    echo "$DEPLOY_KEY" > left
    echo "key=$(head -1 left)" >> "$RUNCAST_OUTPUT"
- id: show
  run: |
    test -e "$GO" || eval "$ELSE"
    cat left; echo "was $RUNCAST_OUTPUT_LEAVE_KEY, is $DEPLOY_KEY"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_changed_since_is_not_shown_by_a_run_that_goes_on() {
    let mut app = server(&[("leaves", LEAVES)]).await;
    let alice = app.user("alice").await;
    let go = app.text_path("go");
    let (failed, _) = alice.run("leaves", json!({ "go": go })).await;
    let killed = alice.start("leaves", json!({ "go": go, "else": "echo at work; sleep 60" })).await;
    let log = async || alice.get(&format!("/api/executions/{killed}/log")).await.text().await.expect("it is text");
    eventually("the first step's end counts", async || log().await.contains("at work")).await;
    app.kill_9().await;
    fs::write(app.path("secrets/DEPLOY_KEY"), "another-key-5c").expect("a file can be written");
    fs::write(&go, "").expect("a file can be written");
    app.launch().await;
    for id in [failed, killed] {
        eventually("it has its end", async || !alice.snapshot(&id).await["finished_at"].is_null()).await;
        let path = format!("/api/executions/{id}/rerun");
        let again: Value = alice.post(&path, &json!({ "from": "failed" })).await.json().await.expect("a snapshot");
        let again = again["id"].as_str().expect("an id");
        let facts = alice.follow(again).await.facts().await;
        assert_eq!(facts.last().expect("it has an end")["kind"], "execution.completed", "{facts:#?}");
        assert_eq!(alice.snapshot(again).await["steps"][0]["reused"], true);
        assert_eq!(lines(&facts, "show"), ["***", "***", "***", "was ***, is ***"]);
        assert_clean("the stream", json!(facts).to_string().as_bytes());
    }
    assert_journal_clean(&app.path("data"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_can_not_mask_all_begins_no_step_and_neither_does_one_that_goes_on_from_it() {
    let app = server(&[("leaves", LEAVES)]).await;
    let alice = app.user("alice").await;
    let (key, go) = (app.path("secrets/DEPLOY_KEY"), app.text_path("go"));
    let lines_of = |letter: char| (0..600).map(|number| format!("{letter}-{number:04}\n")).collect::<String>();
    let again = async |id: &str| {
        let path = format!("/api/executions/{id}/rerun");
        let again: Value = alice.post(&path, &json!({ "from": "failed" })).await.json().await.expect("a snapshot");
        let again = again["id"].as_str().expect("an id").to_owned();
        let facts = alice.follow(&again).await.facts().await;
        (again, facts)
    };
    fs::write(&key, lines_of('a')).expect("a file can be written");
    let (mut id, _) = alice.run("leaves", json!({ "go": go })).await;
    fs::write(&go, "").expect("a file can be written");
    fs::write(&key, lines_of('b')).expect("a file can be written");
    for _ in 0..2 {
        let (later, facts) = again(&id).await;
        let expected = "what the execution before this one masked is too much to be masked here: run all of it again";
        assert_eq!(alice.snapshot(&later).await["error"]["message"], expected);
        assert!(lines(&facts, "show").is_empty(), "{facts:#?}");
        id = later;
    }
    fs::write(&key, "short-key-77").expect("a file can be written");
    let (_, facts) = again(&id).await;
    assert_eq!(facts.last().expect("it has an end")["kind"], "execution.completed");
    let shown = lines(&facts, "show");
    assert_eq!((shown.len(), shown.last()), (601, Some(&"was ***, is ***")));
    assert!(shown[..600].iter().all(|line| *line == "***"));
}
