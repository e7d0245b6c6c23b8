//! The guard and the routes behind it, over a real database.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    middleware::from_fn_with_state,
    routing::{any, get},
};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::{
    domain::access::Role,
    server::{
        access::{AccessSettings, Caller},
        http::{body::BODY_MAX, session, tokens, users},
    },
};

const PASSWORD: &str = "correct horse battery";

struct House {
    _data: TempDir,
    access: Access,
    router: Router,
}

impl House {
    async fn empty_with(settings: AccessSettings) -> Self {
        let data = tempfile::tempdir().unwrap();
        let access = Access::open(data.path(), settings).await.unwrap();
        let page = |MaybeCaller(caller): MaybeCaller| async move {
            caller.map_or("nobody".to_owned(), |caller| caller.viewer.name.to_string())
        };
        let router = Router::new()
            .merge(session::routes().merge(users::routes()).merge(tokens::routes()).into_parts().0)
            .route("/healthz", get(async || "well"))
            .route("/api/whoami", any(async |caller: Caller| caller.viewer.name.to_string()))
            .fallback(page)
            .layer(from_fn_with_state(access.clone(), guard))
            .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
            .with_state(access.clone());
        Self { _data: data, access, router }
    }

    /// An admin `root`, and the users `alice` and `bob`.
    async fn with(settings: AccessSettings) -> Self {
        let house = Self::empty_with(settings).await;
        for (name, role) in [("root", Role::Admin), ("alice", Role::User), ("bob", Role::User)] {
            house.access.add_user(name.parse().unwrap(), role, PASSWORD).await.unwrap();
        }
        house
    }

    async fn new() -> Self {
        Self::with(AccessSettings::default()).await
    }

    async fn token(&self, name: &str) -> String {
        self.access.create_token(&name.parse().unwrap(), "test").await.unwrap().1
    }

    /// The cookie of somebody who has just signed in.
    async fn cookie(&self, name: &str) -> String {
        let answer = self.post("/api/login", json!({"name": name, "password": PASSWORD})).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.cookie()
    }

    fn call(&self, method: &str, path: &str) -> Call {
        let from = SocketAddr::from(([10, 0, 0, 1], 5000));
        let request = Request::builder().method(method).uri(path).header(header::HOST, "runcast.test");
        Call { router: self.router.clone(), request: request.extension(ConnectInfo(from)), body: Body::empty() }
    }

    fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    fn post(&self, path: &str, body: Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// As a browser sends a form.
    fn form(&self, path: &str, body: &str) -> Call {
        let mut call = self.call("POST", path).header("sec-fetch-site", "same-origin");
        call.body = Body::from(body.to_owned());
        call.header("content-type", "application/x-www-form-urlencoded")
    }
}

struct Call {
    router: Router,
    request: http::request::Builder,
    body: Body,
}

impl Call {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    fn json(mut self, body: Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// As a page of ours sends it.
    fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie).header("sec-fetch-site", "same-origin")
    }

    fn from(mut self, address: [u8; 4]) -> Self {
        self.request = self.request.extension(ConnectInfo(SocketAddr::from((address, 5000))));
        self
    }

