//! Coming back: after a cut in the middle, a restart, a crash, with a position that is no good.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, User, answer, eventually, lives, problem},
    stream::{Events, Fact, Frame, assert_in_order, first, fold, is_final, kinds, lines, seq},
};

const BUSY: (&str, &str) = (
    "busy",
    r#"
steps:
  - {id: begin, run: echo begin}
  - {id: a, needs: [begin], run: 'for n in $(seq 200); do echo "a $n"; echo "::progress $n/200"; sleep 0.005; done'}
  - {id: b, needs: [begin], run: 'for n in $(seq 200); do echo "b $n"; echo "::progress $n/200"; sleep 0.005; done'}
  - {id: c, needs: [begin], run: 'for n in $(seq 200); do echo "c $n"; echo "::progress $n/200 part $n"; sleep 0.005; done'}
  - {id: end, needs: [a, b, c], run: 'echo "all=done" >> "$RUNCAST_OUTPUT"'}
"#,
);

const STUBBORN: (&str, &str) = (
    "stubborn",
    r#"
params: [{name: pids, type: string}]
steps:
  - id: hold
    run: |
      trap '' TERM
      echo $$ > "$PIDS-step"
      setsid bash -c 'trap "" TERM HUP; echo $BASHPID > "$PIDS-daemon"; while :; do sleep 0.1; done' &
      until [ -s "$PIDS-daemon" ]; do sleep 0.02; done
      echo ready
      while :; do sleep 0.1; done
"#,
);

const HELLO: (&str, &str) = ("hello", "steps:\n- {id: greet, run: echo hello}\n");

