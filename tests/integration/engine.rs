//! The engine with real processes: what runs when, with what, and what is recorded of it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use runcast::domain::{
    event::{Event, ExecutionFailure, StepFailure},
    execution::{Status, StepStatus},
    log::Stream,
};
use serde_json::json;

use crate::workshop::{House, LONGEST, eventually, lines_of, name};

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
async fn the_folders_are_private_and_scripts_apart_from_what_steps_work_on() {
    let house = House::new().await;
    let execution = house.start("steps:\n- {id: a, run: 'pwd; echo $0; sleep 60'}\n").await;
    let mut follow = house.reader(execution.id).await;
    follow.until(|event| lines_of(event).count() > 0).await;
    let folder = house.work(execution.id);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(fs::read_dir(folder.join("files")).expect("it is there").count(), 0);
    let scripts = folder.with_file_name("scripts");
    assert_eq!(mode(&scripts), 0o700);
    let script = fs::read_dir(scripts).expect("it is there").next().expect("one").expect("readable").path();
    assert_eq!(fs::read_to_string(&script).expect("readable"), "pwd; echo $0; sleep 60");
    assert_eq!(mode(&script), 0o500);
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
async fn drain_waits_for_what_runs_and_starts_nothing() {
    let house = House::with(|settings| settings.limit = 1).await;
    let running = house.start("steps:\n- {id: a, run: 'echo ready; sleep 0.3'}\n").await;
    house.reader(running.id).await.until_printed("ready").await;
    let waiting = house.start("steps:\n- {id: a, run: 'true'}\n").await;
    house.engine.shutdown(LONGEST).await;
    assert_eq!(house.snapshot(running.id).await.status, Status::Succeeded);
    assert_eq!(house.snapshot(waiting.id).await.status, Status::Queued);
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