    async fn send(self) -> Answer {
        let response = self.router.oneshot(self.request.body(self.body).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!text.contains("argon2"), "a hash in an answer: {text}");
        Answer { status: status.as_u16(), headers, text }
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// The status, and where to if it is a redirect.
    fn to(&self) -> (u16, &str) {
        (self.status, self.header("location"))
    }

    fn first_field(&self) -> String {
        self.json()["errors"][0]["field"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn an_empty_server_leads_every_page_to_the_set_up_which_works_once() {
    let house = House::empty_with(AccessSettings::default()).await;
    for page in ["/", "/sign-in", "/executions/1?x=y"] {
        assert_eq!(house.get(page).send().await.to(), (303, "/set-up"), "{page}");
    }
    assert_eq!(house.get("/set-up").send().await.status, 200);
    let set_up = |code: &str, password: &str| json!({"code": code, "name": "root", "password": password});
    let wrong = house.post("/api/setup", set_up("AAAA-AAAA-AAAA-AAAA", PASSWORD)).send().await;
    assert_eq!((wrong.status, wrong.header("content-type")), (403, "application/problem+json"));
    let code = house.access.setup_code().unwrap().to_string();
    let short = house.post("/api/setup", set_up(&code, "short")).send().await;
    assert_eq!((short.status, short.first_field().as_str()), (422, "password"));

    let done = house.post("/api/setup", set_up(&code.to_lowercase(), PASSWORD)).send().await;
    assert_eq!((done.status, done.json()), (200, json!({"name": "root", "role": "admin", "groups": []})));
    assert_eq!(house.get("/").cookie(&done.cookie()).send().await.text, "root");
    assert_eq!(house.post("/api/setup", set_up(&code, PASSWORD)).send().await.status, 409);
    assert_eq!(house.get("/set-up").send().await.to(), (303, "/sign-in"));
}

#[tokio::test]
async fn set_up_works_as_a_plain_form_and_says_what_is_wrong_in_a_word() {
    let house = House::empty_with(AccessSettings::default()).await;
    let form = |code: &str, name: &str, password: &str| format!("code={code}&name={name}&password={password}");
    let code = house.access.setup_code().unwrap().to_string();
    for (body, word) in [
        (form("x", "root", PASSWORD), "code"),
        (form(&code, "Root+Root", PASSWORD), "name"),
        (form(&code, "root", "short"), "password"),
    ] {
        let to = format!("/set-up?error={word}");
        assert_eq!(house.form("/api/setup", &body).send().await.to(), (303, to.as_str()));
    }
    let done = house.form("/api/setup", &form(&code, "root", "correct+horse+battery")).send().await;
    assert_eq!(done.to(), (303, "/"));
    assert_eq!(house.get("/api/me").cookie(&done.cookie()).send().await.json()["role"], "admin");
    assert_eq!(house.form("/api/setup", &form(&code, "eve", PASSWORD)).send().await.to(), (303, "/sign-in"));
}

#[tokio::test]
async fn who_guesses_the_setup_code_must_wait_and_nobody_else() {
    let house = House::empty_with(AccessSettings::default()).await;
    let guess = |code: &str| house.post("/api/setup", json!({"code": code, "name": "eve", "password": PASSWORD}));
    for _ in 0..10 {
        assert_eq!(guess("AAAA").send().await.status, 403);
    }
    let refused = guess("AAAA").send().await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "90"));
    let code = house.access.setup_code().unwrap().to_string();
    assert_eq!(guess(&code).send().await.status, 429);
    assert_eq!(guess(&code).from([10, 0, 0, 2]).send().await.status, 200);
}

#[tokio::test]
async fn signing_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let house = House::new().await;
    let answer = house.post("/api/login", json!({"name": "alice", "password": PASSWORD})).send().await;
    assert_eq!((answer.status, answer.json()), (200, json!({"name": "alice", "role": "user", "groups": []})));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("runcast=") && !cookie.contains("Secure"), "{cookie}");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let me = house.get("/api/me").cookie(&answer.cookie()).send().await;
    assert_eq!((me.status, me.json()), (200, json!({"name": "alice", "role": "user", "groups": []})));
    assert_eq!(me.header("cache-control"), "no-store");
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_bound_to_the_host() {
    let public = AccessSettings { public_url: Some("https://runcast.test".into()), trust_proxy: false };
    let proxied = AccessSettings { public_url: None, trust_proxy: true };
    for (settings, proto, secure) in [
        (public, "http", true),
        (proxied.clone(), "https", true),
        (proxied, "http", false),
        (AccessSettings::default(), "https", false),
    ] {
        let house = House::with(settings).await;
        let login = house.post("/api/login", json!({"name": "alice", "password": PASSWORD}));
        let answer = login.header("x-forwarded-proto", proto).send().await;
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie.starts_with("__Host-runcast=") && cookie.ends_with("; Secure"), secure, "{cookie}");
        let me = house.get("/api/me").cookie(&answer.cookie()).header("x-forwarded-proto", proto).send().await;
        assert_eq!(me.status, 200);
    }
}

