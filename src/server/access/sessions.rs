//! Sessions: a browser that has signed in, known by the secret in its cookie.

use std::{fmt, str::FromStr, time::Instant};

use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Access, AccessError, Caller, CredentialId, Digest, Peer, name, now, random_secret, viewer};
use crate::domain::{
    access::{Role, Viewer},
    id::Name,
    time::Timestamp,
};

/// How long a session lasts after it was last seen, in milliseconds.
pub(super) const LASTS_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How often it is written that a session or token was seen, in milliseconds: reading a page is no write.
pub(super) const SEEN_EVERY_MS: i64 = 60 * 60 * 1000;
/// Sessions of one user; one more ends the one that was not seen for longest.
const SESSIONS_MAX: i64 = 100;

/// Most sessions or tokens in a list of everybody's.
pub(super) const LISTED_MAX: i64 = 1000;

/// Names a session; says nothing about its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub(super) Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// What goes into the cookie, once. Not to be shown: `Debug` does not.
pub struct SessionSecret(String);

impl SessionSecret {
    /// The cookie's value.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// A session, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// What to end it by.
    pub id: SessionId,
    /// Whose it is.
    pub user: Name,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is used again.
    pub expires_at: Timestamp,
    /// Whence they signed in.
    pub address: String,
    /// By which browser.
    pub agent: String,
}

