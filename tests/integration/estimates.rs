//! What the server learns from how long steps took: estimates, eta, weights, and which silence is unusual.

use serde_json::{Value, json};

use crate::{
    app::{TestApp, User},
    stream::Fact,
};

/// A step that is silent as long as it is told to.
const NAP: (&str, &str) = (
    "nap",
    r#"
params:
  - { name: pause, type: number, default: 1 }
steps:
  - id: nap
    run: sleep "$PAUSE"
"#,
);

fn of_kind<'a>(facts: &'a [Fact], kind: &str) -> Vec<&'a Value> {
    facts.iter().filter(|fact| fact["kind"] == kind).collect()
}

fn one<'a>(facts: &'a [Fact], kind: &str) -> &'a Value {
    let found = of_kind(facts, kind);
    assert_eq!(found.len(), 1, "{kind}: {found:#?}");
    found[0]
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} is a number: {value}"))
}

/// The milliseconds of an hour at which it was.
fn at(fact: &Value) -> f64 {
    let text = fact["at"].as_str().expect("each fact has a time");
    let (minutes, seconds) = (&text[14..16], &text[17..23]);
    minutes.parse::<f64>().expect("minutes") * 60_000.0 + seconds.parse::<f64>().expect("seconds") * 1000.0
}

async fn runs(user: &User, workflow: &str, params: Value, times: usize) {
    for _ in 0..times {
        user.run(workflow, params.clone()).await;
    }
}

#[tokio::test]
async fn a_silent_step_that_ran_before_rises_by_estimate_and_its_end_comes_nearer() {
    let app = TestApp::with(&["--estimate-every", "100ms"], &[NAP]).await;
    let user = app.user("alice").await;
    let (_, first) = user.run("nap", json!({})).await;
    assert!(of_kind(&first, "step.progress").is_empty(), "nothing is known yet");
    assert_eq!(one(&first, "step.started")["estimate_ms"], Value::Null);
    runs(&user, "nap", json!({}), 2).await;

    let (_, facts) = user.run("nap", json!({})).await;
    let started = one(&facts, "step.started");
    let estimate = number(started, "estimate_ms");
    assert!((1000.0..3000.0).contains(&estimate), "{started}");
    let usual: Vec<f64> = serde_json::from_value(started["usual_ms"].clone()).expect("two numbers");
    assert!(usual[0] < estimate && estimate < usual[1], "{started}");

    let progress = of_kind(&facts, "step.progress");
    assert!(progress.len() >= 5, "{progress:#?}");
    assert!(progress.iter().all(|fact| fact["source"] == "estimated"), "{progress:#?}");
    let percents: Vec<f64> = progress.iter().map(|fact| number(fact, "percent")).collect();
    assert!(percents.is_sorted_by(|a, b| a < b) && percents[percents.len() - 1] <= 99.9, "{percents:?}");
    assert!(percents[percents.len() - 1] > 50.0, "{percents:?}");
    let apart = progress.windows(2).map(|pair| (at(pair[1]) - at(pair[0])).rem_euclid(3_600_000.0));
    assert!(apart.clone().all(|ms| ms >= 99.0), "{:?}", apart.collect::<Vec<_>>());

    let etas: Vec<f64> = progress.iter().map(|fact| number(fact, "eta_ms")).collect();
    assert!((etas[0] - estimate).abs() < 300.0, "{etas:?}");
    assert!(etas[2] < etas[0] && etas[4] < etas[2], "{etas:?}");
    for fact in &progress {
        let range: Vec<f64> = serde_json::from_value(fact["eta_range_ms"].clone()).expect("two numbers");
        let eta = number(fact, "eta_ms");
        assert!(range[0] <= eta && eta <= range[1], "{fact}");
    }
}

#[tokio::test]
async fn a_step_later_than_ever_slows_down_and_still_moves() {
    let app = TestApp::with(&["--estimate-every", "100ms"], &[NAP]).await;
    let user = app.user("alice").await;
    runs(&user, "nap", json!({ "pause": 0.3 }), 3).await;
    let (id, facts) = user.run("nap", json!({ "pause": 3 })).await;
    let percents: Vec<f64> = of_kind(&facts, "step.progress").iter().map(|fact| number(fact, "percent")).collect();
    assert!(percents.len() >= 6 && percents.len() <= 30, "{percents:?}");
    assert!(percents.is_sorted() && percents.iter().all(|percent| *percent <= 99.9), "{percents:?}");
    assert!(percents[percents.len() - 1] > 92.0, "{percents:?}");
    let etas: Vec<f64> = of_kind(&facts, "step.progress").iter().map(|fact| number(fact, "eta_ms")).collect();
    assert!(etas[etas.len() - 1] > 500.0, "it may need as long again as it is late: {etas:?}");
    let snapshot = user.snapshot(&id).await;
    assert_eq!((&snapshot["percent"], &snapshot["eta_ms"]), (&json!(100.0), &Value::Null));
}

