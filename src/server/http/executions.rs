//! `/api/executions`: start, list, look, stop, and read the output.

use axum::{
    Json as Answer,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    App,
    body::{Json, Path, Query},
    problem::HttpError,
    routes::Routes,
};
use crate::{
    domain::{
        access::Viewer,
        event::Trigger,
        execution::{Execution, Item, Status},
        id::{ExecutionId, Name, StepId},
        listing::{self, LogLine, OUT_OF_SYNC, PAGE_MAX, When},
        state_hash::StateHash,
    },
    server::{
        access::Caller,
        clock,
        engine::{Order, RerunFrom},
        journal::{Beside, Health, Idempotent, Journal, JournalError},
    },
};

/// Longest `Idempotency-Key`, in bytes.
const KEY_MAX: usize = 255;
/// Most lines that are read from the journal at once for a log.
const LOG_PAGE: usize = 2_000;

pub(super) fn routes() -> Routes<App> {
    Routes::new()
        .route("/api/executions", get(list).post(start))
        .route("/api/executions/{id}", get(snapshot))
        .route("/api/executions/{id}/cancel", post(cancel))
        .route("/api/executions/{id}/rerun", post(rerun))
        .route("/api/executions/{id}/log", get(log))
}

/// The execution, if `viewer` may see it; if not, it is not there.
pub(super) async fn visible(journal: &Journal, viewer: &Viewer, id: ExecutionId) -> Result<Execution, HttpError> {
    let execution = journal.snapshot(id).await?.ok_or(HttpError::NotFound)?;
    if execution.visible_to(viewer) { Ok(execution) } else { Err(HttpError::NotFound) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    workflow: String,
    #[serde(default)]
    params: Map<String, Value>,
}

async fn start(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Json<StartBody>,
) -> Result<Response, HttpError> {
    let idempotent = idempotency_key(&headers, &body.digest)?;
    // One keyed start at a time: two requests with one key can't both find that there was none.
    let _turn = if idempotent.is_some() { Some(app.keyed_starts.lock().await) } else { None };
    if let Some(first) = first_answer(&app, &caller.viewer, idempotent.as_ref()).await? {
        return Ok(created(first));
    }
    let name: Name = body.value.workflow.parse().map_err(|_| HttpError::NotFound)?;
    let workflow = app.workflows.startable(&caller.viewer, &name)?;
    let params = workflow.bind(&body.value.params).map_err(HttpError::Invalid)?;
    let trigger = if caller.by_token() { Trigger::Api } else { Trigger::Manual };
    let beside = Beside { idempotent, ..Beside::default() };
    let order = Order { workflow, params, owner: caller.viewer.name, trigger, beside };
    if let Health::Stuck(why) = app.journal.health() {
        return Err(HttpError::Unavailable(format!("nothing was started: {why}")));
    }
    Ok(created(in_time(&app.journal, app.engine.start(order)).await??))
}

/// What `work` comes to, unless the journal keeps it waiting because it can't write.
pub(super) async fn in_time<T>(journal: &Journal, work: impl Future<Output = T>) -> Result<T, HttpError> {
    tokio::select! {
        done = work => Ok(done),
        why = journal.stuck() => {
            Err(HttpError::Unavailable(format!("{why}; this request as well, so look before you repeat it")))
        }
    }
}

fn created(execution: Execution) -> Response {
    let location = format!("/api/executions/{}", execution.id);
    (StatusCode::CREATED, [(header::LOCATION, location)], Answer(Snapshot::from(execution))).into_response()
}

/// The request's key, if it has one; `digest` is the SHA-256 of its body.
pub(super) fn idempotency_key(headers: &HeaderMap, digest: &[u8]) -> Result<Option<Idempotent>, HttpError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=KEY_MAX).contains(&key.len()) => {
            Ok(Some(Idempotent { key: key.to_owned(), request: digest.to_vec() }))
        }
        _ => Err(HttpError::BadRequest(format!("an Idempotency-Key is 1 to {KEY_MAX} printable ASCII characters"))),
    }
}

