//! `/api/executions/{id}/log/…`: what stands out in a log, and what is looked for in it.

use std::time::Duration;

use axum::{Json as Answer, extract::State, routing::get};
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
        execution::Execution,
        id::{ExecutionId, StepId},
        marks::Marks,
        search::{FOUND_MAX, Found, NEEDLE_MAX, Needle},
    },
    server::access::Caller,
};

/// How long one search may take; the answer then says how far it came.
const SEARCH_TIME: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .route("/api/executions/{id}/log/marks", get(marks))
        .route("/api/executions/{id}/log/search", get(search))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarksQuery {
    step: Option<StepId>,
}

async fn marks(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    Query(query): Query<MarksQuery>,
) -> Result<Answer<Marks>, HttpError> {
    has_step(&visible(&app.journal, &caller.viewer, id).await?, query.step.as_ref())?;
    Ok(Answer(app.journal.marks(id, query.step.as_ref()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    q: String,
    step: Option<StepId>,
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

async fn search(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    Query(query): Query<SearchQuery>,
) -> Result<Answer<Found>, HttpError> {
    has_step(&visible(&app.journal, &caller.viewer, id).await?, query.step.as_ref())?;
    let wrong = || HttpError::BadRequest(format!("q is 1 to {NEEDLE_MAX} characters"));
    let needle = Needle::new(&query.q).ok_or_else(wrong)?;
    let most = query.limit.unwrap_or(FOUND_MAX);
    if most > FOUND_MAX {
        return Err(HttpError::BadRequest(format!("limit is 0 to {FOUND_MAX}")));
    }
    Ok(Answer(app.journal.search(id, query.step.as_ref(), &needle, (query.from, most), SEARCH_TIME).await?))
}

fn has_step(execution: &Execution, step: Option<&StepId>) -> Result<(), HttpError> {
    if step.is_some_and(|step| execution.step(step).is_none()) { Err(HttpError::NotFound) } else { Ok(()) }
}
