//! The engine with real processes: a supervisor, shells, pipes and signals.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use runcast::{
    domain::{
        access::{Role, Viewer},
        event::{Event, ExecutionFailure, Recorded, StepFailure, Trigger},
        execution::{Execution, Status, StepStatus},
        id::{ExecutionId, Name, Seq},
        log::Stream,
        workflow::Workflow,
    },
    server::{
        engine::{Engine, EngineSettings, NotRunning, Order},
        feed::{Feed, Framing, Link, Reader, Start},
        journal::{Journal, Place},
        metrics::JournalMetrics,
    },
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// No test waits longer for anything.
const LONGEST: Duration = Duration::from_secs(20);

/// A journal with an engine over a folder of its own.
struct House {
    folder: Arc<TempDir>,
    feed: Feed,
    journal: Journal,
    engine: Engine,
}

impl House {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut EngineSettings)) -> Self {
        Self::over(Arc::new(tempfile::tempdir().expect("a folder can be made")), change).await
    }

    /// Another life over the same folder.
    async fn over(folder: Arc<TempDir>, change: impl FnOnce(&mut EngineSettings)) -> Self {
        let (feed, tasks) = (Feed::default(), TaskTracker::new());
        let journal = Journal::open(
            Place::File(folder.path().join("journal.db")),
            Seq(0),
            feed.clone(),
            JournalMetrics::default(),
            &tasks,
        );
        let journal = journal.await.expect("the journal opens");
        let mut settings = EngineSettings {
            data: folder.path().to_owned(),
            limit: 4,
            grace: Duration::from_millis(300),
            program: env!("CARGO_BIN_EXE_runcast").into(),
            ..EngineSettings::default()
        };
        change(&mut settings);
        let engine = Engine::new(journal.clone(), settings);
        Self { folder, feed, journal, engine }
    }

    async fn start(&self, yaml: &str) -> Execution {
        self.start_with(yaml, json!({})).await
    }

    async fn start_with(&self, yaml: &str, params: Value) -> Execution {
        let workflow = workflow(yaml);
        let params: Map<String, Value> = serde_json::from_value(params).expect("an object");
        let params = workflow.bind(&params).expect("good parameters");
        let trigger = Trigger::Manual;
        let order = Order { workflow: Arc::new(workflow), params, owner: name("alice"), trigger, idempotent: None };
        self.engine.start(order).await.expect("the journal is open")
    }

    /// Runs it to its end; all of its facts.
    async fn run(&self, yaml: &str) -> Facts {
        self.run_with(yaml, json!({})).await
    }

    async fn run_with(&self, yaml: &str, params: Value) -> Facts {
        let execution = self.start_with(yaml, params).await;
        self.facts(execution.id).await
    }

    async fn reader(&self, id: ExecutionId) -> Follow {
        let viewer = Viewer { name: name("alice"), role: Role::User };
        let link = Link { framing: Framing::Plain, revoked: CancellationToken::new() };
        let reader = self.feed.read_execution(&self.journal, &viewer, id, Start::Beginning, link).await;
        Follow { reader: reader.expect("alice may see it"), had: Vec::new() }
    }

    async fn facts(&self, id: ExecutionId) -> Facts {
        let mut follow = self.reader(id).await;
        follow.until(|event| event.is_final()).await;
        Facts(follow.had)
    }

    async fn snapshot(&self, id: ExecutionId) -> Execution {
        self.journal.flush().await.expect("the journal is open");
        self.journal.snapshot(id).await.expect("it can be read").expect("it is there")
    }

    fn work(&self, id: ExecutionId) -> PathBuf {
        self.folder.path().join("work").join(id.to_string())
    }
}

/// A stream of one execution's facts.
struct Follow {
    reader: Reader,
    had: Vec<Recorded>,
}

