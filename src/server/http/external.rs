//! `/api/external` and `/api/executions/{id}/report`: work that runs elsewhere.

use std::{sync::Arc, time::Duration};

use axum::{
    Json as Answer,
    extract::{DefaultBodyLimit, FromRequest as _, Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    App,
    body::{Json, Path, REPORT_MAX},
    executions::{first_answer, idempotency_key, in_time},
    problem::HttpError,
    routes::Routes,
};
use crate::{
    domain::{
        id::{ExecutionId, Name},
        problem::FieldError,
        time::{millis, spoken},
        workflow::Workflow,
    },
    server::{
        access::{Caller, bearer},
        external::{BeginError, Elsewhere, Heard, INTERRUPT_AFTER, Refused, Wrong},
        journal::Health,
    },
};

/// The longest silence that may be agreed.
const INTERRUPT_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Most bytes of parameters, as JSON: each reader of the execution gets them.
const PARAMS_MAX: usize = 64 * 1024;

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .route("/api/external", post(begin))
        .route("/api/executions/{id}/report", post(report).layer(DefaultBodyLimit::max(REPORT_MAX)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    name: String,
    steps: Option<Vec<StepBody>>,
    #[serde(default)]
    params: Map<String, Value>,
    interrupt_after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    id: String,
    name: Option<String>,
    needs: Option<Vec<String>>,
    weight: Option<f64>,
}

async fn begin(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<BeginBody>,
) -> Result<Response, HttpError> {
    let idempotent = idempotency_key(&headers, &body.digest)?;
    // One keyed start at a time: two requests with one key can't both find that there was none.
    let _turn = if idempotent.is_some() { Some(app.keyed_starts.lock().await) } else { None };
    if let Some(first) = first_answer(&app, &caller.viewer, idempotent.as_ref()).await? {
        return Ok(begun(&app, first.id));
    }
    let BeginBody { name, steps, params, interrupt_after } = body.value;
    if serde_json::to_vec(&params).is_ok_and(|json| json.len() > PARAMS_MAX) {
        return Err(HttpError::field("params", format!("are larger than {} KiB", PARAMS_MAX / 1024)));
    }
    let plan = Arc::new(plan(&name, steps)?);
    let least = app.external.settings().interrupt_after_least;
    let interrupt_after = interrupt_after.map_or(Ok(INTERRUPT_AFTER.max(least)), |text| silence(&text, least))?;
    let what = Elsewhere { plan, params, owner: caller.viewer.name, interrupt_after, idempotent };
    if let Health::Stuck(why) = app.journal.health() {
        return Err(HttpError::Unavailable(format!("nothing was begun: {why}")));
    }
    match in_time(&app.journal, app.external.begin(what)).await? {
        Ok(execution) => Ok(begun(&app, execution.id)),
        Err(full @ BeginError::Full) => Err(HttpError::Unavailable(full.to_string())),
        Err(BeginError::Journal(error)) => Err(error.into()),
    }
}

fn begun(app: &App, id: ExecutionId) -> Response {
    let location = [(header::LOCATION, format!("/api/executions/{id}"))];
    let answer = Answer(json!({ "id": id, "token": app.report_tokens.token(id) }));
    (StatusCode::CREATED, location, answer).into_response()
}

/// The steps as a workflow file would have them, so that the same rules hold: read as one, which YAML's JSON allows.
fn plan(name: &str, steps: Option<Vec<StepBody>>) -> Result<Workflow, HttpError> {
    let name: Name = name.parse().map_err(|error| HttpError::field("name", format!("{error}")))?;
    let steps = steps.unwrap_or_else(|| {
        let id = "main".to_owned();
        vec![StepBody { id, name: None, needs: None, weight: None }]
    });
    let steps: Vec<Value> = steps.into_iter().map(step).collect();
    let text = json!({ "name": name, "steps": steps }).to_string();
    Workflow::parse("external", name.as_str(), &text).map_err(|errors| {
        let field = |path: String| if path.is_empty() { "steps".to_owned() } else { path };
        let errors = errors.into_iter().map(|error| FieldError { field: field(error.path), message: error.message });
        HttpError::Invalid(errors.collect())
    })
}

fn step(step: StepBody) -> Value {
    let StepBody { id, name, needs, weight } = step;
    // Nothing of it is ever run here.
    let mut fields = json!({ "id": id, "run": "exit 1" });
    for (key, value) in
        [("name", name.map(Value::from)), ("needs", needs.map(Value::from)), ("weight", weight.map(Value::from))]
    {
        if let Some(value) = value {
            fields[key] = value;
        }
    }
    fields
}

fn silence(text: &str, least: Duration) -> Result<Duration, HttpError> {
    let shown = |time: Duration| spoken(millis(time));
    match crate::client::arguments::duration(text) {
        Ok(time) if (least..=INTERRUPT_AFTER_MAX).contains(&time) => Ok(time),
        Ok(_) => {
            let message = format!("is {} to {}", shown(least), shown(INTERRUPT_AFTER_MAX));
            Err(HttpError::field("interrupt_after", message))
        }
        Err(message) => Err(HttpError::field("interrupt_after", message)),
    }
}

async fn report(State(app): State<App>, Path(id): Path<ExecutionId>, request: Request) -> Result<Response, HttpError> {
    // Before the body is read.
    if !bearer(request.headers()).is_some_and(|token| app.report_tokens.is_good(id, token)) {
        return Err(HttpError::Unauthenticated);
    }
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => HttpError::TooLarge(REPORT_MAX),
        _ => HttpError::BadRequest("the body broke off".to_owned()),
    })?;
    match in_time(&app.journal, app.external.report(id, body)).await? {
        Ok(heard) => Ok(Answer(told(&heard)).into_response()),
        Err(Refused::Unknown) => Err(HttpError::NotFound),
        Err(Refused::Journal(error)) => Err(error.into()),
        Err(Refused::Ended(heard)) => {
            let ended = HttpError::Conflict(format!("this execution has ended: it is {}", heard.status.word()));
            Ok(with(ended, &[("client_seq", json!(heard.client_seq)), ("execution_status", json!(heard.status))]))
        }
        Err(Refused::Line { line, wrong: Wrong { field, message }, heard }) => {
            let wrong = HttpError::field(&field, format!("line {line}: {message}"));
            Ok(with(wrong, &[("line", json!(line)), ("client_seq", json!(heard.client_seq))]))
        }
    }
}

fn told(heard: &Heard) -> Value {
    json!({ "client_seq": heard.client_seq, "status": heard.status, "cancel": heard.cancel })
}

/// A problem with more members, as RFC 9457, section 3.2, allows.
fn with(error: HttpError, members: &[(&str, Value)]) -> Response {
    let status = error.status();
    let mut document = json!(error.problem());
    for (name, value) in members {
        document[*name] = value.clone();
    }
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, document.to_string()).into_response()
}
