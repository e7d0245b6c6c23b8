//! The recipes in `docs/recipes`, each run as it stands there.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::app::{LONGEST, TestApp, User, eventually};

fn recipe(name: &str) -> String {
    format!("{}/docs/recipes/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A program of a recipe, with what it is to know of the server.
fn command(app: &TestApp, user: &User, words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(app.path("")).kill_on_drop(true);
    command.env("RUNCAST_URL", format!("http://{}", app.address)).env("RUNCAST_TOKEN", &user.token);
    command.env("XDG_STATE_HOME", app.path("state")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Its exit code, and what it printed.
async fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let output = timeout(LONGEST, command.output()).await.expect("it ends").expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn only(user: &User, name: &str) -> Value {
    let list = user.json(&format!("/api/executions?workflow={name}")).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    user.snapshot(list["items"][0]["id"].as_str().expect("it has an id")).await
}

async fn log(user: &User, execution: &Value) -> String {
    let id = execution["id"].as_str().expect("it has an id");
    user.get(&format!("/api/executions/{id}/log")).await.text().await.expect("it is text")
}

/// What it prints holds all that needs care in JSON.
const COMMAND: [&str; 3] = ["sh", "-c", r#"printf 'a "b" \\c\td\n\nü\n'; echo last >&2; exit 3"#];
const PRINTED: &str = "a \"b\" \\c\td\n\nü\nlast\n";

#[tokio::test(flavor = "multi_thread")]
async fn bash_and_curl_report_a_command() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = recipe("report.sh");
    let words = ["bash", &script, "by-bash", COMMAND[0], COMMAND[1], COMMAND[2]];
    let (code, out, err) = ended(&mut command(&app, &alice, &words)).await;
    assert_eq!((code, out.as_str(), err.as_str()), (Some(3), PRINTED, ""));
    let execution = only(&alice, "by-bash").await;
    assert_eq!((&execution["status"], &execution["error"]["message"]), (&json!("failed"), &json!("exited with 3")));
    assert_eq!(log(&alice, &execution).await, PRINTED);
    // Step by step, as its own comment has it.
    let text = fs::read_to_string(&script).expect("it is there");
    let example = text.lines().skip_while(|line| !line.contains("source report.sh")).take_while(|line| *line != "#");
    let example: String = example.map(|line| format!("{}\n", line.trim_start_matches(['#', ' ']))).collect();
    assert!(example.lines().count() >= 6, "{example}");
    let example = format!("cd {}/docs/recipes; {example}", env!("CARGO_MANIFEST_DIR"));
    let (code, _, err) = ended(&mut command(&app, &alice, &["bash", "-eu", "-c", &example])).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let execution = only(&alice, "nightly-backup").await;
    assert_eq!(
        (&execution["status"], &execution["result"]),
        (&json!("succeeded"), &json!({ "dump": { "rows": "7" } }))
    );
    assert_eq!(log(&alice, &execution).await, "a line of output\n");
    // Without a server the work is done all the same.
    let mut alone = command(&app, &alice, &words);
    let (code, out, _) = ended(alone.env("RUNCAST_URL", "http://127.0.0.1:9")).await;
    assert_eq!((code, out + "last\n"), (Some(3), PRINTED.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_standard_library_reports_a_command_through_a_restart() {
    let mut app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let script = recipe("report.py");
    let words = ["python3", &script, "by-python", COMMAND[0], COMMAND[1], COMMAND[2]];
    let (code, out, err) = ended(&mut command(&app, &alice, &words)).await;
    assert_eq!((code, out.as_str(), err.as_str()), (Some(3), PRINTED, ""));
    let execution = only(&alice, "by-python").await;
    assert_eq!((&execution["status"], &execution["steps"][0]["exit_code"]), (&json!("failed"), &json!(3)));
    assert_eq!(log(&alice, &execution).await, PRINTED);
    let program = format!(
        "import sys, time; sys.path.insert(0, {:?})\nfrom report import Report\n\
         with Report('slow', steps=[{{'id': 'load'}}]) as report:\n\
         \x20   for n in range(100):\n\
         \x20       report.line('load', f'row {{n}}')\n\
         \x20       report.progress('load', n)\n\
         \x20       time.sleep(0.04)\n\
         \x20   report.completed('load', rows=100)\n",
        recipe("")
    );
    let mut slow = command(&app, &alice, &["python3", "-B", "-c", &program]);
    let slow = slow.spawn().expect("there is Python");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    app.kill_9().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    app.launch().await;
    let output = timeout(LONGEST, slow.wait_with_output()).await.expect("it ends").expect("it is a child");
    assert!(output.status.success(), "{output:?}");
    let execution = only(&alice, "slow").await;
    assert_eq!((&execution["status"], &execution["result"]["load"]["rows"]), (&json!("succeeded"), &json!("100")));
    let expected: String = (0..100).map(|n| format!("row {n}\n")).collect();
    assert_eq!(log(&alice, &execution).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_block_ends_when_somebody_stops_the_execution() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    let program = format!(
        "import sys, time; sys.path.insert(0, {:?})\nfrom report import Report\n\
         with Report('endless') as report:\n\
         \x20   while True:\n\
         \x20       report.progress('main', 1)\n\
         \x20       time.sleep(0.05)\n",
        recipe("")
    );
    let mut endless = command(&app, &alice, &["python3", "-B", "-c", &program]);
    let endless = endless.spawn().expect("there is Python");
    eventually("it has begun", async || {
        !alice.json("/api/executions?workflow=endless").await["items"].as_array().expect("a list").is_empty()
    })
    .await;
    let id = only(&alice, "endless").await["id"].as_str().expect("it has an id").to_owned();
    alice.post(&format!("/api/executions/{id}/cancel"), &json!({})).await;
    let output = timeout(LONGEST, endless.wait_with_output()).await.expect("it ends").expect("it is a child");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(alice.snapshot(&id).await["status"], "cancelled");
}

/// The shell lines of a CI workflow's steps: `run: …`, or what is indented under `run: |`.
fn shell_lines(text: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut block = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if block.is_some_and(|least| line.trim().is_empty() || indent >= least) {
            let step = steps.last_mut().expect("a block has begun");
            step.push_str(line.get(block.unwrap_or(0)..).unwrap_or_default());
            step.push('\n');
            continue;
        }
        block = None;
        match line.trim_start().strip_prefix("run: ") {
            Some("|") => {
                steps.push(String::new());
                block = Some(indent + 2);
            }
            Some(run) => steps.push(run.to_owned()),
            None => {}
        }
    }
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ci_workflow_shows_its_run() {
    let app = TestApp::new(&[]).await;
    let alice = app.user("alice").await;
    fs::create_dir(app.path("ci")).expect("a folder can be made");
    for name in ["build", "copy", "check"] {
        let file = app.path("ci").join(format!("{name}.sh"));
        fs::write(&file, format!("#!/bin/sh\necho {name} is done\n")).expect("it can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_runcast")).parent().expect("it is in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("there is one"));
    let steps = shell_lines(&fs::read_to_string(recipe("ci.yaml")).expect("it is there"));
    assert_eq!(steps.len(), 3, "{steps:#?}");
    let mut env = BTreeMap::new();
    for step in &steps {
        let file = app.path("github-env");
        fs::write(&file, "").expect("it can be written");
        let mut shell = command(&app, &alice, &["bash", "-eo", "pipefail", "-c", step]);
        let (code, out, err) = ended(shell.env("PATH", &path).env("GITHUB_ENV", &file).envs(&env)).await;
        assert_eq!(code, Some(0), "{step}\n{out}\n{err}");
        for line in fs::read_to_string(&file).expect("it is there").lines() {
            let (name, value) = line.split_once('=').expect("name=value");
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    let build = only(&alice, "ci-build").await;
    assert_eq!((&build["status"], log(&alice, &build).await.as_str()), (&json!("succeeded"), "build is done\n"));
    let deploy = only(&alice, "ci-deploy").await;
    assert_eq!(deploy["status"], "succeeded");
    let ended: Vec<&Value> =
        deploy["steps"].as_array().expect("it has steps").iter().map(|step| &step["status"]).collect();
    assert_eq!(ended, ["succeeded", "succeeded"]);
}
