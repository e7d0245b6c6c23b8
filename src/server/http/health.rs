//! `healthz`: the process answers. `readyz`: it can do its work. `metrics`: how it does, for admins' scrapers.

use axum::{extract::State, routing::get};

use http::header;

use super::{App, problem::HttpError, routes::Routes};
use crate::server::{
    access::Caller,
    journal::{Health, Journal},
};

pub(super) fn routes() -> Routes<App> {
    Routes::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

async fn ready(State(journal): State<Journal>) -> Result<&'static str, HttpError> {
    if let Health::Stuck(why) = journal.health() {
        tracing::warn!(%why, "not ready");
        return Err(HttpError::Unavailable(why));
    }
    journal.head().await?;
    Ok("ready\n")
}

async fn metrics(
    State(app): State<App>,
    caller: Caller,
) -> Result<([(header::HeaderName, &'static str); 1], String), HttpError> {
    caller.require_admin()?;
    let text = app.metrics.text(&app.journal.count().await?);
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}
