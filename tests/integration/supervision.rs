//! Processes that do not end when they should, with real ones: who is ended with what, and that nobody is left.

use std::{
    os::unix::process::ExitStatusExt,
    sync::Arc,
    time::{Duration, Instant},
};

use runcast::{
    domain::{
        event::Event,
        execution::{Status, StepStatus},
    },
    server::engine::NotRunning,
};
use uuid::Uuid;

use crate::{
    mix::is_marked_process_left,
    workshop::{House, LONGEST, lives, name, read},
};

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
async fn a_supervisor_takes_the_next_execution_when_nothing_of_the_last_one_is_left() {
    const TELL: &str = "steps:\n- {id: a, run: echo $PPID}\n";
    let house = House::new().await;
    let first = house.run("steps:\n- {id: a, run: 'setsid sleep 1000 > /dev/null 2>&1 & echo $!; echo $PPID'}\n").await;
    let [daemon, supervisor] = first.lines("a")[..] else { panic!("{:?}", first.lines("a")) };
    assert!(!lives(daemon));
    assert_eq!(house.run(TELL).await.lines("a"), [supervisor]);

    let pid = supervisor.parse().ok().and_then(rustix::process::Pid::from_raw).expect("it is a number");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it waits for the next one");
    while lives(supervisor) {
        tokio::task::yield_now().await;
    }
    let next = house.run(TELL).await;
    assert_eq!(next.outcome("a").0, StepStatus::Succeeded);
    assert_ne!(next.lines("a"), [supervisor]);
}

/// 511 processes of a step, one below the other, that stay.
const MANY: &str = "many() { (( $1 > 0 )) || exec sleep 60; many $(( $1 - 1 )) & many $(( $1 - 1 )) & wait; }";

