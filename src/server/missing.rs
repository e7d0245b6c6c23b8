//! The status of a page about something that is not there, or not the viewer's.

use axum::http::{StatusCode, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Makes the page that is being rendered a 404. Changes nothing for a server function called by the browser: there,
/// that nothing was found is the answer.
pub fn page_not_found() {
    let called = use_context::<Parts>().is_some_and(|parts| parts.uri.path().starts_with("/fn/"));
    if !called && let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
}