/// What the first request with this key began.
pub(super) async fn first_answer(
    app: &App,
    viewer: &Viewer,
    idempotent: Option<&Idempotent>,
) -> Result<Option<Execution>, HttpError> {
    let Some(Idempotent { key, request }) = idempotent else { return Ok(None) };
    let Some((id, first)) = app.journal.keyed(&viewer.name, key, clock::now()).await? else { return Ok(None) };
    if first != *request {
        let message = "this key was used for another request in the last 24 hours; take a new one";
        return Err(HttpError::field("Idempotency-Key", message));
    }
    Ok(app.journal.snapshot(id).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    status: Option<String>,
    workflow: Option<Name>,
    owner: Option<Name>,
    trigger: Option<Trigger>,
    from: Option<When>,
    to: Option<When>,
    ended_from: Option<When>,
    q: Option<String>,
    limit: Option<usize>,
    before: Option<ExecutionId>,
}

impl TryFrom<ListQuery> for listing::Query {
    type Error = HttpError;

    fn try_from(query: ListQuery) -> Result<Self, HttpError> {
        let words = query.status.iter().flat_map(|words| words.split(',')).filter(|word| !word.is_empty());
        let status = words.map(str::parse::<Status>).collect::<Result<_, _>>();
        if query.limit.is_some_and(|limit| !(1..=PAGE_MAX).contains(&limit)) {
            return Err(HttpError::BadRequest(format!("limit is 1 to {PAGE_MAX}")));
        }
        Ok(listing::Query {
            status: status.map_err(|error| HttpError::BadRequest(error.to_string()))?,
            workflow: query.workflow,
            owner: query.owner,
            trigger: query.trigger,
            from: query.from,
            to: query.to,
            ended_from: query.ended_from,
            q: query.q,
            limit: query.limit,
            before: query.before,
        })
    }
}

async fn list(State(app): State<App>, caller: Caller, Query(query): Query<ListQuery>) -> Result<Response, HttpError> {
    let listing = app.journal.list(&caller.viewer.scope(), &query.try_into()?).await?;
    let items: Vec<Item> = listing.items.into_iter().map(Item::from).collect();
    Ok(Answer(json!({ "items": items, "next": listing.next, "head": listing.head })).into_response())
}

/// A snapshot, with the hash by which somebody who folded the same facts sees that they are in sync.
#[derive(Serialize)]
struct Snapshot {
    #[serde(flatten)]
    execution: Execution,
    hash: StateHash,
}

async fn snapshot(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    headers: HeaderMap,
) -> Result<Answer<Snapshot>, HttpError> {
    let execution = visible(&app.journal, &caller.viewer, id).await?;
    if let Some(seq) = headers.get(OUT_OF_SYNC) {
        tracing::warn!(%id, ?seq, "somebody who follows an execution was not in sync with it");
        app.metrics.out_of_sync.inc();
    }
    Ok(Answer(execution.into()))
}

impl From<Execution> for Snapshot {
    fn from(execution: Execution) -> Self {
        Self { hash: execution.state_hash(), execution }
    }
}

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
) -> Result<(StatusCode, Answer<Snapshot>), HttpError> {
    visible(&app.journal, &caller.viewer, id).await?;
    if app.external.has(id) {
        app.external.cancel(id, &caller.viewer.name).await?;
    } else {
        app.engine.cancel(id, &caller.viewer.name).await?;
    }
    in_time(&app.journal, app.journal.flush()).await??;
    Ok((StatusCode::ACCEPTED, Answer(visible(&app.journal, &caller.viewer, id).await?.into())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RerunBody {
    #[serde(default)]
    from: RerunFrom,
}

/// Runs it again, as its workflow is now, for the caller.
async fn rerun(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    body: Json<RerunBody>,
) -> Result<Response, HttpError> {
    let execution = visible(&app.journal, &caller.viewer, id).await?;
    if execution.trigger == Trigger::External {
        return Err(HttpError::Conflict("it ran elsewhere: run it again there".to_owned()));
    }
    let workflow = app.workflows.startable(&caller.viewer, &execution.workflow).map_err(|error| match error {
        HttpError::NotFound => HttpError::Conflict(format!("there is no workflow {} any more", execution.workflow)),
        error => error,
    })?;
    if let Health::Stuck(why) = app.journal.health() {
        return Err(HttpError::Unavailable(format!("nothing was started: {why}")));
    }
    let begun = app.engine.rerun(execution, workflow, caller.viewer.name, body.value.from);
    Ok(created(in_time(&app.journal, begun).await??))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    step: Option<StepId>,
    #[serde(default)]
    from: u64,
    limit: Option<u64>,
}

async fn log(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ExecutionId>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let execution = visible(&app.journal, &caller.viewer, id).await?;
    if query.step.as_ref().is_some_and(|step| execution.step(step).is_none()) {
        return Err(HttpError::NotFound);
    }
    let wants = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (format, content_type): (fn(&LogLine) -> String, _) = if wants.contains("application/x-ndjson") {
        (ndjson, "application/x-ndjson")
    } else {
        (plain, "text/plain; charset=utf-8")
    };
    let rest = LogRest { from: query.from, left: query.limit.unwrap_or(u64::MAX), step: query.step };
    let pages = stream::try_unfold(rest, move |rest| rest.next(app.journal.clone(), id, format));
    let headers = [(header::CONTENT_TYPE, content_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// What of a log is still to be sent.
struct LogRest {
    from: u64,
    left: u64,
    step: Option<StepId>,
}

impl LogRest {
    async fn next(
        self,
        journal: Journal,
        id: ExecutionId,
        format: fn(&LogLine) -> String,
    ) -> Result<Option<(String, LogRest)>, JournalError> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(LOG_PAGE);
        let lines = if limit == 0 { Vec::new() } else { journal.log(id, self.step.as_ref(), self.from, limit).await? };
        let Some(last) = lines.last() else { return Ok(None) };
        let rest = LogRest { from: last.n + 1, left: self.left - lines.len() as u64, step: self.step };
        Ok(Some((lines.iter().map(format).collect(), rest)))
    }
}

fn plain(line: &LogLine) -> String {
    format!("{}\n", line.line.text)
}

fn ndjson(line: &LogLine) -> String {
    // A line is text and numbers: it can always be written.
    serde_json::to_string(line).map(|text| text + "\n").unwrap_or_default()
}
