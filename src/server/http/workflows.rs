//! `/api/workflows`: what the caller may start.

use axum::{Json as Answer, extract::State, response::IntoResponse, routing::get};
use http::header;

use super::{App, body::Path, problem::HttpError, routes::Routes};
use crate::{
    domain::{access::Viewer, id::Name, listing::WorkflowView, workflow},
    server::access::Caller,
};

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .route("/api/workflows", get(list))
        .route("/api/workflows/{name}", get(one))
        .route("/api/workflows/{name}/file", get(file))
        .route("/api/schema/workflow.json", get(schema))
}

/// The format of workflow files, which is no secret: editors fetch it without a token.
async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/schema+json")], workflow::SCHEMA)
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Answer<Vec<WorkflowView>>, HttpError> {
    all(&app, &caller.viewer).await.map(Answer)
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<Name>,
) -> Result<Answer<WorkflowView>, HttpError> {
    find(&app, &caller.viewer, &name).await?.map(Answer).ok_or(HttpError::NotFound)
}

/// The text of its file, as it was read.
async fn file(State(app): State<App>, caller: Caller, Path(name): Path<Name>) -> Result<impl IntoResponse, HttpError> {
    let file = app.workflows.file(&caller.viewer, &name).ok_or(HttpError::NotFound)?;
    let unreadable = || HttpError::Conflict(format!("the file of {name} can't be read as text"));
    Ok(([(header::CONTENT_TYPE, "application/yaml")], file.text.ok_or_else(unreadable)?))
}

/// All workflows that `viewer` may start, by name, with what is known of their past runs.
pub(in crate::server) async fn all(app: &App, viewer: &Viewer) -> Result<Vec<WorkflowView>, HttpError> {
    let mut views = app.workflows.views(viewer);
    for view in &mut views {
        (view.last, view.statistics, view.recent) = app.journal.past(&viewer.scope(), &view.name).await?;
    }
    Ok(views)
}

/// One of them.
pub(in crate::server) async fn find(
    app: &App,
    viewer: &Viewer,
    name: &Name,
) -> Result<Option<WorkflowView>, HttpError> {
    let Some(mut view) = app.workflows.views(viewer).into_iter().find(|view| view.name == *name) else {
        return Ok(None);
    };
    (view.last, view.statistics, view.recent) = app.journal.past(&viewer.scope(), name).await?;
    view.history = app.journal.outcomes(&viewer.scope(), name).await?;
    Ok(Some(view))
}
