//! `/api/executions`, and work that runs elsewhere.

use super::{
    super::body::REPORT_MAX,
    operation::{Does, Route, get, post},
    schema::{
        Kind, boolean, count, count_of, free_map, list, list_of, may, must, named, named_as, or_null, pattern,
        positive, record, request, text, text_of, word,
    },
};
use crate::domain::{
    history,
    listing::PAGE_MAX,
    marks::PLACES_MAX,
    search::{FOUND_MAX, NEEDLE_MAX},
    workflow::STEPS_MAX,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        list_executions(),
        start(),
        snapshot(),
        cancel(),
        rerun(),
        log(),
        marks(),
        search(),
        facts(),
        begin(),
        report(),
    ]
}

fn list_executions() -> Route {
    get("/api/executions", "listExecutions", "Executions, newest first")
        .tag("executions")
        .about("Those that the caller may see. `next` is `before` of the next page; a stream `after` `head` misses nothing.")
        .for_users()
        .query_list("status", "In one of these statuses; without it in any", list("", named("Status")))
        .query("workflow", "Of this workflow", named("Name"))
        .query("owner", "Of this user", named("Name"))
        .query("trigger", "Started by this", named("Trigger"))
        .query("from", "Asked for at this time or later", named("When"))
        .query("to", "Asked for before this time", named("When"))
        .query("ended_from", "Ended at this time or later", named("When"))
        .query("q", "Whose id, workflow, owner or error message holds this text", text(""))
        .query("limit", "At most so many; 50 if nothing is said", count_of("", 1, PAGE_MAX))
        .query("before", "Older than this one", named("ExecutionId"))
        .answers(200, "A page of the list, of one moment", named("ExecutionList"))
        .route()
}

fn start() -> Route {
    let body = request(
        "What is to run.",
        vec![
            must("workflow", text("A workflow that the caller may start. One that is not there is 404.")),
            may(
                "params",
                free_map("Values by the names that the workflow declares; texts are converted to its types."),
            ),
        ],
    );
    keyed(post("/api/executions", "startExecution", "Start a workflow"))
        .tag("executions")
        .for_users()
        .json("The workflow and its parameters", body)
        .creates("It is queued, or runs already", named("Execution"))
        .or_not_found()
        .problem(409, "The workflow's file has errors and never had a good version; told to admins")
        .or_unavailable()
        .route()
}

/// A start that is safe to repeat.
fn keyed(does: Does) -> Does {
    let about = "The same key with the same body within 24 hours gives the first one's answer and starts nothing; with \
                 another body it is 422";
    does.header("Idempotency-Key", about, pattern("Printable ASCII", "^[ -~]{1,255}$"))
}

fn of_execution(does: Does) -> Does {
    does.tag("executions").path("id", "The execution", named("ExecutionId")).for_users().or_not_found()
}

fn snapshot() -> Route {
    of_execution(get("/api/executions/{id}", "getExecution", "An execution as it is now"))
        .about("`seq` is its last fact: its stream `after` that misses nothing and repeats nothing.")
        .answers(200, "Its snapshot", named("Execution"))
        .route()
}

fn cancel() -> Route {
    of_execution(post("/api/executions/{id}/cancel", "cancelExecution", "Stop an execution"))
        .about(
            "Its steps get SIGTERM, and SIGKILL ten seconds later; steps with `if: always` still run, unless it is \
                cancelled again.",
        )
        .answers(202, "It is stopping, or has stopped", named("Execution"))
        .problem(409, "It has ended")
        .or_unavailable()
        .route()
}

fn rerun() -> Route {
    let from = word("From its beginning (all if nothing is said), or from what failed", ["all", "failed"]);
    of_execution(post("/api/executions/{id}/rerun", "rerunExecution", "Run an execution again"))
        .about("As its workflow is now, with the same parameters, for the caller.")
        .body(
            "From where",
            super::super::BODY_MAX,
            [("application/json", request("From where.", vec![may("from", from)]).into())],
        )
        .creates("The new one", named("Execution"))
        .problem(409, "It has not ended, nothing of it failed, it ran elsewhere, or its workflow is gone or another")
        .or_unavailable()
        .route()
}

fn log() -> Route {
    let lines: Kind = text("A line of the log after the other.").into();
    let documents: Kind = text(
        "A JSON document on each line, each of the schema `LogLine`: when it was printed, where, and by which step.",
    )
    .into();
    of_execution(get("/api/executions/{id}/log", "getLog", "What an execution's steps printed"))
        .about("Lines in the order they were recorded; NDJSON with `Accept: application/x-ndjson`.")
        .query("step", "Of this step; numbers of lines are the step's own then", named("StepId"))
        .query("from", "From this line on, counted from 0", count("", 0))
        .query("limit", "At most so many lines; all if nothing is said", count("", 0))
        .gives_either(200, "The lines", [("text/plain", lines), ("application/x-ndjson", documents)])
        .route()
}

