//! How the server does, who reads from it, and what it was told.

use super::{
    operation::{Route, get},
    schema::{Kind, count, list, list_of, must, named, number_of, or_null, record, text, word},
};

pub(super) fn routes() -> Vec<Route> {
    vec![streams(), health(), settings()]
}

fn items(about: &str, of: impl Into<Kind>) -> Kind {
    record(about, vec![must("items", list("", of))]).into()
}

/// How much there is, and how much there may be.
fn of_all(about: &str) -> Kind {
    list_of(about, 2, 2, count("", 0)).into()
}

fn streams() -> Route {
    let stream = record(
        "A stream that somebody reads.",
        vec![
            must("id", count("Its number in the server's life.", 1)),
            must("user", named("Name")),
            must("execution", or_null(named("Id"))),
            must("owner", or_null(named("Name"))),
            must("workflow", or_null(named("Name"))),
            must("since", named("Timestamp")),
            must("bytes", count("How many were handed to its socket.", 0)),
            must("position", named("Seq")),
            must("behind", or_null(count("How many facts wait for it; null if more than the feed holds.", 0))),
        ],
    );
    get("/api/streams", "listStreams", "The streams that are open now")
        .tag("server")
        .for_admins()
        .answers(200, "The newest 1,000, newest first", items("Streams.", stream))
        .route()
}

fn health() -> Route {
    let ms = |about: &str| number_of(about, 0.0, 1e12);
    let health = record(
        "How the server does.",
        vec![
            must("version", text("The program's.")),
            must("started_at", named("Timestamp")),
            must("at", named("Timestamp")),
            must("head", named("Seq")),
            must("trouble", or_null(text("What keeps facts from the disk."))),
            must("facts_per_second", number_of("Over the last ten seconds.", 0.0, 1e12)),
            must("commit_ms", ms("How long a commit takes of late.")),
            must("waiting_facts", of_all("Facts that wait for their commit, and how many may.")),
            must("lag_ms", ms("From a fact's commit to a socket, of late.")),
            must("streams", of_all("Streams that are open, and how many may be.")),
            must("running", of_all("Executions at work, and how many may be.")),
            must("queued", count("Executions that wait for their turn.", 0)),
            must("data_bytes", count("What the data folder holds.", 0)),
            must("disk_bytes", of_all("Free on its disk, and in all.")),
        ],
    );
    get("/api/health", "getServerHealth", "How the server does, in numbers")
        .tag("server")
        .for_admins()
        .answers(200, "As of now", health)
        .route()
}

fn settings() -> Route {
    let origin = word("Where it comes from.", ["flag", "environment", "file", "default"]);
    let setting = record(
        "A setting in force.",
        vec![must("name", text("As the flag has it.")), must("value", text("")), must("origin", origin)],
    );
    get("/api/settings", "listSettings", "What the server was told")
        .tag("server")
        .for_admins()
        .answers(200, "All that can be given", items("Settings.", setting))
        .route()
}
