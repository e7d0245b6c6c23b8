//! What steps say of how far they are, in the dialects that they speak already, as the stream tells it.

use serde_json::{Value, json};

use crate::{
    app::TestApp,
    stream::{Fact, first, fold, lines},
};

/// A bar as curl's and tqdm's: the new state comes after `\r` and stays.
const BAR: (&str, &str) = (
    "bar",
    r#"
params: [{name: gate, type: string}]
steps:
  - id: load
    run: |
      echo begin
      for n in 10 20 30; do printf '\rLoading %s%% [####    ]' $n; done
      until [ -e "$GATE" ]; do sleep 0.02; done
      for n in $(seq 31 100); do printf '\rLoading %s%% [####    ]' $n; done
      printf '\nend\n'
"#,
);

const TQDM: (&str, &str) = (
    "tqdm",
    r#"
steps:
  - id: train
    run: |
      for n in $(seq 0 40); do
        printf '\rTrain: %3d%%|████▏     | %d/40 [00:01<00:01, 19.9it/s]' $((n * 100 / 40)) $n >&2
      done
      echo >&2
"#,
);

const REPORTED: (&str, &str) = (
    "reported",
    r#"
params: [{name: gate, type: string}]
steps:
  - id: osc
    run: |
      printf 'one\033]9;4;1;42\007 line\n\033]9;4;1;43\033\\\n'
      printf '\033]9;4;2\007'
  - id: xyops
    run: |
      echo '{"xy":1,"progress":0.425,"status":"Uploading"}'
      echo '{"progress":0.9}'
  - id: mixed
    run: |
      printf 'a bar 10%%\ra bar 20%%\ra bar 30%%\n'
      sleep 0.3
      echo '::progress 25 by itself'
      sleep 0.3
      printf 'a bar 80%%\ra bar 90%%\r' >&2
      until [ -e "$GATE" ]; do sleep 0.02; done
      echo '::progress 60'
"#,
);

const PLAIN: (&str, &str) = (
    "plain",
    r#"
steps:
  - id: talk
    run: |
      echo 'I am 100% sure'
      echo '50/50, on 3/7/2026'
      echo '[ 42%] Building C object'
      printf 'file.py   87%%\r\n'
      printf 'see http://example.org/3/7 \r1/0 and version 1.2.3/4 \rdone\n'
"#,
);

/// Percent, source and message of a step's progress.
fn progress(facts: &[Fact], step: &str) -> Vec<(f64, String, Value)> {
    let of_step = facts.iter().filter(|fact| fact["kind"] == "step.progress" && fact["step"] == step);
    let told = |fact: &Fact| {
        let percent = fact["percent"].as_f64().expect("it has a percent");
        (percent, fact["source"].as_str().expect("it has a source").to_owned(), fact["message"].clone())
    };
    of_step.map(told).filter(|(_, source, _)| source != "estimated").collect()
}

