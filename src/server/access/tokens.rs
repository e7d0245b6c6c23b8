//! Tokens: a program that acts for a user, known by `rc_` and 43 characters.

use std::{fmt, str::FromStr};

use serde::Serialize;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    Access, AccessError, Caller, CredentialId, Digest, name, now, random_secret,
    sessions::{LISTED_MAX, SEEN_EVERY_MS, uuid},
    viewer,
};
use crate::domain::{id::Name, time::Timestamp};

/// What a token begins with, so that it can be found where it should not be.
const PREFIX: &str = "rc_";
/// Characters of a token's label.
pub(super) const LABEL_MAX: usize = 64;
/// Tokens of one user.
pub(super) const TOKENS_MAX: i64 = 100;

/// Names a token; says nothing about its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TokenId(pub(super) Uuid);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// A token, as its user sees it ever after it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What to delete it by.
    pub id: TokenId,
    /// For whom it acts.
    pub user: Name,
    /// What it is for.
    #[serde(rename = "name")]
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

impl Access {
    /// Makes a token that acts for `user`; the text of it is told here and never again.
    ///
    /// # Errors
    /// [`AccessError::NoSuchUser`], [`AccessError::Label`], [`AccessError::TooManyTokens`] beyond 100.
    pub async fn create_token(&self, user: &Name, label: &str) -> Result<(TokenId, String), AccessError> {
        let label = label.trim();
        if !(1..=LABEL_MAX).contains(&label.chars().count()) || label.chars().any(char::is_control) {
            return Err(AccessError::Label);
        }
        let (id, token) = (TokenId(Uuid::now_v7()), random_secret(PREFIX));
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        let count = sqlx::query_scalar("select count(*) from tokens where user = ?").bind(user.as_str());
        let count: i64 = count.fetch_one(&mut *tx).await?;
        if count >= TOKENS_MAX {
            return Err(AccessError::TooManyTokens(user.clone()));
        }
        let insert = sqlx::query(
            "insert into tokens (id, token_hash, user, label, created_at) select ?, ?, name, ?, ? from users where name = ?",
        )
        .bind(id.to_string())
        .bind(Digest::of(&token).bytes().to_vec())
        .bind(label)
        .bind(now().0)
        .bind(user.as_str());
        if insert.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(AccessError::NoSuchUser(user.clone()));
        }
        tx.commit().await?;
        Ok((id, token))
    }

    /// A user's tokens, newest first; at most 100.
    ///
    /// # Errors
    /// [`AccessError::NoSuchUser`].
    pub async fn list_tokens(&self, owner: &Name) -> Result<Vec<Token>, AccessError> {
        if self.user(owner).await?.is_none() {
            return Err(AccessError::NoSuchUser(owner.clone()));
        }
        let rows = sqlx::query(
            "select id, user, label, created_at, last_used_at from tokens where user = ? order by created_at desc, id desc",
        );
        rows.bind(owner.as_str()).fetch_all(&self.inner.pool).await?.iter().map(token).collect()
    }

    /// Everybody's tokens, newest first; at most [`LISTED_MAX`].
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn list_all_tokens(&self) -> Result<Vec<Token>, AccessError> {
        let rows = sqlx::query(
            "select id, user, label, created_at, last_used_at from tokens order by created_at desc, id desc limit ?",
        );
        rows.bind(LISTED_MAX).fetch_all(&self.inner.pool).await?.iter().map(token).collect()
    }

    /// Deletes a token, if it is `owner`'s where one is named. What it was used for ends.
    ///
    /// # Errors
    /// [`AccessError::NoSuchToken`].
    pub async fn delete_token(&self, id: TokenId, owner: Option<&Name>) -> Result<(), AccessError> {
        let owner = owner.map(Name::as_str);
        let delete = sqlx::query("delete from tokens where id = ?1 and (?2 is null or user = ?2)");
        let gone = delete.bind(id.to_string()).bind(owner).execute(&self.inner.pool).await?.rows_affected();
        self.changed();
        if gone == 0 { Err(AccessError::NoSuchToken) } else { Ok(()) }
    }

    pub(super) async fn caller_of_token(&self, token: &str) -> Result<Option<Caller>, AccessError> {
        if !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let row = sqlx::query(
            "select tokens.id, users.name, users.role, tokens.last_used_at,
                    (select group_concat(group_name, ' ') from group_members where user = users.name) as groups
                from tokens join users on users.name = tokens.user where tokens.token_hash = ?",
        );
        let row = row.bind(Digest::of(token).bytes().to_vec()).fetch_optional(&self.inner.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let (id, now) = (TokenId(uuid(&row)?), now().0);
        if row.try_get::<Option<i64>, _>("last_used_at")?.is_none_or(|at| now - at >= SEEN_EVERY_MS) {
            self.used(id, now).await;
        }
        Ok(Some(Caller { viewer: viewer(&row)?, credential: CredentialId::Token(id) }))
    }

    async fn used(&self, id: TokenId, now: i64) {
        let update = sqlx::query("update tokens set last_used_at = ? where id = ?").bind(now).bind(id.to_string());
        if let Err(error) = update.execute(&self.inner.pool).await {
            tracing::warn!(%error, "it could not be noted that a token was used");
        }
    }
}

fn token(row: &SqliteRow) -> Result<Token, AccessError> {
    Ok(Token {
        id: TokenId(uuid(row)?),
        user: name(row.try_get("user")?)?,
        label: row.try_get("label")?,
        created_at: Timestamp(row.try_get("created_at")?),
        last_used_at: row.try_get::<Option<i64>, _>("last_used_at")?.map(Timestamp),
    })
}
