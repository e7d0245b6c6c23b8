//! The event streams: `text/event-stream` over a [`Reader`].

use axum::{
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, StatusCode, Version, header};
use serde::Deserialize;

use super::{
    App,
    body::{Path, Query},
    outlet::Streamed,
    problem::HttpError,
    routes::Routes,
};
use crate::{
    domain::id::{ExecutionId, Name, Seq},
    server::{
        access::Caller,
        feed::{Framing, Link, Reader, Refusal, Start, full},
    },
};

pub(super) fn routes() -> Routes<App> {
    Routes::new().route("/api/events", get(all)).route("/api/executions/{id}/events", get(execution))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllQuery {
    after: Option<String>,
    workflow: Option<Name>,
    owner: Option<Name>,
}

async fn all(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AllQuery>,
    headers: HeaderMap,
    version: Version,
) -> Result<Response, HttpError> {
    let start = position(&headers, query.after.as_deref())?.map_or(Start::Now, Start::After);
    let link = link(&app, &caller, version).await;
    let wanted = (query.owner, query.workflow);
    stream_of(app.feed.read_all(&app.journal, &caller.viewer, wanted, start, link).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecutionQuery {
    after: Option<String>,
}

async fn execution(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    Query(query): Query<ExecutionQuery>,
    headers: HeaderMap,
    version: Version,
) -> Result<Response, HttpError> {
    let start = position(&headers, query.after.as_deref())?.map_or(Start::Beginning, Start::After);
    let link = link(&app, &caller, version).await;
    stream_of(app.feed.read_execution(&app.journal, &caller.viewer, id, start, link).await)
}

async fn link(app: &App, caller: &Caller, version: Version) -> Link {
    let framing = if version < Version::HTTP_11 { Framing::Plain } else { Framing::Chunked };
    Link { framing, revoked: app.access.watch(caller).await }
}

/// Where the reader stands: `Last-Event-ID`, which a reconnecting EventSource sends, else `after`.
fn position(headers: &HeaderMap, after: Option<&str>) -> Result<Option<Seq>, HttpError> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let Some(text) = header.filter(|text| !text.is_empty()).or(after) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| HttpError::BadRequest(format!("{error}, but got {text:?}")))
}

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    (header::CACHE_CONTROL, "no-cache, no-transform"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

fn stream_of(reader: Result<Reader, Refusal>) -> Result<Response, HttpError> {
    match reader {
        Ok(reader) => Ok(Streamed::response(HEADERS, reader)),
        Err(Refusal::NothingMore) => Ok(StatusCode::NO_CONTENT.into_response()),
        // A refusal would end an EventSource for good. So it is a stream, which says when to come back, and ends.
        Err(Refusal::Limit) => Ok((HEADERS, full()).into_response()),
        Err(Refusal::NotFound) => Err(HttpError::NotFound),
        Err(Refusal::Journal(error)) => Err(error.into()),
    }
}
