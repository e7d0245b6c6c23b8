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
    /// The groups that they are in, by name.
    #[serde(default)]
    pub groups: Vec<Name>,
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

/// Whether `viewer` may start, and so know of, what is open to the users and groups of `allow`; to every user if there is
/// none. An admin may start everything.
pub fn may_start(viewer: &Viewer, allow: Option<&[Name]>) -> bool {
    let named = |name: &Name| *name == viewer.name || viewer.groups.contains(name);
    viewer.is_admin() || allow.is_none_or(|allow| allow.iter().any(named))
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

/// Whose facts a stream carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Every fact but `step.output` of the executions of one owner, or of all; of one workflow, or of all.
    Selection(Option<Name>, Option<Name>),
    /// Every fact of this execution.
    Execution(ExecutionId),
    /// No fact: what was asked for lies outside of what the viewer may see.
    Nothing,
}

impl Audience {
    /// What `viewer` may see, as far as it belongs to `owner` and to `workflow`, if these are given.
    pub fn of(viewer: &Viewer, owner: Option<Name>, workflow: Option<Name>) -> Self {
        match (viewer.scope(), owner) {
            (Scope::Everything, owner) => Audience::Selection(owner, workflow),
            (Scope::Owner(own), Some(other)) if own != other => Audience::Nothing,
            (Scope::Owner(own), _) => Audience::Selection(Some(own), workflow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Name> {
        "[a-c]".prop_map(|text| text.parse().expect("a letter is a name"))
    }

    fn viewer(who: &Name, admin: bool, groups: Vec<Name>) -> Viewer {
        Viewer { name: who.clone(), role: if admin { Role::Admin } else { Role::User }, groups }
    }

    proptest! {
        #[test]
        fn a_user_may_start_what_names_them_or_a_group_of_theirs(
            who in name(), admin: bool,
            groups in prop::collection::vec("[x-z]", 0..3), allow in prop::option::of(prop::collection::vec("[a-cx-z]", 0..3)),
        ) {
            let names = |texts: &[String]| texts.iter().map(|text| text.parse().expect("a letter is a name")).collect();
            let allowed: Option<Vec<Name>> = allow.as_deref().map(names);
            let known = |name: &String| name == who.as_str() || groups.contains(name);
            let expected = admin || allow.as_ref().is_none_or(|allow| allow.iter().any(known));
            prop_assert_eq!(may_start(&viewer(&who, admin, names(&groups)), allowed.as_deref()), expected);
        }

        #[test]
        fn a_user_sees_their_own_an_admin_sees_all(who in name(), owner in name(), admin: bool) {
            let viewer = viewer(&who, admin, Vec::new());
            prop_assert_eq!(visible(&viewer, &owner), admin || who == owner);
        }

        #[test]
        fn an_audience_holds_what_was_asked_for_and_may_be_seen(
            who in name(), admin: bool, wanted in prop::option::of(name()), owner in name(),
        ) {
            let viewer = viewer(&who, admin, Vec::new());
            let expected = visible(&viewer, &owner) && wanted.as_ref().is_none_or(|wanted| *wanted == owner);
            let holds = match Audience::of(&viewer, wanted, None) {
                Audience::Selection(of, None) => of.is_none_or(|of| of == owner),
                _ => false,
            };
            prop_assert_eq!(holds, expected);
        }
    }
}
