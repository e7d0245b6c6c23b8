//! Tokens, by which programs act for a user.

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
    routing::{delete, get},
};
use http::{StatusCode, header};
use serde::Serialize;

use super::{
    body::Path,
    fields::Fields,
    problem::HttpError,
    routes::Routes,
    users::{Listed, Owner},
};
use crate::server::access::{Access, Token, TokenId};

/// The routes of this file.
pub fn routes<S>() -> Routes<S>
where
    Access: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    Routes::new().route("/api/tokens", get(list).post(create)).route("/api/tokens/{id}", delete(remove))
}

/// A new token, with the text that is told only now.
#[derive(Serialize)]
struct Created {
    id: TokenId,
    name: String,
    token: String,
}

async fn list(State(access): State<Access>, owner: Owner) -> Result<Json<Listed<Token>>, HttpError> {
    let items = match owner.is_everybody() {
        true => access.list_all_tokens().await?,
        false => access.list_tokens(owner.whose()).await?,
    };
    Ok(Json(Listed { items }))
}

async fn create(State(access): State<Access>, owner: Owner, mut fields: Fields) -> Result<Response, HttpError> {
    if owner.is_everybody() {
        return Err(HttpError::NotFound);
    }
    let label = fields.text("name")?;
    fields.done()?;
    let (id, token) = access.create_token(owner.whose(), &label).await?;
    let place = format!("/api/tokens/{id}");
    let created = Created { id, name: label.trim().to_owned(), token };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(created)).into_response())
}

async fn remove(State(access): State<Access>, owner: Owner, Path(id): Path<TokenId>) -> Result<StatusCode, HttpError> {
    access.delete_token(id, owner.limit()).await?;
    Ok(StatusCode::NO_CONTENT)
}
