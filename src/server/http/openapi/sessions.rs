//! Setting up, signing in and out, who am I, and the sessions of a user.

use super::{
    operation::{Route, delete, get, post},
    schema::{Kind, may, must, named, or_null, request, text, text_of},
};
use crate::server::access::PASSWORD_LENGTH;

pub(super) fn routes() -> Vec<Route> {
    vec![set_up(), log_in(), log_out(), me(), list(), end()]
}

/// A password, as one that is set.
pub(super) fn password() -> Kind {
    text_of("10 to 256 characters.", *PASSWORD_LENGTH.start(), *PASSWORD_LENGTH.end()).into()
}

fn set_up() -> Route {
    let body = request(
        "Who is to be the first admin.",
        vec![
            must("code", text("What the server printed when it started on an empty data folder.")),
            must("name", named("Name")),
            must("password", password()),
        ],
    );
    post("/api/setup", "setUp", "Make the first admin")
        .tag("session")
        .for_everybody()
        .json("The code, and who it is", body)
        .answers(200, "The admin, signed in: the cookie is in `Set-Cookie`", named("Viewer"))
        .problem(403, "The code is wrong, or the request comes from another site")
        .problem(409, "The server is set up already")
        .or_too_many()
        .route()
}

fn log_in() -> Route {
    let body = request(
        "Who it is.",
        vec![
            must("name", text("")),
            must("password", text("")),
            may("next", or_null(text("Where the page's form goes on; else it counts for nothing."))),
        ],
    );
    post("/api/login", "logIn", "Sign in")
        .tag("session")
        .for_everybody()
        .json("Name and password", body)
        .answers(200, "Who it is: the cookie is in `Set-Cookie`", named("Viewer"))
        .problem(401, "The name or the password is wrong")
        .or_too_many()
        .route()
}

fn log_out() -> Route {
    post("/api/logout", "logOut", "Sign out")
        .tag("session")
        .about("Ends the session of the cookie. Tokens stay as they are; nobody signed in is no error.")
        .for_everybody()
        .says(204, "Nobody is signed in by this cookie any more")
        .problem(400, "The body breaks off")
        .problem(413, "The body is larger than 1024 KiB")
        .route()
}

fn me() -> Route {
    get("/api/me", "getMe", "Who asks").tag("session").for_users().answers(200, "The caller", named("Viewer")).route()
}

fn list() -> Route {
    get("/api/sessions", "listSessions", "Where a user is signed in")
        .tag("people")
        .for_users()
        .of_owner()
        .answers(200, "Their sessions, last seen first", named("SessionList"))
        .route()
}

fn end() -> Route {
    delete("/api/sessions/{id}", "endSession", "End a session, and its streams")
        .tag("people")
        .path("id", "The session", named("Id"))
        .for_users()
        .of_owner()
        .says(204, "It has ended")
        .route()
}
