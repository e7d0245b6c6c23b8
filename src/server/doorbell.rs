//! What the pages' server functions ring: who asks, one call, the answer.

use axum::http::request::Parts;
use leptos::prelude::{ServerFnError, use_context};

use super::{
    access::{Caller, MaybeCaller},
    http::{App, HttpError, workflows},
    journal::JournalError,
};
use crate::domain::{
    access::{Viewer, visible},
    differences::{Differences, Failure},
    execution::Execution,
    id::{ExecutionId, Name, Seq},
    listing::{Listing, Opening, Query, WorkflowFolder, WorkflowSheet, WorkflowView},
    usual::UsualRun,
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
    let Some(opening) = opening.filter(|opening| visible(&caller.viewer, &opening.execution.owner)) else {
        return Ok(None);
    };
    let failure = why(&app, &caller.viewer, &opening.execution).await.map_err(failed)?;
    let reruns = if opening.execution.status.is_final() {
        app.journal.reruns(&caller.viewer.scope(), &opening.execution).await.map_err(failed)?
    } else {
        Vec::new()
    };
    Ok(Some(Opening { failure, reruns, ..opening }))
}

/// What there is to know of why an execution failed; none if it did not, or is not the caller's to see.
pub async fn failure_of(id: ExecutionId) -> Answer<Option<Failure>> {
    let (app, caller) = asks()?;
    match app.journal.snapshot(id).await.map_err(failed)? {
        Some(execution) if execution.visible_to(&caller.viewer) => {
            why(&app, &caller.viewer, &execution).await.map_err(failed)
        }
        _ => Ok(None),
    }
}

async fn why(app: &App, viewer: &Viewer, execution: &Execution) -> Result<Option<Failure>, JournalError> {
    let Some(error) = &execution.error else { return Ok(None) };
    let step = error.step.as_ref().and_then(|step| execution.step(step));
    let lines = match step {
        Some(step) => app.journal.last_lines(execution.id, &step.id, step.lines, error.tail.len()).await?,
        None => Vec::new(),
    };
    let good = app.journal.last_good(&viewer.scope(), &execution.workflow, execution.id).await?;
    let differences = good.map(|good| Differences::of(&good, execution));
    Ok(Some(Failure { lines, differences }))
}

/// What the caller may start.
pub async fn workflows() -> Answer<Vec<WorkflowView>> {
    let (app, caller) = asks()?;
    workflows::all(&app, &caller.viewer).await.map_err(failed)
}

/// The same with its place in the order. The places are looked up first, so that nothing falls between.
pub async fn folder() -> Answer<WorkflowFolder> {
    let (app, caller) = asks()?;
    let head = app.journal.head().await.map_err(failed)?;
    let version = app.feed.folder();
    let workflows = workflows::all(&app, &caller.viewer).await.map_err(failed)?;
    Ok(WorkflowFolder { head, version, workflows })
}

/// One of them, with its file.
pub async fn workflow(name: Name) -> Answer<Option<WorkflowSheet>> {
    let (app, caller) = asks()?;
    let version = app.feed.folder();
    let found = workflows::find(&app, &caller.viewer, &name).await.map_err(failed)?;
    let Some((workflow, file)) = found.zip(app.workflows.file(&caller.viewer, &name)) else { return Ok(None) };
    let pasts = app.journal.step_pasts(&name).await.map_err(failed)?;
    let usual = UsualRun::of(workflow.steps.iter().map(|step| (&step.id, step.needs.as_slice())), &pasts);
    Ok(Some(WorkflowSheet { version, workflow, file, usual }))
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
