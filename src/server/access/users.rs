//! Users: kept in one table, changed by admins and by the command line.

use serde::Serialize;
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};

use super::{Access, AccessError, CredentialId, groups::is_group, name, now, role};
use crate::domain::{access::Role, id::Name, time::Timestamp, workflow::NOBODY};

/// A user, as an admin sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// What they sign in with, and what owns their executions.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created_at: Timestamp,
}

/// What is to become different about a user.
#[derive(Default)]
pub struct UserChange {
    /// What they may do from now on.
    pub role: Option<Role>,
    /// What they sign in with from now on. Ends their sessions.
    pub password: Option<String>,
    /// The session that goes on when the password changes: the one that asked for it.
    pub keep: Option<CredentialId>,
}

pub(super) struct NewUser {
    pub(super) name: Name,
    pub(super) role: Role,
    pub(super) hash: String,
}

impl Access {
    /// Whether there are no users yet, so that the server is to be set up. Not so if the database fails.
    pub async fn is_empty(&self) -> bool {
        let some = sqlx::query_scalar::<_, bool>("select exists (select 1 from users)");
        !some.fetch_one(&self.inner.pool).await.unwrap_or(true)
    }

    /// Adds a user. Ends the set-up, whoever adds them.
    ///
    /// # Errors
    /// [`AccessError::UserExists`], [`AccessError::GroupHasName`], [`AccessError::NobodysName`], [`AccessError::Password`].
    pub async fn add_user(&self, name: Name, role: Role, password: &str) -> Result<User, AccessError> {
        if self.user(&name).await?.is_some() {
            return Err(AccessError::UserExists(name));
        }
        let hash = self.inner.passwords.hash(password).await?;
        self.insert_user(NewUser { name, role, hash }, false).await
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn list_users(&self) -> Result<Vec<User>, AccessError> {
        let rows = sqlx::query("select name, role, created_at from users order by name");
        rows.fetch_all(&self.inner.pool).await?.iter().map(user).collect()
    }

    /// One user.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn user(&self, name: &Name) -> Result<Option<User>, AccessError> {
        let row = sqlx::query("select name, role, created_at from users where name = ?").bind(name.as_str());
        row.fetch_optional(&self.inner.pool).await?.as_ref().map(user).transpose()
    }

    /// Changes a user. A new role ends their streams, a new password their sessions, but not their tokens.
    ///
    /// # Errors
    /// [`AccessError::NoSuchUser`], [`AccessError::LastAdmin`], [`AccessError::Password`].
    pub async fn change_user(&self, name: &Name, change: UserChange) -> Result<User, AccessError> {
        let hash = match &change.password {
            Some(password) => Some(self.inner.passwords.hash(password).await?),
            None => None,
        };
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        let before = locked_user(&mut tx, name).await?;
        if before.role == Role::Admin && change.role == Some(Role::User) {
            another_admin(&mut tx, name).await?;
        }
        sqlx::query(
            "update users set role = coalesce(?, role), password_hash = coalesce(?, password_hash) where name = ?",
        )
        .bind(change.role.map(Role::word))
        .bind(&hash)
        .bind(name.as_str())
        .execute(&mut *tx)
        .await?;
        if hash.is_some() {
            end_other_sessions(&mut tx, name, change.keep).await?;
        }
        tx.commit().await?;
        self.changed();
        Ok(User { role: change.role.unwrap_or(before.role), ..before })
    }

    /// Removes a user with their sessions and tokens, and from their groups; their executions stay. Who has the name
    /// later owns them.
    ///
    /// # Errors
    /// [`AccessError::NoSuchUser`], [`AccessError::LastAdmin`].
    pub async fn remove_user(&self, name: &Name) -> Result<(), AccessError> {
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        if locked_user(&mut tx, name).await?.role == Role::Admin {
            another_admin(&mut tx, name).await?;
        }
        sqlx::query("delete from users where name = ?").bind(name.as_str()).execute(&mut *tx).await?;
        tx.commit().await?;
        self.changed();
        Ok(())
    }

    /// Whether this is the user's password; takes as long when there is no such user. The hash it was compared with.
    pub(super) async fn verify(&self, name: Option<&Name>, password: &str) -> Result<Option<String>, AccessError> {
        let stored = match name {
            Some(name) => {
                let hash = sqlx::query_scalar("select password_hash from users where name = ?").bind(name.as_str());
                hash.fetch_optional(&self.inner.pool).await?
            }
            None => None,
        };
        let right = self.inner.passwords.verify(password, stored.clone()).await?;
        Ok(stored.filter(|_| right))
    }

    pub(super) async fn insert_user(&self, new: NewUser, first: bool) -> Result<User, AccessError> {
        if new.name.as_str() == NOBODY {
            return Err(AccessError::NobodysName);
        }
        let at = now();
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        let some = sqlx::query_scalar::<_, bool>("select exists (select 1 from users)").fetch_one(&mut *tx).await?;
        if first && some {
            return Err(AccessError::SetUp);
        }
        if is_group(&mut tx, &new.name).await? {
            return Err(AccessError::GroupHasName(new.name));
        }
        let insert = sqlx::query("insert into users (name, role, password_hash, created_at) values (?, ?, ?, ?)")
            .bind(new.name.as_str())
            .bind(new.role.word())
            .bind(new.hash)
            .bind(at.0);
        match insert.execute(&mut *tx).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(AccessError::UserExists(new.name));
            }
            done => done?,
        };
        tx.commit().await?;
        self.changed();
        Ok(User { name: new.name, role: new.role, created_at: at })
    }
}

async fn locked_user(tx: &mut Transaction<'_, Sqlite>, name: &Name) -> Result<User, AccessError> {
    let row = sqlx::query("select name, role, created_at from users where name = ?").bind(name.as_str());
    match row.fetch_optional(&mut **tx).await? {
        Some(row) => user(&row),
        None => Err(AccessError::NoSuchUser(name.clone())),
    }
}

async fn another_admin(tx: &mut Transaction<'_, Sqlite>, name: &Name) -> Result<(), AccessError> {
    let another = sqlx::query_scalar("select exists (select 1 from users where role = 'admin' and name <> ?)");
    let another: bool = another.bind(name.as_str()).fetch_one(&mut **tx).await?;
    if another { Ok(()) } else { Err(AccessError::LastAdmin(name.clone())) }
}

async fn end_other_sessions(
    tx: &mut Transaction<'_, Sqlite>,
    name: &Name,
    keep: Option<CredentialId>,
) -> Result<(), AccessError> {
    let keep = match keep {
        Some(CredentialId::Session(id)) => id.to_string(),
        Some(CredentialId::Token(_)) | None => String::new(),
    };
    let delete = sqlx::query("delete from sessions where user = ? and id <> ?").bind(name.as_str()).bind(keep);
    delete.execute(&mut **tx).await?;
    Ok(())
}

fn user(row: &SqliteRow) -> Result<User, AccessError> {
    Ok(User {
        name: name(row.try_get("name")?)?,
        role: role(row.try_get("role")?),
        created_at: Timestamp(row.try_get("created_at")?),
    })
}
