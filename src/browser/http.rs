//! Requests to the REST API, whose errors are problem documents.

use std::{ops::Range, time::Duration};

use gloo_net::http::{Request, Response};
use leptos::prelude::window;
use serde::de::DeserializeOwned;
use serde_json::Value;
use web_sys::{AbortController, AbortSignal};

use crate::domain::{
    access::Viewer,
    id::{ExecutionId, Seq, StepId},
    listing::{LogLine, OUT_OF_SYNC},
    marks::Marks,
    problem::Problem,
    search::Found,
};

/// Sends `body` to `path`.
///
/// # Errors
/// The server's problem document; one with status 0 if no server answered.
pub async fn post(path: &str, body: &Value) -> Result<Response, Problem> {
    let request = Request::post(path).json(body).map_err(|_| silence())?;
    accepted(request.send().await).await
}

/// Sends `body` to `path` by another verb: `PATCH` or `DELETE`; whatever else it is, it is a `POST`. Returns what was
/// answered, null if that was nothing.
///
/// # Errors
/// As those of [`post`].
pub async fn send(verb: &str, path: &str, body: &Value) -> Result<Value, Problem> {
    let request = match verb {
        "PATCH" => Request::patch(path),
        "DELETE" => Request::delete(path),
        _ => Request::post(path),
    };
    let request = request.json(body).map_err(|_| silence())?;
    Ok(accepted(request.send().await).await?.json().await.unwrap_or(Value::Null))
}

/// [`post`], and the answer read.
///
/// # Errors
/// As those of [`post`].
pub async fn post_for<T: DeserializeOwned>(path: &str, body: &Value) -> Result<T, Problem> {
    post(path, body).await?.json().await.map_err(|_| unreadable())
}

/// Lines of an execution's log, or of one step's, by their numbers. Dropped, it ends the request.
///
/// # Errors
/// As those of [`post`].
pub async fn log(id: ExecutionId, step: Option<&StepId>, lines: Range<u64>) -> Result<Vec<LogLine>, Problem> {
    let (from, limit) = (lines.start, lines.end - lines.start);
    let path = format!("/api/executions/{id}/log?from={from}&limit={limit}{}", of(step));
    let request = Request::get(&path).header("accept", "application/x-ndjson");
    let stop = Stop::new();
    let request = request.abort_signal(stop.signal().as_ref());
    let answer = accepted(request.send().await).await?;
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

/// What stands out in an execution's log, or in one step's.
///
/// # Errors
/// As those of [`post`].
pub async fn marks(id: ExecutionId, step: Option<&StepId>) -> Result<Marks, Problem> {
    let step = step.map(|step| format!("?step={step}")).unwrap_or_default();
    let answer = accepted(Request::get(&format!("/api/executions/{id}/log/marks{step}")).send().await).await?;
    answer.json().await.map_err(|_| unreadable())
}

/// What a log, or that of one step, holds of a text from line `from` on. Dropped, it ends the request.
///
/// # Errors
/// As those of [`post`].
pub async fn search(id: ExecutionId, step: Option<&StepId>, text: &str, from: u64) -> Result<Found, Problem> {
    let text = js_sys::encode_uri_component(text);
    let path = format!("/api/executions/{id}/log/search?q={text}&from={from}{}", of(step));
    let stop = Stop::new();
    let answer = accepted(Request::get(&path).abort_signal(stop.signal().as_ref()).send().await).await?;
    answer.json().await.map_err(|_| unreadable())
}

/// Ends a request when it is dropped; one that has its answer does not mind.
struct Stop(Option<AbortController>);

impl Stop {
    fn new() -> Self {
        Self(AbortController::new().ok())
    }

    fn signal(&self) -> Option<AbortSignal> {
        self.0.as_ref().map(AbortController::signal)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

fn of(step: Option<&StepId>) -> String {
    step.map(|step| format!("&step={step}")).unwrap_or_default()
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

/// Whether a server answers, whatever it says; a proxy that says it has none does not count.
pub async fn answers() -> bool {
    Request::get("/healthz").send().await.is_ok_and(|answer| !matches!(answer.status(), 502..=504))
}

/// Waits until a server answers, for as long as it takes.
pub async fn answer() {
    while !answers().await {
        super::time::sleep(Duration::from_millis(1_000)).await;
    }
}

/// Ends the session, and leaves.
pub async fn sign_out() {
    let _ = Request::post("/api/logout").send().await;
    let _ = window().location().set_href("/sign-in");
}

/// Leaves for the sign-in page, which comes back here.
pub fn sign_in() {
    let location = window().location();
    let (query, fragment) = super::address::parts();
    let here = location.pathname().unwrap_or_default() + &query + &fragment;
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
