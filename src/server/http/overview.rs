//! How the server does, who reads from it, and what it was told: for admins.

use axum::{Json, extract::State, routing::get};

use super::{App, problem::HttpError, routes::Routes, users::Listed};
use crate::{
    domain::administration::{Health, OpenStream, Setting},
    server::{access::Caller, feed::Feed, overview::STREAMS_MAX},
};

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .route("/api/streams", get(streams))
        .route("/api/health", get(health))
        .route("/api/settings", get(settings))
}

async fn streams(State(feed): State<Feed>, caller: Caller) -> Result<Json<Listed<OpenStream>>, HttpError> {
    caller.require_admin()?;
    Ok(Json(Listed { items: feed.streams(STREAMS_MAX) }))
}

async fn health(State(app): State<App>, caller: Caller) -> Result<Json<Health>, HttpError> {
    caller.require_admin()?;
    Ok(Json(app.overview.health(&app).await?))
}

async fn settings(State(app): State<App>, caller: Caller) -> Result<Json<Listed<Setting>>, HttpError> {
    caller.require_admin()?;
    Ok(Json(Listed { items: app.overview.settings().to_vec() }))
}
