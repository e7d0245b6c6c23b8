//! The JSON Schema against the reader: what the one accepts, the other does.

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{
    SCHEMA, Workflow,
    tests::{FULL, mistakes},
    yaml::{self, Kind, Node},
};

/// What no schema can say.
const BEYOND: [&str; 8] = [
    "in a circle",
    "is not a step",
    "is the id of",
    "is here twice",
    "3650d",
    "one file holds",
    "200 bytes",
    "must be true or false",
];

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("it is a schema");
    jsonschema::draft202012::new(&schema).expect("it is a schema")
}

/// A tree as YAML's core schema has it.
fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Nothing => Value::Null,
        Kind::Scalar { text, plain: true } => match text.as_str() {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            text => number(text).unwrap_or_else(|| text.into()),
        },
        Kind::Scalar { text, .. } => text.as_str().into(),
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => {
            entries.iter().map(|(key, value)| (key.text.clone(), json(value))).collect::<Map<_, _>>().into()
        }
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.starts_with(|sign: char| sign.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>().map(Value::from).ok().or_else(|| text.parse::<f64>().ok().map(Value::from))
}

fn accepts(validator: &Validator, text: &str) -> bool {
    yaml::read(text).is_ok_and(|node| validator.is_valid(&json(&node)))
}

#[test]
fn the_schema_accepts_the_whole_format_and_the_examples() {
    let validator = validator();
    assert!(accepts(&validator, FULL));
    let examples = std::fs::read_dir("workflows").expect("there are examples").flatten();
    let texts: Vec<String> = examples.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    assert!(texts.len() > 2);
    for text in texts {
        assert!(accepts(&validator, &text), "{text}");
    }
}

#[test]
fn the_schema_refuses_every_mistake_that_a_schema_can_see() {
    let validator = validator();
    for (text, message) in mistakes() {
        let seen = !BEYOND.iter().any(|beyond| message.contains(beyond));
        if seen && !text.is_empty() {
            assert!(!accepts(&validator, &text), "{message}:\n{text}");
        }
    }
}

/// Parts of files, right and wrong.
fn key() -> impl Strategy<Value = String> {
    let parts = [
        "name: x",
        "timeout: 5m",
        "timeout: 5",
        "retry: { attempts: 3 }",
        "retry: { attempts: 0 }",
        "retry: 3",
        "tty: true",
        "tty: yes",
        "weight: 2.5",
        "weight: '2'",
        "weight: 0",
        "if: always",
        "if: maybe",
        "shell: sh -e",
        "env: { A: 1 }",
        "env: { A: ~ }",
        "env: [A]",
        "needs: []",
        "needs: 5",
        "continue-on-error: false",
        "working-directory: /tmp",
        "colour: red",
        "retry: { attempts: 2, backoff: 1s }",
        "retry: { backoff: 1s }",
        "name: ''",
        "needs: { a: b }",
    ];
    prop::sample::select(parts.to_vec()).prop_map(str::to_owned)
}

fn head() -> impl Strategy<Value = String> {
    let parts = [
        "name: right",
        "name: Wrong",
        "description: what",
        "timeout: 1d",
        "timeout: d",
        "secrets: [A]",
        "secrets: [PATH]",
        "secrets: A",
        "concurrency: { limit: 3 }",
        "concurrency: { limit: -1 }",
        "concurrency: 1",
        "schedule: '@daily'",
        "schedule: ['0 3 * * *']",
        "schedule: {}",
        "timezone: UTC",
        "missed: run",
        "missed: all",
        "owner: alice",
        "webhook: { secret: A }",
        "webhook: { body: a }",
        "allow: [a, b]",
        "allow: a",
        "env: { B: x }",
        "params: []",
        "params: [{ name: a, default: 1 }]",
        "params: [{ type: string }]",
        "params: [{ name: a b }]",
        "params: [{ name: a, choices: [], default: x }]",
    ];
    prop::sample::select(parts.to_vec()).prop_map(str::to_owned)
}

proptest! {
    /// Whatever file the reader accepts, the schema accepts: an editor that uses it marks nothing that is right.
    #[test]
    fn what_the_reader_accepts_the_schema_accepts(
        heads in prop::collection::vec(head(), 0..4),
        keys in prop::collection::vec(key(), 0..4),
    ) {
        let keys: String = keys.iter().map(|key| format!("  {key}\n")).collect();
        let text = format!("{}\nsteps:\n- id: a\n  run: x\n{keys}", heads.join("\n"));
        if Workflow::parse("f.yaml", "f", &text).is_ok() {
            prop_assert!(accepts(&validator(), &text), "{text}");
        }
    }
}
