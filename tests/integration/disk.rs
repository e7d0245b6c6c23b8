//! A disk that is full, and one that can't be written: for real, in a small file system that only the server sees.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::{
    app::{LONGEST, TestApp, User, answer, eventually, problem},
    mix::all_is_whole_since,
    stream::{Fact, assert_in_order, kinds, lines},
};

/// Says lines whenever it may, and waits between them where the test can see it.
const PATIENT: (&str, &str) = (
    "patient",
    r#"
params: [{name: gate, type: string}]
steps:
  - id: talk
    run: |
      echo begun
      until [ -e "$GATE-1" ]; do sleep 0.02; done
      for n in $(seq 500); do echo "full $n"; echo "::progress $n/1000"; done
      echo said > "$GATE-said"
      until [ -e "$GATE-2" ]; do sleep 0.02; done
      echo "the end"
  - {id: after, run: echo after}
"#,
);
const TWO: (&str, &str) = (
    "two",
    r#"
params: [{name: gate, type: string}]
steps:
  - {id: first, run: 'echo first; until [ -e "$GATE-1" ]; do sleep 0.02; done'}
  - {id: second, run: echo second}
"#,
);
const HELLO: (&str, &str) = ("hello", "steps:\n- {id: greet, run: echo hello}\n");

/// The words of a command that runs another with a file system of its own; none if this machine does not let us, which
/// only a developer's may do.
fn apart(script: &str) -> Option<Vec<String>> {
    let root = rustix::process::getuid().is_root();
    let unshare = ["unshare", if root { "-m" } else { "-rm" }];
    let tried = Command::new(unshare[0])
        .args([unshare[1], "sh", "-c", "mount -t tmpfs -o size=1m none /tmp"])
        .output()
        .expect("unshare (of util-linux) is installed");
    if !tried.status.success() {
        let why = String::from_utf8_lossy(&tried.stderr).into_owned();
        assert!(std::env::var_os("CI").is_none(), "`{}` is not permitted on this machine: {why}", unshare.join(" "));
        eprintln!("NOT TESTED: `{}` is not permitted on this machine: {why}", unshare.join(" "));
        return None;
    }
    let words = [unshare[0], unshare[1], "sh", "-c", script, "sh"];
    Some(words.map(str::to_owned).to_vec())
}

/// A server whose data folder is a file system of so many MiB.
async fn small(megabytes: u64, workflows: &[(&str, &str)]) -> Option<(TestApp, User)> {
    let command = apart(&format!("mkdir -p data && mount -t tmpfs -o size={megabytes}m none data && exec \"$@\""))?;
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut app = TestApp::asleep(&[], workflows).under(&command);
    app.launch().await;
    let (root, ..) = app.set_up("root").await;
    Some((app, root))
}

/// What fills the disk, and can be taken away.
struct Ballast(PathBuf);

impl Ballast {
    fn new(app: &TestApp) -> Self {
        Self(PathBuf::from(format!("/proc/{}/root{}", app.pid(), app.text_path("data/ballast"))))
    }

    /// Until not one byte more can be written.
    fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(&self.0).expect("it can be made");
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn take_away(&self) {
        fs::remove_file(&self.0).expect("it is there");
    }
}

fn gate(app: &TestApp) -> serde_json::Value {
    json!({ "gate": app.text_path("gate") })
}

fn open(app: &TestApp, n: u32) {
    fs::write(app.path(&format!("gate-{n}")), "").expect("that disk has room");
}

/// Waits until `readyz` says why the server can't do its work.
async fn is_not_ready(user: &User) {
    eventually("it is not ready", async || user.get("/readyz").await.status() == 503).await;
    let told = problem(user.get("/readyz").await, 503).await;
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("disk is full")), "{told}");
}

