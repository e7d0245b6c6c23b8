//! Groups: made by admins, seen by who is in them.

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};

use super::{
    body::Path,
    fields::{Fields, invalid},
    problem::HttpError,
    routes::Routes,
    users::Listed,
};
use crate::{
    domain::{administration::UserGroup, id::Name, problem::FieldError},
    server::access::{Access, AccessError, Caller, MEMBERS_MAX, Members},
};

/// The routes of this file.
pub fn routes<S>() -> Routes<S>
where
    Access: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    Routes::new()
        .route("/api/groups", get(list).post(add))
        .route("/api/groups/{name}", get(one).patch(change).delete(remove))
}

async fn list(State(access): State<Access>, caller: Caller) -> Result<Json<Listed<UserGroup>>, HttpError> {
    let member = (!caller.viewer.is_admin()).then_some(&caller.viewer.name);
    Ok(Json(Listed { items: access.list_groups(member).await? }))
}

async fn one(
    State(access): State<Access>,
    caller: Caller,
    Path(name): Path<Name>,
) -> Result<Json<UserGroup>, HttpError> {
    find(&access, &caller, &name).await.map(Json)
}

async fn add(State(access): State<Access>, caller: Caller, mut fields: Fields) -> Result<Response, HttpError> {
    caller.require_admin()?;
    let name = fields.parsed::<Name>("name")?;
    let members = members(&mut fields)?.unwrap_or_default();
    fields.done()?;
    let group = access.add_group(name, &members).await.map_err(|error| named(error, &members))?;
    let place = format!("/api/groups/{}", group.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(group)).into_response())
}

async fn change(
    State(access): State<Access>,
    caller: Caller,
    Path(name): Path<Name>,
    mut fields: Fields,
) -> Result<Json<UserGroup>, HttpError> {
    let group = find(&access, &caller, &name).await?;
    caller.require_admin()?;
    let members = members(&mut fields)?;
    fields.done()?;
    let Some(members) = members else { return Ok(Json(group)) };
    let changed = access.change_group(&name, &members, Members::Are).await;
    Ok(Json(changed.map_err(|error| named(error, &members))?))
}

async fn remove(State(access): State<Access>, caller: Caller, Path(name): Path<Name>) -> Result<StatusCode, HttpError> {
    find(&access, &caller, &name).await?;
    caller.require_admin()?;
    access.remove_group(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The group, if the caller may know that it is there.
async fn find(access: &Access, caller: &Caller, name: &Name) -> Result<UserGroup, HttpError> {
    let may = caller.viewer.is_admin() || caller.viewer.groups.contains(name);
    let group = if may { access.group(name).await? } else { None };
    group.ok_or(HttpError::NotFound)
}

/// Users' names, each refused by its place.
fn members(fields: &mut Fields) -> Result<Option<Vec<Name>>, HttpError> {
    let Some(texts) = fields.texts("members", MEMBERS_MAX)? else { return Ok(None) };
    let (mut names, mut errors) = (Vec::with_capacity(texts.len()), Vec::new());
    for (place, text) in texts.into_iter().enumerate() {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(error) => errors.push(FieldError { field: format!("members[{place}]"), message: format!("{error}") }),
        }
    }
    if errors.is_empty() { Ok(Some(names)) } else { Err(HttpError::Invalid(errors)) }
}

/// An unknown member, by their place among those that were given.
fn named(error: AccessError, members: &[Name]) -> HttpError {
    let place = match &error {
        AccessError::NoSuchMember(name) => members.iter().position(|member| member == name),
        _ => None,
    };
    match place {
        Some(place) => invalid(&format!("members[{place}]"), error),
        None => error.into(),
    }
}
