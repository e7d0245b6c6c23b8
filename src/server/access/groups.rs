//! Groups: one name for several users, which a workflow's `allow` may hold. Who is in which is looked up with each
//! request, so that a change holds at once, whoever made it.

use std::collections::BTreeSet;

use sqlx::{Row, Sqlite, SqliteConnection, Transaction, sqlite::SqliteRow};

use super::{Access, AccessError, name, now};
use crate::domain::{administration::UserGroup, id::Name, time::Timestamp, workflow::NOBODY};

/// Most groups.
pub(super) const GROUPS_MAX: i64 = 1_000;
/// Most members of a group.
pub const MEMBERS_MAX: usize = 1_000;

/// What becomes of a group's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// These and nobody else.
    Are,
    /// These as well.
    Join,
    /// These no more.
    Leave,
}

impl Access {
    /// Every group, or those that `member` is in; by name.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn list_groups(&self, member: Option<&Name>) -> Result<Vec<UserGroup>, AccessError> {
        let rows = sqlx::query(
            "select name, created_at, group_concat(user, ' ') as members
                from user_groups left join group_members on group_name = name
                where ?1 is null or name in (select group_name from group_members where user = ?1)
                group by name order by name",
        );
        rows.bind(member.map(Name::as_str)).fetch_all(&self.inner.pool).await?.iter().map(group).collect()
    }

    /// One group.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn group(&self, name: &Name) -> Result<Option<UserGroup>, AccessError> {
        let mut connection = self.inner.pool.acquire().await?;
        find(&mut connection, name).await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`AccessError::GroupExists`], [`AccessError::UserHasName`], [`AccessError::NobodysName`],
    /// [`AccessError::NoSuchMember`], [`AccessError::TooManyGroups`], [`AccessError::TooManyMembers`].
    pub async fn add_group(&self, name: Name, members: &[Name]) -> Result<UserGroup, AccessError> {
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        if find(&mut tx, &name).await?.is_some() {
            return Err(AccessError::GroupExists(name));
        }
        insert(&mut tx, &name).await?;
        self.settle(tx, &name, members, Members::Are).await
    }

    /// Takes users into a group, which is made if there is none.
    ///
    /// # Errors
    /// As [`add_group`](Self::add_group).
    pub async fn join_group(&self, name: Name, members: &[Name]) -> Result<UserGroup, AccessError> {
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        if find(&mut tx, &name).await?.is_none() {
            insert(&mut tx, &name).await?;
        }
        self.settle(tx, &name, members, Members::Join).await
    }

    /// Changes who is in a group. Nobody needs to be; who is not in it leaves without a word.
    ///
    /// # Errors
    /// [`AccessError::NoSuchGroup`], [`AccessError::NoSuchMember`], [`AccessError::TooManyMembers`].
    pub async fn change_group(&self, name: &Name, members: &[Name], how: Members) -> Result<UserGroup, AccessError> {
        let mut tx = self.inner.pool.begin_with("begin immediate").await?;
        if find(&mut tx, name).await?.is_none() {
            return Err(AccessError::NoSuchGroup(name.clone()));
        }
        self.settle(tx, name, members, how).await
    }

    /// Removes a group. Who was in it stays.
    ///
    /// # Errors
    /// [`AccessError::NoSuchGroup`].
    pub async fn remove_group(&self, name: &Name) -> Result<(), AccessError> {
        let delete = sqlx::query("delete from user_groups where name = ?").bind(name.as_str());
        let gone = delete.execute(&self.inner.pool).await?.rows_affected();
        self.changed();
        if gone == 0 { Err(AccessError::NoSuchGroup(name.clone())) } else { Ok(()) }
    }

    /// The groups that a user is in, by name.
    pub(super) async fn groups_of(&self, user: &Name) -> Result<Vec<Name>, AccessError> {
        let rows = sqlx::query_scalar("select group_name from group_members where user = ? order by group_name");
        rows.bind(user.as_str()).fetch_all(&self.inner.pool).await?.into_iter().map(name).collect()
    }

    async fn settle(
        &self,
        mut tx: Transaction<'_, Sqlite>,
        name: &Name,
        members: &[Name],
        how: Members,
    ) -> Result<UserGroup, AccessError> {
        if how == Members::Are {
            let delete = sqlx::query("delete from group_members where group_name = ?").bind(name.as_str());
            delete.execute(&mut *tx).await?;
        }
        for member in members.iter().collect::<BTreeSet<_>>() {
            match how {
                Members::Are | Members::Join => join(&mut tx, name, member).await?,
                Members::Leave => leave(&mut tx, name, member).await?,
            }
        }
        let group = find(&mut tx, name).await?.ok_or_else(|| AccessError::NoSuchGroup(name.clone()))?;
        if group.members.len() > MEMBERS_MAX {
            return Err(AccessError::TooManyMembers);
        }
        tx.commit().await?;
        self.changed();
        Ok(group)
    }
}

