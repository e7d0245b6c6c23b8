//! Users, groups and tokens.

use super::{
    operation::{Route, delete, get, patch, post},
    schema::{Kind, boolean, list, list_of, may, must, named, named_as, or_null, record, request, text, text_of, word},
    sessions::password,
    shapes::moment,
};
use crate::server::access::MEMBERS_MAX;

pub(super) fn routes() -> Vec<Route> {
    [users(), groups(), tokens()].into_iter().flatten().collect()
}

fn users() -> Vec<Route> {
    let role = || word("What they may do; user if nothing is said.", ["admin", "user"]);
    let new = request(
        "Who is to be added.",
        vec![must("name", named("Name")), must("password", password()), may("role", or_null(role()))],
    );
    let change = request(
        "What is to become different.",
        vec![
            may(
                "role",
                or_null(word("What they may do; changed by admins only. Ends their streams.", ["admin", "user"])),
            ),
            may("password", or_null(password())),
            may("current_password", or_null(text("One's own; a user who is no admin must say it for a new one."))),
        ],
    );
    vec![
        get("/api/users", "listUsers", "Every user")
            .tag("people")
            .for_admins()
            .answers(200, "By name", named("UserList"))
            .route(),
        post("/api/users", "addUser", "Add a user")
            .tag("people")
            .for_admins()
            .json("Who they are", new)
            .creates("They can sign in", named("User"))
            .problem(409, "A user or a group has this name")
            .or_too_many()
            .route(),
        patch("/api/users/{name}", "changeUser", "Change a user's role or password")
            .tag("people")
            .about("An admin anybody's, a user their own password. A new password ends their other sessions.")
            .path("name", "The user", text(""))
            .for_admins()
            .json("What is to become different; the rest stays", change)
            .answers(200, "As they are now", named("User"))
            .or_not_found()
            .problem(409, "They are the last admin")
            .or_too_many()
            .route(),
        delete("/api/users/{name}", "removeUser", "Remove a user, with their sessions and tokens")
            .tag("people")
            .about("Their executions stay. They leave their groups, and their streams end within a second.")
            .path("name", "The user", text(""))
            .for_admins()
            .says(204, "They are gone")
            .or_not_found()
            .problem(409, "They are the last admin")
            .route(),
    ]
}

fn groups() -> Vec<Route> {
    let members = |about: &str| list_of(about, 0, MEMBERS_MAX, named("Name"));
    let new = request(
        "A group.",
        vec![must("name", named("Name")), may("members", or_null(members("Users; nobody if nothing is said.")))],
    );
    let change =
        request("What is to become different.", vec![may("members", or_null(members("These users and nobody else.")))]);
    vec![
        get("/api/groups", "listGroups", "Groups")
            .tag("people")
            .for_users()
            .answers(200, "Those that the caller is in, or for an admin all; by name", named("GroupList"))
            .route(),
        post("/api/groups", "addGroup", "Make a group")
            .tag("people")
            .about("A workflow's `allow` may hold its name. A name is a user's or a group's, never both.")
            .for_admins()
            .json("Its name, and who is in it", new)
            .creates("It is there", named("Group"))
            .problem(409, "A user or a group has this name, or there are too many")
            .route(),
        get("/api/groups/{name}", "getGroup", "A group")
            .tag("people")
            .path("name", "The group", named("Name"))
            .for_users()
            .answers(200, "With who is in it", named("Group"))
            .or_not_found()
            .route(),
        patch("/api/groups/{name}", "changeGroup", "Change who is in a group")
            .tag("people")
            .about("Holds at once: whoever is in it no more neither sees nor starts what it was allowed.")
            .path("name", "The group", named("Name"))
            .for_admins()
            .json("Who is in it", change)
            .answers(200, "As it is now", named("Group"))
            .or_not_found()
            .route(),
        delete("/api/groups/{name}", "removeGroup", "Remove a group")
            .tag("people")
            .path("name", "The group", named("Name"))
            .for_admins()
            .says(204, "It is gone; the users stay")
            .or_not_found()
            .route(),
    ]
}

fn tokens() -> Vec<Route> {
    let new = request("A token.", vec![must("name", text_of("What it is for; printable.", 1, 64))]);
    let made = record(
        "A new token.",
        vec![
            must("id", named("Id")),
            must("name", text("What it is for.")),
            must("token", text("What a program sends as `Authorization: Bearer …`. It is told here and never again.")),
        ],
    );
    vec![
        get("/api/tokens", "listTokens", "A user's tokens")
            .tag("people")
            .for_users()
            .of_owner()
            .answers(200, "Newest first; what they are is not told", named("TokenList"))
            .route(),
        post("/api/tokens", "createToken", "Make a token")
            .tag("people")
            .for_users()
            .of_owner()
            .json("What it is for", new)
            .creates("With its text, this once", made)
            .problem(409, "There are 100 already")
            .route(),
        delete("/api/tokens/{id}", "deleteToken", "Delete a token, and end its streams")
            .tag("people")
            .path("id", "The token", named("Id"))
            .for_users()
            .of_owner()
            .says(204, "It is good for nothing any more")
            .route(),
    ]
}

/// What is answered, by the names in the document.
pub(super) fn shapes() -> Vec<(&'static str, Kind)> {
    let role = || word("What they may do.", ["admin", "user"]);
    let listed = |name: &str| record("A list.", vec![must("items", list("", named(name)))]);
    let user = vec![must("name", named("Name")), must("role", role()), must("created_at", named("Timestamp"))];
    let members = list_of("Users, by name.", 0, MEMBERS_MAX, named("Name"));
    let group = vec![must("name", named("Name")), must("created_at", named("Timestamp")), must("members", members)];
    let token = vec![
        must("id", named("Id")),
        must("user", named_as("Name", "For whom it acts.")),
        must("name", text("What it is for.")),
        must("created_at", named("Timestamp")),
        must("last_used_at", moment("When it was last used, to the hour.")),
    ];
    let session = vec![
        must("id", named("Id")),
        must("user", named("Name")),
        must("created_at", named("Timestamp")),
        must("last_seen_at", named_as("Timestamp", "When it was last used, to the hour.")),
        must("expires_at", named_as("Timestamp", "When it ends unless it is used again.")),
        must("address", text("Whence they signed in.")),
        must("agent", text("By which browser.")),
        must("current", boolean("Whether it is the one that asks.")),
    ];
    let viewer = vec![
        must("name", named("Name")),
        must("role", role()),
        must("groups", list("The groups that they are in.", named("Name"))),
    ];
    let shapes = [
        ("Viewer", record("Somebody who has signed in.", viewer)),
        ("User", record("A user.", user)),
        ("UserList", listed("User")),
        ("Group", record("A group.", group)),
        ("GroupList", listed("Group")),
        ("Token", record("A token.", token)),
        ("TokenList", listed("Token")),
        ("Session", record("A browser that has signed in.", session)),
        ("SessionList", listed("Session")),
    ];
    shapes.into_iter().map(|(name, shape)| (name, shape.into())).collect()
}