#[tokio::test]
async fn signing_in_works_as_a_plain_form_and_leads_to_where_one_wanted_to_go() {
    let house = House::new().await;
    let form = |next: &str| format!("name=alice&password=correct+horse+battery&next={}", encoded(next));
    for (next, to) in [
        ("/workflows/a?x=1&y=2", "/workflows/a?x=1&y=2"),
        ("", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("https://evil.test", "/"),
        ("/a\r\nset-cookie: b=c", "/"),
    ] {
        let answer = house.form("/api/login", &form(next)).send().await;
        assert_eq!(answer.to(), (303, to), "{next:?}");
        assert!(answer.header("set-cookie").starts_with("runcast="));
    }
    let wrong = house.form("/api/login", "name=alice&password=wrong&next=/workflows?x=1").send().await;
    assert_eq!(wrong.to(), (303, "/sign-in?error=wrong&next=/workflows%3Fx%3D1"));
    assert_eq!(wrong.header("set-cookie"), "");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_clear_answer() {
    let house = House::new().await;
    let login = |name: &str, password: &str| house.post("/api/login", json!({"name": name, "password": password}));
    let wrong = login("alice", "not my password").send().await;
    assert_eq!((wrong.status, wrong.header("content-type")), (401, "application/problem+json"));
    assert_eq!(wrong.json()["detail"], "wrong name or password");
    for (name, password) in [("nobody", PASSWORD), ("No Name", PASSWORD), ("alice", &"x".repeat(10_000))] {
        let other = login(name, password).send().await;
        assert_eq!((other.status, other.text), (401, wrong.text.clone()), "{name}");
    }
}

#[tokio::test]
async fn fifty_wrong_passwords_get_a_clear_answer_each_and_disturb_nobody() {
    let house = House::new().await;
    let open = house.cookie("alice").await;
    let login = |name: &str, password: &str| house.post("/api/login", json!({"name": name, "password": password}));
    let mut statuses = Vec::new();
    for _ in 0..50 {
        let answer = login("alice", "wrong password").send().await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("retry-after").is_empty(), answer.status != 429);
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 40]].concat());
    assert_eq!(
        login("alice", PASSWORD).send().await.status,
        429,
        "the right one must wait as well, or it could be guessed"
    );
    assert_eq!(login("alice", PASSWORD).from([10, 0, 0, 2]).send().await.status, 200, "alice, elsewhere");
    assert_eq!(login("bob", PASSWORD).send().await.status, 200, "bob, at the same address");
    assert_eq!(house.get("/api/me").cookie(&open).send().await.status, 200, "alice, where she is signed in");
}

