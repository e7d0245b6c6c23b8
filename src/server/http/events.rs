//! The event streams: `text/event-stream` over a [`Reader`].

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{
    App,
    body::{Path, Query},
    problem::HttpError,
};
use crate::{
    domain::id::{ExecutionId, Name, Seq},
    server::{
        access::Caller,
        feed::{Filter, Reader, Refusal, Start},
    },
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/events", get(all)).route("/api/executions/{id}/events", get(execution))
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
) -> Result<Response, HttpError> {
    let start = position(&headers, query.after.as_deref())?.map_or(Start::Now, Start::After);
    let filter = Filter { owner: query.owner, workflow: query.workflow };
    let ends = ends(&app, &caller).await;
    Ok(stream_of(app.feed.read_all(&app.journal, &caller.viewer, filter, start, ends).await?))
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
) -> Result<Response, HttpError> {
    let start = position(&headers, query.after.as_deref())?.map_or(Start::Beginning, Start::After);
    let ends = ends(&app, &caller).await;
    match app.feed.read_execution(&app.journal, &caller.viewer, id, start, ends).await {
        Ok(reader) => Ok(stream_of(reader)),
        Err(Refusal::NothingMore) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// What ends a stream from the server's side: the reader's right is revoked, or the server stops.
async fn ends(app: &App, caller: &Caller) -> (CancellationToken, CancellationToken) {
    (app.access.watch(caller).await, app.closing.clone())
}

/// Where the reader stands: `Last-Event-ID`, which a reconnecting EventSource sends, else `after`.
fn position(headers: &HeaderMap, after: Option<&str>) -> Result<Option<Seq>, HttpError> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let Some(text) = header.filter(|text| !text.is_empty()).or(after) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| HttpError::BadRequest(format!("{error}, but got {text:?}")))
}

fn stream_of(reader: Reader) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let frames = stream::unfold(reader, async |mut reader| {
        let frames = reader.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(frames), reader))
    });
    (headers, Body::from_stream(frames)).into_response()
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => HttpError::NotFound,
            Refusal::NothingMore => HttpError::Conflict(refusal.to_string()),
            Refusal::Journal(error) => error.into(),
        }
    }
}
