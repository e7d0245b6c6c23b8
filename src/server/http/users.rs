//! Users, for admins; and a user's own password.

use axum::{
    Json,
    extract::{FromRef, FromRequestParts, Query, State},
    response::{IntoResponse, Response},
    routing::{get, patch},
};
use http::{StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};

use super::{
    body::Path,
    fields::{Fields, invalid},
    problem::HttpError,
    routes::Routes,
};
use crate::{
    domain::{access::Role, id::Name},
    server::access::{Access, AccessError, Caller, Peer, User, UserChange},
};

/// The routes of this file.
pub fn routes<S>() -> Routes<S>
where
    Access: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    Routes::new().route("/api/users", get(list).post(add)).route("/api/users/{name}", patch(change).delete(remove))
}

/// A list, in an object that can get more fields.
#[derive(Serialize)]
pub struct Listed<T> {
    /// What is in it.
    pub items: Vec<T>,
}

async fn list(State(access): State<Access>, caller: Caller) -> Result<Json<Listed<User>>, HttpError> {
    caller.require_admin()?;
    Ok(Json(Listed { items: access.list_users().await? }))
}

async fn add(State(access): State<Access>, caller: Caller, mut fields: Fields) -> Result<Response, HttpError> {
    caller.require_admin()?;
    let name = fields.parsed::<Name>("name")?;
    let role = role(&mut fields)?.unwrap_or(Role::User);
    let password = fields.text("password")?;
    fields.done()?;
    let user = access.add_user(name, role, &password).await?;
    let place = format!("/api/users/{}", user.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(user)).into_response())
}

async fn change(
    State(access): State<Access>,
    caller: Caller,
    peer: Peer,
    Path(name): Path<String>,
    mut fields: Fields,
) -> Result<Json<User>, HttpError> {
    let name = whom(&caller, &name)?;
    let (role, password) = (role(&mut fields)?, fields.optional("password")?);
    let current = fields.optional("current_password")?;
    fields.done()?;
    if role.is_some() {
        caller.require_admin()?;
    }
    match current {
        Some(current) if name == caller.viewer.name => confirm(&access, &name, &current, &peer).await?,
        None if password.is_some() && !caller.viewer.is_admin() => {
            return Err(invalid("current_password", "is missing: say the password that you have now"));
        }
        _ => {}
    }
    let change = UserChange { role, password, keep: Some(caller.credential) };
    Ok(Json(access.change_user(&name, change).await?))
}

async fn remove(
    State(access): State<Access>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, HttpError> {
    caller.require_admin()?;
    access.remove_user(&whom(&caller, &name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The user that a path names, if the caller may change them: an admin anybody, a user themselves.
fn whom(caller: &Caller, name: &str) -> Result<Name, HttpError> {
    if caller.viewer.name.as_str() != name {
        caller.require_admin()?;
    }
    name.parse().map_err(|_| HttpError::NotFound)
}

async fn confirm(access: &Access, name: &Name, current: &str, peer: &Peer) -> Result<(), HttpError> {
    access.confirm(name, current, peer).await.map_err(|error| match error {
        AccessError::WrongPassword => invalid("current_password", "is not your password"),
        error => error.into(),
    })
}

fn role(fields: &mut Fields) -> Result<Option<Role>, HttpError> {
    match fields.optional("role")?.as_deref() {
        None => Ok(None),
        Some("admin") => Ok(Some(Role::Admin)),
        Some("user") => Ok(Some(Role::User)),
        Some(_) => Err(invalid("role", "is admin or user")),
    }
}

/// Whose things a request is about: the caller's own, or for an admin anybody's by `?owner=`.
///
/// `?owner=*` is everybody, where a list is asked for.
pub struct Owner {
    caller: Caller,
    named: Option<Name>,
    everybody: bool,
}

/// As the name of an owner: all of them. No user can have it.
const EVERYBODY: &str = "*";

impl Owner {
    /// Whether everybody's things are asked for.
    pub fn is_everybody(&self) -> bool {
        self.everybody
    }

    /// Whose list it is.
    pub fn whose(&self) -> &Name {
        self.named.as_ref().unwrap_or(&self.caller.viewer.name)
    }

    /// Whose a thing that is named by its id must be; anybody's, for an admin who names nobody.
    pub fn limit(&self) -> Option<&Name> {
        if self.caller.viewer.is_admin() { self.named.as_ref() } else { Some(self.whose()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        #[derive(Deserialize)]
        struct Asked {
            owner: Option<String>,
        }
        let caller = Caller::from_request_parts(parts, state).await?;
        let Query(Asked { owner }) = Query::try_from_uri(&parts.uri)
            .map_err(|error| HttpError::BadRequest(format!("the query is broken: {error}")))?;
        let everybody = owner.as_deref() == Some(EVERYBODY);
        if everybody && !caller.viewer.is_admin() {
            return Err(HttpError::NotFound);
        }
        let owner = owner.filter(|_| !everybody);
        let named = owner.map(|owner| owner.parse::<Name>().map_err(|_| HttpError::NotFound)).transpose()?;
        if named.as_ref().is_some_and(|named| *named != caller.viewer.name) && !caller.viewer.is_admin() {
            return Err(HttpError::NotFound);
        }
        Ok(Owner { caller, named, everybody })
    }
}