impl Access {
    /// Signs somebody in. A wrong name and a wrong password look and last the same.
    ///
    /// # Errors
    /// [`AccessError::WrongPassword`]; [`AccessError::TooMany`] after ten of these from one address, then even for
    /// the right password, or when too many sign in at this moment.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        peer: &Peer,
    ) -> Result<(Caller, SessionSecret), AccessError> {
        let name = name.parse::<Name>().ok();
        let hash = self.limited_verify(name.as_ref(), password, peer).await?;
        let name = name.ok_or(AccessError::WrongPassword)?;
        let role = self.user(&name).await?.ok_or(AccessError::WrongPassword)?.role;
        self.open_session(name, role, &hash, peer).await
    }

    /// Whether this is the user's password, as often as the limiter lets somebody ask.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub async fn confirm(&self, name: &Name, password: &str, peer: &Peer) -> Result<(), AccessError> {
        self.limited_verify(Some(name), password, peer).await.map(drop)
    }

    async fn limited_verify(&self, name: Option<&Name>, password: &str, peer: &Peer) -> Result<String, AccessError> {
        let limiter = &self.inner.login_limiter;
        limiter.take(name, peer.address, Instant::now()).map_err(|retry_after| AccessError::TooMany { retry_after })?;
        match self.verify(name, password).await {
            Ok(Some(hash)) => {
                limiter.forgive(name, peer.address);
                Ok(hash)
            }
            Ok(None) => Err(AccessError::WrongPassword),
            Err(error) => {
                limiter.give_back(name, peer.address);
                Err(error)
            }
        }
    }

    /// Opens a session if `hash` is still the user's: a password changed in this moment opens none.
    pub(super) async fn open_session(
        &self,
        name: Name,
        role: Role,
        hash: &str,
        peer: &Peer,
    ) -> Result<(Caller, SessionSecret), AccessError> {
        let (id, secret, at) = (SessionId(Uuid::now_v7()), random_secret(""), now().0);
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        sqlx::query(
            "delete from sessions where expires_at <= ? or id in
                (select id from sessions where user = ? order by last_seen_at desc limit -1 offset ?)",
        )
        .bind(at)
        .bind(name.as_str())
        .bind(SESSIONS_MAX - 1)
        .execute(&mut *tx)
        .await?;
        let insert = sqlx::query(
            "insert into sessions (id, token_hash, user, created_at, last_seen_at, expires_at, address, agent)
                select ?1, ?2, name, ?3, ?3, ?4, ?5, ?6 from users where name = ?7 and password_hash = ?8",
        )
        .bind(id.to_string())
        .bind(Digest::of(&secret).bytes().to_vec())
        .bind(at)
        .bind(at + LASTS_MS)
        .bind(peer.address.to_string())
        .bind(&peer.agent)
        .bind(name.as_str())
        .bind(hash);
        if insert.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(AccessError::WrongPassword);
        }
        tx.commit().await?;
        self.changed();
        let groups = self.groups_of(&name).await?;
        let viewer = Viewer { name, role, groups };
        Ok((Caller { viewer, credential: CredentialId::Session(id) }, SessionSecret(secret)))
    }

    /// Ends the caller's session. A token is nothing that one signs out of; it stays.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), AccessError> {
        match caller.credential {
            CredentialId::Session(id) => match self.end_session(id, None).await {
                Err(AccessError::NoSuchSession) => Ok(()),
                done => done,
            },
            CredentialId::Token(_) => Ok(()),
        }
    }

    /// A user's sessions, last seen first; at most 100.
    ///
    /// # Errors
    /// [`AccessError::NoSuchUser`].
    pub async fn list_sessions(&self, owner: &Name) -> Result<Vec<Session>, AccessError> {
        if self.user(owner).await?.is_none() {
            return Err(AccessError::NoSuchUser(owner.clone()));
        }
        let rows = sqlx::query(
            "select id, user, created_at, last_seen_at, expires_at, address, agent from sessions
                where user = ? and expires_at > ? order by last_seen_at desc, id desc limit 100",
        );
        let rows = rows.bind(owner.as_str()).bind(now().0).fetch_all(&self.inner.pool).await?;
        rows.iter().map(session).collect()
    }

    /// Everybody's sessions, last seen first; at most [`LISTED_MAX`].
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn list_all_sessions(&self) -> Result<Vec<Session>, AccessError> {
        let rows = sqlx::query(
            "select id, user, created_at, last_seen_at, expires_at, address, agent from sessions
                where expires_at > ? order by last_seen_at desc, id desc limit ?",
        );
        let rows = rows.bind(now().0).bind(LISTED_MAX).fetch_all(&self.inner.pool).await?;
        rows.iter().map(session).collect()
    }

    /// Ends a session, if it is `owner`'s where one is named.
    ///
    /// # Errors
    /// [`AccessError::NoSuchSession`].
    pub async fn end_session(&self, id: SessionId, owner: Option<&Name>) -> Result<(), AccessError> {
        let owner = owner.map(Name::as_str);
        let delete = sqlx::query("delete from sessions where id = ?1 and (?2 is null or user = ?2)");
        let gone = delete.bind(id.to_string()).bind(owner).execute(&self.inner.pool).await?.rows_affected();
        self.changed();
        if gone == 0 { Err(AccessError::NoSuchSession) } else { Ok(()) }
    }

    pub(super) async fn caller_of_session(&self, secret: &str) -> Result<Option<Caller>, AccessError> {
        let now = now().0;
        let row = sqlx::query(
            "select sessions.id, users.name, users.role, sessions.last_seen_at,
                    (select group_concat(group_name, ' ') from group_members where user = users.name) as groups
                from sessions join users on users.name = sessions.user
                where sessions.token_hash = ? and sessions.expires_at > ?",
        );
        let row = row.bind(Digest::of(secret).bytes().to_vec()).bind(now).fetch_optional(&self.inner.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let id = SessionId(uuid(&row)?);
        if now - row.try_get::<i64, _>("last_seen_at")? >= SEEN_EVERY_MS {
            self.seen(id, now).await;
        }
        Ok(Some(Caller { viewer: viewer(&row)?, credential: CredentialId::Session(id) }))
    }

    /// A session that can't be prolonged now is prolonged next time.
    async fn seen(&self, id: SessionId, now: i64) {
        let update = sqlx::query("update sessions set last_seen_at = ?, expires_at = ? where id = ?");
        let done = update.bind(now).bind(now + LASTS_MS).bind(id.to_string()).execute(&self.inner.pool).await;
        if let Err(error) = done {
            tracing::warn!(%error, "a session could not be prolonged");
        }
    }
}

pub(super) fn uuid(row: &SqliteRow) -> Result<Uuid, AccessError> {
    let text: &str = row.try_get("id")?;
    text.parse().map_err(|error| AccessError::Database(sqlx::Error::Decode(Box::new(error))))
}

fn session(row: &SqliteRow) -> Result<Session, AccessError> {
    Ok(Session {
        id: SessionId(uuid(row)?),
        user: name(row.try_get("user")?)?,
        created_at: Timestamp(row.try_get("created_at")?),
        last_seen_at: Timestamp(row.try_get("last_seen_at")?),
        expires_at: Timestamp(row.try_get("expires_at")?),
        address: row.try_get("address")?,
        agent: row.try_get("agent")?,
    })
}
