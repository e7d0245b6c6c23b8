//! The event streams, and what they tell.

use utoipa::openapi::{RefOr, Schema};

use super::{
    operation::{Does, Route, get},
    schema::{
        Field, Kind, any_of, boolean, count, free_map, json, list, list_of, map, may, must, named, named_as, number_32,
        number_of, only, pattern, record, text, word,
    },
    shapes::{FAILURES, LEVELS, outputs, planned, range},
};
use crate::domain::log::{CHUNK_LINES, TAIL_LINES};

const STREAM: &str = "Server-sent events without an `event:` field. `data` is JSON: a `Fact`, whose frame has its `seq` as \
                      `id:`, or a `Control`, whose frame has no id. docs/stream.md says the rest.";

pub(super) fn routes() -> Vec<Route> {
    let stream = |does: Does| {
        let after = pattern("A `seq`.", "^[0-9]+$");
        let known = pattern("A `seq`; empty is as good as absent.", "^[0-9]*$");
        does.tag("events")
            .about(STREAM)
            .for_users()
            .query("after", "Begin after this fact; `Last-Event-ID` wins", after)
            .header("Last-Event-ID", "The last fact that is known, as an EventSource sends it", known)
            .gives(200, "The stream, which goes on until it is ended", "text/event-stream", frame())
    };
    let all = get("/api/events", "followAll", "What happens, without output, from now on")
        .query("workflow", "Of this workflow", named("Name"))
        .query("owner", "Of this user's executions", named("Name"));
    let one = get("/api/executions/{id}/events", "followExecution", "All of one execution, from its first fact on")
        .path("id", "The execution", named("ExecutionId"))
        .says(204, "It has ended, and the caller knows all of it")
        .or_not_found();
    vec![stream(all).route(), stream(one).route()]
}

/// A frame, as a reader of server-sent events has it.
fn frame() -> Schema {
    let told = any_of([named("Fact").into(), named("Control").into()]);
    record(
        STREAM,
        vec![
            must("data", json("What has happened, or something about the stream.", told)),
            may("id", pattern("The `seq` of a fact.", "^[0-9]+$")),
            may("retry", count("Milliseconds, once, with `hello`.", 0)),
        ],
    )
}

/// What streams tell, by the names in the document.
pub(super) fn shapes() -> Vec<(&'static str, Kind)> {
    let facts = any_of([of_executions(), of_steps()].into_iter().flatten().map(RefOr::T));
    let lines = record(
        "How much.",
        vec![
            must("step", named("StepId")),
            must("lines", count("How many log lines the step has after it.", 0)),
            may("level", word("Set if one of these lines is marked so.", LEVELS)),
        ],
    );
    let printed = record(
        "What a history has instead of a `step.output`.",
        vec![must("seq", named("Seq")), must("at", named("Timestamp")), must("printed", lines)],
    );
    vec![
        ("Printed", printed.into()),
        ("Fact", RefOr::T(facts)),
        ("Control", RefOr::T(any_of(controls().into_iter().map(RefOr::T)))),
    ]
}

/// A fact of this kind, with these fields besides those that each has.
fn fact(kind: &'static str, about: &str, fields: Vec<Field>) -> Schema {
    let mut all = vec![
        must("seq", named("Seq")),
        must("at", named("Timestamp")),
        must("execution_id", named("ExecutionId")),
        must("owner", named("Name")),
        must("workflow", named("Name")),
        must("kind", only(kind)),
        may("hash", named_as("StateHash", "With every hundredth fact and the final one.")),
    ];
    all.extend(fields);
    record(about, all)
}

/// A fact of an attempt at a step.
fn attempt(kind: &'static str, about: &str, fields: Vec<Field>) -> Schema {
    let mut all = vec![must("step", named("StepId")), must("attempt", count("From 1.", 1))];
    all.extend(fields);
    fact(kind, about, all)
}

fn milliseconds(about: &str) -> Kind {
    count(about, 0).into()
}