#[tokio::test(flavor = "multi_thread")]
async fn a_step_with_too_many_processes_is_killed_and_says_so() {
    let house = House::with(|settings| settings.processes_max = 100).await;
    let mark = Uuid::now_v7().to_string();
    let facts = house
        .run(&format!(
            "env: {{RUNMARK: {mark}}}\nsteps:\n- {{id: a, run: '{MANY}; many 8'}}\n- {{id: b, run: echo on, if: always}}\n"
        ))
        .await;
    let error = "it had more than 100 processes at once, and all were killed (--max-step-processes)";
    assert_eq!(facts.outcome("a"), (StepStatus::Failed, error.to_owned()));
    assert_eq!(facts.lines("b"), ["on"]);
    assert!(!is_marked_process_left(&mark));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_processes_as_may_be_are_no_reason_to_kill() {
    let house = House::with(|settings| settings.processes_max = 100).await;
    let facts =
        house.run("steps:\n- {id: a, run: 'for i in $(seq 90); do sleep 1 & done; wait; echo all well'}\n").await;
    assert_eq!(facts.lines("a"), ["all well"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_ended_while_others_go_on() {
    let house = House::with(|settings| settings.processes_max = 300).await;
    let mark = Uuid::now_v7().to_string();
    let plain = house.run("steps:\n- {id: a, run: 'nice; cut -d\" \" -f41 /proc/$$/stat'}\n").await;
    assert_eq!(plain.lines("a"), ["0", "0"], "steps come not before others");
    let other = house.start("steps:\n- {id: a, run: 'for i in $(seq 20); do echo $i; sleep 0.1; done'}\n").await;
    let begun = Instant::now();
    // After a while it would end by itself: should it get away, the machine is not lost.
    let bomb = "until=$(( SECONDS + 8 )); bomb() { (( SECONDS > until )) && exit; bomb | bomb & }; bomb; sleep 60";
    let facts = house.run(&format!("env: {{RUNMARK: {mark}}}\nsteps:\n- {{id: a, run: '{bomb}'}}\n")).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "it took {:?}", begun.elapsed());
    let (status, error) = facts.outcome("a");
    assert_eq!(status, StepStatus::Failed);
    assert!(error.starts_with("it had more than 300 processes"), "{error}");
    assert!(!is_marked_process_left(&mark));
    assert_eq!(house.facts(other.id).await.lines("a").len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_processes_that_a_step_has_left_behind_are_killed_and_the_next_step_goes_on() {
    let house = House::with(|settings| settings.processes_max = 100).await;
    let facts = house
        .run(
            r#"
steps:
- {id: a, run: 'for i in $(seq 90); do setsid sleep 1000 & echo $! > pid; done'}
- {id: b, run: 'for i in $(seq 90); do setsid sleep 1000 & done'}
- {id: c, run: 'while kill -0 $(cat pid) 2> /dev/null; do sleep 0.05; done; echo on', timeout: 15s}
"#,
        )
        .await;
    assert_eq!(facts.lines("c"), ["on"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_closes_its_output_goes_on_and_ends_as_it_ends() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: 'echo first; exec >&- 2>&-; sleep 0.5; echo key=value >> $RUNCAST_OUTPUT'}\n- {id: b, run: 'exec >&- 2>&-; sleep 0.1; exit 5'}\n")
        .await;
    assert_eq!(facts.lines("a"), ["first"]);
    let took = facts.events().find_map(|event| match event {
        Event::StepCompleted { duration_ms, outputs, .. } => Some((*duration_ms, outputs["key"].clone())),
        _ => None,
    });
    let (took, value) = took.expect("it succeeded");
    assert!(took >= 500, "{took}");
    assert_eq!(value, "value");
    assert_eq!(facts.outcome("b"), (StepStatus::Failed, "exited with 5".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_orphans_are_collected_while_the_step_runs() {
    let house = House::new().await;
    let facts = house
        .run(
            r#"
steps:
- id: a
  timeout: 15s
  run: |
    ended() { cat /proc/[0-9]*/stat 2> /dev/null | sed 's/.*) //' | grep -c "^Z $PPID " || true; }
    for i in $(seq 300); do (sleep 0.01 &); done
    until [ "$(ended)" = 0 ]; do sleep 0.05; done
    echo collected
"#,
        )
        .await;
    assert_eq!(facts.lines("a"), ["collected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_children_nobody_collects_can_be_stopped() {
    let house = House::with(|settings| settings.grace = Duration::from_secs(30)).await;
    // `sleep` does not ask for the children that the shell before it had.
    let execution = house
        .start("steps:\n- {id: a, run: 'for i in $(seq 100); do sleep 0.01 & done; sleep 0.1; echo ready; exec sleep 1000'}\n")
        .await;
    house.reader(execution.id).await.until_printed("ready").await;
    let begun = Instant::now();
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    assert_eq!(house.facts(execution.id).await.fold().status, Status::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(10), "what has ended is not waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_without_any_mark_ends_with_its_execution() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, run: '(env -i setsid sleep 1000 & echo $! > pid); cat pid'}\n- {id: b, run: 'kill -0 $(cat pid)'}\n")
        .await;
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }), "it outlived its step: {:?}", facts.last());
    assert!(!lives(facts.lines("a")[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_says_nothing_for_long_is_healthy() {
    let house = House::new().await;
    let facts = house.run("steps:\n- {id: a, run: 'sleep 4; echo there'}\n").await;
    assert_eq!(facts.lines("a"), ["there"]);
    assert!(matches!(facts.last(), Event::ExecutionCompleted { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_does_nothing_any_more_does_not_keep_a_cancelled_run() {
    let house = House::with(|settings| settings.patience = Duration::from_millis(500)).await;
    let execution = house
        .start("steps:\n- {id: a, run: 'setsid sleep 1000 & echo $!; kill -STOP $PPID; echo ready; sleep 1000'}\n- {id: b, run: echo on, if: always}\n")
        .await;
    house.reader(execution.id).await.until_printed("ready").await;
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    let facts = house.facts(execution.id).await;
    assert_eq!(facts.outcome("a").0, StepStatus::Cancelled);
    assert!(!lives(facts.lines("a")[0]), "what it had is gone");
    assert_eq!(facts.lines("b"), ["on"], "the next step has another");
    assert!(matches!(facts.last(), Event::ExecutionCancelled { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_come_after_the_end_of_a_supervisor_are_fine() {
    let house = House::new().await;
    let yaml = "steps:\n- {id: a, run: 'kill -9 $PPID; sleep 1000'}\n- {id: b, run: echo never}\n";
    let facts = house.run(yaml).await;
    assert_eq!(
        facts.outcome("a"),
        (StepStatus::Failed, "the process that supervised it ended unexpectedly".to_owned())
    );
    assert_eq!(facts.outcome("b").0, StepStatus::Skipped);
    assert!(matches!(facts.last(), Event::ExecutionFailed { .. }));
    assert_eq!(house.run("steps:\n- {id: a, run: echo well}\n").await.lines("a"), ["well"]);
}
