//! `/api/openapi.json`: what the API is, in words that programs read (OpenAPI 3.1).
//!
//! The descriptions stand here by hand and not as derives on the types, since most of these are also compiled for the
//! browser. Tests hold them to the truth: every registered route is described, and what the running server answers
//! fits its schema, field for field.

mod events;
mod executions;
mod health;
mod operation;
mod overview;
mod people;
mod schema;
mod sessions;
mod shapes;
mod workflows;

use std::sync::LazyLock;

use axum::{response::IntoResponse, routing::get};
use http::header;
use utoipa::openapi::{
    Components, ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder,
    ServerBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

use self::operation::{BEARER, COOKIE, REPORT, Route};
use super::routes::Routes;

const ABOUT: &str = "\
Runs multi-step jobs and shows everyone who may see them what is happening, live.

JSON in and out, UTF-8. Errors are `application/problem+json` (RFC 9457); `errors` names each wrong field. What the caller may \
not see is 404, what they may see but not do 403, and whoever has not signed in gets 401. A wrong method is 405, with \
`Allow`. Fields may be added to answers; none is renamed or removed.

Not part of the API, and free to change: the pages, the server functions under `/fn/` which they call, and the plain forms by \
which they sign in where their script is not there yet.";

/// Of a constant document: it is made and written once.
static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    Routes::new().route("/api/openapi.json", get(answer))
}

/// It is no secret: whoever writes a client fetches it without a token.
async fn answer() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

fn document() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Runcast")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license));
    let routes = [
        executions::routes(),
        events::routes(),
        workflows::routes(),
        sessions::routes(),
        people::routes(),
        health::routes(),
        overview::routes(),
    ];
    let paths = routes.into_iter().flatten().fold(PathsBuilder::new(), |paths, Route { path, method, operation }| {
        paths.path(path, PathItem::new(method, operation))
    });
    let server = ServerBuilder::new().url("/").description(Some("This server")).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([server]))
        .tags(Some(TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())))
        .paths(paths)
        .components(Some(components()))
        .build()
}

const TAGS: [(&str, &str); 7] = [
    ("executions", "Runs of workflows: start, look, stop, run again, read the output"),
    ("events", "What happens, while it does"),
    ("workflows", "What can be run, and how other systems start it"),
    ("elsewhere", "Work that runs elsewhere and is reported here"),
    ("session", "Signing in and out"),
    ("people", "Users, groups, tokens and sessions"),
    ("server", "How the server is"),
];

fn components() -> Components {
    let bearer = |about: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build())
    };
    let cookie = ApiKeyValue::with_description(
        "runcast",
        "What `POST /api/login` gave; over https its name is `__Host-runcast`. A request that changes something must come \
         from this site's own pages then: `Sec-Fetch-Site` or `Origin` say so, else it is 403.",
    );
    let schemas = [shapes::all(), workflows::shapes(), people::shapes(), events::shapes()];
    schemas
        .into_iter()
        .flatten()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema))
        .security_scheme(BEARER, bearer("A token of a user, `rc_…`: `runcast token create`, or `POST /api/tokens`."))
        .security_scheme(REPORT, bearer("The token of one execution, `rc_x_…`, for reporting on it and nothing else."))
        .security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .build()
}
