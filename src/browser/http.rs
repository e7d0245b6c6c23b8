//! Requests to the REST API, whose errors are problem documents.

use gloo_net::http::{Request, Response};
use leptos::prelude::window;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{
    access::Viewer,
    id::{ExecutionId, Seq, StepId},
    listing::{LogLine, OUT_OF_SYNC},
    problem::Problem,
};

/// Sends `body` to `path`.
///
/// # Errors
/// The server's problem document; one with status 0 if no server answered.
pub async fn post(path: &str, body: &Value) -> Result<Response, Problem> {
    let request = Request::post(path).json(body).map_err(|_| silence())?;
    accepted(request.send().await).await
}

/// [`post`], and the answer read.
///
/// # Errors
/// As those of [`post`].
pub async fn post_for<T: DeserializeOwned>(path: &str, body: &Value) -> Result<T, Problem> {
    post(path, body).await?.json().await.map_err(|_| unreadable())
}

/// Lines of an execution's log, or of one step's, from number `from` on.
///
/// # Errors
/// As those of [`post`].
pub async fn log(id: ExecutionId, step: Option<&StepId>, from: u64, limit: usize) -> Result<Vec<LogLine>, Problem> {
    let step = step.map(|step| format!("&step={step}")).unwrap_or_default();
    let path = format!("/api/executions/{id}/log?from={from}&limit={limit}{step}");
    let answer = accepted(Request::get(&path).header("accept", "application/x-ndjson").send().await).await?;
    let text = answer.text().await.map_err(|_| silence())?;
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).map_err(|_| unreadable()))
        .collect()
}

/// A page of an execution's history: what happened after a place, as lines of JSON.
///
/// # Errors
/// As those of [`post`].
pub async fn history(id: ExecutionId, after: Seq) -> Result<String, Problem> {
    let path = format!("/api/executions/{id}/history?after={after}");
    accepted(Request::get(&path).send().await).await?.text().await.map_err(|_| silence())
}

/// Tells the server that what was folded up to `seq` is not what it has, so that somebody gets to know.
pub async fn out_of_sync(id: ExecutionId, seq: Seq) {
    let path = format!("/api/executions/{id}");
    // If it is not heard, nothing is lost but a count.
    let _ = Request::get(&path).header(OUT_OF_SYNC, &seq.to_string()).send().await;
}

/// What the server says of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good, and this is whose it is.
    SignedIn(Viewer),
    /// There is none, or no more.
    SignedOut,
    /// No answer, or no sensible one.
    Unknown,
}

/// Asks whether the session still holds. An EventSource cannot tell a refusal from an outage; this can.
pub async fn standing() -> Standing {
    match Request::get("/api/me").send().await {
        Ok(answer) if answer.ok() => answer.json().await.map_or(Standing::Unknown, Standing::SignedIn),
        Ok(answer) if answer.status() == 401 => Standing::SignedOut,
        _ => Standing::Unknown,
    }
}

/// Leaves for the sign-in page, which comes back here.
pub fn sign_in() {
    let location = window().location();
    let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
    let next = js_sys::encode_uri_component(&here);
    let _ = location.set_href(&format!("/sign-in?next={next}"));
}

/// Loads the page anew.
pub fn reload() {
    let _ = window().location().reload();
}

async fn accepted(answer: Result<Response, gloo_net::Error>) -> Result<Response, Problem> {
    let answer = answer.map_err(|_| silence())?;
    if answer.ok() {
        return Ok(answer);
    }
    if answer.status() == 401 {
        sign_in();
    }
    Err(answer.json().await.unwrap_or_else(|_| problem(answer.status(), "The server refused that", None)))
}

fn silence() -> Problem {
    problem(0, "The server does not answer", Some("Nothing was changed, as far as this page knows. Try again."))
}

/// An answer that makes no sense.
pub fn unreadable() -> Problem {
    problem(0, "The server's answer cannot be read", Some("Load the page again: it may be older than the server."))
}

fn problem(status: u16, title: &str, detail: Option<&str>) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status,
        detail: detail.map(str::to_owned),
        errors: Vec::new(),
    }
}
