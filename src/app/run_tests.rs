use leptos::prelude::{GetUntracked, Owner};
use serde_json::{Value, json};

use super::*;
use crate::{
    app::log::{BLOCK, LINES_MAX},
    domain::event::Fact,
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
    let run = owner
        .with(|| Run::new(Opening { execution, lines: Vec::new(), failure: None, reruns: Vec::new(), usual: None }));
    (owner, run)
}

fn printed(seq: u64, step: &str, first: u64, texts: &[&str]) -> Recorded {
    let line = |text: &&str| json!({"at": "2026-11-22T10:00:00.000Z", "stream": "out", "text": text});
    let lines: Vec<Value> = texts.iter().map(line).collect();
    recorded(seq, json!({"kind": "step.output", "step": step, "attempt": 1, "first_line": first, "lines": lines}))
}

fn shown(run: &Run) -> Vec<(u64, String)> {
    let blocks = run.log.blocks.get_untracked();
    let lines = blocks.iter().flat_map(|block| block.lines.get_untracked());
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
fn lines_after_a_gap_wait_for_those_between() {
    let (_owner, run) = run();
    run.fold(&[printed(2, "a", 0, &["one"])]);
    let late = |n: u64| lines_of(&printed(9, "a", n, &["late"]), &run.execution.get_untracked(), None);
    let mut lines = late(1);
    lines.iter_mut().for_each(|line| line.n = 5);
    run.log.extend(lines);
    assert_eq!(shown(&run), [line(0, "one")]);
}

#[test]
fn the_page_holds_a_bounded_number_of_lines_and_knows_that_there_are_earlier_ones() {
    let (_owner, run) = run();
    let texts = vec!["x"; BLOCK];
    for chunk in 0..u64::try_from(LINES_MAX / BLOCK).expect("it is small") + 3 {
        run.fold(&[printed(chunk + 2, "a", chunk * BLOCK as u64, &texts)]);
    }
    let lines = shown(&run);
    assert_eq!(lines.len(), LINES_MAX);
    assert_eq!(lines.first().map(|line| line.0), Some(3 * BLOCK as u64));
    assert_eq!(run.log.first.get_untracked(), 3 * BLOCK as u64);
}
