//! Who may come in: users with their groups, sessions and tokens, in a database of their own.
//!
//! The database is `access.db` in the data folder. The server and the command line use it at the same time: what one
//! writes the other sees at once. Secrets are 256 random bits and stored as SHA-256; passwords as Argon2id.

mod accounts;
mod error;
mod groups;
#[cfg(test)]
mod groups_tests;
mod limiter;
mod passwords;
mod report_tokens;
mod sessions;
mod setup;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod watch;

use std::{
    convert::Infallible,
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header, request::Parts};
use rand::RngCore;
use sha2::{Digest as _, Sha256};
use sqlx::{
    ConnectOptions, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use error::AccessError;
pub use groups::{MEMBERS_MAX, Members};
pub use passwords::PASSWORD_LENGTH;
pub use report_tokens::ReportTokens;
pub use sessions::{Session, SessionId, SessionSecret};
pub use setup::SetupCode;
pub use tokens::{Token, TokenId};
pub use users::{User, UserChange};

use super::{http::problem::HttpError, sqlite::pool};
use crate::domain::{
    access::{Role, Viewer},
    time::Timestamp,
};

/// Connections to the database, besides the one that watches it. Each is a thread.
const CONNECTIONS: u32 = 4;
/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(5);

/// What is to be known about the way in.
#[derive(Clone, Debug, Default)]
pub struct AccessSettings {
    /// Where people reach the server, `https://runcast.example.org`. Over https the cookie is `Secure`.
    pub public_url: Option<String>,
    /// Whether a proxy in front is to be believed: `X-Forwarded-Proto`, `-For` (its last hop) and `-Host`.
    pub trust_proxy: bool,
}

/// Users, sessions and tokens. A cheap handle.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    pool: SqlitePool,
    settings: AccessSettings,
    passwords: passwords::Passwords,
    login_limiter: limiter::Limiter,
    setup_limiter: limiter::Limiter,
    setup: setup::Setup,
    watch: Arc<watch::Watch>,
    _stop: DropGuard,
}

impl Access {
    /// Opens `access.db` in the data folder and makes both if they are not there, readable by their owner only.
    /// When there are no users, a setup code is made.
    ///
    /// # Errors
    /// When the folder can't be used, or the database was made by a newer version.
    pub async fn open(data: &Path, settings: AccessSettings) -> Result<Access, AccessError> {
        let file = data.join("access.db");
        prepare(data, &file)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .disable_statement_logging();
        let pool = connect(data, options.clone()).await?;

        let stop = CancellationToken::new();
        let watch = Arc::new(watch::Watch::default());
        tokio::spawn(watch::run(watch.clone(), options, stop.clone()));
        let inner = Inner {
            pool,
            settings,
            passwords: passwords::Passwords::new(),
            login_limiter: limiter::Limiter::default(),
            setup_limiter: limiter::Limiter::default(),
            setup: setup::Setup::default(),
            watch,
            _stop: stop.drop_guard(),
        };
        let access = Access { inner: Arc::new(inner) };
        if access.is_empty().await {
            access.inner.setup.begin();
        }
        Ok(access)
    }

    /// Who asks, by a bearer token or, only if there is none, by the cookie. Nobody, if what they show is not good.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Caller>, AccessError> {
        match bearer(headers) {
            Some(token) => self.caller_of_token(token).await,
            None => match self.session_cookie(headers) {
                Some(secret) => self.caller_of_session(secret).await,
                None => Ok(None),
            },
        }
    }

    /// The value of our cookie.
    pub(super) fn session_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.cookie_name(headers);
        let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// `__Host-runcast` over https: no other host, no subdomain and no plain connection can set or see it.
    pub(super) fn cookie_name(&self, headers: &HeaderMap) -> &'static str {
        if self.is_https(headers) { "__Host-runcast" } else { "runcast" }
    }

    /// Whether people reach this server over https.
    pub(super) fn is_https(&self, headers: &HeaderMap) -> bool {
        let public = self.inner.settings.public_url.as_deref().unwrap_or_default();
        public.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
            || self.forwarded(headers, "x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// What the proxy in front says in a header, if it is to be believed: the last item, which is its own.
    pub(super) fn forwarded<'a>(&self, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        if !self.inner.settings.trust_proxy {
            return None;
        }
        let line = headers.get_all(name).into_iter().next_back()?.to_str().ok()?;
        line.rsplit(',').next().map(str::trim)
    }

    /// Where people reach the server, if it was told.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.inner.settings.public_url.as_deref()
    }

    /// Something has changed who may do what: whoever watches looks at once.
    fn changed(&self) {
        self.inner.watch.nudge();
    }
}

