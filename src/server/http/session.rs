//! Set-up, signing in and out, who am I, and the sessions of a user.
//!
//! What the dashboard does by `fetch` a plain form does as well, so that signing in works before the wasm is there.

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Redirect, Response},
    routing::{delete, get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    body::{Path, Whole},
    fields::{Fields, invalid, is_form},
    guard::{SET_UP, SIGN_IN, encoded, local},
    problem::HttpError,
    routes::Routes,
    users::{Listed, Owner},
};
use crate::{
    domain::{access::Viewer, id::Name, problem::Problem},
    server::access::{Access, AccessError, Caller, CredentialId, MaybeCaller, Peer, Session, SessionId, SessionSecret},
};

/// How long a browser keeps the cookie, in seconds: as long as browsers keep any, 400 days. Whether it is still good
/// is for the session to say, which lasts 30 days after its last use.
const COOKIE_SECONDS: u32 = 400 * 24 * 60 * 60;

/// The routes of this file.
pub fn routes<S>() -> Routes<S>
where
    Access: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    Routes::new()
        .route("/api/setup", post(set_up))
        .route("/api/login", post(log_in))
        .route("/api/logout", post(log_out))
        .route("/api/me", get(me))
        .route("/api/sessions", get(list))
        .route("/api/sessions/{id}", delete(end))
}

