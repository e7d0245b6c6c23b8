use leptos::prelude::{GetUntracked, Owner};
use serde_json::{Value, json};

use super::*;
use crate::{
    app::log::pages::HELD_LINES,
    domain::{
        event::{Event, Fact},
        log::Level,
    },
};

fn recorded(seq: u64, mut event: Value) -> Recorded {
    event["seq"] = json!(seq);
    event["at"] = json!("2026-11-22T10:00:00.000Z");
    event["execution_id"] = json!("01934f0e-7b1c-7000-8000-000000000001");
    event["owner"] = json!("alice");
    event["workflow"] = json!("backup");
    serde_json::from_value(event).expect("it is a fact")
}

fn run() -> (Owner, Run) {
    let step = |id: &str| json!({"id": id, "name": id, "needs": [], "weight": 1.0});
    let queued =
        json!({"kind": "execution.queued", "trigger": "manual", "params": {}, "steps": [step("a"), step("b")]});
    let fact: Fact = recorded(1, queued).fact;
    let execution = Execution::begin(Seq(1), &fact).expect("it is queued");
    let owner = Owner::new();
    let run = owner.with(|| {
        let (marks, reruns) = (Default::default(), Vec::new());
        Run::new(Opening { execution, lines: Vec::new(), marks, failure: None, reruns, kept: true, usual: None })
    });
    (owner, run)
}

fn printed(seq: u64, step: &str, first: u64, texts: &[&str]) -> Recorded {
    let line = |text: &&str| json!({"at": "2026-11-22T10:00:00.000Z", "stream": "out", "text": text});
    let lines: Vec<Value> = texts.iter().map(line).collect();
    recorded(seq, json!({"kind": "step.output", "step": step, "attempt": 1, "first_line": first, "lines": lines}))
}

fn shown(run: &Run) -> Vec<(u64, String)> {
    let lines = (0..run.log.end.get_untracked()).filter_map(|n| run.log.line(n));
    lines.map(|line| (line.n, line.line.text.clone())).collect()
}

fn line(n: u64, text: &str) -> (u64, String) {
    (n, text.to_owned())
}

#[test]
fn lines_of_all_steps_are_numbered_in_the_order_they_came() {
    let (_owner, run) = run();
    run.fold(&[printed(2, "a", 0, &["one"]), printed(3, "b", 0, &["two"]), printed(4, "a", 1, &["three"])]);
    assert_eq!(shown(&run), [line(0, "one"), line(1, "two"), line(2, "three")]);
}

#[test]
fn lines_that_are_told_again_are_there_once() {
    let (_owner, run) = run();
    run.fold(&[printed(2, "a", 0, &["one", "two"])]);
    run.fold(&[printed(2, "a", 0, &["one", "two"])]);
    run.fold(&[printed(3, "a", 1, &["two", "three"])]);
    assert_eq!(shown(&run), [line(0, "one"), line(1, "two"), line(2, "three")]);
}

#[test]
fn one_steps_lines_are_numbered_within_it() {
    let (_owner, run) = run();
    run.log.step.set("b".parse().ok());
    run.fold(&[printed(2, "a", 0, &["one"]), printed(3, "b", 0, &["two"]), printed(4, "b", 1, &["three"])]);
    assert_eq!(shown(&run), [line(0, "two"), line(1, "three")]);
}

#[test]
fn what_stands_out_is_known_as_it_comes() {
    let (_owner, run) = run();
    let mut error = printed(2, "a", 0, &["one", "two"]);
    if let Event::StepOutput { lines, .. } = &mut error.fact.event {
        lines[1].level = Some(Level::Error);
    }
    run.fold(&[error, printed(3, "b", 0, &["three"])]);
    let marks = run.log.marks.get_untracked();
    assert_eq!((marks.lines, marks.errors.lines), (3, vec![1]));
    assert_eq!(marks.heads.iter().map(|head| head.line).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(run.log.folds.get_untracked().rows(), 5, "three lines and a head for each step");
}

#[test]
fn the_page_holds_a_bounded_number_of_lines_and_knows_how_many_there_are() {
    let (_owner, run) = run();
    let texts = vec!["x"; 500];
    let facts = HELD_LINES as u64 / 500 + 3;
    for chunk in 0..facts {
        run.fold(&[printed(chunk + 2, "a", chunk * 500, &texts)]);
    }
    assert_eq!(run.log.end.get_untracked(), facts * 500);
    let lines = shown(&run);
    assert!((HELD_LINES - 500..=HELD_LINES).contains(&lines.len()), "{} lines, in whole pages", lines.len());
    assert_eq!(lines.last().map(|line| line.0), Some(facts * 500 - 1));
}