/// The token of an `Authorization: Bearer` header. Empty if the header is not one token, so that it is good for
/// nothing and the cookie is not looked at.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut bearers = headers.get_all(header::AUTHORIZATION).into_iter().filter_map(|line| {
        let line = line.as_bytes();
        let scheme = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer").then(|| line.get(scheme.len() + 1..).unwrap_or_default())
    });
    let token = bearers.next()?;
    if bearers.next().is_some() {
        return Some("");
    }
    Some(std::str::from_utf8(token).unwrap_or_default().trim())
}

/// What somebody showed to be who they are: it is what a revocation revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialId {
    /// A browser's cookie.
    Session(SessionId),
    /// A program's token.
    Token(TokenId),
}

/// Somebody who has signed in, and by what. As an extractor it answers 401 when nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is.
    pub viewer: Viewer,
    /// How we know.
    pub credential: CredentialId,
}

impl Caller {
    /// Whether a program asks, and not a person on the page.
    pub fn by_token(&self) -> bool {
        matches!(self.credential, CredentialId::Token(_))
    }

    /// Refuses everybody but admins, with 403.
    ///
    /// # Errors
    /// [`HttpError::Forbidden`].
    pub fn require_admin(&self) -> Result<(), HttpError> {
        if self.viewer.is_admin() { Ok(()) } else { Err(HttpError::Forbidden("only an admin may do this".into())) }
    }
}

/// Somebody who has signed in, or nobody. The guard leaves it with each request; without the guard it is nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybeCaller(pub Option<Caller>);

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<MaybeCaller>().cloned().unwrap_or(MaybeCaller(None)))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Ok(MaybeCaller(caller)) = MaybeCaller::from_request_parts(parts, state).await;
        caller.ok_or(HttpError::Unauthenticated)
    }
}

/// Whence somebody signs in: what the limiter counts by, and what a person sees in the list of their sessions.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Their address, as a trusted proxy or the connection has it.
    pub address: IpAddr,
    /// Their browser, as it calls itself; 256 characters at most.
    pub agent: String,
}

impl<S> FromRequestParts<S> for Peer
where
    S: Sync,
    Access: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let hop = Access::from_ref(state).forwarded(headers, "x-forwarded-for").and_then(hop_address);
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        Ok(Peer {
            address: hop.or(connected).map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.to_canonical()),
            agent: agent.chars().take(256).collect(),
        })
    }
}

/// An address as proxies write it: some add the port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// 256 random bits as text that fits a header: `prefix` and 43 characters.
fn random_secret(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 of a secret: what is stored, looked up and compared.
#[derive(PartialEq, Eq)]
struct Digest([u8; 32]);

impl Digest {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A role as the database has it; what is not `admin` may do the least.
fn role(word: &str) -> Role {
    if word == Role::Admin.word() { Role::Admin } else { Role::User }
}

/// Whom a row of a credential is of: `name`, `role`, and `groups` in one text.
fn viewer(row: &SqliteRow) -> Result<Viewer, AccessError> {
    let groups = groups::names(row.try_get("groups")?)?;
    Ok(Viewer { name: name(row.try_get("name")?)?, role: role(row.try_get("role")?), groups })
}

/// A name as the database has it.
fn name(text: String) -> Result<crate::domain::id::Name, AccessError> {
    text.parse().map_err(|error| AccessError::Database(sqlx::Error::Decode(Box::new(error))))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Makes the folder and an empty file, for their owner only. SQLite gives its other files the same mode.
fn prepare(data: &Path, file: &Path) -> Result<(), AccessError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AccessError::Folder { path, source }
    };
    if !data.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed(data))?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        // It is not opened again here: to close it would drop the locks that SQLite holds for this process.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).map_err(failed(file))
        }
        Err(error) => Err(failed(file)(error)),
    }
}

/// The database in its newest form. One process at a time: server and command line may both be the first, and SQLite
/// does not wait for another that turns the same new file to write-ahead logging.
async fn connect(data: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, AccessError> {
    let path = data.join("access.lock");
    let lock = tokio::task::spawn_blocking(move || {
        let open = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let locked = open.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| AccessError::Folder { path, source })
    });
    let lock = lock.await.map_err(|error| AccessError::Database(sqlx::Error::Io(io::Error::other(error))))??;
    let pool = pool(CONNECTIONS).connect_with(options).await?;
    sqlx::migrate!("src/server/access/migrations").run(&pool).await?;
    drop(lock);
    Ok(pool)
}