fn marks() -> Route {
    let places = |about: &str| {
        let lines = list_of("The numbers of the first of them, in order.", 0, PLACES_MAX, count("A line's number.", 0));
        record(about, vec![must("total", count("How many there are.", 0)), must("lines", lines)])
    };
    let head = record(
        "The first line of an attempt.",
        vec![
            must("line", count("Its number.", 0)),
            must("step", named("StepId")),
            must("attempt", count("Which attempt.", 1)),
        ],
    );
    let marks = record(
        "What stands out.",
        vec![
            must("lines", count("How many lines there are.", 0)),
            must("errors", places("Lines that were marked with `::error::`.")),
            must("warnings", places("Lines that were marked with `::warning::`.")),
            must(
                "groups",
                places("Titles of groups. A group ends where the step ends it, at the next one, and with its attempt."),
            ),
            must("group_ends", places("Lines before which the step ended a group.")),
            may(
                "group_of",
                named_as("StepId", "The step whose group began last: of steps side by side none ends another's."),
            ),
            must("heads", list_of("Where each attempt begins, in order.", 0, PLACES_MAX, head)),
        ],
    );
    of_execution(get("/api/executions/{id}/log/marks", "getLogMarks", "What stands out in an execution's log"))
        .about("Numbers of lines are counted from 0.")
        .query("step", "In what this step printed; numbers of lines are the step's own then", named("StepId"))
        .answers(200, "Where errors, warnings, groups and attempts are", marks)
        .route()
}

fn search() -> Route {
    let found = record(
        "What was found.",
        vec![
            must("total", count("How many lines hold the text, from `from` up to `next`.", 0)),
            must("lines", list_of("The numbers of the first of them, in order.", 0, FOUND_MAX, count("", 0))),
            must("next", count("The first line that was not looked at.", 0)),
            must("more", boolean("Whether there are lines from `next` on: the time for one answer was up.")),
        ],
    );
    of_execution(get("/api/executions/{id}/log/search", "searchLog", "Lines of an execution's log that hold a text"))
        .about("In any case, and as the line is read: without what colours it.")
        .needs_query("q", "The text", text_of("", 1, NEEDLE_MAX))
        .query("step", "In what this step printed; numbers of lines are the step's own then", named("StepId"))
        .query("from", "From this line on, counted from 0", count("", 0))
        .query("limit", "At most so many are named; all are counted", count_of("", 0, FOUND_MAX))
        .answers(200, "How many there are, and where", found)
        .route()
}

fn facts() -> Route {
    let documents: Kind =
        text("A JSON document on each line, each of the schema `Fact` or, for output, `Printed`.").into();
    of_execution(get("/api/executions/{id}/history", "getHistory", "What happened to an execution, page by page"))
        .about("Its facts in order, as its stream tells them; of output only how much there was. An empty page says that there are no more.")
        .query("after", "Those after this fact", pattern("A `seq`.", "^[0-9]+$"))
        .query("limit", "At most so many; as many as there can be if nothing is said", count_of("", 1, history::PAGE_MAX))
        .gives(200, "The facts", "application/x-ndjson", documents)
        .route()
}

fn begin() -> Route {
    let step = request(
        "A step of it.",
        vec![
            must("id", text("Unique; letters, digits, `_` and `-`.")),
            may("name", or_null(text("What people read."))),
            may(
                "needs",
                or_null(list(
                    "The steps that it waits for; if no step has any, each waits for the one before.",
                    text(""),
                )),
            ),
            may("weight", or_null(positive("Its share of the whole."))),
        ],
    );
    let body = request(
        "What runs elsewhere.",
        vec![
            must("name", named("Name")),
            may("steps", or_null(list_of("Its steps; one, `main`, if nothing is said.", 1, STEPS_MAX, step))),
            may("params", free_map("What it was begun with, for people to see; 64 KiB at most.")),
            may(
                "interrupt_after",
                or_null(text("After how much silence it is interrupted: `30s`, `15m`, `2h`; a week at most.")),
            ),
        ],
    );
    let answer = record(
        "What to report by.",
        vec![
            must("id", named("ExecutionId")),
            must("token", text("Reports on this execution, and does nothing else.")),
        ],
    );
    keyed(post("/api/external", "beginExternal", "Begin work that runs elsewhere"))
        .tag("elsewhere")
        .for_users()
        .json("Its name, and its steps", body)
        .creates("It runs", answer)
        .or_unavailable()
        .route()
}

fn report() -> Route {
    let lines: Kind = text(
        "A JSON document on each line: `client_seq`, counted from 1, `kind`, and what the event of that kind has.",
    )
    .into();
    let heard = record(
        "How far the report was taken.",
        vec![
            must("client_seq", count("The last line that is taken; 0 before the first.", 0)),
            must("status", named_as("Status", "Where the execution stands.")),
            must("cancel", boolean("Whether somebody wants the work stopped.")),
        ],
    );
    post("/api/executions/{id}/report", "report", "Report on work that runs elsewhere")
        .tag("elsewhere")
        .about(
            "Lines that were taken before are passed over, so that a report may be sent again. 10,000 lines at most.",
        )
        .path("id", "The execution", named("ExecutionId"))
        .for_reporters()
        .body("What has happened", REPORT_MAX, [("application/x-ndjson", lines)])
        .answers(200, "All of it is taken, and on disk", heard)
        .or_not_found()
        .problem(409, "It has ended; `client_seq` and `execution_status` say how far it was heard")
        .problem(422, "A line is wrong, `line`; those before it were taken, up to `client_seq`")
        .or_unavailable()
        .route()
}
