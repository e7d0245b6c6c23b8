//! A step that prints without end: what is kept is declared, the server's memory stays, and nobody else waits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{app::TestApp, stream::lines};

/// 60 MB in a million lines, numbered.
const FLOOD: &str = r#"
steps:
  - id: gush
    run: "awk 'BEGIN { s = sprintf(\"%050d\", 0); for (n = 1; n <= 1000000; n++) printf \"%08d %s\\n\", n, s }'"
  - {id: after, if: always, run: 'echo one; echo two'}
"#;
const TICK: &str = "steps:\n- {id: a, run: 'for n in $(seq 50); do echo $n; sleep 0.05; done'}\n";

/// Lines of a log, by their number.
async fn range(alice: &crate::app::User, id: &str, from: u64, limit: u64) -> Vec<String> {
    let path = format!("/api/executions/{id}/log?step=gush&from={from}&limit={limit}");
    let text = alice.get(&path).await.text().await.expect("it is text");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_kept_in_part_and_says_so() {
    let app = TestApp::with(&["--max-output", "5MB"], &[("flood", FLOOD), ("tick", TICK)]).await;
    let alice = app.user("alice").await;
    alice.run("tick", json!({})).await;
    let before = app.memory();
    let id = alice.start("flood", json!({})).await;
    alice.follow(&id).await.until_kind("step.output").await;
    let begun = Instant::now();
    let (_, ticks) = alice.run("tick", json!({})).await;
    assert_eq!(lines(&ticks, "a").len(), 50);
    assert!(begun.elapsed() < Duration::from_secs(15), "others wait: {:?}", begun.elapsed());
    let facts = alice.follow(&id).await.facts().await;
    let grown = app.memory().saturating_sub(before);
    assert!(grown <= 64, "the server's memory grew by {grown} MiB");

    let snapshot: Value = alice.snapshot(&id).await;
    assert_eq!(snapshot["status"], "succeeded");
    let count = snapshot["steps"][0]["lines"].as_u64().expect("a number");
    let kept = count - 1_002;
    // Numbers, spaces and line ends included.
    assert_eq!(kept, 5_000_000 / 60);
    let number = |n: u64| format!("{n:08} {:050}", 0);
    assert_eq!(range(&alice, &id, kept - 2, 2).await, [number(kept - 1), number(kept)]);
    let missing = 1_000_000 - kept - 1_000;
    assert_eq!(missing, 915_667);
    assert_eq!(
        range(&alice, &id, kept, 4).await,
        [
            "… more than 5 MB of output: from here on only the last lines are kept …".to_owned(),
            "… 915,667 lines (54.9 MB) are not kept …".to_owned(),
            number(999_001),
            number(999_002),
        ]
    );
    assert_eq!(range(&alice, &id, count - 1, 10).await, [number(1_000_000)]);
    let notices = facts.iter().filter(|fact| fact["kind"] == "step.output").flat_map(|fact| {
        fact["lines"].as_array().expect("a list").iter().filter(|line| line["level"] == "notice").count().checked_sub(0)
    });
    assert_eq!(notices.sum::<usize>(), 3, "two of the flood and one of the step after it");
    assert_eq!(lines(&facts, "after")[1..], ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_execution_may_print_is_all_there() {
    let app = TestApp::with(&["--max-output", "61MB"], &[("flood", FLOOD)]).await;
    let alice = app.user("alice").await;
    let before = app.memory();
    let id = alice.start("flood", json!({})).await;
    let mut follow = alice.events().await;
    follow.until("the end", |frame| frame.json["kind"] == "execution.completed").await;
    let grown = app.memory().saturating_sub(before);
    assert!(grown <= 64, "the server's memory grew by {grown} MiB");
    assert_eq!(alice.snapshot(&id).await["steps"][0]["lines"], 1_000_000);
    assert_eq!(range(&alice, &id, 654_320, 1).await, [format!("{:08} {:050}", 654_321, 0)]);
}
