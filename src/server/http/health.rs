//! `healthz`: the process answers. `readyz`: it can do its work.

use axum::{Router, extract::State, routing::get};

use super::{App, problem::HttpError};
use crate::server::journal::{Health, Journal};

pub(super) fn router() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

async fn ready(State(journal): State<Journal>) -> Result<&'static str, HttpError> {
    if let Health::Stuck(why) = journal.health() {
        tracing::warn!(%why, "not ready");
        return Err(HttpError::Unavailable("the journal can't write; the server's log says why".to_owned()));
    }
    journal.head().await?;
    Ok("ready\n")
}