async fn set_up(State(access): State<Access>, peer: Peer, headers: HeaderMap, mut fields: Fields) -> Response {
    let form = fields.is_form();
    let attempt = async {
        let code = fields.text("code")?;
        let name = fields.parsed::<Name>("name")?;
        let password = fields.text("password")?;
        fields.done()?;
        Ok(access.set_up(&code, name, &password, &peer).await?)
    };
    match attempt.await {
        Ok((caller, secret)) => Entry { access, headers, form, next: "/" }.open(caller, &secret),
        Err(Refused::Access(AccessError::SetUp)) if form => Redirect::to(SIGN_IN).into_response(),
        Err(refused) if form => Redirect::to(&format!("{SET_UP}?error={}", refused.word())).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn log_in(
    State(access): State<Access>,
    before: MaybeCaller,
    peer: Peer,
    headers: HeaderMap,
    mut fields: Fields,
) -> Response {
    let form = fields.is_form();
    let next = fields.optional("next").ok().flatten();
    let next = local(next.as_deref());
    let attempt = async {
        let (name, password) = (fields.text("name")?, fields.text("password")?);
        fields.done()?;
        let entered = access.sign_in(name.trim(), &password, &peer).await?;
        if let Some(before) = before.0 {
            access.sign_out(&before).await?;
        }
        Ok(entered)
    };
    match attempt.await {
        Ok((caller, secret)) => Entry { access, headers, form, next }.open(caller, &secret),
        Err(refused) if form => {
            let to = format!("{SIGN_IN}?error={}&next={}", Refused::word(&refused), encoded(next));
            Redirect::to(&to).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

async fn log_out(
    State(access): State<Access>,
    caller: MaybeCaller,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, HttpError> {
    if let Some(caller) = caller.0 {
        access.sign_out(&caller).await?;
    }
    let clear = cookie(&access, &headers, "", 0);
    let form = is_form(&headers, &body);
    let answer = if form { Redirect::to(SIGN_IN).into_response() } else { StatusCode::NO_CONTENT.into_response() };
    Ok(([(header::SET_COOKIE, clear)], answer).into_response())
}

async fn me(caller: Caller) -> Json<Viewer> {
    Json(caller.viewer)
}

#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    session: Session,
    /// The one that asks.
    current: bool,
}

async fn list(State(access): State<Access>, caller: Caller, owner: Owner) -> Result<Json<Listed<Item>>, HttpError> {
    let current = |id| caller.credential == CredentialId::Session(id);
    let sessions = match owner.is_everybody() {
        true => access.list_all_sessions().await?,
        false => access.list_sessions(owner.whose()).await?,
    };
    let items = sessions.into_iter().map(|session| Item { current: current(session.id), session }).collect();
    Ok(Json(Listed { items }))
}

async fn end(State(access): State<Access>, owner: Owner, Path(id): Path<SessionId>) -> Result<StatusCode, HttpError> {
    access.end_session(id, owner.limit()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody has come in, and is to be told in the way they asked.
struct Entry<'a> {
    access: Access,
    headers: HeaderMap,
    form: bool,
    next: &'a str,
}

impl Entry<'_> {
    fn open(&self, caller: Caller, secret: &SessionSecret) -> Response {
        let cookie = cookie(&self.access, &self.headers, secret.expose(), COOKIE_SECONDS);
        let answer =
            if self.form { Redirect::to(self.next).into_response() } else { Json(caller.viewer).into_response() };
        ([(header::SET_COOKIE, cookie)], answer).into_response()
    }
}

fn cookie(access: &Access, headers: &HeaderMap, value: &str, seconds: u32) -> HeaderValue {
    let name = access.cookie_name(headers);
    let secure = if access.is_https(headers) { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::try_from(text).expect("a name and base64 of ours are plain ASCII");
    header.set_sensitive(true);
    header
}

/// Why somebody does not come in.
enum Refused {
    Access(AccessError),
    Http(HttpError),
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        Refused::Access(error)
    }
}

impl From<HttpError> for Refused {
    fn from(error: HttpError) -> Self {
        Refused::Http(error)
    }
}

impl Refused {
    /// What the page is told in its address: a word, since a text in an address could be anybody's.
    fn word(&self) -> &'static str {
        match self {
            Refused::Access(AccessError::WrongPassword) => "wrong",
            Refused::Access(AccessError::WrongCode) => "code",
            Refused::Access(AccessError::Password(_)) => "password",
            Refused::Access(AccessError::TooMany { .. }) => "busy",
            Refused::Access(_) => "failed",
            Refused::Http(HttpError::Invalid(errors)) if errors.iter().any(|error| error.field == "name") => "name",
            Refused::Http(_) => "invalid",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Refused::Access(error @ AccessError::WrongPassword) => wrong_password(&error),
            Refused::Access(error) => HttpError::from(error).into_response(),
            Refused::Http(error) => error.into_response(),
        }
    }
}

/// 401 in words: not that nobody is signed in, but that this try was wrong.
fn wrong_password(error: &AccessError) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let problem = Problem {
        kind: "about:blank".into(),
        title: "Unauthorized".into(),
        status: status.as_u16(),
        detail: Some(error.to_string()),
        errors: Vec::new(),
    };
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    let body: Value = json!(problem);
    (status, kind, body.to_string()).into_response()
}

impl From<AccessError> for HttpError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NoSuchUser(_)
            | AccessError::NoSuchGroup(_)
            | AccessError::NoSuchToken
            | AccessError::NoSuchSession => HttpError::NotFound,
            AccessError::UserExists(_)
            | AccessError::UserHasName(_)
            | AccessError::GroupExists(_)
            | AccessError::GroupHasName(_)
            | AccessError::TooManyGroups
            | AccessError::LastAdmin(_)
            | AccessError::SetUp
            | AccessError::TooManyTokens(_) => HttpError::Conflict(error.to_string()),
            AccessError::Password(_) => invalid("password", error),
            AccessError::NobodysName | AccessError::Label => invalid("name", error),
            AccessError::NoSuchMember(_) | AccessError::TooManyMembers => invalid("members", error),
            AccessError::WrongPassword => HttpError::Unauthenticated,
            AccessError::WrongCode => HttpError::Forbidden(error.to_string()),
            AccessError::TooMany { retry_after } => HttpError::TooMany { retry_after },
            AccessError::Folder { .. }
            | AccessError::Migrate(_)
            | AccessError::Database(_)
            | AccessError::Hashing(_) => {
                tracing::error!(%error, "access failed");
                HttpError::Internal
            }
        }
    }
}
