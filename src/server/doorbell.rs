//! What the pages' server functions ring: who asks, one call, the answer.

use axum::http::request::Parts;
use leptos::prelude::{ServerFnError, use_context};

use super::{
    access::{Caller, MaybeCaller, Session, Token, User},
    clock,
    http::{App, HttpError, workflows},
    journal::JournalError,
    overview::STREAMS_MAX,
};
use crate::domain::{
    access::{Viewer, visible},
    administration::{Contents, Room},
    differences::{Differences, Failure},
    execution::Execution,
    followed::{FOLLOWED_MAX, Followed},
    id::{ExecutionId, Name, Seq},
    listing::{Listing, Opening, Overview, Query, WorkflowFolder, WorkflowSheet, WorkflowView},
    usual::UsualRun,
};

/// How many of its last lines an execution's page opens with.
const OPENING_LINES: u64 = 500;

type Answer<T> = Result<T, ServerFnError>;

/// A page of the caller's executions.
pub async fn executions(query: Query) -> Answer<Listing> {
    let (app, caller) = asks()?;
    let listing = app.journal.list(&caller.viewer.scope(), &query).await.map_err(failed)?;
    let items = listing.items.into_iter().map(Execution::listed).collect();
    Ok(Listing { items, ..listing })
}

/// What is alive, and the last hour, of the caller's executions.
pub async fn overview() -> Answer<Overview> {
    let (app, caller) = asks()?;
    let mut overview = app.journal.overview(&caller.viewer.scope(), clock::now()).await.map_err(failed)?;
    for list in [&mut overview.running, &mut overview.queued, &mut overview.ended] {
        *list = std::mem::take(list).into_iter().map(Execution::listed).collect();
    }
    Ok(overview)
}

/// What an execution's page opens with; none if it is not there, or not the caller's to see.
pub async fn execution(id: ExecutionId) -> Answer<Option<Opening>> {
    let (app, caller) = asks()?;
    let opening = app.journal.opening(id, OPENING_LINES).await.map_err(failed)?;
    let Some(opening) = opening.filter(|opening| visible(&caller.viewer, &opening.execution.owner)) else {
        return Ok(None);
    };
    let failure = why(&app, &caller.viewer, &opening.execution).await.map_err(failed)?;
    let (reruns, kept) = if opening.execution.status.is_final() {
        let reruns = app.journal.reruns(&caller.viewer.scope(), &opening.execution).await.map_err(failed)?;
        (reruns, app.engine.keeps(id).await)
    } else {
        (Vec::new(), true)
    };
    let usual = app.journal.usual_run(&opening.execution).await.map_err(failed)?;
    Ok(Some(Opening { failure, reruns, kept, usual, ..opening }))
}

/// What there is to know of why an execution failed; none if it did not, or is not the caller's to see.
pub async fn failure_of(id: ExecutionId) -> Answer<Option<Failure>> {
    let (app, caller) = asks()?;
    match app.journal.snapshot(id).await.map_err(failed)? {
        Some(execution) if execution.visible_to(&caller.viewer) => {
            why(&app, &caller.viewer, &execution).await.map_err(failed)
        }
        _ => Ok(None),
    }
}

async fn why(app: &App, viewer: &Viewer, execution: &Execution) -> Result<Option<Failure>, JournalError> {
    let Some(error) = &execution.error else { return Ok(None) };
    let step = error.step.as_ref().and_then(|step| execution.step(step));
    let lines = match step {
        Some(step) => app.journal.last_lines(execution.id, &step.id, step.lines, error.tail.len()).await?,
        None => Vec::new(),
    };
    let good = app.journal.last_good(&viewer.scope(), &execution.workflow, execution.id).await?;
    let differences = good.map(|good| Differences::of(&good, execution));
    Ok(Some(Failure { lines, differences }))
}

/// What the caller may start.
pub async fn workflows() -> Answer<Vec<WorkflowView>> {
    let (app, caller) = asks()?;
    workflows::all(&app, &caller.viewer).await.map_err(failed)
}

/// The same with its place in the order. The places are looked up first, so that nothing falls between.
pub async fn folder() -> Answer<WorkflowFolder> {
    let (app, caller) = asks()?;
    let head = app.journal.head().await.map_err(failed)?;
    let version = app.feed.folder();
    let workflows = workflows::all(&app, &caller.viewer).await.map_err(failed)?;
    Ok(WorkflowFolder { head, version, workflows })
}

