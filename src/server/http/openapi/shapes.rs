//! The shapes of what is answered, each as its type in `domain` or `access` writes it.

use utoipa::openapi::{RefOr, Schema};

use super::schema::{
    Field, Kind, boolean, count, count_of, formatted, free_map, list, list_of, map, may, must, named, named_as,
    number_32, number_of, or_null, pattern, positive, record, text, word,
};
use crate::domain::{
    log::TAIL_LINES,
    workflow::{ATTEMPTS_MAX, STEPS_MAX},
};

/// Where an execution can stand.
const STATUSES: [&str; 7] = ["queued", "running", "succeeded", "failed", "cancelled", "timed_out", "interrupted"];
/// Where a step can stand.
const STEP_STATUSES: [&str; 9] =
    ["pending", "running", "retrying", "succeeded", "failed", "skipped", "cancelled", "timed_out", "interrupted"];
/// How a step can mark a line.
pub(super) const LEVELS: [&str; 4] = ["notice", "warning", "error", "group"];
/// How a step or an attempt can fail.
pub(super) const FAILURES: [&str; 4] = ["failed", "timed_out", "cancelled", "interrupted"];

/// Those of executions, and what all are made of, by the names they have in the document.
pub(super) fn all() -> Vec<(&'static str, Kind)> {
    let parts = [words(), executions()];
    parts.into_iter().flatten().map(|(name, shape)| (name, RefOr::T(shape))).collect()
}

/// What several shapes are made of.
fn words() -> Vec<(&'static str, Schema)> {
    let step_id = pattern("The id of a step within its workflow.", "^[a-z0-9][a-z0-9_-]{0,63}$");
    let wrong = record(
        "What is wrong with one field.",
        vec![
            must("field", text("Its name; for a parameter the parameter's.")),
            must("message", text("What is wrong, and what would be right.")),
        ],
    );
    let problem = record(
        "An error (RFC 9457).",
        vec![
            must("type", text("What kind of problem it is; `about:blank` says no more than the status does.")),
            must("title", text("In a few words, the same for each problem of the kind.")),
            must("status", count_of("The HTTP status.", 400, 599)),
            may("detail", text("What is wrong here, and what would be right.")),
            may("errors", list("What is wrong with each field of the input.", wrong)),
            may("line", count("Of a report: which line is wrong.", 1)),
            may("client_seq", count("Of a report: the last line that is taken.", 0)),
            may("execution_status", named_as("Status", "Of a report: where the execution stands.")),
        ],
    );
    vec![
        ("Name", pattern("The name of a user, a group or a workflow.", "^[a-z0-9][a-z0-9._-]{0,63}$").into()),
        ("StepId", step_id.into()),
        ("Id", formatted("", "uuid").into()),
        ("ExecutionId", formatted("A UUIDv7: ids sort by the time they were made.", "uuid").into()),
        ("Timestamp", formatted("RFC 3339, in UTC, with milliseconds.", "date-time").into()),
        ("When", pattern("A time, in UTC, or how long ago: `90m`, `1h`, `7d`.", WHEN).into()),
        ("Seq", count("The place of a fact: strictly increasing over the server's life, restarts included.", 0).into()),
        ("StateHash", pattern("Of an execution's folded state; docs/stream.md says how.", "^[0-9a-f]{16}$").into()),
        ("Status", word("Where an execution stands; the last five are final.", STATUSES).into()),
        (
            "Source",
            word(
                "Where a percent comes from: said, read off the output, or from history.",
                ["reported", "parsed", "estimated"],
            )
            .into(),
        ),
        ("Trigger", word("What started it.", ["manual", "api", "schedule", "webhook", "rerun", "external"]).into()),
        ("Problem", problem),
    ]
}

/// The times that there are between 2000 and 2099, and what was so long ago.
const WHEN: &str = "^([0-9]{1,6}[mhd]|20([0-9]{2}-(((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))|((0[13-9]|1[0-2])-(29|30))|((0[13578]|1[02])-31))|([02468][048]|[13579][26])-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?Z)$";

/// A length of time, if it is known.
pub(super) fn milliseconds(about: &str) -> Schema {
    or_null(count(&format!("{about} In milliseconds."), 0))
}

/// Two lengths of time.
pub(super) fn range(about: &str) -> Kind {
    list_of(&format!("{about} In milliseconds."), 2, 2, count("", 0)).into()
}

pub(super) fn moment(about: &str) -> Schema {
    or_null(named_as("Timestamp", about))
}

/// 0 to 100.
fn percent(about: &str) -> Kind {
    number_of(about, 0.0, 100.0).into()
}

/// What a snapshot and an item of a list have in common.
fn common() -> Vec<Field> {
    let waiting = record(
        "Why it has not begun yet.",
        vec![
            must(
                "reason",
                word("The server runs as many as it may, or its workflow does.", ["capacity", "concurrency"]),
            ),
            must("place", count("Its place among those that wait, from 1.", 1)),
        ],
    );
    vec![
        must("id", named("ExecutionId")),
        must("workflow", named("Name")),
        must("owner", named_as("Name", "Whose it is.")),
        must("status", named("Status")),
        must("trigger", named("Trigger")),
        must("percent", percent("Never falls; 100 only when it succeeded.")),
        must("eta_ms", milliseconds("How long it still needs.")),
        must("eta_range_ms", or_null(range("Between which two times that most likely is."))),
        must("waiting", or_null(RefOr::T(waiting))),
        must("out_of_touch_at", moment("Since when whoever reports on it has been silent.")),
        must("queued_at", named("Timestamp")),
        must("started_at", moment("When it began.")),
        must("finished_at", moment("When it ended.")),
        must("duration_ms", milliseconds("From its beginning to its end.")),
        must("error", or_null(named_as("ExecutionError", "Why it failed."))),
        must("cancelled_by", or_null(named_as("Name", "Who stopped it."))),
        must("rerun_of", or_null(named_as("ExecutionId", "The execution that it repeats."))),
        must("seq", named_as("Seq", "The last fact that is in it.")),
        must("hash", named("StateHash")),
    ]
}

