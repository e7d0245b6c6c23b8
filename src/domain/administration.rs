//! What the server tells of itself to its admins, and of their own account to everybody.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    access::{Role, Viewer},
    id::{ExecutionId, Name, Seq},
    time::Timestamp,
};

/// A part of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// One's own account; the only one that is not for admins alone.
    Profile,
    /// Who may come in.
    Users,
    /// Which users have one name together, for `allow`.
    Groups,
    /// Who has signed in, where.
    Sessions,
    /// Which programs act for whom.
    Tokens,
    /// Who reads what happens, now.
    Streams,
    /// How the server does.
    Health,
    /// What the server was told.
    Configuration,
}

impl Room {
    /// Those for admins, in the order that they are shown in.
    pub const FOR_ADMINS: [Room; 7] =
        [Room::Users, Room::Groups, Room::Sessions, Room::Tokens, Room::Streams, Room::Health, Room::Configuration];

    /// The last part of its address.
    pub fn word(self) -> &'static str {
        match self {
            Room::Profile => "profile",
            Room::Users => "users",
            Room::Groups => "groups",
            Room::Sessions => "sessions",
            Room::Tokens => "tokens",
            Room::Streams => "streams",
            Room::Health => "health",
            Room::Configuration => "configuration",
        }
    }

    /// Its name on the page.
    pub fn label(self) -> &'static str {
        match self {
            Room::Profile => "Profile",
            Room::Users => "Users",
            Room::Groups => "Groups",
            Room::Sessions => "Sessions",
            Room::Tokens => "Tokens",
            Room::Streams => "Streams",
            Room::Health => "Health",
            Room::Configuration => "Configuration",
        }
    }

    /// Its address.
    pub fn href(self) -> String {
        match self {
            Room::Profile => "/profile".to_owned(),
            room => format!("/settings/{}", room.word()),
        }
    }

    /// The admins' part with this last part of its address.
    pub fn named(word: &str) -> Option<Self> {
        Self::FOR_ADMINS.into_iter().find(|room| room.word() == word)
    }

    /// Whether what it shows changes by itself.
    pub fn moves(self) -> bool {
        matches!(self, Room::Sessions | Room::Streams | Room::Health)
    }
}

/// What is in a part of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// Of [`Room::Profile`].
    Profile {
        /// Whose.
        viewer: Viewer,
        /// Where they have signed in.
        sessions: Vec<OpenSession>,
        /// What acts for them.
        tokens: Vec<IssuedToken>,
    },
    /// Of [`Room::Users`].
    Users(Vec<Account>),
    /// Of [`Room::Groups`]: all groups, and all users.
    Groups(Vec<UserGroup>, Vec<Account>),
    /// Of [`Room::Sessions`].
    Sessions(Vec<OpenSession>),
    /// Of [`Room::Tokens`]: all users, and all tokens.
    Tokens(Vec<Account>, Vec<IssuedToken>),
    /// Of [`Room::Streams`].
    Streams(Vec<OpenStream>),
    /// Of [`Room::Health`].
    Health(Box<Health>),
    /// Of [`Room::Configuration`].
    Configuration(Vec<Setting>),
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What they sign in with, and what owns their executions.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created_at: Timestamp,
}

/// Users with one name together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserGroup {
    /// What a workflow's `allow` calls it.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who is in it, by name.
    pub members: Vec<Name>,
}

/// A browser that has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// What to end it by.
    pub id: Uuid,
    /// Whose it is.
    pub user: Name,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_seen_at: Timestamp,
    /// Whence they signed in.
    pub address: String,
    /// By which browser, as it calls itself.
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// What a program acts by; never its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// What to revoke it by.
    pub id: Uuid,
    /// For whom it acts.
    pub user: Name,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

/// A stream that somebody reads now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStream {
    /// Its number, from 1 on in the server's life.
    pub id: u64,
    /// Who reads.
    pub user: Name,
    /// Of which execution, if of one.
    pub execution: Option<ExecutionId>,
    /// Of whose executions, if of one user's.
    pub owner: Option<Name>,
    /// Of which workflow's, if of one's.
    pub workflow: Option<Name>,
    /// When it was opened.
    pub since: Timestamp,
    /// How many bytes were handed to its socket.
    pub bytes: u64,
    /// The last fact that was handed to it, or where it began.
    pub position: Seq,
    /// How many facts wait for it in the feed's memory, as far as one look goes; none if it is further behind than
    /// that holds.
    pub behind: Option<u64>,
}

/// How the server does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// When this life of it began.
    pub started_at: Timestamp,
    /// The server's time.
    pub at: Timestamp,
    /// The last committed fact.
    pub head: Seq,
    /// What keeps facts from the disk, if anything does.
    pub trouble: Option<String>,
    /// Facts committed in a second, over the last ten.
    pub facts_per_second: f64,
    /// How long a commit takes of late, in milliseconds.
    pub commit_ms: f64,
    /// Facts that wait for their commit, and how many may.
    pub waiting_facts: [u64; 2],
    /// From a fact's commit to a socket of late, in milliseconds.
    pub lag_ms: f64,
    /// Streams that are open, and how many may be.
    pub streams: [u64; 2],
    /// Executions at work here, and how many may be.
    pub running: [u64; 2],
    /// Executions that wait for their turn.
    pub queued: u64,
    /// What the data folder holds, in bytes.
    pub data_bytes: u64,
    /// Room on its disk: free, and in all, in bytes.
    pub disk_bytes: [u64; 2],
}

/// Where a setting was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A flag on the command line.
    Flag,
    /// A variable of the environment.
    Environment,
    /// `Leptos.toml`.
    File,
    /// Nobody said anything.
    Default,
}

/// A setting in force. None of them is a secret, and none ever may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name, as the flag has it.
    pub name: String,
    /// What holds, as people read it.
    pub value: String,
    /// Where that comes from.
    pub origin: Origin,
}