#[tokio::test]
async fn once_a_step_has_told_its_percent_nothing_is_estimated_and_its_eta_goes_on() {
    let talks = "
steps:
  - id: talk
    run: sleep 0.5; echo '::progress 1 begun'; sleep 0.3; echo '::progress 90 nearly'; sleep 1.5
";
    let app = TestApp::with(&["--estimate-every", "100ms"], &[("talk", talks)]).await;
    let user = app.user("alice").await;
    runs(&user, "talk", json!({}), 2).await;
    let (_, facts) = user.run("talk", json!({})).await;
    let progress = of_kind(&facts, "step.progress");
    let told = progress.iter().position(|fact| fact["source"] == "reported").expect("it told its percent");
    let (before, after) = progress.split_at(told);
    assert!(!before.is_empty() && before.iter().all(|fact| fact["source"] == "estimated"), "{progress:#?}");
    let percents: Vec<f64> = progress.iter().map(|fact| number(fact, "percent")).collect();
    assert!(percents.is_sorted(), "it said less than was estimated, and still it does not fall: {percents:?}");
    assert!(after.iter().all(|fact| fact["source"] == "reported"), "{progress:#?}");
    assert_eq!(after[0]["message"], "begun");
    let nearly = after.iter().position(|fact| fact["message"] == "nearly").expect("it told that, too");
    let silent = &after[nearly..];
    assert!(silent.len() >= 2, "its eta changes while it is silent: {progress:#?}");
    for fact in silent {
        assert_eq!(
            (&fact["source"], &fact["percent"], &fact["message"]),
            (&json!("reported"), &json!(90.0), &json!("nearly"))
        );
        assert!(fact["eta_ms"].is_u64(), "{fact}");
    }
}

#[tokio::test]
async fn a_step_that_is_silent_for_longer_than_ever_is_stalled_until_it_speaks() {
    let chat = "
params:
  - { name: pause, type: number, default: 0.05 }
steps:
  - id: chat
    run: echo one; sleep \"$PAUSE\"; echo two; sleep 0.1
";
    let app = TestApp::with(&["--stall-min", "500ms"], &[("chat", chat)]).await;
    let user = app.user("alice").await;
    for _ in 0..5 {
        let (_, facts) = user.run("chat", json!({})).await;
        assert!(of_kind(&facts, "step.stalled").is_empty());
        assert!(number(one(&facts, "step.completed"), "longest_silence_ms") >= 50.0);
    }
    let (id, facts) = user.run("chat", json!({ "pause": 4 })).await;
    let stalled = one(&facts, "step.stalled");
    let (silent, usual) = (number(stalled, "silent_ms"), number(stalled, "usual_ms"));
    assert!((500.0..4000.0).contains(&silent) && usual < silent, "{stalled}");
    let kinds: Vec<&str> = facts.iter().filter_map(|fact| fact["kind"].as_str()).collect();
    let place = |kind| kinds.iter().position(|other| *other == kind).unwrap_or_else(|| panic!("{kind}: {kinds:?}"));
    assert!(place("step.resumed") > place("step.stalled"), "{kinds:?}");
    assert!(!kinds[place("step.stalled")..place("step.resumed")].contains(&"step.output"), "{kinds:?}");
    assert_eq!(kinds[place("step.resumed") + 1], "step.output", "it is resumed before what it said is told");
    assert!(number(one(&facts, "step.completed"), "longest_silence_ms") >= 3900.0);
    assert_eq!(user.snapshot(&id).await["steps"][0].get("silent_since"), Some(&Value::Null));
}

#[tokio::test]
async fn steps_weigh_what_they_took_and_the_eta_is_of_the_longest_way_also_after_a_restart() {
    let forked = "
steps:
  - id: begin
    run: sleep 0.4
  - id: short
    needs: [begin]
    run: sleep 0.1
  - id: long
    needs: [begin]
    run: sleep 1.2
  - id: given
    needs: [short]
    weight: 5
    run: 'true'
";
    let mut app = TestApp::with(&["--estimate-every", "50ms"], &[("forked", forked)]).await;
    let user = app.user("alice").await;
    let weights = |facts: &[Fact]| -> Vec<f64> {
        let steps = one(facts, "execution.queued")["steps"].as_array().expect("a list").clone();
        steps.iter().map(|step| number(step, "weight")).collect()
    };
    let (_, first) = user.run("forked", json!({})).await;
    assert_eq!(weights(&first), [1.0, 1.0, 1.0, 5.0], "nothing is known yet");
    app.restart().await;

    let (_, facts) = user.run("forked", json!({})).await;
    let learned = weights(&facts);
    assert!(learned[1] < learned[0] && learned[0] < learned[2] && learned[3] == 5.0, "{learned:?}");
    let first = of_kind(&facts, "step.progress")[0];
    assert_eq!(first["step"], "begin");
    assert!((1600.0..4000.0).contains(&number(first, "eta_ms")), "{first}");
    let of_short = of_kind(&facts, "step.started").into_iter().find(|fact| fact["step"] == "short");
    assert!(number(of_short.expect("it began"), "estimate_ms") < 1200.0);
}
