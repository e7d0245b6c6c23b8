//! What a page that is being rendered says of its answer: its policy, and whether what it is about is there. It travels
//! with the request, from [`crate::server::http`] through the rendering and back: what leptos itself has for this is now
//! and then not asked, where code of pages is fetched on demand.

use std::sync::{Arc, OnceLock};

use axum::{
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use leptos::prelude::use_context;

/// What is to be said of the answer; a copy is the same.
#[derive(Clone, Debug, Default)]
pub struct PageAnswer(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    policy: OnceLock<HeaderValue>,
    status: OnceLock<StatusCode>,
}

impl PageAnswer {
    /// Of the page that is being rendered; none for a server function called by the browser: there, that nothing was
    /// found is the answer.
    fn current() -> Option<Self> {
        let parts = use_context::<Parts>().filter(|parts| !parts.uri.path().starts_with("/fn/"))?;
        parts.extensions.get::<Self>().cloned()
    }

    /// Says it.
    pub fn apply(&self, response: &mut Response) {
        if let Some(policy) = self.0.policy.get() {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        if let Some(status) = self.0.status.get() {
            *response.status_mut() = *status;
        }
    }
}

/// Makes the page that is being rendered a 404: it is about something that is not there, or not the viewer's.
pub fn page_not_found() {
    page_status(StatusCode::NOT_FOUND);
}

/// Makes the page that is being rendered a 403: everybody knows that it is there, and the viewer may not see it.
pub fn page_forbidden() {
    page_status(StatusCode::FORBIDDEN);
}

fn page_status(status: StatusCode) {
    if let Some(page) = PageAnswer::current() {
        let _ = page.0.status.set(status);
    }
}

/// Gives the page that is being rendered its Content-Security-Policy.
pub(super) fn page_policy(policy: HeaderValue) {
    if let Some(page) = PageAnswer::current() {
        let _ = page.0.policy.set(policy);
    }
}