fn executions() -> Vec<(&'static str, Schema)> {
    let error = record(
        "Why an execution failed.",
        vec![
            may("step", named_as("StepId", "The step it failed in.")),
            must("message", text("In one sentence.")),
            may("exit_code", number_32("What the step's process exited with.")),
            must("tail", list_of("The step's last lines.", 0, TAIL_LINES, text(""))),
        ],
    );
    let mut snapshot = common();
    snapshot.extend([
        must("params", free_map("The values it was started with.")),
        must("result", or_null(RefOr::T(map("The outputs of all steps, once it succeeded.", RefOr::T(outputs()))))),
        must("steps", list_of("In the order of the file.", 1, STEPS_MAX, named("Step"))),
    ]);
    let at_work = record(
        "A step at work.",
        vec![
            must("id", named("StepId")),
            must("name", text("What people read.")),
            must("percent", percent("How far it is.")),
            must("source", or_null(named("Source"))),
            must("message", or_null(text("What it said it is doing."))),
        ],
    );
    let mut item = common();
    item.push(must("running", list("The steps at work now.", at_work)));
    let page = record(
        "A page of the list.",
        vec![
            must("items", list("Newest first.", named("ExecutionItem"))),
            must("next", or_null(named_as("ExecutionId", "`before` of the next page, if there is one."))),
            must("head", named_as("Seq", "The last fact that is in it.")),
        ],
    );
    vec![
        ("Execution", record("One run of a workflow.", snapshot)),
        ("ExecutionItem", record("One run of a workflow, in short.", item)),
        ("ExecutionList", page),
        ("ExecutionError", error),
        ("Step", record("A step of an execution.", step())),
        ("Line", record("A line of output.", line())),
        ("LogLine", record("A line of an execution's log.", log_line())),
    ]
}

/// What a step put into `$RUNCAST_OUTPUT`.
pub(super) fn outputs() -> Schema {
    map("What it put into `$RUNCAST_OUTPUT`.", text(""))
}

fn step() -> Vec<Field> {
    let attempt = record(
        "An attempt that failed and was followed by another one.",
        vec![
            must("attempt", count("Which, from 1.", 1)),
            must("status", word("How it ended.", FAILURES)),
            must("started_at", moment("When it began.")),
            must("finished_at", named("Timestamp")),
            must("duration_ms", count("How long it took, in milliseconds.", 0)),
            must("exit_code", or_null(number_32("What its process exited with."))),
            must("signal", or_null(text("The signal that killed its process: `SIGSEGV`."))),
            must("error", text("Why it failed.")),
            must("lines", count("How many log lines the step had after it.", 0)),
        ],
    );
    let mut fields = planned();
    fields.extend([
        must("status", word("Where it stands; from `succeeded` on it is final.", STEP_STATUSES)),
        must("attempt", count("The attempt at work, from 1; 0 before the first.", 0)),
        must("percent", percent("100 only when it succeeded.")),
        must("message", or_null(text("What it said it is doing."))),
        must("source", or_null(named("Source"))),
        must("started_at", moment("When the attempt at work began.")),
        must("finished_at", moment("When it ended.")),
        must("duration_ms", milliseconds("How long its last attempt took.")),
        must("exit_code", or_null(number_32("What its process exited with."))),
        must("signal", or_null(text("The signal that killed its process: `SIGSEGV`."))),
        must("error", or_null(text("Why it failed, or why it was skipped."))),
        must("outputs", outputs()),
        must("lines", count("How many log lines it has.", 0)),
        must("attempts", list_of("Those before the one at work.", 0, ATTEMPTS_MAX as usize, attempt)),
        must("next_attempt_at", moment("When the next attempt begins, while it waits for that.")),
        must("estimate_ms", milliseconds("How long it usually takes.")),
        must("usual_ms", or_null(range("Between which two times most of its runs took."))),
        must("silent_since", moment("Since when it has said nothing, once that is longer than it ever was.")),
        must("reused", boolean("Whether it was not run, since what an earlier execution did still stands.")),
    ]);
    fields
}

/// A step as it was planned.
pub(super) fn planned() -> Vec<Field> {
    vec![
        must("id", named("StepId")),
        must("name", text("What people read.")),
        must("needs", list("The steps that it waits for.", named("StepId"))),
        must("weight", positive("Its share of the execution's percent.")),
    ]
}

pub(super) fn line() -> Vec<Field> {
    vec![
        must("at", named_as("Timestamp", "When its last byte came.")),
        must("stream", word("Where it was printed.", ["out", "err"])),
        must("text", text("Without the line end; 16 KiB at most.")),
        may("level", word("How the step marked it.", LEVELS)),
        may("after_group", boolean("Whether the step ended its group before it.")),
    ]
}

fn log_line() -> Vec<Field> {
    let mut fields = vec![
        must("n", count("Its number, from 0: within the execution, or within the step if one was asked for.", 0)),
        must("step", named("StepId")),
        must("attempt", count("Which attempt printed it.", 1)),
    ];
    fields.extend(line());
    fields
}
