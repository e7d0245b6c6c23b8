//! How the server is, and what describes it.

use super::{
    operation::{Route, get},
    schema::{anything, text},
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/healthz", "getHealth", "Whether the process answers")
            .tag("server")
            .for_everybody()
            .gives(200, "It does", "text/plain", text(""))
            .route(),
        get("/readyz", "getReadiness", "Whether the server can do its work")
            .tag("server")
            .for_everybody()
            .gives(200, "It can", "text/plain", text(""))
            .or_unavailable()
            .route(),
        get("/metrics", "getMetrics", "What the server counts of itself, for scrapers")
            .tag("server")
            .for_admins()
            .gives(200, "OpenMetrics", "application/openmetrics-text", text(""))
            .route(),
        get("/api/openapi.json", "getOpenApi", "This document")
            .tag("server")
            .for_everybody()
            .answers(200, "OpenAPI 3.1", anything(""))
            .route(),
    ]
}