async fn insert(tx: &mut Transaction<'_, Sqlite>, name: &Name) -> Result<(), AccessError> {
    if name.as_str() == NOBODY {
        return Err(AccessError::NobodysName);
    }
    let taken = sqlx::query_scalar("select exists (select 1 from users where name = ?)").bind(name.as_str());
    if taken.fetch_one(&mut **tx).await? {
        return Err(AccessError::UserHasName(name.clone()));
    }
    let count: i64 = sqlx::query_scalar("select count(*) from user_groups").fetch_one(&mut **tx).await?;
    if count >= GROUPS_MAX {
        return Err(AccessError::TooManyGroups);
    }
    let insert = sqlx::query("insert into user_groups (name, created_at) values (?, ?)");
    insert.bind(name.as_str()).bind(now().0).execute(&mut **tx).await?;
    Ok(())
}

async fn join(tx: &mut Transaction<'_, Sqlite>, group: &Name, member: &Name) -> Result<(), AccessError> {
    let insert = sqlx::query(
        "insert into group_members (group_name, user) select ?, name from users where name = ?
            on conflict do update set user = excluded.user",
    );
    let done = insert.bind(group.as_str()).bind(member.as_str()).execute(&mut **tx).await?;
    if done.rows_affected() == 0 { Err(AccessError::NoSuchMember(member.clone())) } else { Ok(()) }
}

async fn leave(tx: &mut Transaction<'_, Sqlite>, group: &Name, member: &Name) -> Result<(), AccessError> {
    let delete = sqlx::query("delete from group_members where group_name = ? and user = ?");
    delete.bind(group.as_str()).bind(member.as_str()).execute(&mut **tx).await?;
    Ok(())
}

/// Whether a group has this name: then no user may have it.
pub(super) async fn is_group(tx: &mut Transaction<'_, Sqlite>, name: &Name) -> Result<bool, AccessError> {
    let taken = sqlx::query_scalar("select exists (select 1 from user_groups where name = ?)").bind(name.as_str());
    Ok(taken.fetch_one(&mut **tx).await?)
}

async fn find(connection: &mut SqliteConnection, name: &Name) -> Result<Option<UserGroup>, AccessError> {
    let row = sqlx::query(
        "select name, created_at,
            (select group_concat(user, ' ') from group_members where group_name = name) as members
            from user_groups where name = ?",
    );
    row.bind(name.as_str()).fetch_optional(connection).await?.as_ref().map(group).transpose()
}

/// Names that the database has put into one text, sorted; none has a space in it.
pub(super) fn names(text: Option<&str>) -> Result<Vec<Name>, AccessError> {
    let names = text.unwrap_or_default().split_ascii_whitespace().map(|text| name(text.to_owned()));
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    Ok(names)
}

fn group(row: &SqliteRow) -> Result<UserGroup, AccessError> {
    Ok(UserGroup {
        name: name(row.try_get("name")?)?,
        created_at: Timestamp(row.try_get("created_at")?),
        members: names(row.try_get("members")?)?,
    })
}
