//! Steps with `tty: true`: tools see a terminal and draw for people, and nothing else is different.

use std::time::{Duration, Instant};

use runcast::domain::{event::Event, execution::StepStatus, log::Stream};

use crate::workshop::{House, lines_of, lives, name};

#[tokio::test(flavor = "multi_thread")]
async fn a_step_with_tty_prints_to_a_terminal_and_one_without_does_not() {
    let house = House::new().await;
    let facts = house
        .run(
            r#"
steps:
- id: a
  tty: true
  run: |
    [ -t 1 ] && [ -t 2 ] && echo "drawn $TERM $(stty size <&2)"
    [ -t 0 ] || echo "nobody types"
- id: b
  run: |
    [ -t 1 ] || [ -t 2 ] || echo "plain"
    tr '\0' '\n' < /proc/$$/environ | grep ^TERM= || echo "no TERM"
- id: c
  tty: true
  env: {TERM: dumb}
  run: echo "$TERM"
"#,
        )
        .await;
    assert_eq!(facts.lines("a"), ["drawn xterm-256color 30 120", "nobody types"]);
    assert_eq!(facts.lines("b"), ["plain", "no TERM"]);
    assert_eq!(facts.lines("c"), ["dumb"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_streams_of_a_terminal_are_one_and_lines_come_as_they_were_printed() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, tty: true, run: 'echo one; echo two >&2; printf \"three\\r\\n\"; printf no-end; exit 3'}\n")
        .await;
    let lines: Vec<_> = facts.events().flat_map(lines_of).collect();
    assert_eq!(lines, ["one", "two", "three", "no-end"].map(|line| (Stream::Out, line)));
    assert_eq!(facts.outcome("a"), (StepStatus::Failed, "exited with 3".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_was_printed_to_a_terminal_is_there_when_the_step_has_ended() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, tty: true, run: seq 20000}\n- {id: b, tty: true, run: 'sleep 1000 & seq 3000; echo $!'}\n")
        .await;
    let expected: Vec<String> = (1..=20_000).map(|number| number.to_string()).collect();
    assert_eq!(facts.lines("a"), expected);
    let lines = facts.lines("b");
    assert_eq!(lines[..3_000], expected[..3_000], "though another holds the terminal");
    assert!(!lives(lines[3_000]), "it went with the execution");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_that_is_redrawn_is_one_line_and_not_thousands() {
    let house = House::new().await;
    let facts = house
        .run("steps:\n- {id: a, tty: true, run: 'for i in $(seq 1000); do printf \"\\r%d of many\" $i; done; echo; echo end'}\n")
        .await;
    assert_eq!(facts.lines("a"), ["1000 of many", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_on_a_terminal_is_told_at_once_that_nobody_is_there() {
    let house = House::new().await;
    let begun = Instant::now();
    let facts = house
        .run(
            r#"
steps:
- id: a
  tty: true
  run: |
    read -r answer || echo "no answer"
    { read -r answer < /dev/tty; } 2> /dev/null || echo "no terminal to ask on"
"#,
        )
        .await;
    assert_eq!(facts.lines("a"), ["no answer", "no terminal to ask on"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_on_a_terminal_ends_with_all_of_its_processes_as_any_other() {
    let house = House::new().await;
    let execution = house
        .start("steps:\n- {id: a, tty: true, run: 'trap \"\" TERM HUP; setsid sleep 1000 & echo $!; sleep 1000'}\n")
        .await;
    let mut follow = house.reader(execution.id).await;
    follow.until(|event| lines_of(event).count() > 0).await;
    house.engine.cancel(execution.id, &name("alice")).await.expect("it runs");
    let facts = house.facts(execution.id).await;
    assert_eq!(facts.outcome("a").0, StepStatus::Cancelled);
    assert!(!lives(facts.lines("a")[0]));
    assert!(matches!(facts.last(), Event::ExecutionCancelled { .. }));
}