/// One of them, with its file.
pub async fn workflow(name: Name) -> Answer<Option<WorkflowSheet>> {
    let (app, caller) = asks()?;
    let version = app.feed.folder();
    let found = workflows::find(&app, &caller.viewer, &name).await.map_err(failed)?;
    let Some((workflow, file)) = found.zip(app.workflows.file(&caller.viewer, &name)) else { return Ok(None) };
    let pasts = app.journal.step_pasts(&name).await.map_err(failed)?;
    let usual = UsualRun::of(workflow.steps.iter().map(|step| (&step.id, step.needs.as_slice())), &pasts);
    Ok(Some(WorkflowSheet { version, workflow, file, usual }))
}

/// What is in a part of the settings; none if the caller may not see it.
pub async fn room(which: Room) -> Answer<Option<Contents>> {
    let (app, caller) = asks()?;
    let (access, own) = (&app.access, &caller.viewer.name);
    let sessions = |found: Vec<Session>| found.into_iter().map(|one| one.shown_to(caller.credential)).collect();
    let tokens = |found: Vec<Token>| found.into_iter().map(Into::into).collect();
    let accounts = |found: Vec<User>| found.into_iter().map(Into::into).collect();
    if which != Room::Profile && !caller.viewer.is_admin() {
        return Ok(None);
    }
    Ok(Some(match which {
        Room::Profile => Contents::Profile {
            viewer: caller.viewer.clone(),
            sessions: sessions(access.list_sessions(own).await.map_err(failed)?),
            tokens: tokens(access.list_tokens(own).await.map_err(failed)?),
        },
        Room::Users => Contents::Users(accounts(access.list_users().await.map_err(failed)?)),
        Room::Groups => {
            let groups = access.list_groups(None).await.map_err(failed)?;
            Contents::Groups(groups, accounts(access.list_users().await.map_err(failed)?))
        }
        Room::Sessions => Contents::Sessions(sessions(access.list_all_sessions().await.map_err(failed)?)),
        Room::Tokens => Contents::Tokens(
            accounts(access.list_users().await.map_err(failed)?),
            tokens(access.list_all_tokens().await.map_err(failed)?),
        ),
        Room::Streams => Contents::Streams(app.feed.streams(STREAMS_MAX)),
        Room::Health => Contents::Health(Box::new(app.overview.health(&app).await.map_err(failed)?)),
        Room::Configuration => Contents::Configuration(app.overview.settings().to_vec()),
    }))
}

/// What the caller follows, as far as they may see it.
pub async fn followed(what: Vec<Followed>) -> Answer<Vec<(Followed, Execution)>> {
    let (app, caller) = asks()?;
    let mut found = Vec::new();
    for one in what.into_iter().take(FOLLOWED_MAX) {
        let execution = match &one {
            Followed::Execution(id) => app.journal.snapshot(*id).await.map_err(failed)?,
            Followed::Workflow(name) => {
                let query = Query { workflow: Some(name.clone()), limit: Some(1), ..Query::default() };
                app.journal.list(&caller.viewer.scope(), &query).await.map_err(failed)?.items.pop()
            }
        };
        let seen = execution.filter(|execution| visible(&caller.viewer, &execution.owner));
        found.extend(seen.map(|execution| (one, execution.listed())));
    }
    Ok(found)
}

/// Who asks, if they have signed in.
pub async fn me() -> Answer<Option<Viewer>> {
    Ok(caller().map(|caller| caller.viewer))
}

/// The server's last committed fact.
pub async fn head() -> Answer<Seq> {
    let (app, _) = asks()?;
    app.journal.head().await.map_err(failed)
}

fn caller() -> Option<Caller> {
    let parts = use_context::<Parts>()?;
    parts.extensions.get::<MaybeCaller>()?.0.clone()
}

fn asks() -> Answer<(App, Caller)> {
    let app = use_context::<App>().ok_or_else(|| failed(HttpError::Internal))?;
    Ok((app, caller().ok_or_else(|| failed(HttpError::Unauthenticated))?))
}

fn failed(error: impl Into<HttpError>) -> ServerFnError {
    ServerFnError::new(error.into().problem())
}