#[tokio::test]
async fn the_address_that_counts_is_the_last_hop_of_a_trusted_proxy_and_else_the_connection() {
    for (trust_proxy, status) in [(true, 401), (false, 429)] {
        let house = House::with(AccessSettings { public_url: None, trust_proxy }).await;
        let wrong = json!({"name": "alice", "password": "wrong password"});
        for n in 0..10 {
            let hops = format!("1.1.1.1, 192.0.2.{n}");
            assert_eq!(
                house.post("/api/login", wrong.clone()).header("x-forwarded-for", &hops).send().await.status,
                401
            );
        }
        let next = house.post("/api/login", wrong).header("x-forwarded-for", "1.1.1.1, 192.0.2.99").send().await;
        assert_eq!(next.status, status, "trust_proxy = {trust_proxy}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_in_both_ways_and_again_it_harms_nobody() {
    let house = House::new().await;
    let cookie = house.cookie("alice").await;
    let out = house.call("POST", "/api/logout").cookie(&cookie).send().await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").starts_with("runcast=;") && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(house.get("/api/me").cookie(&cookie).send().await.status, 401);
    assert_eq!(house.call("POST", "/api/logout").cookie(&cookie).send().await.status, 204);

    let cookie = house.cookie("alice").await;
    assert_eq!(house.form("/api/logout", "").header("cookie", &cookie).send().await.to(), (303, "/sign-in"));
    assert_eq!(house.get("/").cookie(&cookie).send().await.to(), (303, "/sign-in"));

    let token = house.token("alice").await;
    assert_eq!(house.call("POST", "/api/logout").bearer(&token).send().await.status, 204);
    assert_eq!(house.get("/api/me").bearer(&token).send().await.status, 200, "a token is not signed out");
}

#[tokio::test]
async fn signing_in_again_in_the_same_browser_ends_the_session_before() {
    let house = House::new().await;
    let before = house.cookie("alice").await;
    let again = house.post("/api/login", json!({"name": "bob", "password": PASSWORD})).cookie(&before).send().await;
    assert_eq!(again.status, 200);
    assert_eq!(house.get("/api/me").cookie(&before).send().await.status, 401);
}

#[tokio::test]
async fn a_change_with_a_cookie_must_come_from_our_own_pages() {
    let house = House::new().await;
    let cookie = house.cookie("alice").await;
    let change = || house.call("POST", "/api/whoami").header("cookie", &cookie);
    for (name, value, status) in [
        ("sec-fetch-site", "same-origin", 200),
        ("sec-fetch-site", "none", 200),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("origin", "http://runcast.test", 200),
        ("origin", "https://RUNCAST.test:443", 200),
        ("origin", "http://evil.test", 403),
        ("origin", "http://runcast.test.evil.test", 403),
        ("origin", "http://runcast.test:8080", 403),
        ("origin", "null", 403),
        ("accept", "says nothing", 403),
    ] {
        let answer = change().header(name, value).send().await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let call = house.call(method, "/api/whoami").header("cookie", &cookie).header("sec-fetch-site", "cross-site");
        assert_eq!(call.send().await.status, 403, "{method}");
    }
    let both = change().header("sec-fetch-site", "cross-site").header("origin", "http://runcast.test");
    assert_eq!(both.send().await.status, 403, "what the browser itself says comes first");
    let read = house.get("/api/whoami").header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(read.send().await.status, 200, "reading changes nothing");
}

#[tokio::test]
async fn another_site_cannot_sign_a_browser_in() {
    let house = House::new().await;
    let login = || house.post("/api/login", json!({"name": "alice", "password": PASSWORD}));
    assert_eq!(login().header("sec-fetch-site", "cross-site").send().await.status, 403);
    assert_eq!(login().header("origin", "http://evil.test").send().await.status, 403);
    assert_eq!(login().send().await.status, 200, "a program without a cookie may");
}

#[tokio::test]
async fn behind_a_proxy_that_renames_the_host_the_public_address_counts() {
    let settings = AccessSettings { public_url: Some("https://public.test".into()), trust_proxy: false };
    let house = House::with(settings).await;
    let login = || house.post("/api/login", json!({"name": "alice", "password": PASSWORD}));
    assert_eq!(login().header("origin", "https://public.test").send().await.status, 200);
    assert_eq!(login().header("origin", "https://evil.test").send().await.status, 403);
}

#[tokio::test]
async fn a_bearer_token_needs_no_origin_and_never_falls_back_to_the_cookie() {
    let house = House::new().await;
    let (cookie, token) = (house.cookie("alice").await, house.token("bob").await);
    let change = || house.call("POST", "/api/whoami").header("sec-fetch-site", "cross-site");
    assert_eq!(change().bearer(&token).send().await.text, "bob");
    assert_eq!(change().bearer(&token).header("cookie", &cookie).send().await.text, "bob");
    assert_eq!(change().bearer("rc_wrong").header("cookie", &cookie).send().await.status, 401);
    assert_eq!(house.get("/api/whoami").bearer("rc_wrong").cookie(&cookie).send().await.status, 401);
}

#[tokio::test]
async fn a_page_is_not_rendered_for_nobody_and_is_kept_by_no_cache() {
    let house = House::new().await;
    let cookie = house.cookie("alice").await;
    for (path, to) in [
        ("/", "/sign-in"),
        ("/set-up", "/sign-in"),
        ("/executions/1?step=a&x=y", "/sign-in?next=/executions/1%3Fstep%3Da%26x%3Dy"),
        ("/workflows/a.js", "/sign-in?next=/workflows/a.js"),
        ("/apiary", "/sign-in?next=/apiary"),
        ("//evil.test", "/sign-in?next=//evil.test"),
    ] {
        let answer = house.get(path).send().await;
        assert_eq!((answer.to(), answer.text.as_str()), ((303, to), ""), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(house.get("/sign-in").send().await.status, 200);
    let page = house.get("/workflows/a.js").cookie(&cookie).send().await;
    assert_eq!((page.text.as_str(), page.header("cache-control")), ("alice", "no-store"));
    assert_eq!(house.get("/sign-in").cookie(&cookie).send().await.to(), (303, "/"));
}

#[tokio::test]
async fn files_and_signs_of_life_are_for_everybody() {
    let house = House::new().await;
    for path in ["/pkg/runcast.wasm", "/favicon.svg", "/robots.txt", "/healthz", "/icons/a/b"] {
        assert_eq!(house.get(path).send().await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn nobody_calls_no_server_function_but_who_am_i() {
    let house = House::new().await;
    assert_eq!(house.call("POST", "/fn/me").send().await.status, 200);
    for path in ["/fn/executions", "/fn", "/fn/", "/fn/me/", "/fn/me2"] {
        assert_eq!(house.call("POST", path).send().await.status, 401, "{path}");
    }
    assert_eq!(house.call("POST", "/fn/executions").cookie(&house.cookie("bob").await).send().await.text, "bob");
}

#[tokio::test]
async fn only_an_admin_administers_users() {
    let house = House::new().await;
    let alice = house.token("alice").await;
    let new = json!({"name": "carol", "password": PASSWORD});
    for call in [
        house.get("/api/users"),
        house.post("/api/users", new),
        house.call("PATCH", "/api/users/bob").json(json!({"password": PASSWORD})),
        house.call("PATCH", "/api/users/nobody").json(json!({"password": PASSWORD})),
        house.call("PATCH", "/api/users/alice").json(json!({"role": "admin"})),
        house.call("DELETE", "/api/users/alice"),
    ] {
        let answer = call.bearer(&alice).send().await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    assert_eq!(house.get("/api/users").send().await.status, 401);
    assert_eq!(house.access.list_users().await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_admin_adds_changes_and_removes_users() {
    let house = House::new().await;
    let root = house.token("root").await;
    let new = json!({"name": "carol", "role": "user", "password": PASSWORD});
    let added = house.post("/api/users", new.clone()).bearer(&root).send().await;
    assert_eq!((added.status, added.header("location")), (201, "/api/users/carol"));
    assert_eq!(added.json()["role"], "user");
    assert_eq!(house.post("/api/users", new).bearer(&root).send().await.status, 409);

    let listed = house.get("/api/users").bearer(&root).send().await.json();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["alice", "bob", "carol", "root"]);

    let change = json!({"role": "admin", "password": "a new password"});
    let changed = house.call("PATCH", "/api/users/carol").json(change).bearer(&root).send().await;
    assert_eq!((changed.status, changed.json()["role"].clone()), (200, json!("admin")));
    let login = house.post("/api/login", json!({"name": "carol", "password": "a new password"})).send().await;
    assert_eq!(login.json()["role"], "admin");

    assert_eq!(house.call("DELETE", "/api/users/carol").bearer(&root).send().await.status, 204);
    assert_eq!(house.call("DELETE", "/api/users/carol").bearer(&root).send().await.status, 404);
    assert_eq!(house.get("/api/me").cookie(&login.cookie()).send().await.status, 401);
}

#[tokio::test]
async fn the_last_admin_can_be_neither_removed_nor_demoted() {
    let house = House::new().await;
    let root = house.token("root").await;
    let demote = house.call("PATCH", "/api/users/root").json(json!({"role": "user"}));
    assert_eq!(demote.bearer(&root).send().await.status, 409);
    assert_eq!(house.call("DELETE", "/api/users/root").bearer(&root).send().await.status, 409);
    assert_eq!(house.get("/api/users").bearer(&root).send().await.status, 200);
}

#[tokio::test]
async fn bad_input_is_told_by_its_field() {
    let house = House::new().await;
    let root = house.token("root").await;
    for (body, field) in [
        (json!({"password": PASSWORD}), "name"),
        (json!({"name": "Not A Name", "password": PASSWORD}), "name"),
        (json!({"name": 7, "password": PASSWORD}), "name"),
        (json!({"name": "carol"}), "password"),
        (json!({"name": "carol", "password": "short"}), "password"),
        (json!({"name": "carol", "password": PASSWORD, "role": "god"}), "role"),
        (json!({"name": "carol", "password": PASSWORD, "hash": "x"}), "hash"),
    ] {
        let answer = house.post("/api/users", body.clone()).bearer(&root).send().await;
        assert_eq!((answer.status, answer.first_field().as_str()), (422, field), "{body}");
    }
    for body in ["", "{", "[]", "\"x\"", "name=carol"] {
        let mut call = house.call("POST", "/api/users").header("content-type", "application/json").bearer(&root);
        call.body = Body::from(body);
        let answer = call.send().await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"), "{body:?}");
    }
    let large = house.post("/api/users", json!({"name": "x".repeat(BODY_MAX)})).bearer(&root).send().await;
    assert_eq!(large.status, 413);
    assert_eq!(house.access.list_users().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_user_changes_their_own_password_by_the_one_they_have_and_other_sessions_end() {
    let house = House::new().await;
    let (here, there) = (house.cookie("alice").await, house.cookie("alice").await);
    let change = |body: Value| house.call("PATCH", "/api/users/alice").json(body).cookie(&here);
    let without = change(json!({"password": "a new password"})).send().await;
    assert_eq!((without.status, without.first_field().as_str()), (422, "current_password"));
    let wrong = change(json!({"password": "a new password", "current_password": "wrong password"})).send().await;
    assert_eq!((wrong.status, wrong.first_field().as_str()), (422, "current_password"));
    assert_eq!(house.get("/api/me").cookie(&there).send().await.status, 200);

    let right = change(json!({"password": "a new password", "current_password": PASSWORD})).send().await;
    assert_eq!(right.status, 200);
    assert_eq!(house.get("/api/me").cookie(&here).send().await.status, 200);
    assert_eq!(house.get("/api/me").cookie(&there).send().await.status, 401);
    let old = house.post("/api/login", json!({"name": "alice", "password": PASSWORD})).send().await;
    assert_eq!(old.status, 401);
}

#[tokio::test]
async fn a_token_is_told_once_listed_without_its_text_and_dead_when_deleted() {
    let house = House::new().await;
    let cookie = house.cookie("alice").await;
    let made = house.post("/api/tokens", json!({"name": "ci"})).cookie(&cookie).send().await;
    assert_eq!(made.status, 201);
    let (id, token) = (made.json()["id"].clone(), made.json()["token"].as_str().unwrap().to_owned());
    assert_eq!(house.get("/api/me").bearer(&token).send().await.json()["name"], "alice");

    let listed = house.get("/api/tokens").cookie(&cookie).send().await;
    assert!(!listed.text.contains(&token[3..]) && !listed.text.contains("hash"), "{}", listed.text);
    assert_eq!(listed.json()["items"][0]["name"], "ci");
    assert_eq!(listed.json()["items"][0]["id"], id);

    let path = format!("/api/tokens/{}", id.as_str().unwrap());
    assert_eq!(house.call("DELETE", &path).cookie(&cookie).send().await.status, 204);
    assert_eq!(house.get("/api/me").bearer(&token).send().await.status, 401);
    assert_eq!(house.call("DELETE", &path).cookie(&cookie).send().await.status, 404);
}

#[tokio::test]
async fn somebody_elses_tokens_and_sessions_are_not_there_but_for_an_admin() {
    let house = House::new().await;
    let (bob, root) = (house.token("bob").await, house.token("root").await);
    let (token, _) = house.access.create_token(&"alice".parse().unwrap(), "ci").await.unwrap();
    let cookie = house.cookie("alice").await;
    let sessions = house.get("/api/sessions").cookie(&cookie).send().await.json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    for path in [format!("/api/tokens/{token}"), format!("/api/sessions/{session}")] {
        assert_eq!(house.call("DELETE", &path).bearer(&bob).send().await.status, 404, "{path}");
        assert_eq!(house.call("DELETE", &format!("{path}?owner=alice")).bearer(&bob).send().await.status, 404);
        assert_eq!(house.call("DELETE", &format!("{path}?owner=bob")).bearer(&root).send().await.status, 404);
    }
    for list in ["/api/tokens", "/api/sessions"] {
        assert_eq!(house.get(&format!("{list}?owner=alice")).bearer(&bob).send().await.status, 404);
        let seen = house.get(&format!("{list}?owner=alice")).bearer(&root).send().await.json();
        assert_eq!((seen["items"].as_array().unwrap().len(), seen["items"][0]["user"].clone()), (1, json!("alice")));
        assert_eq!(house.get(&format!("{list}?owner=nobody")).bearer(&root).send().await.status, 404);
        let own = house.get(list).bearer(&root).send().await.json();
        assert!(own["items"].as_array().unwrap().iter().all(|item| item["user"] == "root"));
    }
    assert_eq!(
        house.call("DELETE", &format!("/api/tokens/{token}?owner=alice")).bearer(&root).send().await.status,
        204
    );
    assert_eq!(house.call("DELETE", &format!("/api/sessions/{session}")).bearer(&root).send().await.status, 204);
    assert_eq!(house.get("/api/me").cookie(&cookie).send().await.status, 401);
    for path in ["/api/tokens/x", "/api/sessions/x"] {
        assert_eq!(house.call("DELETE", path).bearer(&root).send().await.status, 404);
    }
}

#[tokio::test]
async fn an_admin_makes_a_token_for_somebody_and_a_user_only_their_own() {
    let house = House::new().await;
    let (bob, root) = (house.token("bob").await, house.token("root").await);
    let make = |owner: &str| house.post(&format!("/api/tokens?owner={owner}"), json!({"name": "ci"}));
    let made = make("alice").bearer(&root).send().await.json();
    let me = house.get("/api/me").bearer(made["token"].as_str().unwrap()).send().await;
    assert_eq!(me.json()["name"], "alice");
    assert_eq!(make("alice").bearer(&bob).send().await.status, 404);
    assert_eq!(make("nobody").bearer(&root).send().await.status, 404);
    let unnamed = house.post("/api/tokens", json!({"name": " "})).bearer(&bob).send().await;
    assert_eq!((unnamed.status, unnamed.first_field().as_str()), (422, "name"));
}

#[tokio::test]
async fn a_user_sees_where_they_are_signed_in_and_ends_it_there() {
    let house = House::new().await;
    let (here, there) = (house.cookie("alice").await, house.cookie("alice").await);
    let listed = house.get("/api/sessions").cookie(&here).send().await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let other = items.iter().find(|item| item["current"] == false).unwrap();
    assert_eq!(other["address"], "10.0.0.1");
    let path = format!("/api/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(house.call("DELETE", &path).cookie(&here).send().await.status, 204);
    assert_eq!(house.get("/api/me").cookie(&there).send().await.status, 401);
    assert_eq!(house.get("/api/me").cookie(&here).send().await.status, 200);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request_on() {
    let house = House::new().await;
    let (root, cookie) = (house.token("root").await, house.cookie("alice").await);
    assert_eq!(house.get("/api/users").cookie(&cookie).send().await.status, 403);
    let promote = house.call("PATCH", "/api/users/alice").json(json!({"role": "admin"}));
    assert_eq!(promote.bearer(&root).send().await.status, 200);
    assert_eq!(house.get("/api/users").cookie(&cookie).send().await.status, 200);
}

#[tokio::test]
async fn without_the_guard_nobody_has_signed_in() {
    let house = House::new().await;
    let token = house.token("root").await;
    let bare: Router = users::routes::<Access>().into_parts().0.with_state(house.access.clone());
    let request = Request::get("/api/users").header("authorization", format!("Bearer {token}")).body(Body::empty());
    assert_eq!(bare.oneshot(request.unwrap()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
