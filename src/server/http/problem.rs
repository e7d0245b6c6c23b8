//! Errors at the edge: every one becomes a problem document (RFC 9457), and inner text stays inside.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    domain::problem::{FieldError, Problem},
    server::{
        engine::{NotRunning, RerunError},
        journal::JournalError,
    },
};

/// What a request is refused with.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// 400: it can't be read; why.
    #[error("{0}")]
    BadRequest(String),
    /// 401.
    #[error("sign in, or send a token: `Authorization: Bearer rc_…`")]
    Unauthenticated,
    /// 401: a call that is not signed as it must be. One text for all that can be wrong with it.
    #[error(
        "X-Runcast-Signature is missing, wrong, or of another time: it is t=<seconds since 1970, now>,v1=<the \
         hexadecimal HMAC-SHA256 of \"<t>.<body>\", with the secret that the workflow's file names>"
    )]
    Unsigned,
    /// 403: the caller may see it but not do this; why.
    #[error("{0}")]
    Forbidden(String),
    /// 404: it is not there, or not for the caller.
    #[error("there is no such thing here, or it is not yours to see")]
    NotFound,
    /// 405.
    #[error("this address does not take this method")]
    WrongMethod,
    /// 409: it makes no sense now; why.
    #[error("{0}")]
    Conflict(String),
    /// 413.
    #[error("the request's body is larger than {} KiB", .0 / 1024)]
    TooLarge(usize),
    /// 422: these fields are wrong.
    #[error("the input has errors")]
    Invalid(Vec<FieldError>),
    /// 429.
    #[error("too many attempts; try again in {} seconds", .retry_after.as_secs().max(1))]
    TooMany {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// 503: the server can't do it now; why.
    #[error("{0}")]
    Unavailable(String),
    /// 500: our fault; it is in the server's log.
    #[error("the server failed; its log says why")]
    Internal,
}

impl HttpError {
    /// One wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            HttpError::BadRequest(_) => StatusCode::BAD_REQUEST,
            HttpError::Unauthenticated | HttpError::Unsigned => StatusCode::UNAUTHORIZED,
            HttpError::Forbidden(_) => StatusCode::FORBIDDEN,
            HttpError::NotFound => StatusCode::NOT_FOUND,
            HttpError::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            HttpError::Conflict(_) => StatusCode::CONFLICT,
            HttpError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            HttpError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            HttpError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            HttpError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            HttpError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The document that tells it.
    pub fn problem(self) -> Problem {
        let status = self.status();
        let detail = Some(self.to_string());
        let errors = if let HttpError::Invalid(errors) = self { errors } else { Vec::new() };
        Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail,
            errors,
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after =
            if let HttpError::TooMany { retry_after } = &self { Some(retry_after.as_secs().max(1)) } else { None };
        let document = serde_json::to_vec(&self.problem()).unwrap_or_default();
        let mut response = (status, document).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<NotRunning> for HttpError {
    fn from(error: NotRunning) -> Self {
        HttpError::Conflict(error.to_string())
    }
}

impl From<RerunError> for HttpError {
    fn from(error: RerunError) -> Self {
        match error {
            RerunError::Journal(error) => error.into(),
            error => HttpError::Conflict(error.to_string()),
        }
    }
}

impl From<JournalError> for HttpError {
    fn from(error: JournalError) -> Self {
        tracing::error!(%error, "a request failed");
        HttpError::Internal
    }
}
