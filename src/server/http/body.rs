//! Reading what a caller sent: JSON bodies and query strings, with errors that say what is wrong with them.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Query as AxumQuery, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::problem::HttpError;

/// Largest body of a request, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;

/// Largest report of work that runs elsewhere, in bytes.
pub const REPORT_MAX: usize = 8 * 1024 * 1024;

/// A body as it is.
pub struct Whole(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => HttpError::TooLarge(BODY_MAX),
            _ => HttpError::BadRequest("the body broke off".to_owned()),
        })
    }
}

/// A JSON body, whatever its content type says.
pub struct Json<T> {
    /// What it holds.
    pub value: T,
    /// SHA-256 of its bytes.
    pub digest: Vec<u8>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let Whole(bytes) = Whole::from_request(request, state).await?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| HttpError::BadRequest(format!("the body is not the JSON that belongs here: {error}")))?;
        Ok(Self { value, digest: Sha256::digest(&bytes).to_vec() })
    }
}

/// The query of an address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        AxumQuery::try_from_uri(&parts.uri)
            .map(|AxumQuery(query)| Self(query))
            .map_err(|error| HttpError::BadRequest(format!("the address's query can't be read: {}", error.body_text())))
    }
}

/// A part of the path that has a type; what can't be one is not there.
pub struct Path<T>(pub T);

impl<T: std::str::FromStr + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let axum::extract::Path(text) =
            axum::extract::Path::<String>::from_request_parts(parts, state).await.map_err(|_| HttpError::NotFound)?;
        text.parse().map(Self).map_err(|_| HttpError::NotFound)
    }
}

/// How much of a body that is too large is read and thrown away, in bytes, and for how long: who is still sending would
/// find a connection that broke instead of the answer.
const THROWN_AWAY_MAX: usize = 16 * 1024 * 1024;
const THROWING_AWAY_MAX: Duration = Duration::from_secs(5);

/// Refuses a body that says it is too large; one that does not say is cut off while read.
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let report = path.starts_with("/api/executions/") && path.ends_with("/report");
    let longest = if report { REPORT_MAX } else { BODY_MAX };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.is_some_and(|length| length.parse::<usize>().is_ok_and(|length| length > longest)) {
        // Who expects to be asked before sending is not asked to.
        if !request.headers().contains_key(header::EXPECT) {
            let mut rest = Limited::new(request.into_body(), THROWN_AWAY_MAX);
            let read = async { while rest.frame().await.is_some_and(|frame| frame.is_ok()) {} };
            let _ = tokio::time::timeout(THROWING_AWAY_MAX, read).await;
        }
        return HttpError::TooLarge(longest).into_response();
    }
    next.run(request.map(|body| Body::new(Limited::new(body, longest)))).await
}
