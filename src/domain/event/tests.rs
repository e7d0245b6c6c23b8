//! What facts look like as JSON, and what is refused.

use super::*;

#[test]
fn a_recorded_fact_reads_back_as_the_contract_writes_it() {
    let text = r#"{"seq":4812,"at":"2026-11-22T10:00:00.123Z","execution_id":"01934f0e-7b1c-7000-8000-000000000001","owner":"alice","workflow":"nightly-backup","kind":"step.progress","step":"dump","attempt":1,"percent":42.5,"message":"table 3 of 7","source":"reported","execution_percent":31.9}"#;
    let recorded: Recorded = serde_json::from_str(text).expect("it is the contract's example");
    assert_eq!(serde_json::to_string(&recorded).expect("it was read"), text);
}

/// What each kind holds beside its fact's own fields, all of them.
const ALL: [&str; 17] = [
    r#""kind":"execution.queued","trigger":"rerun","params":{"n":[1,{"x":null}]},"steps":[{"id":"a","name":"A","needs":[],"weight":1.5}],"rerun_of":"01934f0e-7b1c-7000-8000-000000000002""#,
    r#""kind":"execution.waiting","reason":"capacity","place":3"#,
    r#""kind":"execution.started""#,
    r#""kind":"execution.out_of_touch""#,
    r#""kind":"execution.in_touch""#,
    r#""kind":"step.started","step":"a","attempt":1,"estimate_ms":5,"usual_ms":[4,6]"#,
    r#""kind":"step.progress","step":"a","attempt":1,"percent":1.5,"message":"m","source":"parsed","execution_percent":1.0,"eta_ms":9,"eta_range_ms":[8,10]"#,
    r#""kind":"step.stalled","step":"a","attempt":1,"silent_ms":9,"usual_ms":3"#,
    r#""kind":"step.resumed","step":"a","attempt":1"#,
    r#""kind":"step.output","step":"a","attempt":1,"first_line":7,"lines":[{"at":"2026-11-22T10:00:00.000Z","stream":"err","text":"\u001b[1mx","level":"warning"}]"#,
    r#""kind":"step.completed","step":"a","attempt":1,"duration_ms":5,"outputs":{"k":"v"},"lines":3,"execution_percent":50.0,"reused":true,"longest_silence_ms":4"#,
    r#""kind":"step.retrying","step":"a","attempt":1,"status":"timed_out","exit_code":-1,"signal":"SIGTERM","error":"e","duration_ms":5,"lines":3,"next_attempt_at":"2026-11-22T10:00:01.000Z""#,
    r#""kind":"step.failed","step":"a","attempt":1,"status":"interrupted","exit_code":3,"signal":"SIGTERM","error":"e","tail":["t"],"duration_ms":5,"lines":3"#,
    r#""kind":"step.skipped","step":"a","reason":"cancelled","lines":3"#,
    r#""kind":"execution.completed","result":{"a":{"k":"v"}},"duration_ms":5,"percent":100.0,"lines":3"#,
    r#""kind":"execution.failed","status":"failed","error":{"step":"a","message":"m","exit_code":3,"tail":["t"]},"duration_ms":5,"lines":3"#,
    r#""kind":"execution.cancelled","by":"bob","duration_ms":5,"lines":3"#,
];

fn with(event: &str) -> String {
    format!(
        r#"{{"seq":1,"at":"2026-11-22T10:00:00.000Z","execution_id":"01934f0e-7b1c-7000-8000-000000000001","owner":"ada","workflow":"w",{event},"hash":"00000000000000ff"}}"#
    )
}

#[test]
fn all_kinds_read_back_whatever_the_order_of_their_fields() {
    for text in ALL.map(with) {
        let recorded: Recorded = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(serde_json::to_string(&recorded).expect("it was read"), text);
        let fields: Map<String, Value> = serde_json::from_str(&text).expect("it is an object");
        let turned: Vec<String> =
            fields.iter().rev().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
        let again = serde_json::from_str(&format!("{{{}, \"more\": [1]}}", turned.join(",")));
        assert_eq!(again.ok().as_ref(), Some(&recorded), "{turned:?}");
        let value: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(serde_json::from_value(value).ok(), Some(recorded));
    }
}

#[test]
fn a_field_that_must_be_there_is_missed_and_one_of_another_kind_refused() {
    let optional = [
        "seq",
        "hash",
        "rerun_of",
        "estimate_ms",
        "usual_ms",
        "message",
        "eta_ms",
        "eta_range_ms",
        "reused",
        "longest_silence_ms",
        "exit_code",
        "signal",
        "status",
        "duration_ms",
        "lines",
    ];
    for text in ALL.map(with) {
        let fields: Map<String, Value> = serde_json::from_str(&text).expect("it is an object");
        for name in fields.keys().filter(|name| !optional.contains(&name.as_str())) {
            let mut less = fields.clone();
            less.remove(name);
            let error = serde_json::from_value::<Fact>(less.into()).err().map(|error| error.to_string());
            assert_eq!(error, Some(format!("missing field `{name}`")), "{text}");
        }
    }
    let refused = [
        (r#""kind":"step.stalled","step":"a","attempt":1,"silent_ms":9,"usual_ms":[3,4]"#, "field `usual_ms`"),
        (r#""kind":"step.skipped","step":"a","reason":"r","lines":[]"#, "field `lines`"),
        (r#""kind":"execution.waiting","reason":"x","place":3"#, "field `reason`"),
        (r#""kind":"execution.failed","status":"failed","error":"e","duration_ms":5"#, "field `error`"),
        (r#""kind":"execution.paused""#, "unknown kind `execution.paused`"),
    ];
    for (event, why) in refused {
        let error = serde_json::from_str::<Recorded>(&with(event)).expect_err(event).to_string();
        assert!(error.contains(why), "{error}");
    }
}