impl Follow {
    /// Reads on until such a fact is there.
    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) {
        tokio::time::timeout(LONGEST, async {
            while !self.had.iter().any(|recorded| wanted(&recorded.fact.event)) {
                let piece = self.reader.next().await.expect("the stream goes on until the final fact");
                let text = String::from_utf8(piece.rest().to_vec()).expect("frames are text");
                self.reader.sent(&piece, text.len());
                let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
                self.had.extend(data.filter_map(|json| serde_json::from_str(json.trim()).ok()));
            }
        })
        .await
        .unwrap_or_else(|_| panic!("it did not come: {:#?}", self.had));
    }

    /// Reads on until a step has printed such a line.
    async fn until_printed(&mut self, wanted: &str) {
        self.until(|event| lines_of(event).any(|(_, line)| line == wanted)).await;
    }
}

fn lines_of(event: &Event) -> impl Iterator<Item = (Stream, &str)> {
    let lines = match event {
        Event::StepOutput { lines, .. } => lines.as_slice(),
        _ => &[],
    };
    lines.iter().map(|line| (line.stream, line.text.as_str()))
}

/// All facts of an execution.
struct Facts(Vec<Recorded>);

impl Facts {
    fn events(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().map(|recorded| &recorded.fact.event)
    }

    fn last(&self) -> &Event {
        self.events().last().expect("there are facts")
    }

    /// The lines of a step, of both streams.
    fn lines(&self, id: &str) -> Vec<&str> {
        let of_step = |event: &&Event| matches!(event, Event::StepOutput { step, .. } if step.as_str() == id);
        self.events().filter(of_step).flat_map(lines_of).map(|(_, line)| line).collect()
    }

    fn fold(&self) -> Execution {
        let first = self.0.first().expect("there are facts");
        let mut execution = Execution::begin(first.seq, &first.fact).expect("the first is execution.queued");
        self.0[1..].iter().for_each(|recorded| assert!(execution.apply(recorded), "it changed nothing: {recorded:?}"));
        execution
    }

    /// Where each step ended, and what was said of it.
    fn steps(&self) -> BTreeMap<String, (StepStatus, String)> {
        let steps = self.fold().steps.into_iter();
        steps.map(|step| (step.id.to_string(), (step.status, step.error.unwrap_or_default()))).collect()
    }

    fn outcome(&self, id: &str) -> (StepStatus, String) {
        self.steps().remove(id).expect("there is such a step")
    }

