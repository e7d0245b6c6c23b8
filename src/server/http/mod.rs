//! HTTP: all routes on one page.

mod body;
mod events;
mod executions;
mod external;
mod fields;
mod groups;
mod guard;
mod health;
mod history;
mod hooks;
mod listener;
mod log;
mod openapi;
mod outlet;
mod overview;
mod pages;
pub mod problem;
pub mod routes;
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

use self::routes::Routes;
use super::{
    access::{Access, ReportTokens},
    design,
    engine::Engine,
    external::ExternalWork,
    feed::Feed,
    journal::Journal,
    metrics::Metrics,
    overview::Overview,
    secrets::Secrets,
    workflows::Workflows,
};

pub use self::{body::BODY_MAX, listener::listen, problem::HttpError};

/// What handlers work with; each asks for the part it needs.
#[derive(Clone, FromRef)]
pub struct App {
    /// Who may come in.
    pub access: Access,
    /// Runs things.
    pub engine: Engine,
    /// Follows what runs elsewhere.
    pub external: ExternalWork,
    /// Knows the tokens that report.
    pub report_tokens: ReportTokens,
    /// From commits to readers.
    pub feed: Feed,
    /// What happened.
    pub journal: Journal,
    /// What the server counts of itself.
    pub metrics: Metrics,
    /// What the server is, and how it does.
    pub overview: Overview,
    /// What only the server and its steps know.
    pub secrets: Secrets,
    /// What can be run.
    pub workflows: Workflows,
    /// Where the page's files are.
    pub leptos: LeptosOptions,
    /// Whether the page of the design is served.
    #[from_ref(skip)]
    pub design: bool,
    /// Held by a start with an `Idempotency-Key`.
    #[from_ref(skip)]
    pub keyed_starts: Arc<Mutex<()>>,
}

/// What is answered at once, and packed.
fn answers(app: &App) -> Routes<App> {
    Routes::new()
        .merge(executions::routes())
        .merge(history::routes())
        .merge(log::routes())
        .merge(external::routes())
        .merge(workflows::routes())
        .merge(session::routes())
        .merge(users::routes())
        .merge(groups::routes())
        .merge(tokens::routes())
        .merge(health::routes())
        .merge(overview::routes())
        .merge(hooks::routes())
        .merge(openapi::routes())
        .route("/api", any(async || HttpError::NotFound))
        .route("/api/{*rest}", any(async || HttpError::NotFound))
        .merge(pages::routes(app))
        .merge(if app.design { design::routes() } else { Routes::new() })
}

/// What goes on and on.
fn streams() -> Routes<App> {
    events::routes()
}

/// The path of every route there is.
pub fn paths(app: &App) -> Vec<String> {
    answers(app).merge(streams()).into_parts().1
}

/// All of them at work, behind the guard.
pub fn router(app: App) -> Router {
    let (answers, _) = answers(&app).into_parts();
    let (streams, _) = streams().into_parts();
    answers
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new()))
        .merge(streams)
        .method_not_allowed_fallback(async || HttpError::WrongMethod)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(middleware::from_fn(body::bounded))
        .layer(middleware::from_fn(pages::security_headers))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(app)
}
