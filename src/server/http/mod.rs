//! HTTP: all routes on one page.

mod body;
mod events;
mod executions;
mod fields;
mod guard;
mod health;
mod listener;
mod outlet;
mod pages;
pub mod problem;
mod session;
mod tokens;
mod users;
pub(in crate::server) mod workflows;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware,
    routing::any,
};
use leptos::prelude::LeptosOptions;
use tokio::sync::Mutex;
use tower_http::compression::{CompressionLayer, predicate::DefaultPredicate};

use super::{access::Access, engine::Engine, feed::Feed, journal::Journal, metrics::Metrics, workflows::Workflows};

pub use self::{body::BODY_MAX, listener::listen, problem::HttpError};

/// What handlers work with; each asks for the part it needs.
#[derive(Clone, FromRef)]
pub struct App {
    /// Who may come in.
    pub access: Access,
    /// Runs things.
    pub engine: Engine,
    /// From commits to readers.
    pub feed: Feed,
    /// What happened.
    pub journal: Journal,
    /// What the server counts of itself.
    pub metrics: Metrics,
    /// What can be run.
    pub workflows: Workflows,
    /// Where the page's files are.
    pub leptos: LeptosOptions,
    /// Held by a start with an `Idempotency-Key`.
    #[from_ref(skip)]
    pub keyed_starts: Arc<Mutex<()>>,
}

/// Every route there is.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .merge(executions::router())
        .merge(workflows::router())
        .merge(session::router())
        .merge(users::router())
        .merge(tokens::router())
        .route("/api", any(async || HttpError::NotFound))
        .route("/api/{*rest}", any(async || HttpError::NotFound))
        .merge(pages::router(&app))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new()));
    Router::new()
        .merge(api)
        .merge(events::router())
        .merge(health::router())
        .method_not_allowed_fallback(async || HttpError::WrongMethod)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(middleware::from_fn(body::bounded))
        .layer(middleware::from_fn(pages::security_headers))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(app)
}
