//! What was: lists page by page, snapshots to go on from, any range of a log, and a server that keeps none of it.

use std::{fs::File, str::FromStr as _, time::Duration};

use reqwest::Method;
use runcast::domain::{
    event::Recorded,
    execution::Execution,
    history::{History, PrintedThen},
    id::ExecutionId,
};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, User, answer, problem},
    stream::{Fact, fold, seq},
};

const HELLO: (&str, &str) =
    ("hello", "steps:\n- {id: greet, run: 'echo hello; echo \"it=1\" >> \"$RUNCAST_OUTPUT\"'}\n");
const FAILS: (&str, &str) = ("fails", "steps:\n- {id: compile, run: 'echo \"::error::no compiler\"; exit 9'}\n");
const BUSY: (&str, &str) = (
    "busy",
    r#"
steps:
  - {id: a, run: 'for n in $(seq 60); do echo "a $n"; echo "::progress $n/60"; sleep 0.01; done'}
  - {id: b, needs: [], run: 'for n in $(seq 60); do echo "b $n"; echo "::progress $n/60 part $n"; sleep 0.01; done'}
"#,
);
const LONG: (&str, &str) =
    ("long", "steps:\n- {id: count, run: seq 0 4999}\n- {id: more, run: 'echo one; echo two >&2; echo three'}\n");

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list has items").iter();
    items.map(|item| item["id"].as_str().expect("it has an id").to_owned()).collect()
}