/// Reads a stream in pieces: after a few frames, each time another number of them, it hangs up, throws away what it
/// has not looked at, and comes back with the last id it saw.
async fn in_pieces(mut open: impl AsyncFnMut(u64) -> Events, mut position: u64) -> (Vec<Fact>, usize) {
    let (mut facts, mut cuts) = (Vec::<Fact>::new(), 0);
    loop {
        let mut stream = open(position).await;
        assert_eq!(stream.next().await.expect("it begins").kind(), "hello");
        for _ in 0..=(cuts * 7 % 5) {
            let frame = stream.next().await.expect("it goes on until the final event");
            assert_ne!(frame.kind(), "reset");
            if let Some(id) = frame.id {
                position = id;
                facts.push(frame.json);
            }
            if facts.last().is_some_and(is_final) {
                return (facts, cuts);
            }
        }
        cuts += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returning_reader_gets_exactly_what_it_missed() {
    let app = TestApp::new(&[BUSY]).await;
    let alice = app.user("alice").await;
    let begin = alice.events().await.until_kind("hello").await["head"].as_u64().expect("it has a head");
    let id = alice.start("busy", json!({})).await;
    let own = in_pieces(
        async |after| if after == 0 { alice.follow(&id).await } else { alice.follow_after(&id, after).await },
        0,
    );
    let all = in_pieces(async |after| alice.events_after(after).await, begin);
    let ((own, own_cuts), (all, all_cuts)) = tokio::join!(own, all);
    assert!(own_cuts > 10 && all_cuts > 5, "it was cut {own_cuts} and {all_cuts} times");
    let whole = alice.follow(&id).await.facts().await;
    assert_eq!(own, whole);
    let quiet: Vec<Fact> = whole.into_iter().filter(|fact| fact["kind"] != "step.output").collect();
    assert_eq!(all, quiet);
    assert_eq!(fold(&own), alice.snapshot(&id).await);
    let printed: Vec<String> = (1..=200).map(|n| format!("c {n}")).collect();
    assert_eq!(lines(&own, "c"), printed);
}

/// Reads until the server is gone; the frames, and the last id or `position`.
async fn rest(mut stream: Events, position: u64) -> (Vec<Frame>, u64) {
    let mut frames = Vec::new();
    while let Some(frame) = stream.next().await {
        frames.push(frame);
    }
    let position = frames.iter().filter_map(|frame| frame.id).next_back().unwrap_or(position);
    (frames, position)
}

fn facts(frames: Vec<Frame>) -> Vec<Fact> {
    frames.into_iter().filter(|frame| frame.id.is_some()).map(|frame| frame.json).collect()
}

/// One at a time runs; the first holds on, and two wait behind it.
async fn one_runs_and_two_wait(app: &TestApp, alice: &User) -> [String; 3] {
    let first = alice.start("stubborn", json!({ "pids": app.text_path("pids") })).await;
    alice.follow(&first).await.until_kind("step.output").await;
    let waiting = [alice.start("hello", json!({})).await, alice.start("hello", json!({})).await];
    for id in &waiting {
        assert_eq!(alice.snapshot(id).await["status"], "queued");
    }
    let [second, third] = waiting;
    [first, second, third]
}

/// What must be so after another life has begun, whatever ended the first.
async fn goes_on(app: &TestApp, alice: &User, ids: &[String; 3], mut seen: Vec<Fact>, position: u64) {
    let [ran, waited @ ..] = ids;
    let mut stream = alice.events_after(position).await;
    let missing = 3 - seen.iter().filter(|fact| is_final(fact)).count();
    seen.extend(stream.facts_of(missing).await);
    assert_in_order(&seen);
    let replay = alice.events_after(0).await.facts_of(3).await;
    assert_eq!(seen, replay, "neither gap nor duplicate, and nothing that was seen is gone");
    let of = |id: &str| -> Vec<Fact> { replay.iter().filter(|fact| fact["execution_id"] == *id).cloned().collect() };
    let end = of(ran).pop().expect("there are facts");
    assert_eq!((&end["kind"], &end["status"]), (&json!("execution.failed"), &json!("interrupted")));
    assert_eq!(first(&of(ran), "step.failed")["status"], "interrupted");
    for id in waited {
        let facts = of(id);
        assert_eq!(facts.last().expect("there are facts")["kind"], "execution.completed");
        assert!(seq(first(&facts, "execution.started")) > seq(&end), "it began after the first had ended");
    }
    let began = |id| seq(first(&of(id), "execution.started"));
    assert!(began(&waited[0]) < began(&waited[1]), "in the order in which they were asked for");
    assert!(!lives(&app.path("pids-step")) && !lives(&app.path("pids-daemon")), "no process is left");
    for id in ids {
        let whole = alice.follow(id).await.facts().await;
        assert_eq!(fold(&whole), alice.snapshot(id).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_after_a_restart_misses_nothing() {
    let mut app = TestApp::with(&["--max-executions", "1"], &[STUBBORN, HELLO]).await;
    let alice = app.user("alice").await;
    let stream = alice.events().await;
    let ids = one_runs_and_two_wait(&app, &alice).await;
    let own = alice.follow(&ids[0]).await.live().await;
    assert!(lives(&app.path("pids-step")) && lives(&app.path("pids-daemon")));
    app.stop().await;
    assert_eq!(own.end().await.0, "shutdown");
    let (frames, position) = rest(stream, 0).await;
    let end = frames.last().expect("it began").clone();
    assert_eq!((end.kind(), &end.json["reason"]), ("end", &json!("shutdown")));
    app.launch().await;
    goes_on(&app, &alice, &ids, facts(frames), position).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_changes_nothing_but_what_ran() {
    let mut app = TestApp::with(&["--max-executions", "1"], &[STUBBORN, HELLO]).await;
    let alice = app.user("alice").await;
    let (before, _) = alice.run("hello", json!({})).await;
    let before = alice.snapshot(&before).await;
    let stream = alice.events_after(seq(&before)).await;
    let ids = one_runs_and_two_wait(&app, &alice).await;
    app.kill_9().await;
    let (frames, position) = rest(stream, seq(&before)).await;
    assert!(frames.iter().all(|frame| frame.kind() != "end"), "it had no time for a word");
    app.launch().await;
    let mut seen = alice.events_after(0).await.facts_of(1).await;
    seen.extend(facts(frames));
    let id = before["id"].as_str().expect("it has an id");
    assert_eq!(alice.snapshot(id).await, before);
    let missing = 4 - seen.iter().filter(|fact| is_final(fact)).count();
    alice.events_after(position).await.facts_of(missing).await;
    seen.retain(|fact| fact["execution_id"] != *id);
    let replay = alice.events_after(seq(&before)).await.facts_of(3).await;
    assert_eq!(seen, replay[..seen.len()], "what was seen before the crash is so after it");
    goes_on_without(&app, &alice, &ids, &replay).await;
}

async fn goes_on_without(app: &TestApp, alice: &User, ids: &[String; 3], replay: &[Fact]) {
    assert_in_order(replay);
    let statuses = [alice.snapshot(&ids[0]).await, alice.snapshot(&ids[1]).await, alice.snapshot(&ids[2]).await];
    let statuses = statuses.map(|snapshot| snapshot["status"].as_str().map(str::to_owned));
    let wanted = ["interrupted", "succeeded", "succeeded"].map(|word| Some(word.to_owned()));
    assert_eq!(statuses, wanted);
    assert!(!lives(&app.path("pids-step")) && !lives(&app.path("pids-daemon")), "no process is left");
    let whole = alice.follow(&ids[0]).await.facts().await;
    assert_eq!(lines(&whole, "hold"), ["ready"]);
    assert_eq!(fold(&whole), alice.snapshot(&ids[0]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_id_is_ever_given_twice_however_often_the_server_is_killed() {
    let mut app = TestApp::new(&[BUSY]).await;
    let alice = app.user("alice").await;
    let (mut seen, mut ids) = (Vec::<Fact>::new(), Vec::new());
    for life in 0..4 {
        let position = seen.last().map_or(0, seq);
        let mut stream = alice.events_after(position).await;
        ids.push(alice.start("busy", json!({})).await);
        let wanted = position + 20 + 13 * life;
        let had = stream.until("the moment", |frame| frame.id.is_some_and(|id| id > wanted)).await;
        app.kill_9().await;
        seen.extend(facts(had));
        seen.extend(facts(rest(stream, 0).await.0));
        app.launch().await;
    }
    let mut stream = alice.events_after(seen.last().map_or(0, seq)).await;
    let missing = ids.len() - seen.iter().filter(|fact| is_final(fact)).count();
    seen.extend(stream.facts_of(missing).await);
    assert_in_order(&seen);
    assert_eq!(seen, alice.events_after(0).await.facts_of(ids.len()).await);
    for id in &ids {
        assert_eq!(alice.snapshot(id).await["status"], "interrupted");
        assert_eq!(fold(&alice.follow(id).await.facts().await), alice.snapshot(id).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_wins_over_the_query() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, whole) = alice.run("hello", json!({})).await;
    for path in ["/api/events".to_owned(), format!("/api/executions/{id}/events")] {
        let request = alice.request(Method::GET, &format!("{path}?after=0"));
        let mut stream = Events::open(request.header("Last-Event-ID", seq(&whole[1]))).await;
        let had = facts(stream.until("the end of the replay", |frame| frame.kind() == "caught_up").await);
        assert_eq!(seq(&had[0]), seq(&whole[2]), "{path}");
        let mut stream = Events::open(alice.request(Method::GET, &format!("{path}?after={}", seq(&whole[1])))).await;
        let had = facts(stream.until("the end of the replay", |frame| frame.kind() == "caught_up").await);
        assert_eq!(seq(&had[0]), seq(&whole[2]), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_no_number_is_refused() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("hello", json!({})).await;
    for path in ["/api/events".to_owned(), format!("/api/executions/{id}/events")] {
        for bad in ["abc", "-1", "+1", "1.5", "1e3", "0x10", "1 2", "NaN", "1,2", "\u{661}"] {
            let request = alice.request(Method::GET, &path).header("Last-Event-ID", bad);
            problem(answer(request).await, 400).await;
            problem(answer(alice.request(Method::GET, &path).query(&[("after", bad)])).await, 400).await;
        }
        problem(alice.get(&format!("{path}?after=")).await, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_from_the_future_is_reset_and_the_stream_goes_on_live() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, whole) = alice.run("hello", json!({})).await;
    let head = seq(whole.last().expect("there are facts"));
    for after in [head + 1, head + 1_000_000, u64::MAX] {
        let mut stream = alice.events_after(after).await;
        assert_eq!(stream.next().await.expect("it begins").kind(), "hello");
        let reset = stream.next().await.expect("it goes on");
        let head = alice.events().await.until_kind("hello").await["head"].clone();
        assert_eq!(reset.json, json!({ "kind": "reset", "reason": "expired", "head": head }));
        assert_eq!(reset.id, None);
        assert_eq!(stream.next().await.expect("it goes on").kind(), "caught_up");
        let (_, run) = alice.run("hello", json!({})).await;
        let quiet: Vec<Fact> = run.into_iter().filter(|fact| fact["kind"] != "step.output").collect();
        assert_eq!(stream.facts_of(1).await, quiet);
    }
    let frames = alice.follow_after(&id, u64::MAX).await.frames().await;
    let kinds: Vec<&str> = frames.iter().map(Frame::kind).collect();
    assert_eq!(kinds, ["hello", "reset", "caught_up", "end"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_older_than_what_is_kept_is_reset() {
    let mut app = TestApp::with(&["--retention-count", "1"], &[HELLO]).await;
    let alice = app.user("alice").await;
    let (_, old) = alice.run("hello", json!({})).await;
    let (kept, _) = alice.run("hello", json!({})).await;
    app.restart().await;
    let items = async || alice.json("/api/executions").await["items"].as_array().map(Vec::len);
    eventually("the old one is removed", async || items().await == Some(1)).await;
    assert_eq!(alice.json("/api/executions").await["items"][0]["id"], json!(kept));
    let mut stream = alice.events_after(seq(&old[0])).await;
    assert_eq!(stream.until_kind("reset").await["reason"], "expired");
    stream.until_kind("caught_up").await;
    let (_, new) = alice.run("hello", json!({})).await;
    assert_eq!(seq(&stream.facts_of(1).await[0]), seq(&new[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_database_is_reset() {
    let mut app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (_, before) = alice.run("hello", json!({})).await;
    app.stop().await;
    std::fs::remove_dir_all(app.path("data")).expect("it is there");
    app.launch().await;
    let alice = app.user("alice").await;
    for _ in 0..5 {
        alice.run("hello", json!({})).await;
    }
    // However many there are meanwhile, none has the place of one that was told before.
    for old in before.iter().map(seq) {
        assert_eq!(alice.events_after(old).await.until_kind("reset").await["reason"], "expired");
    }
    assert_eq!(alice.events_after(0).await.facts_of(5).await.len(), 5 * (before.len() - 1), "0 is before everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_stream_has_nothing_past_its_end() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    let (id, whole) = alice.run("hello", json!({})).await;
    let (_, later) = alice.run("hello", json!({})).await;
    let (last, head) = (seq(whole.last().expect("there are facts")), seq(later.last().expect("there are facts")));
    let path = format!("/api/executions/{id}/events");
    for after in [last, last + 1, head] {
        let request = alice.request(Method::GET, &path).header("Last-Event-ID", after);
        let response = answer(request).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "after {after} of {last} and {head}");
        assert_eq!(response.text().await.expect("it can be read"), "");
    }
    assert_eq!(kinds(&alice.follow_after(&id, last - 1).await.facts().await), ["execution.completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_caught_up_exactly_once_and_nothing_old_comes_after() {
    let app = TestApp::new(&[HELLO]).await;
    let alice = app.user("alice").await;
    for _ in 0..3 {
        alice.run("hello", json!({})).await;
    }
    let mut stream = alice.events_after(0).await;
    let mut had = stream.until("the end of the replay", |frame| frame.kind() == "caught_up").await;
    let hello: Value = had[0].json.clone();
    assert_eq!(had.iter().filter(|frame| frame.json["kind"] == "execution.completed").count(), 3);
    let (id, _) = alice.run("hello", json!({})).await;
    let live = stream.until("the end", |frame| is_final(&frame.json)).await;
    assert!(live.iter().all(|frame| frame.id.is_none() || frame.json["execution_id"] == *id));
    had.extend(live);
    for kind in ["hello", "caught_up"] {
        assert_eq!(had.iter().filter(|frame| frame.kind() == kind).count(), 1);
    }
    assert_eq!(hello["head"], had.iter().find(|frame| frame.kind() == "caught_up").expect("it came").json["head"]);
    assert_in_order(&facts(had));
}