fn step<'v>(snapshot: &'v Value, id: &str) -> &'v Value {
    let steps = snapshot["steps"].as_array().expect("it has steps");
    steps.iter().find(|step| step["id"] == id).expect("it is one of them")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_that_is_redrawn_is_progress_while_it_is_drawn_and_one_line_in_the_end() {
    let app = TestApp::new(&[BAR]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("bar");
    let id = alice.start("bar", gate.param()).await;
    let mut stream = alice.follow(&id).await;
    // The last state is told though neither its line nor the next state has come.
    let thirty = |frame: &crate::stream::Frame| frame.kind() == "step.progress" && frame.json["percent"] == 30.0;
    let had = stream.until("30 percent", thirty).await;
    assert_eq!(had.last().expect("it came").json["source"], "parsed");
    let now = alice.snapshot(&id).await;
    assert_eq!((&step(&now, "load")["percent"], &step(&now, "load")["source"]), (&json!(30.0), &json!("parsed")));
    gate.open();
    let (_, facts) = (stream.facts().await, alice.follow(&id).await.facts().await);
    assert_eq!(lines(&facts, "load"), ["begin", "Loading 100% [####    ]", "end"]);
    let told = progress(&facts, "load");
    assert!(told.iter().all(|(_, source, message)| source == "parsed" && message.is_null()), "{told:?}");
    assert!(told.is_sorted_by(|one, next| one.0 < next.0) && told.last().expect("it is there").0 == 99.9, "{told:?}");
    assert_eq!(first(&facts, "step.completed")["lines"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_on_stderr_is_progress_too() {
    let app = TestApp::new(&[TQDM]).await;
    let alice = app.user("alice").await;
    let (_, facts) = alice.run("tqdm", json!({})).await;
    let told = progress(&facts, "train");
    assert_eq!(told.last().map(|(percent, source, _)| (*percent, source.as_str())), Some((99.9, "parsed")), "{told:?}");
    assert_eq!(lines(&facts, "train"), ["Train: 100%|████▏     | 40/40 [00:01<00:01, 19.9it/s]"]);
    assert_eq!(first(&facts, "step.output")["lines"][0]["stream"], "err");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_in_another_dialect_is_consumed_and_wins_over_bars() {
    let app = TestApp::new(&[REPORTED]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("reported");
    let id = alice.start("reported", gate.param()).await;
    let mut stream = alice.follow(&id).await;
    let by_itself = |frame: &crate::stream::Frame| frame.json["message"] == "by itself";
    stream.until("its own report", by_itself).await;
    gate.open();
    stream.facts().await;
    let facts = alice.follow(&id).await.facts().await;

    let osc = progress(&facts, "osc");
    assert_eq!(osc.last(), Some(&(43.0, "reported".to_owned(), Value::Null)));
    assert_eq!(lines(&facts, "osc"), ["one line"]);

    assert_eq!(progress(&facts, "xyops"), [(42.5, "reported".to_owned(), json!("Uploading"))]);
    assert_eq!(lines(&facts, "xyops"), [r#"{"progress":0.9}"#]);

    let told = progress(&facts, "mixed");
    let mut sources: Vec<&str> = told.iter().map(|(_, source, _)| source.as_str()).collect();
    sources.dedup();
    assert_eq!(sources, ["parsed", "reported"], "{told:?}");
    assert!(told.contains(&(30.0, "reported".to_owned(), json!("by itself"))), "it never falls: {told:?}");
    assert_eq!(told.last().map(|told| told.0), Some(60.0), "a bar no longer counts: {told:?}");
    assert_eq!(lines(&facts, "mixed"), ["a bar 30%", "a bar 90%"]);
    assert_eq!(fold(&facts)["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_progress_is_a_line_and_nothing_else() {
    let app = TestApp::new(&[PLAIN]).await;
    let alice = app.user("alice").await;
    let (_, facts) = alice.run("plain", json!({})).await;
    assert_eq!(progress(&facts, "talk"), []);
    assert_eq!(lines(&facts, "talk").len(), 5);
    assert_eq!(lines(&facts, "talk")[4], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_value_is_not_shown_where_a_line_is_too_long() {
    let long = r#"
steps:
  - id: leak
    run: |
      echo '::add-mask::hunter2-hunter2'
      pad=$(printf '%*s' 16378 '' | tr ' ' x)
      printf '%shunter2-hunter2%s\n' "$pad" end
      printf '%s' "$pad"; sleep 0.2; printf 'hunter2-'; sleep 0.2; printf 'hunter2 end\n' 
      echo "::error::$pad hunter2-hunter2"
      exit 1
"#;
    let app = TestApp::new(&[("long", long)]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("long", json!({})).await;
    let texts = lines(&facts, "leak");
    let joined = texts.concat();
    assert!(!joined.contains("hunter") && joined.matches("***").count() == 3, "{}", joined.replace('x', ""));
    assert!(texts.iter().all(|text| text.len() <= 16 * 1024));
    let failed = first(&facts, "step.failed").to_string();
    assert!(!failed.contains("hunter") && !alice.snapshot(&id).await.to_string().contains("hunter"));
    let log = alice.get(&format!("/api/executions/{id}/log")).await.text().await.expect("it is text");
    assert!(!log.contains("hunter"), "nor does the log show a part of it");
}
