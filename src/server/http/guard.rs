//! The guard: stands before everything else, asks who comes, and turns away what must not pass.
//!
//! It is middleware and not a redirect inside a view: a page that is not to be seen is not rendered.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::problem::HttpError;
use crate::server::access::{Access, MaybeCaller, bearer};

/// The page on which the first admin is made.
pub const SET_UP: &str = "/set-up";
/// The page on which one signs in.
pub const SIGN_IN: &str = "/sign-in";
/// The one server function that answers to nobody in particular: it says who is signed in.
const FN_ME: &str = "/fn/me";

/// Folders whose files everybody may have.
const OPEN_FOLDERS: [&str; 4] = ["/pkg/", "/fonts/", "/icons/", "/images/"];
/// Paths that everybody may ask for, and that cost no look at the database.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];
/// For programs, and not for everybody.
const METRICS: &str = "/metrics";
/// What files at the top of the site end with.
const FILES: [&str; 12] =
    ["css", "gif", "ico", "jpg", "js", "json", "map", "png", "svg", "txt", "webmanifest", "woff2"];

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Files and signs of life, for everybody.
    Open,
    /// `/api` and `/metrics`: each handler says by [`Caller`](crate::server::access::Caller) that it wants somebody.
    Api,
    /// `/fn`: server functions; somebody must have signed in.
    Function,
    /// All else is for people.
    Page,
}

/// Middleware for all routes: `axum::middleware::from_fn_with_state(access, guard)`. Leaves a [`MaybeCaller`] with the
/// request.
pub async fn guard(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let place = Place::of(request.uri().path());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if place == Place::Open && reads {
        return next.run(request).await;
    }
    if !reads && bearer(request.headers()).is_none() && !is_same_origin(&access, request.headers(), request.uri()) {
        return HttpError::Forbidden(CROSS_SITE.into()).into_response();
    }
    let caller = match access.authenticate(request.headers()).await {
        Ok(caller) => MaybeCaller(caller),
        Err(error) => return HttpError::from(error).into_response(),
    };
    let elsewhere = match place {
        Place::Page if reads => redirect(&access, &caller, request.uri()).await,
        Place::Function if caller.0.is_none() && request.uri().path() != FN_ME => {
            Some(HttpError::Unauthenticated.into_response())
        }
        _ => None,
    };
    let mut response = match elsewhere {
        Some(response) => response,
        None => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    // What one may see now another may not see later at the same address. A stream says so in its own words.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

const CROSS_SITE: &str = "a request with a cookie that changes something must come from this site's own pages; \
                          programs use a token: Authorization: Bearer rc_…";

impl Place {
    fn of(path: &str) -> Self {
        let under =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let name = path.strip_prefix('/').unwrap_or(path);
        let is_file = !name.contains('/') && name.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end));
        if under("/api") || path == METRICS {
            Place::Api
        } else if under("/fn") {
            Place::Function
        } else if is_file || OPEN_PATHS.contains(&path) || OPEN_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
            Place::Open
        } else {
            Place::Page
        }
    }
}

/// Where to go instead of this page, if anywhere.
async fn redirect(access: &Access, caller: &MaybeCaller, uri: &Uri) -> Option<Response> {
    let path = uri.path();
    let to = match &caller.0 {
        Some(_) if path == SIGN_IN || path == SET_UP => "/".to_owned(),
        Some(_) => return None,
        None if access.is_empty().await => match path {
            SET_UP => return None,
            _ => SET_UP.to_owned(),
        },
        None => match path {
            SIGN_IN => return None,
            SET_UP | "/" => SIGN_IN.to_owned(),
            _ => {
                let wanted = uri.path_and_query().map_or(path, |wanted| wanted.as_str());
                format!("{SIGN_IN}?next={}", encoded(wanted))
            }
        },
    };
    Some(Redirect::to(&to).into_response())
}

/// Whether a browser sent this from one of our own pages, as far as it says. A program says nothing, and may do so as
/// long as it shows no cookie: each browser of this decade sends `Sec-Fetch-Site` or, with what changes something,
/// `Origin`.
fn is_same_origin(access: &Access, headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return access.session_cookie(headers).is_none();
    };
    let Some(origin) = origin.to_str().ok().and_then(authority) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let ours = [
        host.or(uri.authority().map(|authority| authority.as_str())),
        access.forwarded(headers, "x-forwarded-host"),
        access.public_url().and_then(authority),
    ];
    ours.into_iter().flatten().any(|host| without_port(host).eq_ignore_ascii_case(without_port(origin)))
}

/// `host:port` of `scheme://host:port/…`.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next().filter(|authority| !authority.is_empty())
}

/// Without the port that need not be said.
fn without_port(authority: &str) -> &str {
    authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80")).unwrap_or(authority)
}

/// `next` if it is a path on this site, else `/`. A browser drops control characters and reads `\` as `/`, so that
/// `/\t/evil.example` would leave.
pub fn local(next: Option<&str>) -> &str {
    match next {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') =>
        {
            path
        }
        _ => "/",
    }
}

/// As a value in a query: all but letters, digits and `-._~/` percent-encoded.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
