//! `/api/executions/{id}/history`: its facts, page by page, for whoever shows its past.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use serde::Deserialize;

use super::{
    App,
    body::{Path, Query},
    executions::visible,
    problem::HttpError,
    routes::Routes,
};
use crate::{
    domain::{
        history::PAGE_MAX,
        id::{ExecutionId, Seq},
    },
    server::access::Caller,
};

pub(super) fn routes() -> Routes<App> {
    Routes::new().route("/api/executions/{id}/history", get(history))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    after: Option<String>,
    limit: Option<usize>,
}

async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, HttpError> {
    visible(&app.journal, &caller.viewer, id).await?;
    let after = match query.after.as_deref() {
        Some(text) => text.parse().map_err(|error| HttpError::BadRequest(format!("{error}, but got {text:?}")))?,
        None => Seq(0),
    };
    let limit = query.limit.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(HttpError::BadRequest(format!("limit is 1 to {PAGE_MAX}")));
    }
    let lines = app.journal.facts(id, after, limit).await?;
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, lines).into_response())
}
