//! `runcast exec`: a command runs as it would without, and the server knows of it all, whenever it is there.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

use crate::app::{LONGEST, Said, TestApp, User, eventually};

/// `runcast exec` with these words, its reports in this server's folder.
fn exec(app: &TestApp, user: &User, words: &[&str]) -> Command {
    let mut command = app.client_command(user, &["exec"]);
    command.args(words).env("XDG_STATE_HOME", app.path("state"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn ended(process: Child) -> Said {
    let output = timeout(LONGEST, process.wait_with_output()).await.expect("it ends").expect("it is a child");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    Said { code: output.status.code().expect("no signal ended it"), out: text(output.stdout), err: text(output.stderr) }
}

async fn run(app: &TestApp, user: &User, words: &[&str]) -> Said {
    ended(exec(app, user, words).spawn().expect("the program is built")).await
}

/// Whether the one execution of that name has failed; not while the server does not know of it.
async fn has_failed(user: &User, name: &str) -> bool {
    user.json(&format!("/api/executions?workflow={name}")).await["items"][0]["status"] == "failed"
}

/// The one execution of that name.
async fn only(user: &User, name: &str) -> Value {
    let list = user.json(&format!("/api/executions?workflow={name}")).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    user.snapshot(list["items"][0]["id"].as_str().expect("it has an id")).await
}

async fn log(user: &User, execution: &Value) -> String {
    let id = execution["id"].as_str().expect("it has an id");
    user.get(&format!("/api/executions/{id}/log")).await.text().await.expect("it is text")
}

fn send(process: &Child, signal: Signal) {
    let pid = process.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).expect("it runs");
    kill_process(pid, signal).expect("it is ours");
}

/// Reads on until this was printed.
async fn until_printed(process: &mut Child, wanted: &str) {
    let out = process.stdout.as_mut().expect("it is piped");
    let (mut got, mut buffer) = (String::new(), [0; 1024]);
    while !got.contains(wanted) {
        let read = timeout(LONGEST, out.read(&mut buffer)).await.unwrap_or_else(|_| panic!("no {wanted:?} in {got:?}"));
        let count = read.expect("it can be read");
        assert!(count > 0, "it ended: {got}");
        got.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_output_and_exit_code_are_the_commands_own_and_are_reported() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = "cat; echo err >&2; echo '::progress 50 half'; [ -t 1 ] && echo tty; printf 'no end'; exit 7";
    let mut process = exec(&app, &alice, &["--name", "own", "--", "sh", "-c", script]).spawn().expect("it is built");
    process.stdin.take().expect("it is piped").write_all(b"typed\n").await.expect("it is read");
    let said = ended(process).await;
    assert_eq!((said.code, said.out.as_str()), (7, "typed\n::progress 50 half\nno end"));
    assert_eq!(said.err, "err\n");
    let execution = only(&alice, "own").await;
    assert_eq!((&execution["status"], &execution["trigger"]), (&json!("failed"), &json!("external")));
    let step = &execution["steps"][0];
    assert_eq!((&step["exit_code"], &step["percent"]), (&json!(7), &json!(50.0)));
    assert_eq!((&step["error"], &step["message"]), (&json!("exited with 7"), &json!("half")));
    let log = log(&alice, &execution).await;
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err", "no end", "typed"]);
    let said = run(&app, &alice, &["--", "true"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(only(&alice, "true").await["status"], "succeeded");
    let left = std::fs::read_dir(app.path("state/runcast/exec")).expect("it is there").count();
    assert_eq!(left, 0, "nothing of a report is left that was delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_a_signal_ends_gives_the_code_of_a_shell() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    assert_eq!(run(&app, &alice, &["--name", "shot", "--", "sh", "-c", "kill -SEGV $$"]).await.code, 139);
    let execution = only(&alice, "shot").await;
    assert_eq!(execution["steps"][0]["error"], "ended by SIGSEGV");
    let said = run(&app, &alice, &["--name", "absent", "--", "/no/such/program"]).await;
    assert_eq!(said.code, 127);
    assert!(said.err.starts_with("runcast: /no/such/program: "), "{said:?}");
    assert_eq!(only(&alice, "absent").await["status"], "failed");
    assert_eq!(run(&app, &alice, &["--name", "No Name", "--", "true"]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_to_it_reaches_the_command() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let script = "trap 'echo caught; exit 5' TERM INT HUP; echo ready; while :; do sleep 0.05; done";
        let mut process = exec(&app, &alice, &["--", "sh", "-c", script]).spawn().expect("it is built");
        until_printed(&mut process, "ready").await;
        send(&process, signal);
        let said = ended(process).await;
        assert_eq!((said.code, said.out.as_str()), (5, "caught\n"), "{signal:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_on_the_server_ends_the_command_and_all_its_children() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = "sleep 1000 & echo $! > child; echo ready; wait";
    let mut process = exec(&app, &alice, &["--name", "stopped", "--", "sh", "-c", script]);
    let mut process = process.spawn().expect("it is built");
    until_printed(&mut process, "ready").await;
    eventually("it is known", async || {
        !alice.json("/api/executions?workflow=stopped").await["items"].as_array().expect("a list").is_empty()
    })
    .await;
    let id = only(&alice, "stopped").await["id"].as_str().expect("it has an id").to_owned();
    alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    assert_eq!(ended(process).await.code, 130);
    assert_eq!(alice.snapshot(&id).await["status"], "cancelled");
    assert!(!crate::app::lives(&app.path("child")));
}

/// The program on a terminal that `script` makes, with what is typed there.
fn on_terminal(app: &TestApp, user: &User, words: &str) -> Command {
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_runcast");
    command.args(["-qec", &format!("stty rows 33 cols 77; {program} exec {words}"), "/dev/null"]);
    let client = exec(app, user, &[]);
    for (name, value) in client.as_std().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(app.path("")).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_command_has_one_of_its_own() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let words = "--name tty -- sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size && tty >/dev/tty; exit 4'";
    let mut process = on_terminal(&app, &alice, words).spawn().expect("there is script");
    let stdin = process.stdin.take();
    let said = ended(process).await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.out.starts_with("33 77\r\n/dev/pts/"), "{said:?}");
    assert!(log(&alice, &only(&alice, "tty").await).await.starts_with("33 77\n/dev/pts/"));
    drop(stdin);
    // Ctrl-C, as typed, reaches the command and nobody else.
    let words = "--name int -- sh -c 'trap \"echo caught; exit 9\" INT; echo ready; while :; do sleep 0.05; done'";
    let mut process = on_terminal(&app, &alice, words).spawn().expect("there is script");
    let mut typing = process.stdin.take().expect("it is piped");
    until_printed(&mut process, "ready").await;
    typing.write_all(b"\x03").await.expect("it is read");
    let said = ended(process).await;
    assert_eq!(said.code, 9, "{said:?}");
    assert!(said.out.contains("caught"), "{said:?}");
    assert_eq!(only(&alice, "int").await["steps"][0]["exit_code"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_z_stops_the_command_and_fg_lets_it_go_on() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let program = env!("CARGO_BIN_EXE_runcast");
    let mut process = on_terminal(&app, &alice, "--help >/dev/null; bash --norc -i").spawn().expect("there is script");
    let mut typing = process.stdin.take().expect("it is piped");
    // Not sh: where that is dash, it waits for its child to be another program, and if that is stopped before, for ever.
    let command = "bash -c 'echo rea''dy; until [ -e go ]; do sleep 0.05; done; echo do''ne; exit 6'";
    typing.write_all(format!("{program} exec --name z -- {command}\n").as_bytes()).await.expect("it is read");
    until_printed(&mut process, "ready\r\n").await;
    typing.write_all(b"\x1a").await.expect("it is read");
    until_printed(&mut process, "Stopped").await;
    typing.write_all(b"touch go; fg\n").await.expect("it is read");
    until_printed(&mut process, "done\r\n").await;
    eventually("it has ended", async || has_failed(&alice, "z").await).await;
    typing.write_all(b"echo code=$?; exit\n").await.expect("it is read");
    let said = ended(process).await;
    assert!(said.out.contains("code=6"), "{said:?}");
    assert_eq!(only(&alice, "z").await["steps"][0]["exit_code"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_missed_it_is_told_when_it_is_back() {
    let mut app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = "n=0; while [ $n -lt 200 ]; do n=$((n+1)); echo \"line $n\"; sleep 0.02; done; exit 3";
    let process = exec(&app, &alice, &["--name", "gap", "--", "sh", "-c", script]).spawn().expect("it is built");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    app.kill_9().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    app.launch().await;
    let said = ended(process).await;
    assert_eq!((said.code, said.err.as_str()), (3, ""));
    let execution = only(&alice, "gap").await;
    assert_eq!(execution["status"], "failed");
    assert_eq!(log(&alice, &execution).await, said.out, "nothing is lost and nothing doubled");
    // One that never saw the server.
    app.kill_9().await;
    let said = run(&app, &alice, &["--wait", "300ms", "--name", "alone", "--", "sh", "-c", "echo hello; exit 2"]).await;
    assert_eq!((said.code, said.out.as_str()), (2, "hello\n"));
    assert!(said.err.contains("--deliver") && said.err.lines().count() == 1, "{said:?}");
    assert_eq!(run(&app, &alice, &["--deliver"]).await.code, 3);
    app.launch().await;
    let said = run(&app, &alice, &["--deliver"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let execution = only(&alice, "alone").await;
    assert_eq!((&execution["status"], &execution["steps"][0]["exit_code"]), (&json!("failed"), &json!(2)));
    assert_eq!(log(&alice, &execution).await, "hello\n");
    assert_eq!(run(&app, &alice, &["--deliver"]).await.code, 0, "there is nothing left");
    assert_eq!(only(&alice, "alone").await, execution);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_that_is_killed_is_delivered_what_it_had_taken_in_and_no_end() {
    let mut app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    app.kill_9().await;
    let script = "echo before; exec sleep 3";
    let mut process = exec(&app, &alice, &["--name", "killed", "--", "sh", "-c", script]).spawn().expect("it is built");
    until_printed(&mut process, "before").await;
    let written = async || {
        let parts = app.path("state/runcast/exec").read_dir().ok().into_iter().flatten().flatten();
        let parts = parts.flat_map(|report| report.path().read_dir().into_iter().flatten().flatten());
        parts.map(|part| std::fs::read_to_string(part.path()).unwrap_or_default()).any(|text| text.contains("before"))
    };
    eventually("the report is on disk", written).await;
    send(&process, Signal::KILL);
    process.wait().await.expect("it is ours");
    app.launch().await;
    let said = run(&app, &alice, &["--deliver"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let execution = only(&alice, "killed").await;
    assert_eq!(execution["status"], "running", "nobody knows yet what became of it");
    assert_eq!(log(&alice, &execution).await, "before\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_comes_through_whole() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let said = run(&app, &alice, &["--name", "flood", "--", "seq", "1", "100000"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let execution = only(&alice, "flood").await;
    assert_eq!((&execution["status"], &execution["steps"][0]["lines"]), (&json!("succeeded"), &json!(100_000)));
    let expected: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert!(said.out == expected && log(&alice, &execution).await == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_a_child_behind_or_is_not_read_to_the_end_ends_as_without() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = "(sleep 60; echo late) & echo done";
    let said = run(&app, &alice, &["--name", "daemon", "--", "sh", "-c", script]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "done\n"));
    let pipeline = format!("{} exec --name head -- yes | head -n 1", env!("CARGO_BIN_EXE_runcast"));
    let mut shell = exec(&app, &alice, &[]);
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -o pipefail; {pipeline}")]).current_dir(app.path(""));
    for (name, value) in shell.as_std_mut().get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash");
    let said = ended(process).await;
    assert_eq!((said.code, said.out.as_str()), (141, "y\n"), "{said:?}");
    let execution = only(&alice, "head").await;
    assert!(execution["steps"][0]["error"].as_str().is_some_and(|error| error.contains("SIGPIPE")), "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_through_a_proxy_to_a_server_that_it_can_not_reach_itself() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let way = format!("http://{}", proxy.local_addr().expect("it has one"));
    let server = app.address.clone();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = proxy.accept().await {
            let mut to = tokio::net::TcpStream::connect(&server).await.expect("the server is there");
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    let run = async |no_proxy: &str| {
        let mut command = exec(&app, &alice, &["--wait", "5s", "--name", "far", "--", "echo", "far"]);
        command.env("RUNCAST_URL", "http://runcast.invalid").env("HTTP_PROXY", &way).env("http_proxy", &way);
        command.env("NO_PROXY", no_proxy).env("no_proxy", no_proxy);
        ended(command.spawn().expect("it is built")).await
    };
    let said = run("").await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(only(&alice, "far").await["status"], "succeeded");
    assert!(run("runcast.invalid").await.err.contains("--deliver"), "without the proxy there is no way");
}
