//! What the pages' server functions ring: who asks, one call, the answer.

use axum::http::request::Parts;
use leptos::prelude::{ServerFnError, use_context};

use super::{
    access::{Caller, MaybeCaller},
    http::{App, HttpError, workflows},
};
use crate::domain::{
    access::{Viewer, visible},
    execution::Execution,
    id::{ExecutionId, Name, Seq},
    listing::{Listing, Opening, Query, WorkflowView},
};

/// How many of its last lines an execution's page opens with.
const OPENING_LINES: u64 = 500;

type Answer<T> = Result<T, ServerFnError>;

/// A page of the caller's executions.
pub async fn executions(query: Query) -> Answer<Listing> {
    let (app, caller) = asks()?;
    let listing = app.journal.list(&caller.viewer.scope(), &query).await.map_err(failed)?;
    let items = listing.items.into_iter().map(Execution::listed).collect();
    Ok(Listing { items, ..listing })
}

/// What an execution's page opens with; none if it is not there, or not the caller's to see.
pub async fn execution(id: ExecutionId) -> Answer<Option<Opening>> {
    let (app, caller) = asks()?;
    let opening = app.journal.opening(id, OPENING_LINES).await.map_err(failed)?;
    Ok(opening.filter(|opening| visible(&caller.viewer, &opening.execution.owner)))
}

/// What the caller may start.
pub async fn workflows() -> Answer<Vec<WorkflowView>> {
    let (app, caller) = asks()?;
    workflows::all(&app, &caller.viewer).await.map_err(failed)
}

/// One of them.
pub async fn workflow(name: Name) -> Answer<Option<WorkflowView>> {
    let (app, caller) = asks()?;
    workflows::find(&app, &caller.viewer, &name).await.map_err(failed)
}

/// Who asks, if they have signed in.
pub async fn me() -> Answer<Option<Viewer>> {
    Ok(caller().map(|caller| caller.viewer))
}

/// The server's last committed fact.
pub async fn head() -> Answer<Seq> {
    let (app, _) = asks()?;
    app.journal.head().await.map_err(failed)
}

fn caller() -> Option<Caller> {
    let parts = use_context::<Parts>()?;
    parts.extensions.get::<MaybeCaller>()?.0.clone()
}

fn asks() -> Answer<(App, Caller)> {
    let app = use_context::<App>().ok_or_else(|| failed(HttpError::Internal))?;
    Ok((app, caller().ok_or_else(|| failed(HttpError::Unauthenticated))?))
}

fn failed(error: impl Into<HttpError>) -> ServerFnError {
    ServerFnError::new(error.into().problem())
}
