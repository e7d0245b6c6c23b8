//! The command line, as a script has it: exit codes, lines, JSON.

use std::{fs, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    app::{Said, TestApp, User, eventually},
    stream::{Fact, lines},
};

const GREET: (&str, &str) = (
    "greet",
    r#"
params: [{name: who, type: string}]
steps:
  - {id: say, run: 'echo "hello $WHO"; echo "::progress 50 half way"; echo "said=hello" >> "$RUNCAST_OUTPUT"'}
  - {id: bow, run: echo bows}
"#,
);
const FAILS: (&str, &str) = ("fails", "steps:\n- {id: compile, run: 'echo no compiler >&2; exit 9'}\n");
const LATE: (&str, &str) = ("late", "timeout: 300ms\nsteps:\n- {id: wait, run: sleep 1000}\n");
const GATED: (&str, &str) = (
    "gated",
    r#"
params: [{name: gate, type: string}]
steps:
  - {id: wait, run: 'echo waiting; until [ -e "$GATE" ]; do sleep 0.02; done; echo through'}
"#,
);

async fn app() -> (TestApp, User) {
    let app = TestApp::new(&[GREET, FAILS, LATE, GATED]).await;
    let alice = app.user("alice").await;
    (app, alice)
}

/// One JSON document, and nothing else.
fn document(said: &Said) -> Value {
    assert_eq!(said.out.trim_end().lines().count(), 1, "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn start_follow_prints_what_happens_and_exits_as_the_execution_did() {
    let (app, alice) = app().await;
    let said = app.client(&alice, &["start", "greet", "-p", "who=Ada", "--follow"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for wanted in ["greet", "hello Ada", "half way", "bows", "succeeded", "said"] {
        assert!(said.out.to_lowercase().contains(&wanted.to_lowercase()), "no {wanted}: {}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "no terminal, no escapes: {:?}", said.out);
    let said = app.client(&alice, &["start", "fails", "--follow"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    for wanted in ["compile", "no compiler", "9", "failed"] {
        assert!(said.out.to_lowercase().contains(wanted), "no {wanted}: {}", said.out);
    }
    assert_eq!(app.client(&alice, &["start", "late", "--follow"]).await.code, 124);
}

#[tokio::test(flavor = "multi_thread")]
async fn following_a_cancelled_execution_exits_with_130() {
    let (app, alice) = app().await;
    let gate = app.gate("a");
    let follow = async { app.client(&alice, &["start", "gated", "-p", &gate.text(), "--follow"]).await };
    let cancel = async {
        let running =
            async || alice.json("/api/executions?status=running").await["items"][0]["id"].as_str().map(str::to_owned);
        eventually("it runs", async || running().await.is_some()).await;
        let id = running().await.expect("it runs");
        let said = app.client(&alice, &["cancel", &id]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains(&id));
        id
    };
    let (said, id) = tokio::join!(follow, cancel);
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(alice.snapshot(&id).await["status"], "cancelled");
    assert_eq!(app.client(&alice, &["watch", &id]).await.code, 130);
    let again = app.client(&alice, &["cancel", &id]).await;
    assert_eq!(again.code, 3, "it makes no sense any more: {again:?}");
    assert!(!again.err.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_is_2_and_a_server_that_is_not_there_or_refuses_is_3() {
    let (mut app, alice) = app().await;
    for wrong in [
        &["start"][..],
        &["start", "greet", "--no-such-flag"],
        &["start", "greet", "-p", "who"],
        &["start", "greet", "-p", "who=a", "-p", "who=b"],
        &["cancel", "not-an-id"],
        &["list", "--status", "asleep"],
        &["no-such-command"],
    ] {
        let said = app.client(&alice, wrong).await;
        assert_eq!(said.code, 2, "{wrong:?}: {said:?}");
        assert!(!said.err.is_empty() && said.out.is_empty(), "{wrong:?}: {said:?}");
    }
    let nobody = app.bearer("nobody", "rc_garbage");
    for (user, refused, word) in [
        (&alice, &["start", "unheard-of", "--follow"][..], "404"),
        (&alice, &["start", "greet", "--follow"], "who"),
        (&alice, &["watch", "01934f0e-7b1c-7000-8000-000000000001"], "404"),
        (&alice, &["log", "01934f0e-7b1c-7000-8000-000000000001"], "404"),
        (&nobody, &["list"], "token"),
        (&nobody, &["start", "greet", "-p", "who=Ada"], "token"),
    ] {
        let said = app.client(user, refused).await;
        assert_eq!(said.code, 3, "{refused:?}: {said:?}");
        assert!(said.out.is_empty() && said.err.starts_with("runcast: "), "{refused:?}: {said:?}");
        assert!(said.err.contains(word) || word == "404" && said.err.contains("no such"), "{refused:?}: {said:?}");
    }
    app.stop().await;
    let said = app.client(&alice, &["list"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("not reached"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_with_json_prints_the_streams_own_events_one_a_line() {
    let (app, alice) = app().await;
    let said = app.client(&alice, &["start", "greet", "-p", "who=Ada", "--follow", "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let events: Vec<Fact> = said.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let id = events[0]["execution_id"].as_str().expect("it has an id").to_owned();
    assert_eq!(events, alice.follow(&id).await.facts().await);
    assert_eq!(lines(&events, "say"), ["hello Ada"]);
    let said = app.client(&alice, &["watch", &id, "--json"]).await;
    let again: Vec<Fact> = said.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!((said.code, again), (0, events));
}

#[tokio::test(flavor = "multi_thread")]
async fn start_list_log_and_cancel_tell_people_and_programs() {
    let (app, alice) = app().await;
    let said = app.client(&alice, &["start", "greet", "-p", "who=Ada"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let id = said.out.trim().strip_prefix("greet ").expect("workflow and id").to_owned();
    assert_eq!(app.client(&alice, &["watch", &id]).await.code, 0);
    let started = document(&app.client(&alice, &["start", "fails", "--json"]).await);
    let failed = started["id"].as_str().expect("it has an id").to_owned();
    assert_eq!((&started["workflow"], &started["owner"]), (&json!("fails"), &json!("alice")));
    assert_eq!(app.client(&alice, &["watch", &failed]).await.code, 1);

    let said = app.client(&alice, &["list"]).await;
    assert!(said.code == 0 && said.out.contains(&id) && said.out.contains(&failed), "{said:?}");
    let said = app.client(&alice, &["list", "--status", "failed"]).await;
    assert!(said.code == 0 && !said.out.contains(&id) && said.out.contains(&failed), "{said:?}");
    let list = document(&app.client(&alice, &["list", "--workflow", "greet", "--json"]).await);
    assert_eq!(list, alice.json("/api/executions?workflow=greet").await);
    assert_eq!(list["items"][0]["id"], json!(id));
    let list = document(&app.client(&alice, &["list", "-n", "1", "--json"]).await);
    assert_eq!((list["items"].as_array().map(Vec::len), &list["items"][0]["id"]), (Some(1), &json!(failed)));

    let said = app.client(&alice, &["log", &id]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "hello Ada\nbows\n"));
    let said = app.client(&alice, &["log", &id, "--step", "bow"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "bows\n"));
    let said = app.client(&alice, &["log", &id, "--json"]).await;
    let logged: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(logged.len(), 2);
    assert_eq!((&logged[1]["step"], &logged[1]["text"]), (&json!("bow"), &json!("bows")));

    let waiting = alice.start("gated", app.gate("a").param()).await;
    let cancelled = document(&app.client(&alice, &["cancel", &waiting, "--json"]).await);
    assert_eq!(cancelled["id"], json!(waiting));
    assert_eq!(app.client(&alice, &["watch", &waiting]).await.code, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_watching_stops_nothing() {
    let (app, alice) = app().await;
    let gate = app.gate("a");
    let mut command = app.client_command(&alice, &["start", "gated", "-p", &gate.text(), "--follow"]);
    let mut follow = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program is built");
    let mut said = BufReader::new(follow.stdout.take().expect("it is piped")).lines();
    while !said.next_line().await.expect("it can be read").expect("it goes on").contains("waiting") {}
    let pid = follow.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).expect("it runs");
    kill_process(pid, Signal::INT).expect("it is ours");
    assert_eq!(follow.wait().await.expect("it is a child").code(), Some(130));
    let list = alice.json("/api/executions?status=running").await;
    let id = list["items"][0]["id"].as_str().expect("it runs on").to_owned();
    gate.open();
    assert_eq!(app.client(&alice, &["watch", &id]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_outlives_a_restart_of_the_server() {
    let (mut app, alice) = app().await;
    let gate = app.gate("a");
    let mut command = app.client_command(&alice, &["start", "gated", "-p", &gate.text(), "--follow", "--json"]);
    let mut follow = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program is built");
    let mut said = BufReader::new(follow.stdout.take().expect("it is piped")).lines();
    let mut events = Vec::<Fact>::new();
    while events.last().is_none_or(|last| last["kind"] != "step.output") {
        let line = said.next_line().await.expect("it can be read").expect("it goes on");
        events.push(serde_json::from_str(&line).expect("it is JSON"));
    }
    app.restart().await;
    while let Some(line) = said.next_line().await.expect("it can be read") {
        events.push(serde_json::from_str(&line).expect("it is JSON"));
    }
    assert_eq!(follow.wait().await.expect("it is a child").code(), Some(1), "it was interrupted");
    let id = events[0]["execution_id"].as_str().expect("it has an id").to_owned();
    assert_eq!(events, alice.follow(&id).await.facts().await);
    assert_eq!(events.last().expect("there are events")["status"], "interrupted");
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_says_file_line_column_and_what_would_be_right() {
    let app = TestApp::new(&[]).await;
    let file = |name: &str, text: &str| {
        fs::write(app.path(name), text).expect("a file can be written");
        name.to_owned()
    };
    let good = file("good.yaml", "steps:\n- {id: dump, run: 'true'}\n");
    let bad = file("bad.yaml", "steps:\n- id: dump\n  run: 'true'\n- id: check\n  run: 'true'\n  needs: [dmup]\n");
    let twice = file("twice.yaml", "steps:\n- {id: a, run: 'true'}\n- {id: a, run: 'true'}\n");
    let cycle = file("cycle.yaml", "steps:\n- {id: a, run: 'true', needs: [b]}\n- {id: b, run: 'true', needs: [a]}\n");
    let unknown = file("unknown.yaml", "steps:\n- id: a\n  run: 'true'\n  neds: []\n");
    let time = file("time.yaml", "timeout: soon\nsteps:\n- {id: a, run: 'true'}\n");
    let taken = file("taken.yaml", "params: [{name: path, type: string}]\nsteps:\n- {id: a, run: 'true'}\n");
    let broken = file("broken.yaml", "steps: [\n");
    let said = app.command_alone(&["validate", &good]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "good.yaml: ok, 1 step\n"));
    let said = app.command_alone(&["validate", &good, &bad]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let line = said.out.lines().find(|line| line.starts_with("bad.yaml:6:11: ")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(line.contains("needs") && line.contains("dmup") && line.contains("did you mean \"dump\""), "{line}");
    for (name, place, word) in [
        (&twice, "3:8", "a"),
        (&cycle, "", "needs"),
        (&unknown, "4:3", "did you mean \"needs\""),
        (&time, "1:10", "soon"),
        (&taken, "1:", "PATH"),
        (&broken, "", ""),
        (&"absent.yaml".to_owned(), "", ""),
    ] {
        let said = app.command_alone(&["validate", name]).await;
        assert_eq!(said.code, 1, "{said:?}");
        let begins = said.out.starts_with(&format!("{name}:{place}"));
        assert!(begins && said.out.contains(word), "{name} {place}: {}", said.out);
    }
    let said = app.command_alone(&["validate", "--json", &good, &bad]).await;
    let files = document(&said)["files"].clone();
    assert_eq!((said.code, &files[0]["ok"], &files[1]["ok"]), (1, &json!(true), &json!(false)));
    assert_eq!((&files[1]["errors"][0]["line"], &files[1]["errors"][0]["column"]), (&json!(6), &json!(11)));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_tokens_are_kept_while_the_server_runs_or_not() {
    let (mut app, _) = app().await;
    let said = app.command(&["user", "list"]).await;
    assert!(said.code == 0 && said.out.contains("alice"), "{said:?}");
    let bob = app.user("bob").await;
    assert_eq!(bob.json("/api/me").await, json!({ "name": "bob", "role": "user", "groups": [] }), "at once");
    assert_ne!(app.command(&["token", "create", "--user", "nobody"]).await.code, 0);
    assert_ne!(app.command(&["user", "remove", "nobody"]).await.code, 0);
    let said = app.command(&["user", "add", "runcast", "--password-stdin"]).await;
    assert!(said.code != 0 && said.err.contains("kept for what nobody started"), "{said:?}");
    app.stop().await;
    let root = app.admin("root").await;
    app.launch().await;
    assert_eq!(root.json("/api/me").await, json!({ "name": "root", "role": "admin", "groups": [] }));
    let users = document(&app.command(&["user", "list", "--json"]).await);
    assert_eq!(users.as_array().map(Vec::len), Some(3));
}