async fn run_some(user: &User, workflow: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.insert(0, user.run(workflow, json!({})).await.0);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_page_by_page_while_new_ones_come() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let old = run_some(&alice, "hello", 7).await;
    let (mut read, mut sizes) = (Vec::new(), Vec::new());
    let mut path = "/api/executions?limit=3".to_owned();
    loop {
        let page = alice.json(&path).await;
        sizes.push(ids(&page).len());
        read.extend(ids(&page));
        run_some(&alice, "hello", 1).await;
        match page["next"].as_str() {
            Some(next) => path = format!("/api/executions?limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!((read, sizes), (old, vec![3, 3, 1]), "newest first, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_by_status_workflow_owner_and_words() {
    let app = TestApp::new(&[HELLO, FAILS]).await;
    let (alice, root) = (app.user("alice").await, app.admin("root").await);
    let (hers, failed) = (run_some(&alice, "hello", 2).await, run_some(&alice, "fails", 1).await);
    let his = run_some(&root, "hello", 1).await;
    let all = [his.clone(), failed.clone(), hers.clone()].concat();
    let found = async |query: &str| ids(&root.json(&format!("/api/executions?{query}")).await);
    assert_eq!(found("").await, all);
    assert_eq!(found("status=failed").await, failed);
    assert_eq!(found("status=failed,succeeded").await, all);
    assert_eq!(found("status=running").await, [""; 0]);
    assert_eq!(found("workflow=hello").await, [his.clone(), hers.clone()].concat());
    assert_eq!(found("owner=root").await, his);
    assert_eq!(found("owner=alice&workflow=hello&limit=1").await, hers[..1]);
    assert_eq!(found("q=no+compiler").await, failed);
    assert_eq!(found(&format!("q={}", hers[1])).await, hers[1..]);
    assert_eq!(found("q=%25").await, [""; 0], "a sign that databases read otherwise is a sign");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed_by_what_started_it_and_by_time() {
    let app = TestApp::new(&[HELLO, FAILS]).await;
    let alice = app.user("alice").await;
    let (api, failed) = (run_some(&alice, "hello", 1).await, run_some(&alice, "fails", 1).await);
    let again = alice.post(&format!("/api/executions/{}/rerun", failed[0]), &json!({ "from": "all" })).await;
    let again: Value = again.json().await.expect("it is JSON");
    let again = again["id"].as_str().expect("it has an id").to_owned();
    alice.follow(&again).await.facts().await;
    let work = alice.post("/api/external", &json!({ "name": "walker" })).await;
    let work: Value = work.json().await.expect("it is JSON");
    let work = work["id"].as_str().expect("it has an id").to_owned();
    let found = async |query: &str| ids(&alice.json(&format!("/api/executions?{query}")).await);
    assert_eq!(found("trigger=api").await, [failed[0].clone(), api[0].clone()]);
    assert_eq!(found("trigger=rerun").await, std::slice::from_ref(&again));
    assert_eq!(found("trigger=external&status=running").await, std::slice::from_ref(&work));
    assert_eq!(found("trigger=api&status=failed,succeeded&limit=1").await, [failed[0].clone()]);
    assert_eq!(found("trigger=webhook").await, [""; 0]);

    let all = [work.clone(), again.clone(), failed[0].clone(), api[0].clone()];
    assert_eq!(found("from=1h").await, all);
    assert_eq!(found("to=1h").await, [""; 0]);
    assert_eq!(found("ended_from=1h").await, all[1..], "what still runs has not ended");
    assert_eq!(found("ended_from=1h&status=failed").await, [again.clone(), failed[0].clone()]);
    let middle = ExecutionId::from_str(&failed[0]).expect("an id").made_at();
    assert_eq!(found(&format!("from={middle}")).await, all[..3]);
    assert_eq!(found(&format!("to={middle}")).await, all[3..]);
    assert_eq!(found(&format!("from={middle}&to={middle}")).await, [""; 0]);
    for wrong in ["trigger=nobody", "from=yesterday", "to=1", "ended_from=-1h"] {
        assert_eq!(alice.get(&format!("/api/executions?{wrong}")).await.status(), 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_item_is_the_snapshot_without_what_only_its_own_page_shows() {
    let app = TestApp::new(&[HELLO, FAILS]).await;
    let alice = app.user("alice").await;
    run_some(&alice, "hello", 1).await;
    run_some(&alice, "fails", 1).await;
    let list = alice.json("/api/executions").await;
    assert_eq!(list["head"], alice.events().await.until_kind("hello").await["head"]);
    for item in list["items"].as_array().expect("it has items") {
        let mut snapshot = alice.snapshot(item["id"].as_str().expect("it has an id")).await;
        let fields = snapshot.as_object_mut().expect("it is an object");
        for left_out in ["steps", "result", "params"] {
            assert!(fields.remove(left_out).is_some(), "a snapshot has {left_out}");
            assert!(item.get(left_out).is_none(), "a list has no {left_out}");
        }
        for (name, value) in fields.iter().filter(|(name, _)| *name != "error") {
            assert_eq!(&item[name], value, "{name}");
        }
        assert_eq!(item["error"]["message"], snapshot["error"]["message"]);
        assert_eq!(item["running"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_the_stream_after_it_make_every_later_snapshot() {
    let app = TestApp::new(&[BUSY]).await;
    let alice = app.user("alice").await;
    let id = alice.start("busy", json!({})).await;
    let mut own = alice.follow(&id).await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        own.until_kind("step.progress").await;
        let snapshot = alice.snapshot(&id).await;
        let stream = alice.follow_after(&id, seq(&snapshot)).await;
        opened.push((snapshot, stream));
    }
    for (snapshot, stream) in opened {
        assert_eq!(snapshot["status"], "running");
        let mut execution: Execution = serde_json::from_value(snapshot).expect("it is a snapshot");
        for fact in stream.facts().await {
            let recorded: Recorded = serde_json::from_value(fact.clone()).expect("it is a fact");
            assert!(execution.apply(&recorded), "it was in the snapshot already: {fact}");
        }
        let mut folded = serde_json::to_value(&execution).expect("it is JSON");
        folded["hash"] = execution.state_hash().to_string().into();
        assert_eq!(folded, alice.snapshot(&id).await);
    }
    assert_eq!(fold(&alice.follow(&id).await.facts().await), alice.snapshot(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_range_of_a_log_can_be_read() {
    let app = TestApp::new(&[LONG]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("long", json!({})).await;
    let text = async |query: &str| {
        let answer = alice.get(&format!("/api/executions/{id}/log{query}")).await;
        assert_eq!(answer.status(), 200, "{query}");
        answer.text().await.expect("it is text")
    };
    let numbers = |range: std::ops::Range<u32>| range.map(|n| format!("{n}\n")).collect::<String>();
    assert_eq!(text("?step=count").await, numbers(0..5000));
    assert_eq!(text("?step=count&from=4990").await, numbers(4990..5000));
    assert_eq!(text("?step=count&from=1234&limit=777").await, numbers(1234..2011));
    assert_eq!(text("?step=count&from=5000").await, "");
    assert_eq!(text("?step=count&limit=0").await, "");
    assert_eq!(text("?from=4999&limit=2").await.lines().next(), Some("4999"), "of all steps, in order");
    assert_eq!(text("").await.lines().count(), 5003);

    let request = alice.request(Method::GET, &format!("/api/executions/{id}/log?step=more&from=1"));
    let answer = answer(request.header("accept", "application/x-ndjson")).await;
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let text = answer.text().await.expect("it is text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(lines.iter().map(|line| line["n"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert!(lines.iter().all(|line| line["step"] == "more" && line["attempt"] == 1 && line["at"].is_string()));
    let two = lines.iter().find(|line| line["text"] == "two");
    assert!(two.is_none_or(|two| two["stream"] == "err"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_an_execution_is_read_page_by_page_and_folds_to_what_it_was() {
    let app = TestApp::new(&[BUSY]).await;
    let alice = app.user("alice").await;
    let (id, facts) = alice.run("busy", json!({})).await;
    let page = async |after: u64, limit: usize| {
        let answer = alice.get(&format!("/api/executions/{id}/history?after={after}&limit={limit}")).await;
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = answer.text().await.expect("it is text");
        text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect::<Vec<Value>>()
    };
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let some = page(after, 7).await;
        assert!(some.len() <= 7);
        let Some(last) = some.last() else { break };
        after = seq(last);
        told.extend(some);
    }
    assert_eq!(told.iter().map(seq).collect::<Vec<_>>(), facts.iter().map(seq).collect::<Vec<_>>());

    let recorded = |value: &Value| serde_json::from_value::<Recorded>(value.clone()).expect("it is a fact");
    let mut history = History::begin(&recorded(&told[0])).expect("it is the first");
    for line in &told[1..] {
        match serde_json::from_value::<PrintedThen>(line.clone()) {
            Ok(printed) => history.take_in_printed(&printed),
            Err(_) => history.take_in(&recorded(line)),
        }
    }
    assert!(!told.iter().any(|line| line["kind"] == "step.output"), "what it printed is only counted");
    let mut straight = Execution::begin(recorded(&facts[0]).seq, &recorded(&facts[0]).fact).expect("it is the first");
    for (number, fact) in facts.iter().enumerate().skip(1) {
        straight.apply(&recorded(fact));
        assert_eq!(history.at(number), &straight, "at event {number}");
    }
    for bad in ["after=-1", "limit=0", "limit=2001", "before=1"] {
        problem(alice.get(&format!("/api/executions/{id}/history?{bad}")).await, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_history_is_as_live_and_forgets_when_it_stops() {
    let mut app = TestApp::with(&["--journal", "memory"], &[HELLO]).await;
    let alice = app.user("alice").await;
    let mut stream = alice.events().await.live().await;
    let (id, own) = alice.run("hello", json!({})).await;
    let quiet: Vec<Fact> = own.iter().filter(|fact| fact["kind"] != "step.output").cloned().collect();
    assert_eq!(stream.facts_of(1).await, quiet);
    assert_eq!(alice.events_after(seq(&own[1])).await.facts_of(1).await, quiet[2..]);
    assert_eq!(fold(&own), alice.snapshot(&id).await);
    app.restart().await;
    assert_eq!(alice.json("/api/executions").await["items"], json!([]));
    let mut back = alice.events_after(seq(&own[1])).await;
    assert_eq!(back.until_kind("reset").await["reason"], "expired");
    back.until_kind("caught_up").await;
    let (id, _) = alice.run("hello", json!({})).await;
    let facts = back.facts_of(1).await;
    assert!(facts.iter().all(|fact| fact["execution_id"] == *id && seq(fact) > seq(&own[0])), "ids rise all the same");
    let mut late = alice.events_after(seq(&own[1])).await;
    assert_eq!(late.until_kind("reset").await["reason"], "expired", "also when there are new ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_has_left_behind_for_a_moment_keeps_nobody_from_its_folder() {
    let mut app = TestApp::new(&[HELLO]).await;
    app.kill_9().await;
    let lock = File::open(app.path("data/lock")).expect("it is there");
    lock.lock().expect("nobody has it");
    let held = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(lock);
    });
    app.launch().await;
    assert!(held.is_finished(), "it did not begin beside whoever held it");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_never_work_on_one_folder() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let said = app.command(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_ne!(said.code, 0);
    assert!(said.err.contains("another"), "{said:?}");
    run_some(&alice, "hello", 1).await;
}
