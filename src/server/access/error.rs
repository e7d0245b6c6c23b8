//! What can go wrong with users, groups, sessions and tokens.

use std::{io, path::PathBuf, time::Duration};

use crate::domain::{id::Name, workflow::NOBODY};

use super::{
    groups::{GROUPS_MAX, MEMBERS_MAX},
    tokens::{LABEL_MAX, TOKENS_MAX},
};

/// Why access was not given or could not be changed. Each message says what to do, and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody has this name.
    #[error("there is no user {0}")]
    NoSuchUser(Name),
    /// Somebody has this name.
    #[error("there is a user {0} already: choose another name")]
    UserExists(Name),
    /// A group has this name.
    #[error("there is a group {0}, and a name is a user's or a group's: choose another name")]
    GroupHasName(Name),
    /// There is no such group.
    #[error("there is no group {0}")]
    NoSuchGroup(Name),
    /// A group has this name already.
    #[error("there is a group {0} already: choose another name, or change that one")]
    GroupExists(Name),
    /// A user has this name.
    #[error("there is a user {0}, and a name is a user's or a group's: choose another name")]
    UserHasName(Name),
    /// Only users can be in a group.
    #[error("there is no user {0}: members of a group are users")]
    NoSuchMember(Name),
    /// The bound on groups.
    #[error("there are {GROUPS_MAX} groups, which is as many as there can be: remove one first")]
    TooManyGroups,
    /// The bound on members.
    #[error("a group has {MEMBERS_MAX} members at most")]
    TooManyMembers,
    /// Executions that nobody started are in this name.
    #[error("the name {NOBODY} is kept for what nobody started: choose another name")]
    NobodysName,
    /// Without them nobody could administer the server.
    #[error("{0} is the last admin: make somebody else an admin first")]
    LastAdmin(Name),
    /// Too short or too long; how many characters it has.
    #[error("a password has 10 to 256 characters, this one has {0}")]
    Password(usize),
    /// Deliberately silent about which of the two it is.
    #[error("wrong name or password")]
    WrongPassword,
    /// Not what the server printed when it started.
    #[error("this is not the setup code: it stands in the terminal where the server was started")]
    WrongCode,
    /// There are users, so the first admin is made no more.
    #[error("this server is set up already: sign in instead")]
    SetUp,
    /// Too many wrong passwords or codes, or too many at once.
    #[error("too many attempts: try again in {} s", .retry_after.as_secs().max(1))]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Not there, or somebody else's.
    #[error("there is no such token")]
    NoSuchToken,
    /// Not there, ended, or somebody else's.
    #[error("there is no such session")]
    NoSuchSession,
    /// A token's label is empty, too long or not printable.
    #[error("a token's name has 1 to {LABEL_MAX} printable characters")]
    Label,
    /// The bound on tokens.
    #[error("{0} has {TOKENS_MAX} tokens, which is as many as there can be: delete one first")]
    TooManyTokens(Name),
    /// The data folder or a file in it can't be made.
    #[error("cannot use {path}: {source}; is the folder yours, and is there room?")]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database is there but can't be brought to this program's version.
    #[error("cannot prepare the database of users: {0}; was it made by a newer runcast?")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused.
    #[error("the database of users failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored hash is not one, or the hashing task died.
    #[error("cannot hash a password: {0}")]
    Hashing(String),
}
