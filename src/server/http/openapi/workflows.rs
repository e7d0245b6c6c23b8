//! `/api/workflows`, and how other systems start one.

use super::{
    super::hooks::HOOK_MAX,
    operation::{Route, get, post},
    schema::{
        Kind, anything, boolean, count, count_of, list, list_of, may, must, named, named_as, or_null, pattern, record,
        text, word,
    },
    shapes::{milliseconds, moment, planned},
};
use crate::domain::workflow::{PARAMS_MAX, STEPS_MAX};

pub(super) fn routes() -> Vec<Route> {
    vec![all(), one(), file(), schema(), call()]
}

fn all() -> Route {
    get("/api/workflows", "listWorkflows", "What the caller may start")
        .tag("workflows")
        .about("By name, with what is known of past runs. Admins also see files that have never been good.")
        .for_users()
        .answers(200, "The workflows", list("", named("Workflow")))
        .route()
}

fn one() -> Route {
    get("/api/workflows/{name}", "getWorkflow", "A workflow, with how its last runs ended")
        .tag("workflows")
        .path("name", "The workflow", named("Name"))
        .for_users()
        .answers(200, "The workflow", named("Workflow"))
        .or_not_found()
        .route()
}

fn file() -> Route {
    get("/api/workflows/{name}/file", "getWorkflowFile", "A workflow's file, as it was read")
        .tag("workflows")
        .path("name", "The workflow", named("Name"))
        .for_users()
        .gives(200, "The file", "application/yaml", anything("What is in it."))
        .or_not_found()
        .problem(409, "The file can't be read as text")
        .route()
}

fn schema() -> Route {
    let any = anything("A JSON Schema, 2020-12.");
    get("/api/schema/workflow.json", "getWorkflowSchema", "The format of workflow files, for editors")
        .tag("workflows")
        .for_everybody()
        .gives(200, "The schema", "application/schema+json", any)
        .route()
}

fn call() -> Route {
    let about = "`t=<seconds since 1970>,v1=<HMAC-SHA256 of \"<t>.<body>\" in hexadecimal>`, with the workflow's secret; good \
                 for five minutes, once";
    let answer = record("What was started.", vec![must("id", named("ExecutionId"))]);
    post("/api/hooks/{workflow}", "callHook", "Start a workflow by a signed call")
        .tag("workflows")
        .path("workflow", "A workflow with a `webhook`", named("Name"))
        .for_everybody()
        .header("X-Runcast-Signature", about, pattern("", "^t=[0-9]+(,v1=[0-9a-fA-F]{64})+$"))
        .optional_body("Becomes a parameter, if the workflow's file says which", HOOK_MAX, "*/*", anything(""))
        .answers(201, "It is queued; the same call again gives the same answer", answer)
        .or_not_found()
        .problem(401, "The signature is missing, wrong, or of another time")
        .problem(422, "A parameter is wrong, or the body is no UTF-8 text")
        .or_unavailable()
        .route()
}

/// What is answered, by the names in the document.
pub(super) fn shapes() -> Vec<(&'static str, Kind)> {
    let parameter = record(
        "What a workflow asks for.",
        vec![
            must("name", text("")),
            must("type", word("", ["string", "integer", "number", "boolean"])),
            may("default", anything("What it is if nothing is given; absent means it must be given.")),
            may("choices", list("What it may be.", anything(""))),
            may("description", text("")),
        ],
    );
    let past = record(
        "A run of a workflow, in short.",
        vec![
            must("id", named("ExecutionId")),
            must("owner", named("Name")),
            must("status", named("Status")),
            must("queued_at", named("Timestamp")),
            must("finished_at", moment("When it ended.")),
            must("duration_ms", milliseconds("How long it took.")),
        ],
    );
    let statistics = record(
        "Of the last 100 runs that have ended and that the caller may see.",
        vec![
            must("runs", count_of("How many have ended.", 0, 100)),
            must("succeeded", count_of("How many of them succeeded.", 0, 100)),
            must("median_ms", milliseconds("The median of how long those took.")),
            must("high_ms", milliseconds("Nine in ten of those took no longer.")),
        ],
    );
    let concurrency = record(
        "How many of its executions may run at once.",
        vec![
            must("limit", count("So many.", 1)),
            must("when_full", word("What becomes of one more.", ["queue", "skip", "cancel-running"])),
        ],
    );
    let webhook = record(
        "How other systems start it.",
        vec![
            must("secret", text("The name of the secret that calls are signed with.")),
            must("body", or_null(text("The parameter that gets a call's body."))),
        ],
    );
    let outcome = record(
        "How a run ended.",
        vec![must("status", named("Status")), must("duration_ms", milliseconds("How long it took."))],
    );
    let planned = record("A step as it is planned.", planned());
    let workflow = record(
        "A workflow.",
        vec![
            must("name", named("Name")),
            must("description", or_null(text("What it does."))),
            must("file", text("The name of its file.")),
            must("params", list_of("What it asks for.", 0, PARAMS_MAX, parameter)),
            must("steps", list_of("In the order of the file.", 0, STEPS_MAX, planned)),
            must(
                "allow",
                or_null(list(
                    "Users and groups that may start it, besides admins; null means every user.",
                    named("Name"),
                )),
            ),
            must("schedule", list("When it starts by itself: cron expressions.", text(""))),
            must("timezone", text("By which clock, as the IANA database names it.")),
            must("next_runs", list("The next of these times.", named("Timestamp"))),
            must("concurrency", or_null(concurrency)),
            must("timeout_ms", milliseconds("How long one execution may take; null means as long as it takes.")),
            must("secrets", list("Names of the secrets that reach its steps.", text(""))),
            must("webhook", or_null(webhook)),
            must("errors", list("What is wrong with the file on disk; its last good version is what runs.", text(""))),
            must("runnable", boolean("Whether there is a good version.")),
            must("last", or_null(named_as("PastRun", "The newest execution of it that the caller may see."))),
            must("statistics", statistics),
            must("recent", list("How the last of these ended, newest first.", outcome)),
            must(
                "history",
                list("How the last runs ended, newest first; only where one workflow was asked for.", named("PastRun")),
            ),
        ],
    );
    vec![("Workflow", workflow.into()), ("PastRun", past.into())]
}