    /// The place of a step's first fact of that kind.
    fn place(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().position(wanted).expect("there is such a fact")
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn workflow(yaml: &str) -> Workflow {
    Workflow::parse("test.yaml", "test", yaml).expect("a good workflow")
}

/// Waits until the condition holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < LONGEST, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process is there and has not ended.
fn lives(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_run_one_after_the_other_and_share_a_folder() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: one, run: 'echo hello > file; echo out; echo err >&2'}\n- {id: two, run: cat file}\n")
        .await;
    assert_eq!(facts.lines("two"), ["hello"]);
    let mut lines: Vec<_> = facts.events().flat_map(lines_of).take(2).collect();
    lines.sort_unstable_by_key(|(_, line)| *line);
    assert_eq!(lines, [(Stream::Err, "err"), (Stream::Out, "out")]);
    let kinds: Vec<String> = facts
        .0
        .iter()
        .map(|recorded| serde_json::to_value(recorded).expect("JSON")["kind"].as_str().unwrap_or_default().to_owned())
        .filter(|kind| kind != "step.output")
        .collect();
    assert_eq!(
        kinds,
        [
            "execution.queued",
            "execution.started",
            "step.started",
            "step.completed",
            "step.started",
            "step.completed",
            "execution.completed"
        ]
    );
    let execution = facts.fold();
    assert_eq!((execution.status, execution.percent), (Status::Succeeded, 100.0));
    assert_eq!(execution.steps[0].lines, 2);
    assert_eq!(execution, house.snapshot(execution.id).await);
    let folder = house.work(execution.id);
    eventually("its folder is removed", || !folder.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_of_a_graph_run_side_by_side() {
    let house = House::new().await;
    // Each waits for the other: one after the other they would never end.
    let meet = |own: &str, other: &str| format!("touch {own}; until [ -e {other} ]; do sleep 0.01; done");
    let yaml = format!(
        "timeout: 30s\nsteps:\n- {{id: left, run: '{}'}}\n- {{id: right, run: '{}'}}\n- {{id: join, needs: [left, right], run: 'true'}}\n",
        meet("a", "b"),
        meet("b", "a")
    );
    let facts = house.run(&yaml).await;
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }), "{:?}", facts.last());
    let join = facts.place(|event| matches!(event, Event::StepStarted { step, .. } if step.as_str() == "join"));
    for id in ["left", "right"] {
        let done = facts.place(|event| matches!(event, Event::StepCompleted { step, .. } if step.as_str() == id));
        assert!(done < join);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_decides_who_runs_after_it() {
    let house = House::new().await;
    let facts = house
        .run(
            "steps:
- {id: good, run: 'true'}
- {id: bad, run: 'exit 3', needs: []}
- {id: after-bad, run: 'true', needs: [bad]}
- {id: far-from-bad, run: 'true', needs: [after-bad]}
- {id: when-failed, run: 'true', needs: [after-bad], if: failure}
- {id: in-any-case, run: 'true', needs: [bad], if: always}
- {id: after-always, run: 'true', needs: [in-any-case]}
- {id: nothing-failed, run: 'true', needs: [good], if: failure}
- {id: after-own-if, run: 'true', needs: [nothing-failed]}
- {id: tolerated, run: 'exit 4', needs: [good], continue-on-error: true}
- {id: after-tolerated, run: 'true', needs: [tolerated]}
",
        )
        .await;
    let steps = facts.steps();
    let of = |id: &str| steps[id].clone();
    let skipped = |reason: &str| (StepStatus::Skipped, reason.to_owned());
    let succeeded = (StepStatus::Succeeded, String::new());
    assert_eq!(of("bad"), (StepStatus::Failed, "exited with 3".to_owned()));
    for id in ["after-bad", "far-from-bad", "after-always"] {
        assert_eq!(of(id), skipped("bad failed"), "{id}");
    }
    for id in ["good", "when-failed", "in-any-case", "after-own-if", "after-tolerated"] {
        assert_eq!(of(id), succeeded, "{id}");
    }
    assert_eq!(of("nothing-failed"), skipped("nothing failed"));
    assert_eq!(of("tolerated"), (StepStatus::Failed, "exited with 4".to_owned()));
    let Event::ExecutionFailed { status: ExecutionFailure::Failed, error, .. } = facts.last() else {
        panic!("{:?}", facts.last())
    };
    assert_eq!(error.step.as_ref().map(ToString::to_string).as_deref(), Some("bad"));
    assert_eq!((error.message.as_str(), error.exit_code), ("exited with 3", Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tolerated_failure_lets_the_execution_succeed() {
    let house = House::new().await;
    let facts = house.run("steps:\n- {id: a, run: exit 1, continue-on-error: true}\n- {id: b, run: echo on}\n").await;
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }));
    assert_eq!(facts.lines("b"), ["on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_reach_later_steps_and_the_result() {
    let house = House::new().await;
    let facts = house
        .run(
            r#"
steps:
- id: make-it
  run: |
    echo "file-name=dump.sql" >> "$RUNCAST_OUTPUT"
    printf 'notes<<END\none\ntwo\nEND\n' >> "$RUNCAST_OUTPUT"
- id: use
  run: echo "$RUNCAST_OUTPUT_MAKE_IT_FILE_NAME/$RUNCAST_OUTPUT_MAKE_IT_NOTES"
"#,
        )
        .await;
    assert_eq!(facts.lines("use"), ["dump.sql/one", "two"]);
    let Event::ExecutionCompleted { result, percent: 100.0, .. } = facts.last() else { panic!("{:?}", facts.last()) };
    assert_eq!(json!(result), json!({"make-it": {"file-name": "dump.sql", "notes": "one\ntwo"}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_make_no_sense_fail_the_step() {
    let house = House::new().await;
    for run in [
        r#"echo "no sign" >> "$RUNCAST_OUTPUT""#,
        r#"head -c 70000 /dev/zero | tr '\0' x | sed 's/^/k=/' >> "$RUNCAST_OUTPUT""#,
        r#"rm "$RUNCAST_OUTPUT"; mkfifo "$RUNCAST_OUTPUT""#,
        r#"head -c 100M /dev/zero > "$RUNCAST_OUTPUT""#,
    ] {
        let facts = house.run(&format!("steps:\n- id: a\n  run: |\n    {run}\n")).await;
        let (status, error) = facts.outcome("a");
        assert_eq!(status, StepStatus::Failed, "{run}");
        assert!(error.contains("RUNCAST_OUTPUT"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_gets_its_own_environment_and_nothing_else() {
    let house = House::with(|settings| settings.url = Some("http://here:3000".to_owned())).await;
    let facts = house
        .run_with(
            r#"
params: [{name: target-dir, type: string}, {name: count, type: integer, default: 3}, {name: deep, type: boolean, default: true}]
env: { LANG: from-file, SHARED: workflow, OWN: workflow }
steps:
- id: the-step
  env: { OWN: step }
  run: tr '\0' '\n' < /proc/$$/environ | sort
"#,
            json!({"target-dir": "$(touch /tmp/pwned); `id` \"'"}),
        )
        .await;
    let got: BTreeMap<&str, &str> =
        facts.lines("the-step").into_iter().filter_map(|line| line.split_once('=')).collect();
    let id = facts.fold().id.to_string();
    let mut expected = BTreeMap::from([
        ("TARGET_DIR", "$(touch /tmp/pwned); `id` \"'"),
        ("COUNT", "3"),
        ("DEEP", "true"),
        ("LANG", "from-file"),
        ("SHARED", "workflow"),
        ("OWN", "step"),
        ("RUNCAST_EXECUTION_ID", id.as_str()),
        ("RUNCAST_WORKFLOW", "test"),
        ("RUNCAST_STEP", "the-step"),
        ("RUNCAST_ATTEMPT", "1"),
        ("RUNCAST_USER", "alice"),
        ("RUNCAST_URL", "http://here:3000"),
        ("RUNCAST_OUTPUT", got["RUNCAST_OUTPUT"]),
    ]);
    let inherited: Vec<(&str, String)> =
        ["PATH", "HOME", "TZ"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?))).collect();
    expected.extend(inherited.iter().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(got, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_folder_is_private_and_apart_from_the_working_folder() {
    let house = House::new().await;
    let execution = house.start("steps:\n- {id: a, run: 'pwd; echo $0; sleep 60'}\n").await;
    let mut follow = house.reader(execution.id).await;
    follow.until(|event| lines_of(event).count() > 0).await;
    let folder = house.work(execution.id);
    assert_eq!(fs::metadata(&folder).expect("it is there").permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(folder.join("files")).expect("it is there").count(), 0);
    assert!(folder.join("steps/a").is_file());
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    house.facts(execution.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_shell_runs_the_script_and_a_missing_one_is_named() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, shell: cat -n, run: hello}\n- {id: b, shell: no-such-shell -x, run: hello}\n")
        .await;
    assert_eq!(facts.lines("a").concat().trim(), "1\thello");
    let (status, error) = facts.outcome("b");
    assert_eq!(status, StepStatus::Failed);
    assert!(error.contains("no-such-shell was not found"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_working_directory_is_a_clear_error() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: mkdir sub}\n- {id: b, working-directory: sub, run: pwd}\n- {id: c, working-directory: /no/such, run: pwd}\n")
        .await;
    assert!(facts.lines("b")[0].ends_with("/files/sub"));
    assert_eq!(facts.outcome("c"), (StepStatus::Failed, "the working-directory /no/such does not exist".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_the_step_said_last() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: 'for i in $(seq 30); do echo $i; done; echo ::error::first; echo ::error::disk is full; exit 9'}\n")
        .await;
    let Event::ExecutionFailed { error, .. } = facts.last() else { panic!("{:?}", facts.last()) };
    assert_eq!((error.message.as_str(), error.exit_code), ("disk is full", Some(9)));
    assert_eq!(error.tail.len(), 20);
    assert_eq!(error.tail.first().map(String::as_str), Some("13"));
    assert_eq!(error.tail.last().map(String::as_str), Some("disk is full"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_is_called_by_its_name() {
    let house = House::new().await;
    let facts = house.run("steps:\n- {id: a, run: kill -SEGV $$}\n").await;
    let Some(Event::StepFailed { signal, exit_code, error, .. }) =
        facts.events().find(|event| matches!(event, Event::StepFailed { .. }))
    else {
        panic!("it did not fail")
    };
    assert_eq!((signal.as_deref(), *exit_code, error.as_str()), (Some("SIGSEGV"), None, "killed by SIGSEGV"));
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_values_are_shown_nowhere_but_reach_later_steps() {
    let house = House::new().await;
    let facts = house
        .run(
            r#"
steps:
- id: a
  run: |
    echo ::add-mask::hunter2
    echo "password hunter2"
    echo "secret=hunter2" >> "$RUNCAST_OUTPUT"
- id: b
  run: |
    [ "$RUNCAST_OUTPUT_A_SECRET" = hunter2 ] && echo "::progress 5 with hunter2" && echo "::error::lost hunter2" && exit 1
"#,
        )
        .await;
    assert_eq!(facts.lines("a"), ["password ***"]);
    assert_eq!(facts.outcome("b"), (StepStatus::Failed, "lost ***".to_owned()));
    assert!(!format!("{:?}", facts.0).contains("hunter2"));
}

const STUBBORN: &str = r#"
steps:
- id: a
  run: |
    trap '' TERM
    setsid bash -c 'trap "" TERM; echo $BASHPID > daemon; exec > /dev/null 2>&1; while :; do sleep 1; done' &
    (setsid bash -c 'echo $BASHPID > orphan; exec > /dev/null 2>&1; exec sleep 1000' &)
    until [ -s daemon ] && [ -s orphan ]; do sleep 0.01; done
    echo ready
    while :; do sleep 1; done
- {id: b, run: 'true'}
- {id: c, run: echo cleaned, if: always}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_every_process_a_daemon_and_one_that_ignores_term_too() {
    let house = House::new().await;
    let execution = house.start(STUBBORN).await;
    let mut follow = house.reader(execution.id).await;
    follow.until_printed("ready").await;
    let files = house.work(execution.id).join("files");
    let pids = [read(&files.join("daemon")), read(&files.join("orphan"))];
    assert!(pids.iter().all(|pid| lives(pid)));
    house.engine.cancel(execution.id, &name("bob")).await.expect("it runs");
    follow.until(|event| matches!(event, Event::StepFailed { .. })).await;
    assert!(!pids.iter().any(|pid| lives(pid)), "the step is over, and so are its processes");
    let facts = house.facts(execution.id).await;
    assert_eq!(facts.outcome("a"), (StepStatus::Cancelled, "cancelled".to_owned()));
    assert_eq!(facts.outcome("b"), (StepStatus::Skipped, "cancelled".to_owned()));
    assert_eq!(facts.lines("c"), ["cleaned"]);
    assert!(matches!(facts.last(), Event::ExecutionCancelled { by, .. } if *by == name("bob")), "{:?}", facts.last());
    assert_eq!(house.engine.cancel(execution.id, &name("bob")).await, Err(NotRunning));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_minds_term_has_time_to_clean_up() {
    let house = House::with(|settings| settings.grace = Duration::from_secs(30)).await;
    let execution = house
        .start("steps:\n- {id: a, run: 'trap \"echo bye; exit 0\" TERM; echo ready; while :; do sleep 0.1; done'}\n")
        .await;
    let mut follow = house.reader(execution.id).await;
    follow.until_printed("ready").await;
    let begun = Instant::now();
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    let facts = house.facts(execution.id).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "its end was noticed");
    // The shell may have said `Terminated` of its `sleep` as well.
    assert!(facts.lines("a").contains(&"bye"));
    assert_eq!(facts.outcome("a").0, StepStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_cancel_ends_the_steps_that_run_in_any_case() {
    let house = House::new().await;
    let execution = house
        .start("steps:\n- {id: a, run: 'echo ready; sleep 100'}\n- {id: b, run: 'echo cleaning; sleep 100', if: always}\n- {id: c, run: 'true', if: always}\n")
        .await;
    let mut follow = house.reader(execution.id).await;
    follow.until_printed("ready").await;
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    follow.until_printed("cleaning").await;
    house.engine.cancel(execution.id, &name("alice")).await.expect("it still runs");
    let facts = house.facts(execution.id).await;
    assert_eq!(facts.outcome("b").0, StepStatus::Cancelled);
    assert_eq!(facts.outcome("c"), (StepStatus::Skipped, "cancelled".to_owned()));
    assert!(matches!(facts.last(), Event::ExecutionCancelled { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_that_run_in_any_case_have_their_time_and_no_more() {
    let house = House::with(|settings| settings.cleanup = Duration::from_millis(300)).await;
    let facts = house
        .run("timeout: 200ms\nsteps:\n- {id: a, run: sleep 100}\n- {id: b, run: sleep 100, if: always}\n- {id: c, run: 'true', if: always}\n")
        .await;
    assert_eq!(facts.outcome("b").0, StepStatus::TimedOut);
    assert_eq!(facts.outcome("c"), (StepStatus::Skipped, "timed out".to_owned()));
    assert!(matches!(facts.last(), Event::ExecutionFailed { status: ExecutionFailure::TimedOut, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steps_timeout_fails_the_execution_and_its_own_times_it_out() {
    let house = House::new().await;
    let facts = house.run("steps:\n- {id: a, timeout: 200ms, run: sleep 100}\n- {id: b, run: 'true'}\n").await;
    assert_eq!(facts.outcome("a"), (StepStatus::TimedOut, "it took longer than 0.2 s".to_owned()));
    assert_eq!(facts.outcome("b"), (StepStatus::Skipped, "a timed out".to_owned()));
    assert!(matches!(facts.last(), Event::ExecutionFailed { status: ExecutionFailure::Failed, .. }));

    let facts = house.run("timeout: 200ms\nsteps:\n- {id: a, run: echo on; sleep 100}\n- {id: b, run: 'true'}\n").await;
    assert_eq!(facts.outcome("a").0, StepStatus::TimedOut);
    assert_eq!(facts.outcome("b"), (StepStatus::Skipped, "timed out".to_owned()));
    let Event::ExecutionFailed { status: ExecutionFailure::TimedOut, error, .. } = facts.last() else {
        panic!("{:?}", facts.last())
    };
    assert_eq!(error.message, "the execution took longer than 0.2 s");
    assert_eq!(error.tail, ["on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_holds_the_pipe_keeps_no_step_open_and_goes_with_the_execution() {
    let house = House::new().await;
    let execution = house
        .start("steps:\n- {id: a, run: 'setsid sleep 1000 & echo $! > pid; echo done'}\n- {id: b, run: 'kill -0 $(cat pid); cat pid'}\n")
        .await;
    let facts = house.facts(execution.id).await;
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }), "{:?}", facts.last());
    assert_eq!(facts.lines("a"), ["done"]);
    let took = facts.fold().duration_ms.expect("it ended");
    assert!(took < 10_000, "it waited for the child: {took} ms");
    assert!(!lives(facts.lines("b")[0]), "background processes are gone when the execution is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_process_may_go_on_printing_until_the_execution_ends() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: '(i=0; while echo tick; do i=$((i+1)); echo $i > count; sleep 0.01; done) & true'}\n- {id: b, run: 'before=$(cat count); until [ $(cat count) -gt $((before+20)) ]; do sleep 0.01; done', timeout: 20s}\n")
        .await;
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }), "{:?}", facts.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pipe_still_holds_when_the_step_ends_is_recorded() {
    let house = House::new().await;
    let facts =
        house.run("steps:\n- {id: a, run: 'exec > >(while read -r l; do echo \"> $l\"; done); seq 2000'}\n").await;
    let lines = facts.lines("a");
    assert_eq!((lines.len(), lines.last().copied()), (2000, Some("> 2000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_progress_lines_are_few_facts_and_the_last_one_counts() {
    let house = House::new().await;
    let begun = Instant::now();
    let facts = house
        .run("steps:\n- {id: a, run: 'for ((i=1; i<=100000; i++)); do echo \"::progress $i/200000 part $i\"; done'}\n- {id: b, run: 'true'}\n")
        .await;
    let tenths = begun.elapsed().as_millis() / 100;
    let progress: Vec<(f64, String, f64)> = facts
        .events()
        .filter_map(|event| match event {
            Event::StepProgress { percent, message, execution_percent, .. } => {
                Some((*percent, message.clone().unwrap_or_default(), *execution_percent))
            }
            _ => None,
        })
        .collect();
    assert!(progress.len() as u128 <= tenths + 3, "{} in {tenths} tenths of a second", progress.len());
    assert!(progress.is_sorted_by(|one, next| one.0 <= next.0 && one.2 <= next.2));
    assert_eq!(progress.last(), Some(&(50.0, "part 100000".to_owned(), 25.0)));
    assert_eq!(facts.lines("a"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn percent_is_below_100_until_the_end_and_never_falls() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: 'echo ::progress 100 done; sleep 0.2; echo ::progress 20 again; sleep 0.2'}\n")
        .await;
    let percents: Vec<f64> = facts
        .events()
        .filter_map(|event| if let Event::StepProgress { percent, .. } = event { Some(*percent) } else { None })
        .collect();
    assert_eq!(percents, [99.9, 99.9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_come_in_order_in_bounded_chunks() {
    let house = House::new().await;
    let facts = house.run("steps:\n- {id: a, run: seq 50000}\n").await;
    let lines = facts.lines("a");
    assert_eq!(lines.len(), 50_000);
    assert!(lines.iter().enumerate().all(|(n, line)| line.parse() == Ok(n + 1)));
    let mut next = 0;
    for event in facts.events() {
        if let Event::StepOutput { first_line, lines, .. } = event {
            assert_eq!(*first_line, next);
            assert!(lines.len() <= 500);
            next += lines.len() as u64;
        }
    }
    assert_eq!(facts.fold().steps[0].lines, 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_run_at_once_than_may_and_the_rest_come_in_order() {
    let house = House::with(|settings| settings.limit = 1).await;
    let yaml = "steps:\n- {id: a, run: 'true'}\n";
    let first = house.start("steps:\n- {id: a, run: 'echo ready; sleep 1000'}\n").await;
    house.reader(first.id).await.until_printed("ready").await;
    let (second, third, fourth) = (house.start(yaml).await, house.start(yaml).await, house.start(yaml).await);
    assert_eq!(house.snapshot(second.id).await.status, Status::Queued);
    house.engine.cancel(third.id, &name("alice")).await.expect("it waits");
    let third = house.snapshot(third.id).await;
    assert_eq!((third.status, third.steps[0].status), (Status::Cancelled, StepStatus::Skipped));
    house.engine.cancel(first.id, &name("alice")).await.expect("it runs");
    let (second, fourth) = (house.facts(second.id).await.fold(), house.facts(fourth.id).await.fold());
    assert_eq!((second.status, fourth.status), (Status::Succeeded, Status::Succeeded));
    assert!(second.finished_at <= fourth.started_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_interrupts_what_runs_at_once_and_leaves_what_waits() {
    let house = House::with(|settings| settings.limit = 1).await;
    let running = house.start(STUBBORN).await;
    house.reader(running.id).await.until_printed("ready").await;
    let pid = read(&house.work(running.id).join("files/daemon"));
    let waiting = house.start("steps:\n- {id: a, run: 'true'}\n").await;
    let begun = Instant::now();
    house.engine.shutdown(Duration::ZERO).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
    assert!(!lives(&pid));
    let running = house.snapshot(running.id).await;
    assert_eq!(running.status, Status::Interrupted);
    let statuses: Vec<StepStatus> = running.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Interrupted, StepStatus::Skipped, StepStatus::Skipped]);
    assert_eq!(house.snapshot(waiting.id).await.status, Status::Queued);

    let next = House::over(Arc::clone(&house.folder), |_| {}).await;
    next.engine.recover().await.expect("the journal can be read");
    assert_eq!(next.facts(waiting.id).await.fold().status, Status::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_waits_for_what_runs_and_starts_nothing() {
    let house = House::with(|settings| settings.limit = 1).await;
    let running = house.start("steps:\n- {id: a, run: 'echo ready; sleep 0.3'}\n").await;
    house.reader(running.id).await.until_printed("ready").await;
    let waiting = house.start("steps:\n- {id: a, run: 'true'}\n").await;
    house.engine.shutdown(LONGEST).await;
    assert_eq!(house.snapshot(running.id).await.status, Status::Succeeded);
    assert_eq!(house.snapshot(waiting.id).await.status, Status::Queued);
}

#[test]
fn after_a_crash_what_ran_is_interrupted_and_its_processes_are_gone() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder can be made"));
    let life = || tokio::runtime::Runtime::new().expect("a runtime");
    let first = life();
    let (id, pids) = first.block_on(async {
        let house = House::over(Arc::clone(&folder), |_| {}).await;
        let execution = house.start(STUBBORN).await;
        house.reader(execution.id).await.until_printed("ready").await;
        let files = house.work(execution.id).join("files");
        (execution.id, [read(&files.join("daemon")), read(&files.join("orphan"))])
    });
    assert!(pids.iter().all(|pid| lives(pid)));
    // Every task and socket of the first life is gone without a word, as after a kill -9.
    first.shutdown_timeout(LONGEST);
    // One that even the supervisor does not know of.
    let stray = std::process::Command::new("sleep").arg("1000").env("RUNCAST_EXECUTION_ID", id.to_string()).spawn();
    let mut stray = stray.expect("sleep is there");

    life().block_on(async {
        let house = House::over(folder, |_| {}).await;
        house.engine.recover().await.expect("the journal can be read");
        assert!(!pids.iter().any(|pid| lives(pid)));
        assert_eq!(stray.wait().expect("it is a child").signal(), Some(9));
        let found = house.snapshot(id).await;
        assert_eq!(found.status, Status::Interrupted);
        assert_eq!(found.error.expect("it says why").message, "the server stopped while it ran");
        assert_eq!((found.steps[0].status, found.steps[0].lines), (StepStatus::Interrupted, 1));
        assert_eq!(found.steps[1].error.as_deref(), Some("interrupted"));
        assert!(house.work(id).join("kept.json").exists(), "it can be run again from there");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_supervisor_is_the_end_of_its_steps_and_the_next_one_has_another() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: 'setsid sleep 1000 & echo $!; sleep 0.3; kill -9 $PPID; sleep 1000'}\n- {id: b, run: echo on, if: always}\n")
        .await;
    let (status, error) = facts.outcome("a");
    assert_eq!(status, StepStatus::Failed);
    assert!(error.contains("supervised"), "{error}");
    assert!(!lives(facts.lines("a")[0]));
    assert_eq!(facts.lines("b"), ["on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_at_any_moment_there_is_one_end() {
    let house = House::new().await;
    for delay in [0, 1, 2, 4, 8, 16, 32] {
        let execution =
            house.start("timeout: 20ms\nsteps:\n- {id: a, run: 'true'}\n- {id: b, run: sleep 0.01}\n").await;
        let follow = house.facts(execution.id);
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            house.engine.cancel(execution.id, &name("alice")).await
        };
        let (facts, cancelled) = tokio::join!(follow, cancel);
        assert_eq!(facts.events().filter(|event| event.is_final()).count(), 1);
        let execution = facts.fold();
        assert!(execution.steps.iter().all(|step| step.status.is_final()));
        if execution.status == Status::Cancelled {
            assert_eq!(cancelled, Ok(()));
        }
        house.journal.flush().await.expect("the journal is open");
        assert_eq!(house.snapshot(execution.id).await, execution, "nothing comes after the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn step_failure_words_are_those_of_the_contract() {
    assert_eq!(serde_json::to_value(StepFailure::TimedOut).expect("JSON"), json!("timed_out"));
}
