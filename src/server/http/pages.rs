//! The dashboard's pages and files, and the headers that every answer carries.

use axum::{Router, extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, header};
use leptos::{
    prelude::{LeptosOptions, provide_context, use_nonce},
    server_fn::axum::server_fn_paths,
};
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};

use super::{App, routes::Routes};
use crate::{
    app::{self, live::Made},
    server::{
        clock,
        page_answer::{PageAnswer, page_policy},
    },
};

pub(super) fn routes(state: &App) -> Routes<App> {
    let pages = generate_route_list(app::App);
    let functions = server_fn_paths().map(|(path, _)| path.to_owned());
    let paths: Vec<String> = pages.iter().map(|page| page.path().to_owned()).chain(functions).collect();
    let context = {
        let state = state.clone();
        move || {
            provide_context(state.clone());
            provide_context(Made(clock::now()));
            content_security_policy();
        }
    };
    let router = Router::new()
        .leptos_routes_with_context(state, pages, context.clone(), {
            let options = state.leptos.clone();
            move || app::shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context::<App, _>(context, |options: LeptosOptions| app::shell(options)));
    Routes::new().adopt(router, paths)
}

/// Allows the page its own scripts, by nonce, and its wasm; bars carry their values in `style` attributes.
fn content_security_policy() {
    let Some(nonce) = use_nonce() else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        page_policy(value);
    }
}

/// Headers of every answer, where it does not bring its own. The page's files are asked for again each time, and mostly
/// answered by 304: after an upgrade an old script must not meet a new page.
pub(super) async fn security_headers(mut request: Request, next: Next) -> Response {
    let page = PageAnswer::default();
    request.extensions_mut().insert(page.clone());
    let mut response = next.run(request).await;
    page.apply(&mut response);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
