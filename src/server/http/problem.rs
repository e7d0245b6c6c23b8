//! Errors as HTTP tells them.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::domain::problem::{FieldError, Problem};

/// What goes wrong with a request.
#[derive(Debug)]
pub enum HttpError {
    /// 400
    BadRequest(String),
    /// 401
    Unauthenticated,
    /// 403
    Forbidden(String),
    /// 404
    NotFound,
    /// 409
    Conflict(String),
    /// 413
    TooLarge,
    /// 422
    Invalid(Vec<FieldError>),
    /// 429
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// 500
    Internal,
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut errors = Vec::new();
        let mut wait = None;
        let (status, detail) = match self {
            HttpError::BadRequest(detail) => (StatusCode::BAD_REQUEST, Some(detail)),
            HttpError::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
            HttpError::Forbidden(detail) => (StatusCode::FORBIDDEN, Some(detail)),
            HttpError::NotFound => (StatusCode::NOT_FOUND, None),
            HttpError::Conflict(detail) => (StatusCode::CONFLICT, Some(detail)),
            HttpError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
            HttpError::Invalid(list) => {
                errors = list;
                (StatusCode::UNPROCESSABLE_ENTITY, None)
            }
            HttpError::TooMany { retry_after } => {
                wait = Some(retry_after.as_secs().max(1));
                (StatusCode::TOO_MANY_REQUESTS, None)
            }
            HttpError::Internal => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let problem = Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail,
            errors,
        };
        let mut response = (status, axum::Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        }
        response
    }
}
