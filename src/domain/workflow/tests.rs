use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// All keys of CONTRACT §1, and those that came since.
pub(super) const FULL: &str = r#"
name: nightly-backup
description: Dump the database and put it away
params:
  - name: target
    type: string
    default: /srv/backup
    choices: [/srv/backup, /mnt/nas]
    description: Where it goes
  - { name: keep-days, type: integer, default: 7 }
  - { name: ratio, type: number, default: 0.5 }
  - { name: verbose, type: boolean, default: false }
  - name: reason
env: { LANG: C.UTF-8, VERSION: 1.10 }
secrets: [DB_PASSWORD]
timeout: 2h
concurrency: { limit: 1, when-full: cancel-running }
timezone: Europe/Berlin
missed: run
owner: ops
allow: [ops, alice]
steps:
  - id: dump
    name: Dump the database
    run: |
      pg_dump "$DATABASE_URL" > dump.sql
      ls -l dump.sql
    shell: bash
    env: { PGAPPNAME: backup }
    working-directory: /tmp
    timeout: 500ms
    retry: { attempts: 3, backoff: 5s, max-backoff: 1m }
    weight: 3
    continue-on-error: false
    tty: true
  - id: check
    run: ./check.sh
    if: always
    needs: [dump]
"#;

fn parse(text: &str) -> Result<Workflow, Vec<WorkflowError>> {
    Workflow::parse("backup.yaml", "backup", text)
}

