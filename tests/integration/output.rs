//! What is asked of a log beside its lines: what stands out in it, and what is looked for.

use std::time::Instant;

use serde_json::{Value, json};

use crate::app::{TestApp, User, problem};

const ODD: (&str, &str) = (
    "odd",
    r#"
params: [{name: gate, type: string, default: /}]
steps:
  - id: first
    run: |
      echo "::group::Fetch"; echo one; echo "::warning::two is odd"; echo "::error::three is wrong"; echo "::endgroup::"
      printf 'a \033[31mNee\033[0mdle in colours\n'
  - id: second
    retry: {attempts: 2, backoff: 1ms}
    run: |
      echo "a needle"; echo "::error::again"; echo 'NEEDLE "quoted"'; echo "häuser"
      until [ -e "$GATE" ]; do sleep 0.02; done
      [ "$RUNCAST_ATTEMPT" = 2 ]
"#,
);

async fn ask(user: &User, id: &str, what: &str) -> Value {
    user.json(&format!("/api/executions/{id}/log/{what}")).await
}

fn found(total: u64, lines: &[u64], next: u64) -> Value {
    json!({ "total": total, "lines": lines, "next": next, "more": false })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_out_in_a_log_is_known_without_its_lines() {
    let app = TestApp::new(&[ODD]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("odd", json!({})).await;
    let all = json!({
        "lines": 13,
        "errors": { "total": 3, "lines": [3, 6, 10] },
        "warnings": { "total": 1, "lines": [2] },
        "groups": { "total": 1, "lines": [0] },
        "group_ends": { "total": 1, "lines": [4] },
        "group_of": "first",
        "heads": [
            { "line": 0, "step": "first", "attempt": 1 },
            { "line": 5, "step": "second", "attempt": 1 },
            { "line": 9, "step": "second", "attempt": 2 },
        ],
    });
    assert_eq!(ask(&alice, &id, "marks").await, all);
    let second = ask(&alice, &id, "marks?step=second").await;
    assert_eq!((&second["lines"], &second["errors"]["lines"]), (&json!(8), &json!([1, 5])));
    assert_eq!(second["heads"][1], json!({ "line": 4, "step": "second", "attempt": 2 }));
    problem(alice.get(&format!("/api/executions/{id}/log/marks?step=third")).await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_found_in_any_case_across_colours_and_while_the_log_grows() {
    let app = TestApp::new(&[ODD]).await;
    let alice = app.user("alice").await;
    let gate = app.gate("go");
    let id = alice.start("odd", gate.param()).await;
    alice.follow(&id).await.until("the last line", |frame| frame.json.to_string().contains("häuser")).await;
    assert_eq!(ask(&alice, &id, "search?q=needle").await, found(3, &[4, 5, 7], 9));
    gate.open();
    alice.follow(&id).await.facts().await;
    assert_eq!(ask(&alice, &id, "search?q=needle").await, found(5, &[4, 5, 7, 9, 11], 13));
    assert_eq!(ask(&alice, &id, "search?q=needle&from=9").await, found(2, &[9, 11], 13), "what came since");
    assert_eq!(ask(&alice, &id, "search?q=needle&step=second&limit=1").await, found(4, &[0], 8));
    assert_eq!(ask(&alice, &id, "search?q=needle%20%22").await["lines"], json!([7, 11]));
    assert_eq!(ask(&alice, &id, "search?q=H%C3%84USER").await["lines"], json!([8, 12]));
    // Words of the form in which lines are kept are no words of the log.
    assert_eq!(ask(&alice, &id, "search?q=stream").await["total"], 0);
    for wrong in ["", "?q=", "?q=x&limit=5001", &format!("?q={}", "x".repeat(257))] {
        problem(alice.get(&format!("/api/executions/{id}/log/search{wrong}")).await, 400).await;
    }
    problem(alice.get(&format!("/api/executions/{id}/log/search?q=x&step=third")).await, 404).await;
}

/// 100 MB in 125,000 lines; each ten-thousandth is an error.
const HUGE: (&str, &str) = (
    "huge",
    r#"
steps:
  - id: print
    run: |
      room=$(printf 'x%.0s' $(seq 790))
      seq -f "%08.0f $room" 125000 | sed '0~10000s/^/::error::/'
"#,
);

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_a_hundred_megabytes_is_searched_and_read_anywhere_in_constant_memory() {
    let app = TestApp::new(&[HUGE]).await;
    let alice = app.user("alice").await;
    let (id, _) = alice.run("huge", json!({})).await;
    let before = app.memory();

    let begun = Instant::now();
    let (mut total, mut lines, mut from) = (0, Vec::new(), 0);
    loop {
        let some = ask(&alice, &id, &format!("search?q=00124999%20X&from={from}")).await;
        total += some["total"].as_u64().expect("it is a number");
        lines.extend(some["lines"].as_array().expect("they are named").clone());
        from = some["next"].as_u64().expect("it is a number");
        if some["more"] == false {
            break;
        }
    }
    eprintln!("searched in {:?}", begun.elapsed());
    assert_eq!((total, lines, from), (1, vec![json!(124_998)], 125_000));

    let many = ask(&alice, &id, "search?q=x").await;
    assert_eq!(many["lines"].as_array().map(Vec::len), Some(5_000), "no more are named");
    assert!(many["total"].as_u64() > Some(5_000), "but counted");

    let begun = Instant::now();
    let marks = ask(&alice, &id, "marks").await;
    eprintln!("marked in {:?}", begun.elapsed());
    assert_eq!((&marks["lines"], &marks["errors"]["total"]), (&json!(125_000), &json!(12)));
    assert_eq!(marks["errors"]["lines"][11], 119_999);

    let begun = Instant::now();
    for from in [77_777, 3, 124_800, 60_001] {
        let path = format!("/api/executions/{id}/log?from={from}&limit=200");
        let text = alice.get(&path).await.text().await.expect("it is text");
        assert_eq!(text.lines().count(), 200);
        assert!(text.starts_with(&format!("{:08} xxx", from + 1)));
    }
    eprintln!("a range was read in {:?}", begun.elapsed() / 4);
    let more = app.memory().saturating_sub(before);
    assert!(more < 60, "the server took {more} MiB more");
}
