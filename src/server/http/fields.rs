//! The fields of a small request body, read one by one, each refused by its name.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Bytes,
    extract::{Form, FromRequest, Request, rejection::FormRejection},
    response::IntoResponse,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::{body::BODY_MAX, problem::HttpError};
use crate::domain::problem::FieldError;

/// A JSON object, or a form where the page's script is not there yet. What nobody takes is refused by [`done`](Self::done).
pub struct Fields {
    given: Map<String, Value>,
    form: bool,
}

impl Fields {
    /// Whether it is a form that a browser sent by itself, and that wants a page for an answer.
    pub fn is_form(&self) -> bool {
        self.form
    }

    /// A text that need not be there; `null` is as good as absent.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] when it is no text.
    pub fn optional(&mut self, field: &str) -> Result<Option<String>, HttpError> {
        match self.given.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(field, "must be a string")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] when it is not there or no text.
    pub fn text(&mut self, field: &str) -> Result<String, HttpError> {
        self.optional(field)?.ok_or_else(|| invalid(field, "is missing"))
    }

    /// A list of texts that need not be there, of `max` at most.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] when it is no list, has too many items, or an item is no text.
    pub fn texts(&mut self, field: &str, max: usize) -> Result<Option<Vec<String>>, HttpError> {
        let items = match self.given.remove(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) if items.len() <= max => items,
            Some(Value::Array(items)) => {
                return Err(invalid(field, format!("has {max} items at most, not {}", items.len())));
            }
            Some(_) => return Err(invalid(field, "must be a list of strings")),
        };
        let text = |(place, item)| match item {
            Value::String(text) => Ok(text),
            _ => Err(invalid(&format!("{field}[{place}]"), "must be a string")),
        };
        items.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Like [`text`](Self::text), and it means something.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] with the reason of its parser as well.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, field: &str) -> Result<T, HttpError> {
        self.text(field)?.parse().map_err(|error: T::Err| invalid(field, error))
    }

    /// Everything has been taken.
    ///
    /// # Errors
    /// [`HttpError::Invalid`] with each field that has not.
    pub fn done(self) -> Result<(), HttpError> {
        if self.given.is_empty() {
            return Ok(());
        }
        let unknown = |(field, _)| FieldError { field, message: "is not a field of this request".into() };
        Err(HttpError::Invalid(self.given.into_iter().map(unknown).collect()))
    }
}

/// One field is wrong.
pub fn invalid(field: &str, message: impl Display) -> HttpError {
    HttpError::Invalid(vec![FieldError { field: field.into(), message: message.to_string() }])
}

/// Whether a browser sent this by itself. `curl -d '{…}'` says that it is a form, and is none.
pub fn is_form(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !body.trim_ascii_start().starts_with(b"{")
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let (head, body) = request.into_parts();
        let read = Bytes::from_request(Request::from_parts(head.clone(), body), state).await;
        let body =
            read.map_err(|rejection| rejected(rejection.into_response().status(), "the body broke off".into()))?;
        let form = is_form(&head.headers, &body);
        let given =
            if form { read_form(Request::from_parts(head, body.into()), state).await? } else { read_json(&body)? };
        Ok(Self { given, form })
    }
}

async fn read_form<S: Send + Sync>(request: Request, state: &S) -> Result<Map<String, Value>, HttpError> {
    let read = Form::<Vec<(String, String)>>::from_request(request, state).await;
    let Form(pairs) = read.map_err(|rejection: FormRejection| rejected(rejection.status(), rejection.body_text()))?;
    Ok(pairs.into_iter().map(|(field, text)| (field, Value::String(text))).collect())
}

fn read_json(body: &[u8]) -> Result<Map<String, Value>, HttpError> {
    serde_json::from_slice(body).map_err(|error| HttpError::BadRequest(format!("the body is no JSON object: {error}")))
}

fn rejected(status: StatusCode, text: String) -> HttpError {
    if status == StatusCode::PAYLOAD_TOO_LARGE { HttpError::TooLarge(BODY_MAX) } else { HttpError::BadRequest(text) }
}
