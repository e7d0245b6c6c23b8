//! Revocation: whoever holds a stream open hears within a second that they may no longer.
//!
//! One task asks SQLite every 300 ms whether anybody, this process or another, has written to the database
//! (`pragma data_version`, which costs no more than a look at shared memory). Only then is each live credential looked
//! up again. Changes made in this process nudge it, so that they are seen at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{
    Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteExecutor},
};
use tokio::{select, sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{Access, AccessError, Caller, CredentialId, now, role};
use crate::domain::{access::Role, time::Timestamp};

/// How often another process's changes are looked for.
const EVERY: Duration = Duration::from_millis(300);

/// The credentials that something is open for.
///
/// Bounded by the valid sessions and tokens there are, of which a user has 100 each at most: one that is no longer
/// valid leaves with its cancellation, and all streams of one credential share one entry.
#[derive(Default)]
pub(super) struct Watch {
    live: Mutex<HashMap<Key, Live>>,
    nudge: Notify,
}

/// A new role is a new way in, and ends what the old one opened.
type Key = (CredentialId, Role);

struct Live {
    revoked: CancellationToken,
    /// Never, for a token.
    expires_at: Option<Timestamp>,
}

/// What a credential is good for at this moment.
struct Standing {
    role: Role,
    expires_at: Option<Timestamp>,
}

impl Access {
    /// A token that is cancelled within a second of the caller's session or token having ended, expired or been
    /// deleted, or of its user having been removed or given another role; by another process as well. Cancelled
    /// already if that was so when it was asked for.
    pub async fn watch(&self, caller: &Caller) -> CancellationToken {
        let key = (caller.credential, caller.viewer.role);
        // First in the list, then looked up: a change in between is seen by one of the two.
        let revoked = self.inner.watch.enter(key);
        match standing(&self.inner.pool, key.0).await {
            Ok(standing) => self.inner.watch.settle(key, standing),
            Err(error) => {
                tracing::error!(%error, "a credential could not be watched, so what it opened ends");
                self.inner.watch.settle(key, None);
            }
        }
        revoked
    }
}

impl Watch {
    /// Looks at every credential again, now.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    fn live(&self) -> MutexGuard<'_, HashMap<Key, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, key: Key) -> CancellationToken {
        let fresh = || Live { revoked: CancellationToken::new(), expires_at: None };
        self.live().entry(key).or_insert_with(fresh).revoked.clone()
    }

    fn settle(&self, key: Key, standing: Option<Standing>) {
        let mut live = self.live();
        match standing.filter(|standing| standing.role == key.1) {
            Some(standing) => {
                if let Some(entry) = live.get_mut(&key) {
                    entry.expires_at = standing.expires_at;
                }
            }
            None => {
                if let Some(entry) = live.remove(&key) {
                    entry.revoked.cancel();
                }
            }
        }
    }

    /// All of them, or those whose time is up.
    fn due(&self, all: bool) -> Vec<Key> {
        let now = now();
        let live = self.live();
        let due = live.iter().filter(|(_, entry)| all || entry.expires_at.is_some_and(|at| at <= now));
        due.map(|(key, _)| *key).collect()
    }

    async fn look(&self, connection: &mut SqliteConnection, all: bool) -> Result<(), AccessError> {
        for key in self.due(all) {
            let standing = standing(&mut *connection, key.0).await?;
            self.settle(key, standing);
        }
        Ok(())
    }
}

/// Watches until it is stopped. Outlives a failing database: what it missed it looks at once it is back.
pub(super) async fn run(watch: Arc<Watch>, options: SqliteConnectOptions, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match stop.run_until_cancelled(follow(&watch, &options)).await {
            None => return,
            Some(Ok(never)) => match never {},
            Some(Err(error)) => tracing::error!(%error, "revocations can't be watched; trying again"),
        }
        stop.run_until_cancelled(sleep(EVERY)).await;
    }
}

async fn follow(watch: &Watch, options: &SqliteConnectOptions) -> Result<std::convert::Infallible, AccessError> {
    // A connection of its own: the number tells of the changes of all others.
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut seen = None;
    loop {
        let version = sqlx::query_scalar::<_, i64>("pragma data_version").fetch_one(&mut connection).await?;
        watch.look(&mut connection, seen != Some(version)).await?;
        seen = Some(version);
        select! {
            () = watch.nudge.notified() => {}
            () = sleep(EVERY) => {}
        }
    }
}

async fn standing<'e>(
    executor: impl SqliteExecutor<'e>,
    credential: CredentialId,
) -> Result<Option<Standing>, AccessError> {
    let query = match credential {
        CredentialId::Session(id) => sqlx::query(
            "select users.role, sessions.expires_at from sessions join users on users.name = sessions.user
                where sessions.id = ? and sessions.expires_at > ?",
        )
        .bind(id.to_string())
        .bind(now().0),
        CredentialId::Token(id) => sqlx::query(
            "select users.role, null as expires_at from tokens join users on users.name = tokens.user
                where tokens.id = ?",
        )
        .bind(id.to_string()),
    };
    let Some(row) = query.fetch_optional(executor).await? else { return Ok(None) };
    let expires_at = row.try_get::<Option<i64>, _>("expires_at")?.map(Timestamp);
    Ok(Some(Standing { role: role(row.try_get("role")?), expires_at }))
}
