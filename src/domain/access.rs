//! Who sees what: one predicate, and the shape of it that a query or a stream can carry.

use serde::{Deserialize, Serialize};

use super::id::{ExecutionId, Name};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and does everything.
    Admin,
    /// Sees and does what is their own.
    User,
}

impl Role {
    /// The word of it, as the API and the database have it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::User => "user",
        }
    }
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Viewer {
    /// Who they are.
    pub name: Name,
    /// What they may do.
    pub role: Role,
}

impl Viewer {
    /// Whether they administer this server.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Everything this viewer may see, in the form that a query and a stream can carry.
    pub fn scope(&self) -> Scope {
        match self.role {
            Role::Admin => Scope::Everything,
            Role::User => Scope::Owner(self.name.clone()),
        }
    }
}

/// **The** predicate: whether `viewer` may see an execution of `owner`. List, snapshot, log, stream, replay and
/// actions all ask it, directly or through [`Scope`], which says the same.
pub fn visible(viewer: &Viewer, owner: &Name) -> bool {
    viewer.scope().holds(owner)
}

/// A set of executions by their owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All there are.
    Everything,
    /// Those of one user.
    Owner(Name),
}

impl Scope {
    /// Whether an execution of `owner` is in it.
    pub fn holds(&self, owner: &Name) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Owner(name) => name == owner,
        }
    }
}

/// Whose facts a stream carries: everything in a scope without output, or all of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Every fact of these executions but `step.output`.
    Scope(Scope),
    /// Every fact of this execution.
    Execution(ExecutionId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Name> {
        "[a-c]".prop_map(|text| text.parse().expect("a letter is a name"))
    }

    proptest! {
        #[test]
        fn a_user_sees_their_own_an_admin_sees_all(who in name(), owner in name(), admin: bool) {
            let viewer = Viewer { name: who.clone(), role: if admin { Role::Admin } else { Role::User } };
            prop_assert_eq!(visible(&viewer, &owner), admin || who == owner);
        }
    }
}