fn of_executions() -> Vec<Schema> {
    let duration = || must("duration_ms", milliseconds("From `execution.started` on."));
    let lines = || must("lines", count("How many log lines it has.", 0));
    let steps = list("In the order of the file.", record("A step as it was planned.", planned()));
    vec![
        fact(
            "execution.queued",
            "It was asked for, and waits.",
            vec![
                must("trigger", named("Trigger")),
                must("params", free_map("The values it was started with.")),
                must("steps", steps),
                may("rerun_of", named_as("ExecutionId", "The execution that it repeats.")),
            ],
        ),
        fact(
            "execution.waiting",
            "It can't begin yet.",
            vec![
                must("reason", word("What it waits for.", ["capacity", "concurrency"])),
                must("place", count("Its place among those that wait.", 1)),
            ],
        ),
        fact("execution.started", "Its first step may begin.", vec![]),
        fact("execution.out_of_touch", "Whoever reports on it has said nothing for a while.", vec![]),
        fact("execution.in_touch", "Whoever reports on it has spoken again.", vec![]),
        fact(
            "execution.completed",
            "All went well.",
            vec![
                must("result", map("The outputs of all steps.", outputs())),
                duration(),
                must("percent", number_of("", 100.0, 100.0)),
                lines(),
            ],
        ),
        fact(
            "execution.failed",
            "It ended without success.",
            vec![
                must("status", word("How it ended.", ["failed", "timed_out", "interrupted"])),
                must("error", named("ExecutionError")),
                duration(),
                lines(),
            ],
        ),
        fact("execution.cancelled", "Somebody stopped it.", vec![must("by", named("Name")), duration(), lines()]),
    ]
}

fn of_steps() -> Vec<Schema> {
    let percent = |name| must(name, number_of("", 0.0, 99.9));
    let lines = || must("lines", count("How many log lines the step has.", 0));
    let duration = || must("duration_ms", milliseconds("How long the attempt took."));
    let ended = || {
        vec![
            must("status", word("How it ended.", FAILURES)),
            may("exit_code", number_32("What its process exited with.")),
            may("signal", text("The signal that killed it, `SIGSEGV`.")),
            must("error", text("Why.")),
            duration(),
            lines(),
        ]
    };
    let with = |mut fields: Vec<Field>, more: Field| {
        fields.push(more);
        fields
    };
    vec![
        attempt(
            "step.started",
            "An attempt began.",
            vec![
                may("estimate_ms", milliseconds("How long it usually takes.")),
                may("usual_ms", range("Between which two times most of its runs took.")),
            ],
        ),
        attempt(
            "step.progress",
            "It came further.",
            vec![
                percent("percent"),
                may("message", text("What it is doing.")),
                must("source", named("Source")),
                percent("execution_percent"),
                may("eta_ms", milliseconds("How long the execution still needs.")),
                may("eta_range_ms", range("Between which two times that most likely is.")),
            ],
        ),
        attempt(
            "step.stalled",
            "It has been silent for longer than it ever is.",
            vec![
                must("silent_ms", milliseconds("For how long.")),
                must("usual_ms", milliseconds("The longest that is usual.")),
            ],
        ),
        attempt("step.resumed", "It has spoken again.", vec![]),
        attempt(
            "step.output",
            "It printed lines. Only on an execution's own stream.",
            vec![
                must("first_line", count("The number of the first of them.", 0)),
                must("lines", list_of("The lines.", 1, CHUNK_LINES, named("Line"))),
            ],
        ),
        attempt(
            "step.completed",
            "It succeeded.",
            vec![
                duration(),
                must("outputs", outputs()),
                lines(),
                percent("execution_percent"),
                may("reused", boolean("Whether it was not run.")),
                may("longest_silence_ms", milliseconds("The longest time in which it printed nothing.")),
            ],
        ),
        attempt(
            "step.retrying",
            "An attempt failed and another will be made.",
            with(ended(), must("next_attempt_at", named("Timestamp"))),
        ),
        attempt(
            "step.failed",
            "It ended without success.",
            with(ended(), must("tail", list_of("Its last lines.", 0, TAIL_LINES, text("")))),
        ),
        fact(
            "step.skipped",
            "It was passed over.",
            vec![must("step", named("StepId")), must("reason", text("Why.")), lines()],
        ),
    ]
}

fn controls() -> Vec<Schema> {
    let head = || must("head", named_as("Seq", "The server's last fact."));
    let control = |kind: &'static str, about: &str, mut fields: Vec<Field>| {
        fields.push(must("kind", only(kind)));
        record(about, fields)
    };
    vec![
        control(
            "hello",
            "First on every stream.",
            vec![
                head(),
                must("user", named("Name")),
                may("workflows", count("Which state of the workflows folder there is; on streams of everything.", 0)),
            ],
        ),
        control(
            "workflows",
            "The workflows folder has changed. On streams of everything.",
            vec![must("version", count("Which state of it there is: another number is another state.", 0))],
        ),
        control("caught_up", "What came before is history, what comes now is live.", vec![head()]),
        control(
            "heartbeat",
            "The link is alive.",
            vec![
                must("at", named("Timestamp")),
                may("trouble", text("What keeps the server from telling what happens.")),
            ],
        ),
        control(
            "reset",
            "The reader's place can't be had: fetch a snapshot, go on from `head`.",
            vec![must("reason", word("", ["expired", "lagged"])), head()],
        ),
        control(
            "end",
            "The server closes the stream.",
            vec![must("reason", word("", ["finished", "revoked", "shutdown", "lagged", "limit"]))],
        ),
    ]
}