/// The errors as people read them, one a line.
fn errors(text: &str) -> String {
    match parse(text) {
        Ok(workflow) => panic!("this passed: {workflow:?}"),
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().map(WorkflowError::to_string).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A file whose one step is followed by `keys` of that step.
fn step(keys: &str) -> String {
    format!("steps:\n  - id: a\n    run: 'true'\n    {keys}\n")
}

/// A file with one parameter.
fn param(keys: &str) -> String {
    format!("params:\n  - {keys}\nsteps: [{{ id: a, run: 'true' }}]\n")
}

fn needs(workflow: &Workflow) -> Vec<(String, Vec<String>)> {
    let ids = |needs: &[StepId]| needs.iter().map(StepId::to_string).collect();
    workflow.steps.iter().map(|step| (step.id.to_string(), ids(&step.needs))).collect()
}

#[test]
fn every_key_of_the_format_that_runs_today_is_read() {
    let workflow = parse(FULL).expect("all of it is right");
    assert_eq!(workflow.name.as_str(), "nightly-backup");
    assert_eq!(workflow.timeout, Some(Duration::from_secs(7200)));
    assert_eq!(workflow.env["VERSION"], "1.10", "environment is the text that was written");
    assert_eq!(workflow.allow.as_ref().map(Vec::len), Some(2));
    let defaults: Vec<Option<Value>> = workflow.params.iter().map(|param| param.default.clone()).collect();
    let expected = [Some(json!("/srv/backup")), Some(json!(7)), Some(json!(0.5)), Some(json!(false)), None];
    assert_eq!(defaults, expected);
    let dump = &workflow.steps[0];
    assert_eq!(dump.run, "pg_dump \"$DATABASE_URL\" > dump.sql\nls -l dump.sql\n");
    assert_eq!((dump.name.as_str(), dump.weight), ("Dump the database", Some(3.0)));
    assert_eq!((dump.shell.as_deref(), dump.working_directory.as_deref()), (Some("bash"), Some("/tmp")));
    assert_eq!(dump.timeout, Some(Duration::from_millis(500)));
    let check = &workflow.steps[1];
    assert_eq!((check.name.as_str(), check.weight, check.condition), ("check", None, Condition::Always));
    assert_eq!(check.needs, dump_id());
    assert_eq!((check.timeout, check.shell.as_deref(), check.continue_on_error), (None, None, false));
}

fn dump_id() -> Vec<StepId> {
    vec!["dump".parse().expect("an id")]
}

#[test]
fn a_file_without_a_name_is_called_by_its_stem() {
    let workflow = parse(&step("")).expect("right");
    assert_eq!(workflow.name.as_str(), "backup");
    let errors = Workflow::parse("My Job.yaml", "My Job", &step("")).expect_err("a stem with a space is no name");
    assert!(errors[0].to_string().starts_with("name: \"My Job\" is no name: "), "{}", errors[0]);
    assert!(errors[0].to_string().ends_with(" (My Job.yaml:1:1)"), "{}", errors[0]);
}

#[test]
fn in_a_file_without_needs_each_step_needs_the_one_above() {
    let workflow = parse("steps:\n- {id: a, run: x}\n- {id: b, run: x}\n- {id: c, run: x}\n").expect("right");
    let edge = |id: &str, needs: &[&str]| (id.to_owned(), needs.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    assert_eq!(needs(&workflow), [edge("a", &[]), edge("b", &["a"]), edge("c", &["b"])]);
}

#[test]
fn one_needs_makes_the_file_a_graph_in_any_order() {
    let text = "steps:\n- {id: c, run: x, needs: [a, b]}\n- {id: a, run: x}\n- {id: b, run: x, needs: a}\n";
    let edge = |id: &str, needs: &[&str]| (id.to_owned(), needs.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let workflow = parse(text).expect("right");
    assert_eq!(needs(&workflow), [edge("c", &["a", "b"]), edge("a", &[]), edge("b", &["a"])]);
    let workflow = parse("steps:\n- {id: a, run: x}\n- {id: b, run: x, needs: []}\n").expect("right");
    assert_eq!(needs(&workflow), [edge("a", &[]), edge("b", &[])]);
}

#[test]
fn an_error_says_the_key_what_would_be_right_and_where() {
    let text = "steps:\n  - id: dump\n    run: x\n  - id: check\n    run: y\n    needs: [dmup]\n";
    assert_eq!(
        errors(text),
        "steps[1].needs: \"dmup\" is not a step of this workflow; did you mean \"dump\"? (backup.yaml:6:13)"
    );
}

/// Files that are wrong, each with its one error.
pub(super) fn mistakes() -> Vec<(String, &'static str)> {
    let long = "x".repeat(201);
    vec![
        // The whole file
        ("".to_owned(), "a workflow is a mapping of keys to values, and has `steps` at least (backup.yaml:1:1)"),
        ("- a\n".to_owned(), "a workflow is a mapping of keys to values, and has `steps` at least (backup.yaml:1:1)"),
        ("name: x\n".to_owned(), "steps: is missing: a workflow has at least one step (backup.yaml:1:1)"),
        ("steps: []\n".to_owned(), "steps: is empty: a workflow has at least one step (backup.yaml:1:8)"),
        ("steps:\n".to_owned(), "steps: must be a list, but is nothing (backup.yaml:1:6)"),
        ("steps: {a: b}\n".to_owned(), "steps: must be a list, but is a mapping (backup.yaml:1:8)"),
        ("steps: [x]\n".to_owned(), "steps[0]: must be a mapping of keys to values, but is \"x\" (backup.yaml:1:9)"),
        (
            format!("{}---\n{}", step(""), step("")),
            "one file holds one workflow; remove what follows `---` (backup.yaml:6:1)",
        ),
        // Keys
        (step("tiemout: 3s"), "steps[0].tiemout: is no key of the format; did you mean \"timeout\"? (backup.yaml:4:5)"),
        (step("Run: x"), "steps[0].Run: is no key of the format; did you mean \"run\"? (backup.yaml:4:5)"),
        (
            step("frobnicate: x"),
            "steps[0].frobnicate: is no key of the format; the keys here are id, name, run, shell, env, \
             working-directory, timeout, retry, weight, continue-on-error, if, needs, tty (backup.yaml:4:5)",
        ),
        (step("run: again"), "steps[0].run: is here twice; it was set on line 3 (backup.yaml:4:5)"),
        ("steps: [{ run: x }]\n".to_owned(), "steps[0].id: is missing (backup.yaml:1:9)"),
        ("steps: [{ id: a }]\n".to_owned(), "steps[0].run: is missing (backup.yaml:1:9)"),
        ("steps: [{ id: a, run: '' }]\n".to_owned(), "steps[0].run: is empty (backup.yaml:1:23)"),
        ("steps: [{ id: a, run: [x] }]\n".to_owned(), "steps[0].run: must be text, but is a list (backup.yaml:1:23)"),
        (
            "steps: [{ id: a, run: \"x\\0y\" }]\n".to_owned(),
            "steps[0].run: must not hold a NUL character (backup.yaml:1:23)",
        ),
        (
            "steps: [{ id: a, run: x }, { id: a, run: y }]\n".to_owned(),
            "steps[1].id: \"a\" is the id of steps[0] already (backup.yaml:1:34)",
        ),
        (
            "steps: [{ id: A, run: x }]\n".to_owned(),
            "steps[0].id: \"A\" is no step id: an id has 1 to 64 of a-z, 0-9, '_' and '-', and begins with a letter or \
             a digit (backup.yaml:1:15)",
        ),
        (
            format!("name: Nightly\n{}", step("")),
            "name: \"Nightly\" is no name: a name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter \
             or a digit (backup.yaml:1:7)",
        ),
        (step(&format!("name: {long}")), "steps[0].name: must be one line of 200 bytes at most (backup.yaml:4:11)"),
        (format!("allow: alice\n{}", step("")), "allow: must be a list, but is \"alice\" (backup.yaml:1:8)"),
        // Values
        (step("timeout: 30"), "steps[0].timeout: \"30\" has no unit; is it 30s, or 30m? (backup.yaml:4:14)"),
        (step("timeout: 0s"), "steps[0].timeout: must be longer than nothing (backup.yaml:4:14)"),
        (
            step("timeout: 1h30m"),
            "steps[0].timeout: \"1h30m\" is no duration; it is one number and one unit, as 500ms, 30s, 10m, 2h, 1d \
             (backup.yaml:4:14)",
        ),
        (
            step("timeout: soon"),
            "steps[0].timeout: \"soon\" is no duration; it is one number and one unit, as 500ms, 30s, 10m, 2h, 1d \
             (backup.yaml:4:14)",
        ),
        (step("timeout: 99999999999999999999d"), "steps[0].timeout: must be 3650d at most (backup.yaml:4:14)"),
        (step("timeout: 4000d"), "steps[0].timeout: must be 3650d at most (backup.yaml:4:14)"),
        (step("weight: 0"), "steps[0].weight: must be a number above 0, but is \"0\" (backup.yaml:4:13)"),
        (step("weight: .inf"), "steps[0].weight: must be a number above 0, but is \".inf\" (backup.yaml:4:13)"),
        (step("weight: NaN"), "steps[0].weight: must be a number above 0, but is \"NaN\" (backup.yaml:4:13)"),
        (
            step("continue-on-error: 'true'"),
            "steps[0].continue-on-error: must be true or false, but is \"true\" (backup.yaml:4:24)",
        ),
        (
            step("if: allways"),
            "steps[0].if: must be one of success, failure, always, but is \"allways\"; did you mean \"always\"? \
             (backup.yaml:4:9)",
        ),
        (
            step("env: { 1A: x }"),
            "steps[0].env.1A: is no name of an environment variable: it has letters, digits and '_', and begins with \
             no digit (backup.yaml:4:12)",
        ),
        (
            step("env: { RUNCAST_STEP: x }"),
            "steps[0].env.RUNCAST_STEP: is Runcast's own: names that begin with RUNCAST_ are set by the server \
             (backup.yaml:4:12)",
        ),
        (step("env: { A: }"), "steps[0].env.A: has no value; write \"\" for an empty one (backup.yaml:4:13)"),
        (step("env: { A: [x] }"), "steps[0].env.A: must be text, but is a list (backup.yaml:4:15)"),
        // The graph
        (step("needs: [a]"), "steps[0].needs: these steps need each other in a circle: a needs a (backup.yaml:4:12)"),
        (
            "steps:\n- {id: z, run: x, needs: b}\n- {id: a, run: x, needs: [c]}\n- {id: b, run: x, needs: [a]}\n\
             - {id: c, run: x, needs: [b]}\n"
                .to_owned(),
            "steps[1].needs: these steps need each other in a circle: a needs c needs b needs a (backup.yaml:3:26)",
        ),
        (
            "steps: [{id: a, run: x}, {id: b, run: x, needs: [a, a]}]\n".to_owned(),
            "steps[1].needs: names \"a\" twice (backup.yaml:1:53)",
        ),
    ]
}

#[test]
fn each_mistake_has_its_own_sentence_at_its_own_place() {
    for (text, expected) in mistakes() {
        assert_eq!(errors(&text), expected, "in\n{text}");
    }
}

#[test]
fn each_mistake_in_a_parameter_has_its_own_sentence() {
    for (text, expected) in [
        ("{ type: string }", "params[0].name: is missing (backup.yaml:2:5)"),
        (
            "{ name: a b }",
            "params[0].name: \"a b\" is no name of a parameter: it has 1 to 64 of a-z, A-Z, 0-9, '_' and '-', and \
             begins with a letter or '_' (backup.yaml:2:13)",
        ),
        (
            "{ name: a, type: integr }",
            "params[0].type: must be one of string, integer, number, boolean, but is \"integr\"; did you mean \
             \"integer\"? (backup.yaml:2:22)",
        ),
        (
            "{ name: a, type: integer, default: much }",
            "params[0].default: must be a whole number of 64 bits, but is \"much\" (backup.yaml:2:40)",
        ),
        (
            "{ name: a, type: number, default: .nan }",
            "params[0].default: must be a number, but is \".nan\" (backup.yaml:2:39)",
        ),
        (
            "{ name: a, type: boolean, default: yes }",
            "params[0].default: must be true or false, but is \"yes\" (backup.yaml:2:40)",
        ),
        (
            "{ name: a, type: integer, choices: [1, 2, x] }",
            "params[0].choices: must be a whole number of 64 bits, but is \"x\" (backup.yaml:2:47)",
        ),
        (
            "{ name: a, default: rde, choices: [red, green] }",
            "params[0].default: must be one of \"red\", \"green\", but is \"rde\"; did you mean \"red\"? \
             (backup.yaml:2:25)",
        ),
        (
            "{ name: a, choices: [] }",
            "params[0].choices: is empty: name what may be chosen, or remove it (backup.yaml:2:25)",
        ),
        ("{ name: a, default: }", "params[0].default: must be text, but is nothing (backup.yaml:2:23)"),
        (
            "{ name: a, defualt: x }",
            "params[0].defualt: is no key of the format; did you mean \"default\"? (backup.yaml:2:16)",
        ),
        (
            "{ name: my-var }\n  - { name: MY_VAR }",
            "params[1].name: gives steps $MY_VAR, as the parameter \"my-var\" does (backup.yaml:3:13)",
        ),
    ] {
        assert_eq!(errors(&param(text)), expected, "in {text}");
    }
}

#[test]
fn a_parameter_takes_no_name_that_could_turn_a_step_against_its_server() {
    for name in ["path", "HOME", "Shell", "user", "ifs", "bash-env", "ENV", "ld-preload", "LD_X", "runcast-token"] {
        let message = errors(&param(&format!("{{ name: {name} }}")));
        assert!(message.contains("which must not come from outside"), "{name}: {message}");
    }
    for name in ["paths", "envs", "builder", "old_path", "_"] {
        parse(&param(&format!("{{ name: {name} }}"))).expect("right");
    }
}

#[test]
fn when_and_how_often_it_runs_is_read_whole_and_has_defaults() {
    let by_itself = "schedule: ['0 3 * * *']\nwebhook: { secret: HOOK_KEY, body: reason }\n";
    let workflow =
        parse(&(by_itself.to_owned() + &FULL.replace("- name: reason", "- { name: reason, default: none }")));
    let workflow = workflow.expect("right");
    assert_eq!(workflow.secrets, ["DB_PASSWORD"]);
    assert_eq!(workflow.concurrency, Some(Concurrency { limit: 1, when_full: WhenFull::CancelRunning }));
    assert_eq!((workflow.schedule.join(","), workflow.missed), ("0 3 * * *".to_owned(), Missed::Run));
    assert_eq!(
        (workflow.timezone.as_deref(), workflow.owner.as_ref().map(Name::as_str)),
        (Some("Europe/Berlin"), Some("ops"))
    );
    let webhook = Webhook { secret: "HOOK_KEY".to_owned(), body: Some("reason".to_owned()) };
    assert_eq!(workflow.webhook, Some(webhook));
    let (backoff, max_backoff) = (Duration::from_secs(5), Duration::from_secs(60));
    assert_eq!(workflow.steps[0].retry, Some(Retry { attempts: 3, backoff, max_backoff }));
    assert!(workflow.steps[0].tty && !workflow.steps[1].tty);

    let sparse = parse(&format!("concurrency: {{ limit: 2 }}\nschedule: '@daily'\n{}", step("retry: { attempts: 2 }")));
    let sparse = sparse.expect("right");
    assert_eq!(sparse.concurrency, Some(Concurrency { limit: 2, when_full: WhenFull::Queue }));
    assert_eq!((sparse.schedule, sparse.missed), (vec!["@daily".to_owned()], Missed::Skip));
    let (backoff, max_backoff) = (Duration::from_secs(5), Duration::from_secs(300));
    assert_eq!(sparse.steps[0].retry, Some(Retry { attempts: 2, backoff, max_backoff }));
}

#[test]
fn what_is_wrong_with_when_and_how_often_is_told_with_its_place() {
    let param = "params: [{ name: to }]\n";
    for (text, path, message) in [
        (step("retry: { backoff: 5s }"), "steps[0].retry.attempts", "is missing"),
        (step("retry: { attempts: 0 }"), "steps[0].retry.attempts", "must be a whole number from 1 to 100, but is"),
        (step("retry: { attempts: 2, backoff: 1m, max-backoff: 1s }"), "steps[0].retry.max-backoff", "is shorter than"),
        (step("retry: { attempts: 2, backof: 5s }"), "steps[0].retry.backof", "did you mean"),
        (format!("concurrency: {{ limit: 1, when-full: drop }}\n{}", step("")), "concurrency.when-full", "must be one"),
        (format!("secrets: [A, A]\n{}", step("")), "secrets", "names \"A\" twice"),
        (format!("secrets: [LD_PRELOAD]\n{}", step("")), "secrets", "is set by the system or the server"),
        (format!("secrets: ['A-B']\n{}", step("")), "secrets", "is no name of a secret"),
        (format!("{param}schedule: '@daily'\n{}", step("")), "schedule", "nobody is there to say what \"to\" is"),
        (format!("{param}webhook: {{ secret: A }}\n{}", step("")), "webhook", "a call can't say what \"to\" is"),
        (format!("webhook: {{ secret: A, body: to }}\n{}", step("")), "webhook.body", "is no parameter"),
        (format!("missed: never\n{}", step("")), "missed", "must be one of skip, run"),
    ] {
        let told = errors(&text);
        assert!(told.starts_with(&format!("{path}: ")) && told.contains(message), "{told}");
    }
    parse(&format!("{param}webhook: {{ secret: A, body: to }}\n{}", step(""))).expect("the call says what it is");
}

#[test]
fn pauses_between_attempts_double_up_to_the_longest_and_are_spread() {
    let retry = Retry { attempts: 9, backoff: Duration::from_secs(4), max_backoff: Duration::from_secs(60) };
    let pauses = [1, 2, 3, 5, 40].map(|failed| retry.pause(failed, 1.0).as_secs());
    assert_eq!(pauses, [4, 8, 16, 60, 60]);
    assert_eq!([0.0, 0.5, 1.0].map(|luck| retry.pause(1, luck).as_millis()), [3000, 3500, 4000]);
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text = "colour: red\nsteps:\n  - id: a\n    run: x\n    timeout: 5\n  - id: a\n    needs: [b]\n    if: never\n";
    let places: Vec<(u64, String)> =
        parse(text).expect_err("much is wrong").into_iter().map(|error| (error.line, error.path)).collect();
    let expected = [
        (1, "colour"),
        (5, "steps[0].timeout"),
        (6, "steps[1].run"),
        (6, "steps[1].id"),
        (7, "steps[1].needs"),
        (8, "steps[1].if"),
    ];
    assert_eq!(places, expected.map(|(line, path)| (line, path.to_owned())));
    let many = "x: 1\n".repeat(500);
    assert_eq!(parse(&many).expect_err("wrong").len(), 50, "the number of errors is bounded");
}

#[test]
fn what_is_no_yaml_is_one_error_at_its_place() {
    for text in [
        "steps: [",
        "a: b: c",
        "steps:\n\t- x",
        "steps: *nowhere",
        "a: &a [*a]",
        "\"",
        "%YAML 9.9.9\n---",
        "? [a]\n: b",
    ] {
        let found = parse(text).expect_err("wrong");
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        assert!(found[0].path.is_empty() && found[0].line >= 1, "{text:?}: {found:?}");
    }
    assert_eq!(errors("steps: !!map {}"), "the tag \"!!map\" is not part of the format; remove it (backup.yaml:1:14)");
}

#[test]
fn anchors_are_followed_and_bombs_of_them_are_not() {
    let text = "env: &env { A: 'yes' }\nsteps:\n- { id: a, run: x, env: *env }\n";
    assert_eq!(parse(text).expect("right").steps[0].env["A"], "yes");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    assert!(errors(&bomb).starts_with("the aliases of this file unfold into more than 16 MiB"));
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for n in 1..100 {
        tower.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
    }
    assert!(errors(&tower).starts_with("lists and mappings are nested more than 32 deep"));
    assert!(errors(&"- ".repeat(100)).contains("nested more than 32 deep"));
    assert_eq!(errors(&"[".repeat(100_000)).lines().count(), 1);
}

#[test]
fn a_file_has_bounds() {
    let steps = |n: usize| -> String {
        (0..n).fold("steps:\n".to_owned(), |text, n| format!("{text}- {{ id: s{n}, run: x }}\n"))
    };
    assert_eq!(parse(&steps(STEPS_MAX)).expect("right").steps.len(), STEPS_MAX);
    assert_eq!(errors(&steps(1001)), "steps: a workflow has 1000 steps at most, this has 1001 (backup.yaml:2:3)");
    let params = (0..101).fold("params:\n".to_owned(), |text, n| format!("{text}- name: p{n}\n"));
    assert_eq!(
        errors(&(params + &step(""))),
        "params: a workflow has 100 parameters at most, this has 101 (backup.yaml:2:3)"
    );
    let comment = format!("#{}\n{}", "x".repeat(FILE_MAX), step(""));
    assert_eq!(
        errors(&comment),
        format!("a workflow has 1 MiB at most, this file has {} bytes (backup.yaml:1:1)", comment.len())
    );
    let long = step(&format!("env: {{ A: {} }}", "x".repeat(VALUE_MAX + 1)));
    assert_eq!(errors(&long), "steps[0].env.A: must not be longer than 64 KiB, but has 65537 bytes (backup.yaml:4:15)");
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_do_no_harm() {
    let text = format!("\u{feff}{}", "steps:\n- id: a\n  run: |\n    one\n    two\n".replace('\n', "\r\n"));
    assert_eq!(parse(&text).expect("right").steps[0].run, "one\ntwo\n");
}

fn given(values: Value) -> Map<String, Value> {
    match values {
        Value::Object(values) => values,
        other => panic!("{other} is no object"),
    }
}

#[test]
fn given_values_are_converted_and_the_others_are_their_defaults() {
    let workflow = parse(FULL).expect("right");
    let bound = workflow.bind(&given(json!({"reason": "because", "keep-days": "14", "verbose": "true"})));
    let expected =
        json!({"target": "/srv/backup", "keep-days": 14, "ratio": 0.5, "verbose": true, "reason": "because"});
    let bound = bound.expect("all is given");
    assert_eq!(Value::Object(bound.clone()), expected);
    let names: Vec<&String> = bound.keys().collect();
    assert_eq!(names, ["target", "keep-days", "ratio", "verbose", "reason"], "in the order of the file");
    let texts: Vec<String> = bound.values().map(variable_text).collect();
    assert_eq!(texts, ["/srv/backup", "14", "0.5", "true", "because"]);
    assert_eq!(workflow.params[1].variable(), "KEEP_DAYS");
}

#[test]
fn numbers_are_the_same_value_however_they_are_given() {
    let workflow = parse(&param("{ name: n, type: number, choices: [1, 2.5, 1e3] }")).expect("right");
    for (value, text) in
        [(json!(1), "1"), (json!(1.0), "1"), (json!("1.0"), "1"), (json!("2.50"), "2.5"), (json!(1000), "1000")]
    {
        let bound = workflow.bind(&given(json!({"n": value}))).expect("a choice");
        assert_eq!(variable_text(&bound["n"]), text);
    }
    let workflow = parse(&param("{ name: n, type: integer }")).expect("right");
    for (value, text) in
        [(json!(5.0), "5"), (json!("-9223372036854775808"), "-9223372036854775808"), (json!(" 7 "), "7")]
    {
        assert_eq!(variable_text(&workflow.bind(&given(json!({"n": value}))).expect("whole")["n"]), text);
    }
}

#[test]
fn each_bad_value_is_told_by_the_name_of_its_parameter() {
    let workflow = parse(FULL).expect("right");
    for (values, field, message) in [
        (json!({}), "reason", "is required: text"),
        (json!({"reason": null}), "reason", "must be text, but is null"),
        (json!({"reason": 5}), "reason", "must be text, but is 5"),
        (json!({"reason": ["x"]}), "reason", "must be text, but is a list"),
        (json!({"reason": "a\0b"}), "reason", "must not hold a NUL character"),
        (json!({"reason": "x".repeat(65_537)}), "reason", "must not be longer than 64 KiB, but has 65537 bytes"),
        (json!({"reason": "x", "keep-days": 1.5}), "keep-days", "must be a whole number of 64 bits, but is 1.5"),
        (json!({"reason": "x", "keep-days": ""}), "keep-days", "must be a whole number of 64 bits, but is \"\""),
        (json!({"reason": "x", "ratio": "inf"}), "ratio", "must be a number, but is \"inf\""),
        (json!({"reason": "x", "ratio": "1e999"}), "ratio", "must be a number, but is \"1e999\""),
        (json!({"reason": "x", "verbose": "on"}), "verbose", "must be true or false, but is \"on\""),
        (json!({"reason": "x", "verbose": 1}), "verbose", "must be true or false, but is 1"),
        (
            json!({"reason": "x", "target": "/mnt/nsa"}),
            "target",
            "must be one of \"/srv/backup\", \"/mnt/nas\", but is \"/mnt/nsa\"; did you mean \"/mnt/nas\"?",
        ),
        (json!({"reason": "x", "resaon": "y"}), "resaon", "is no parameter of this workflow; did you mean \"reason\"?"),
    ] {
        let errors = workflow.bind(&given(values)).expect_err("it is wrong");
        let expected = [FieldError { field: field.to_owned(), message: message.to_owned() }];
        assert_eq!(errors, expected);
    }
    let errors = workflow.bind(&given(json!({"keep-days": "x", "nonsense": 1}))).expect_err("three things are wrong");
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["keep-days", "reason", "nonsense"]);
}

#[test]
fn every_example_is_a_good_workflow_with_a_description() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/workflows");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the examples are there") {
        let path = entry.expect("it can be read").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let stem = file.strip_suffix(".yaml").expect("an example is a .yaml file");
        let workflow = Workflow::parse(file, stem, &text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert!(workflow.description.is_some(), "{file} says what it does");
        let bound = workflow.bind(&Map::new()).unwrap_or_else(|errors| panic!("{file}: {errors:?}"));
        assert_eq!(bound.len(), workflow.params.len(), "an example starts with a click");
        names.push(stem.to_owned());
    }
    names.sort();
    assert_eq!(names, ["archive", "fails", "flaky", "hello", "long", "pipeline"]);
}

#[test]
fn an_empty_text_is_a_value_like_any_other() {
    let workflow = parse(&param("{ name: suffix, default: '', choices: ['', .old] }")).expect("right");
    assert_eq!(workflow.bind(&Map::new()), Ok(given(json!({"suffix": ""}))));
    assert_eq!(workflow.bind(&given(json!({"suffix": ".old"}))), Ok(given(json!({"suffix": ".old"}))));
}

#[test]
fn an_error_stays_short_whatever_the_file_holds() {
    let long = "k".repeat(10_000);
    for text in
        [step(&format!("? {long}\n    : x")), step(&format!("needs: [{long}]")), param(&format!("name: {long}"))]
    {
        assert!(errors(&text).len() < 1_000);
    }
}

#[test]
fn a_plan_that_was_stored_is_the_plan_that_was_read() {
    let workflow = parse(FULL).expect("right");
    let stored = serde_json::to_string(&workflow).expect("it is JSON");
    assert_eq!(serde_json::from_str::<Workflow>(&stored).expect("it was stored"), workflow);
}

/// Text that is nearly a workflow: its words in any order and depth.
fn nearly_yaml() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("steps".to_owned()),
        Just("id".to_owned()),
        Just("run: x".to_owned()),
        Just("needs".to_owned()),
        Just("env".to_owned()),
        Just("params".to_owned()),
        Just("timeout: ".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("!!str ".to_owned()),
        Just("<<".to_owned()),
        "[-:{}\\[\\],|>&*!%@\"'# \n\t\u{0}-\u{7f}]{0,4}",
        "\\PC{0,6}",
        Just("\n- ".to_owned()),
        Just("\n  ".to_owned()),
        Just(": ".to_owned()),
        Just("\r\n".to_owned()),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_error_has_a_place(text in prop_oneof![nearly_yaml(), any::<String>()]) {
        match parse(&text) {
            Ok(workflow) => prop_assert!(!workflow.steps.is_empty()),
            Err(errors) => {
                prop_assert!(!errors.is_empty() && errors.len() <= 50);
                let lines = text.lines().count() as u64 + 2;
                prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line) && error.column >= 1));
            }
        }
    }

    #[test]
    fn every_plan_can_be_walked_to_its_end(edges in proptest::collection::vec((0usize..12, 0usize..12), 0..20)) {
        let mut text = "steps:\n".to_owned();
        for step in 0..12 {
            let mut needs: Vec<String> =
                edges.iter().filter(|(from, _)| *from == step).map(|(_, to)| format!("s{to}")).collect();
            needs.sort();
            needs.dedup();
            text.push_str(&format!("- {{ id: s{step}, run: x, needs: [{}] }}\n", needs.join(", ")));
        }
        let mut left: Vec<usize> = (0..12).collect();
        while let Some(ready) = left.iter().position(|step| edges.iter().all(|(from, to)| from != step || !left.contains(to))) {
            left.remove(ready);
        }
        match parse(&text) {
            Ok(workflow) => {
                prop_assert!(left.is_empty(), "{left:?} wait for each other");
                let known: Vec<&StepId> = workflow.steps.iter().map(|step| &step.id).collect();
                prop_assert!(workflow.steps.iter().flat_map(|step| &step.needs).all(|need| known.contains(&need)));
            }
            Err(errors) => {
                prop_assert!(!left.is_empty(), "{errors:?}");
                prop_assert!(errors[0].message.contains("in a circle"), "{errors:?}");
            }
        }
    }

    #[test]
    fn what_is_bound_once_is_bound_again_to_the_same(n in any::<i64>(), x in any::<f64>(), b in any::<bool>(), s in "[^\0]{0,20}") {
        prop_assume!(x.is_finite());
        let keys = "{ name: n, type: integer }\n  - { name: x, type: number }\n  - { name: b, type: boolean }\n  - name: s";
        let workflow = parse(&param(keys)).expect("right");
        let bound = workflow.bind(&given(json!({"n": n, "x": x, "b": b, "s": s}))).expect("all of the right type");
        let texts = bound.iter().map(|(name, value)| (name.clone(), Value::String(variable_text(value)))).collect();
        prop_assert_eq!(workflow.bind(&texts).expect("their texts are, too"), bound);
    }
}