async fn is_ready(user: &User) {
    eventually("it is ready", async || user.get("/readyz").await.status() == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_steps_go_on_everybody_is_told_and_nothing_is_lost() {
    let Some((app, root)) = small(8, &[PATIENT]).await else { return };
    let (mut all, ballast) = (root.events().await.live().await, Ballast::new(&app));
    let id = root.start("patient", gate(&app)).await;
    let mut own = root.follow(&id).await;
    let mut seen: Vec<Fact> = Vec::new();
    let had = own.until("the first line", |frame| frame.kind() == "step.output").await;
    seen.extend(had.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json));
    ballast.fill();
    open(&app, 1);
    eventually("the step has gone on", async || app.path("gate-said").exists()).await;
    is_not_ready(&root).await;
    let told = Instant::now();
    for stream in [&mut own, &mut all] {
        let had = stream.until("a heartbeat that tells", |frame| frame.json["trouble"].is_string()).await;
        let beat = &had.last().expect("it came").json;
        assert!(beat["trouble"].as_str().is_some_and(|trouble| trouble.contains("disk is full")), "{beat}");
    }
    assert!(told.elapsed() < Duration::from_secs(2), "they were told after {:?}", told.elapsed());
    let mut late = root.events().await;
    let late = timeout(Duration::from_secs(2), late.until_kind("heartbeat"))
        .await
        .expect("who comes meanwhile is told at once");
    assert!(late["trouble"].is_string(), "{late}");
    ballast.take_away();
    is_ready(&root).await;
    let had =
        own.until("it is taken back", |frame| frame.kind() == "heartbeat" && frame.json["trouble"].is_null()).await;
    seen.extend(had.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json));
    open(&app, 2);
    seen.extend(own.facts().await);
    assert_in_order(&seen);
    assert_eq!(kinds(&seen).last(), Some(&"execution.completed"));
    let wanted: Vec<String> = (1..=500).map(|n| format!("full {n}")).collect();
    let talked = lines(&seen, "talk");
    assert_eq!(
        (talked[0], &talked[1..=500], talked[501]),
        ("begun", &wanted.iter().map(String::as_str).collect::<Vec<_>>()[..], "the end")
    );
    assert_eq!(talked.len(), 502);
    assert_eq!(seen, root.follow(&id).await.facts().await, "it was told once, in order");
    all.facts_of(1).await;
    all_is_whole_since(&app, &root, 0, &[id]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_turn_comes_while_the_disk_is_full_waits_or_says_that_there_is_no_room() {
    let Some((app, root)) = small(8, &[TWO]).await else { return };
    let ballast = Ballast::new(&app);
    let id = root.start("two", gate(&app)).await;
    root.follow(&id).await.until_kind("step.output").await;
    ballast.fill();
    open(&app, 1);
    is_not_ready(&root).await;
    // Long enough for a step that does not wait to have failed.
    tokio::time::sleep(Duration::from_secs(1)).await;
    ballast.take_away();
    // First, since a stream of a server that stays stuck has no end.
    is_ready(&root).await;
    let facts = root.follow(&id).await.facts().await;
    let end = facts.last().expect("there are facts");
    let says = end["error"]["message"].as_str().unwrap_or_default();
    assert!(end["kind"] == "execution.completed" || says.contains("No space left"), "{end}");
    all_is_whole_since(&app, &root, 0, &[id]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_start_a_run_while_the_disk_is_full_is_answered_in_time_and_nothing_half_written_stays() {
    let Some((app, root)) = small(8, &[HELLO]).await else { return };
    let (_, before) = root.run("hello", json!({})).await;
    let ballast = Ballast::new(&app);
    ballast.fill();
    let begun = Instant::now();
    let mut promised = Vec::new();
    for n in 0..3 {
        let request = root.request(Method::POST, "/api/executions").header("Idempotency-Key", format!("key {n}"));
        let request = request.json(&json!({ "workflow": "hello", "params": {} }));
        let response = timeout(Duration::from_secs(15), answer(request)).await.expect("an answer comes in time");
        if response.status() == 201 {
            let snapshot: serde_json::Value = response.json().await.expect("it is JSON");
            promised.push(snapshot["id"].as_str().expect("it has an id").to_owned());
        } else {
            problem(response, 503).await;
        }
    }
    println!("three answers took {:?}; {} runs were promised", begun.elapsed(), promised.len());
    ballast.take_away();
    is_ready(&root).await;
    eventually("every run has ended", async || {
        let list = root.json("/api/executions?limit=200").await;
        list["items"].as_array().expect("a list").iter().all(|item| item["status"] == "succeeded")
    })
    .await;
    let (_, next) = root.run("hello", json!({})).await;
    assert_eq!(kinds(&next), kinds(&before));
    all_is_whole_since(&app, &root, 0, &promised).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_the_disk_is_full_begins_again_with_what_was_told() {
    // The file system goes with the process that it belongs to, so this one is held by another.
    let Some(command) = apart("exec \"$@\"") else { return };
    let holder = "mkdir -p data && mount -t tmpfs -o size=8m none data && echo ready && exec sleep 600";
    let mut app = TestApp::asleep(&[], &[PATIENT, HELLO]);
    let mut keeper = tokio::process::Command::new(&command[0])
        .args([&command[1], "sh", "-c", holder])
        .current_dir(app.path(""))
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it was tried before");
    let pid = keeper.id().expect("it runs").to_string();
    let mounts = format!("/proc/{pid}/mounts");
    let folder = app.text_path("data");
    eventually("the disk is there", async || fs::read_to_string(&mounts).is_ok_and(|text| text.contains(&folder)))
        .await;
    let enter = ["nsenter", "--target", &pid, "--mount", "--user", "--preserve-credentials", "--wd=."];
    let enter = if command[1] == "-m" { vec!["nsenter", "--target", &pid, "--mount"] } else { enter.to_vec() };
    app = app.under(&enter);
    app.launch().await;
    let (root, ..) = app.set_up("root").await;
    let ballast = Ballast::new(&app);
    let id = root.start("patient", gate(&app)).await;
    let mut own = root.follow(&id).await;
    own.until("the first line", |frame| frame.kind() == "step.output").await;
    ballast.fill();
    open(&app, 1);
    is_not_ready(&root).await;
    app.kill_9().await;
    let ballast = Ballast(PathBuf::from(format!("/proc/{pid}/root{}", app.text_path("data/ballast"))));
    ballast.take_away();
    app.launch().await;
    let snapshot = root.snapshot(&id).await;
    assert_eq!(snapshot["status"], "interrupted", "{snapshot}");
    root.run("hello", json!({})).await;
    all_is_whole_since(&app, &root, 0, &[id]).await;
    keeper.kill().await.expect("it is a child");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_a_clear_error_at_the_start() {
    let mut app = TestApp::asleep(&[], &[HELLO]);
    app.launch().await;
    let root = app.admin("root").await;
    root.run("hello", json!({})).await;
    app.stop().await;
    let Some(command) = apart("mount --bind data data && mount -o remount,ro,bind data && exec \"$@\"") else { return };
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let app = app.under(&command);
    let said = timeout(LONGEST, app.launch_in_vain()).await.expect("it gives up");
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains(&app.text_path("data")), "it says which folder: {said:?}");
    let known = ["read-only", "readonly", "Read-only"];
    assert!(known.iter().any(|word| said.err.contains(word)), "it says what is wrong: {said:?}");
    assert_eq!(said.out, "", "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_while_the_disk_is_full_does_stop() {
    let Some((mut app, root)) = small(8, &[PATIENT]).await else { return };
    let id = root.start("patient", gate(&app)).await;
    root.follow(&id).await.until_kind("step.output").await;
    Ballast::new(&app).fill();
    open(&app, 1);
    is_not_ready(&root).await;
    let took = app.stop().await;
    assert!(took < Duration::from_secs(15), "it took {took:?}");
}
