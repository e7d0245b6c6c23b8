//! The document at `/api/openapi.json` against the server that it describes, both ways.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use runcast::{
    client::arguments::ServeArgs,
    server::{Server, http::paths, settings::Settings},
};
use serde_json::{Value, json};

use crate::{
    app::{LONGEST, PASSWORD, TestApp, User, answer, cookie, problem},
    hooks::{now, signed},
    stream::{Events, first},
};

/// What has no place in it: the answer to what is no route of the API.
const NO_ROUTES: [&str; 2] = ["/api", "/api/{*rest}"];
const OUTSIDE_API: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const BUSY: (&str, &str) = (
    "busy",
    r#"
description: Does a bit of everything
params:
  - {name: who, type: string, default: Ada, description: Whom to greet}
  - {name: size, type: integer, default: 3, choices: [1, 3]}
schedule: ["0 3 * * *"]
steps:
  - id: say
    run: 'echo "hello $WHO"; echo "::warning::careful"; echo "::progress 50 half way"; echo "said=hello" >> "$RUNCAST_OUTPUT"; sleep 0.3'
  - id: again
    retry: {attempts: 2, backoff: 10ms}
    run: '[ "$RUNCAST_ATTEMPT" = 2 ] || { echo no >&2; exit 3; }'
  - {id: never, if: failure, run: echo never}
"#,
);
const FAILS: (&str, &str) = ("fails", "steps:\n- {id: compile, run: 'echo no compiler >&2; exit 9'}\n");
const GATED: (&str, &str) = (
    "gated",
    r#"
params: [{name: gate, type: string}]
concurrency: {limit: 1}
steps:
  - {id: wait, run: 'echo waiting; until [ -e "$GATE" ]; do sleep 0.02; done'}
"#,
);
const HOOKED: (&str, &str) = ("hooked", "webhook: {secret: HOOK}\nsteps:\n- {id: one, run: echo one}\n");

/// The document, made strict: what it does not name must not be there either.
struct Document {
    text: Value,
    /// The operations that have been seen to do what they are for.
    seen: BTreeSet<String>,
}

/// A request, by the words of the document.
struct Ask<'a> {
    method: Method,
    path: &'a str,
    /// What stands in the path for its parameter.
    with: &'a str,
    query: &'a str,
    body: Option<Value>,
}

fn ask<'a>(method: Method, path: &'a str) -> Ask<'a> {
    Ask { method, path, with: "", query: "", body: None }
}

impl<'a> Ask<'a> {
    fn with(self, with: &'a str) -> Self {
        Self { with, ..self }
    }

    fn query(self, query: &'a str) -> Self {
        Self { query, ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Document {
    async fn of(app: &TestApp) -> Self {
        let mut text = app.bearer("nobody", "").json("/api/openapi.json").await;
        make_strict(&mut text);
        Self { text, seen: BTreeSet::new() }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        whole["components"] = self.text["components"].clone();
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
        options.build(&whole).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    fn judge(&self, what: &str, schema: &Value, value: &Value) {
        let errors: Vec<String> = self
            .validator(schema)
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what} is not as described: {errors:#?}\n{value:#}");
    }

    fn fits(&self, shape: &str, value: &Value) {
        self.judge(shape, &json!({ "$ref": format!("#/components/schemas/{shape}") }), value);
    }

    /// Sends a request, and holds the answer against what is said of it.
    async fn ask(&mut self, user: &User, ask: Ask<'_>, status: u16) -> Value {
        let filled = match (ask.path.find('{'), ask.path.find('}')) {
            (Some(begin), Some(end)) => format!("{}{}{}", &ask.path[..begin], ask.with, &ask.path[end + 1..]),
            _ => ask.path.to_owned(),
        };
        let mut request = user.request(ask.method.clone(), &format!("{filled}{}", ask.query));
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let response = answer(request).await;
        self.read(&ask.method, ask.path, response, status).await
    }

    async fn read(&mut self, method: &Method, path: &str, response: Response, status: u16) -> Value {
        let what = format!("{method} {path} {status}");
        let said = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().expect("it is text").to_owned());
        let location = response.headers().contains_key("location");
        let text = response.text().await.expect("it is text");
        assert_eq!(said, status, "{what}: {text}");
        let operation = &self.text["paths"][path][method.as_str().to_lowercase()];
        let described = &operation["responses"][status.to_string()];
        assert!(described.is_object(), "{what} is not described");
        assert!(described["headers"]["Location"].is_null() || location, "{what} says where it is");
        let Some(content) = described["content"].as_object() else {
            assert_eq!((text.as_str(), kind), ("", None), "{what} has no body");
            self.seen.insert(format!("{method} {path}"));
            return Value::Null;
        };
        let kind = kind.unwrap_or_else(|| panic!("{what} has a media type"));
        let essence = kind.split(';').next().unwrap_or_default();
        let described = content.get(essence).unwrap_or_else(|| panic!("{what}: {essence} is not described"));
        let value = if essence == "application/json" || essence.ends_with("+json") {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{what}: {error}"))
        } else {
            Value::from(text)
        };
        // What streams tell is looked at frame by frame.
        if essence != "text/event-stream" {
            self.judge(&what, &described["schema"], &value);
        }
        if status < 400 {
            self.seen.insert(format!("{method} {path}"));
        }
        value
    }
}

/// Refuses what is not named, wherever something is.
fn make_strict(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(make_strict);
            if object.get("type") == Some(&json!("object")) && object.get("properties").is_some_and(Value::is_object) {
                object.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

/// The operations of a document, as `POST /api/login`.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("it has paths");
    let methods = |(path, item): (&String, &Value)| {
        let methods: Vec<String> = item.as_object().expect("it has methods").keys().map(|m| m.to_uppercase()).collect();
        methods.into_iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_api_is_described_with_its_methods_and_nothing_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ServeArgs {
        data: Some(folder.path().join("data")),
        workflows: Some(folder.path().join("workflows")),
        listen: Some("127.0.0.1:0".to_owned()),
        ..ServeArgs::default()
    };
    let server = Server::start(Settings::resolve(args, folder.path()).expect("settings")).await.expect("a server");
    let http = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
    let mut registered = BTreeSet::new();
    for path in paths(server.app()) {
        let api = path.starts_with("/api") || OUTSIDE_API.contains(&path.as_str());
        if NO_ROUTES.contains(&path.as_str()) {
            continue;
        }
        if !api {
            assert!(!path.contains("api"), "{path}: is it of the API? Then say so here");
            continue;
        }
        let filled = path.replace(['{', '}'], "");
        let unheard_of = Method::from_bytes(b"UNHEARD-OF").expect("it is a word");
        let response = http.request(unheard_of, format!("http://{}{filled}", server.address)).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = response.headers()["allow"].to_str().expect("it is text");
        registered.extend(allowed.split(',').filter(|word| *word != "HEAD").map(|word| format!("{word} {path}")));
    }
    let url = format!("http://{}/api/openapi.json", server.address);
    let document: Value = http.get(url).send().await.expect("an answer").json().await.expect("JSON");
    assert!(registered.len() > 30, "{registered:?}");
    assert_eq!(registered, operations(&document), "describe a route in src/server/http/openapi");
    tokio::time::timeout(LONGEST, server.stop()).await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_holds_together() {
    let app = TestApp::new(&[]).await;
    let document = app.bearer("nobody", "").json("/api/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        for (method, operation) in item.as_object().expect("it has methods") {
            let what = format!("{method} {path}");
            let id = operation["operationId"].as_str().expect("it has an id").to_owned();
            assert_eq!(ids.insert(id, what.clone()), None, "{what}");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{what}");
            assert!(operation["security"].is_array(), "{what} says who may");
            let named = operation["parameters"].as_array().into_iter().flatten();
            let in_path: Vec<String> = named
                .filter(|p| p["in"] == "path")
                .map(|p| format!("{{{}}}", p["name"].as_str().unwrap_or("")))
                .collect();
            let expected: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
            assert_eq!(in_path, expected, "{what}");
            for (status, response) in operation["responses"].as_object().expect("it is answered") {
                let refused = status.as_str() >= "400";
                assert_eq!(response["content"].get("application/problem+json").is_some(), refused, "{what} {status}");
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} is not there");
    }
    for (name, schema) in document["components"]["schemas"].as_object().expect("it has schemas") {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            text.contains(&format!("schemas/{name}\"")) || ["LogLine", "Printed"].contains(&name.as_str()),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_answers_is_what_the_document_says() {
    let mut app = TestApp::asleep(&[], &[BUSY, FAILS, GATED, HOOKED]).env("HOOK", "swordfish");
    app.launch().await;
    let mut document = Document::of(&app).await;
    // The first admin signs in with a cookie, which is a session.
    let code = app.setup_code().await;
    let nobody = app.bearer("nobody", "");
    let set_up = json!({ "code": code, "name": "root", "password": PASSWORD });
    document.ask(&nobody, ask(Method::POST, "/api/setup").body(json!({})), 422).await;
    document.ask(&nobody, ask(Method::POST, "/api/setup").body(set_up.clone()), 200).await;
    document.ask(&nobody, ask(Method::POST, "/api/setup").body(set_up), 409).await;
    let (root, alice) = (app.token("root").await, app.user("alice").await);
    sign_in_and_out(&mut document, &nobody, &root).await;
    people(&mut document, &root, &alice).await;
    executions(&mut document, &app, &root, &alice, &nobody).await;
    elsewhere(&mut document, &app, &alice).await;
    for path in ["/healthz", "/readyz", "/api/schema/workflow.json", "/api/openapi.json"] {
        document.ask(&nobody, ask(Method::GET, path), 200).await;
    }
    document.ask(&root, ask(Method::GET, "/metrics"), 200).await;
    document.ask(&alice, ask(Method::GET, "/metrics"), 403).await;
    for path in ["/api/streams", "/api/health", "/api/settings"] {
        document.ask(&root, ask(Method::GET, path), 200).await;
        document.ask(&alice, ask(Method::GET, path), 403).await;
    }
    hook(&mut document, &nobody).await;
    let all = operations(&document.text);
    let unseen: Vec<&String> = all.difference(&document.seen).collect();
    assert!(unseen.is_empty(), "nothing was held against what is said of these: {unseen:#?}");
}

async fn sign_in_and_out(document: &mut Document, nobody: &User, root: &User) {
    let login = || ask(Method::POST, "/api/login");
    document.ask(nobody, login().body(json!({ "name": "root", "password": "wrong, wrong" })), 401).await;
    document.ask(nobody, login().body(json!({ "name": "root" })), 422).await;
    document.ask(nobody, login().body(json!([])), 400).await;
    document.ask(nobody, login().body(json!({ "name": "root", "password": PASSWORD })), 200).await;
    let form = nobody.request(Method::POST, "/api/login").form(&[("name", "root"), ("password", PASSWORD)]);
    let http = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
    let response = http.execute(form.build().expect("a request")).await.expect("an answer");
    let cookie = cookie(&response);
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "a page's form is not of the API");
    let stolen =
        nobody.request(Method::POST, "/api/logout").header("cookie", &cookie).header("origin", "http://evil.example");
    document.read(&Method::POST, "/api/logout", answer(stolen).await, 403).await;
    let me = answer(nobody.request(Method::GET, "/api/me").header("cookie", &cookie)).await;
    document.read(&Method::GET, "/api/me", me, 200).await;
    document.ask(nobody, ask(Method::POST, "/api/logout"), 204).await;
    let sessions = document.ask(root, ask(Method::GET, "/api/sessions"), 200).await;
    let id = sessions["items"][0]["id"].as_str().expect("it has an id").to_owned();
    document.ask(root, ask(Method::DELETE, "/api/sessions/{id}").with(&id), 204).await;
    document.ask(root, ask(Method::DELETE, "/api/sessions/{id}").with(&id), 404).await;
}

async fn people(document: &mut Document, root: &User, alice: &User) {
    let (users, user) = ("/api/users", "/api/users/{name}");
    document.ask(root, ask(Method::GET, users), 200).await;
    document.ask(alice, ask(Method::GET, users), 403).await;
    let bob = json!({ "name": "bob", "password": PASSWORD, "role": "user" });
    document.ask(root, ask(Method::POST, users).body(bob.clone()), 201).await;
    document.ask(root, ask(Method::POST, users).body(bob), 409).await;
    document.ask(root, ask(Method::POST, users).body(json!({ "name": "eve", "password": "short" })), 422).await;
    document.ask(root, ask(Method::PATCH, user).with("bob").body(json!({ "role": "admin" })), 200).await;
    document.ask(alice, ask(Method::PATCH, user).with("alice").body(json!({ "role": "admin" })), 403).await;
    let (groups, group) = ("/api/groups", "/api/groups/{name}");
    document
        .ask(root, ask(Method::POST, groups).body(json!({ "name": "ops", "members": ["alice", "bob"] })), 201)
        .await;
    document.ask(root, ask(Method::POST, groups).body(json!({ "name": "ops" })), 409).await;
    document.ask(root, ask(Method::POST, groups).body(json!({ "name": "dev", "members": ["eve"] })), 422).await;
    document.ask(alice, ask(Method::GET, groups), 200).await;
    document.ask(alice, ask(Method::GET, group).with("ops"), 200).await;
    document.ask(alice, ask(Method::GET, group).with("dev"), 404).await;
    document.ask(alice, ask(Method::GET, "/api/me"), 200).await;
    document.ask(root, ask(Method::PATCH, group).with("ops").body(json!({ "members": [] })), 200).await;
    document.ask(root, ask(Method::DELETE, group).with("ops"), 204).await;
    document.ask(root, ask(Method::DELETE, user).with("bob"), 204).await;
    document.ask(root, ask(Method::DELETE, user).with("root"), 409).await;
    let (tokens, token) = ("/api/tokens", "/api/tokens/{id}");
    let made = document.ask(alice, ask(Method::POST, tokens).body(json!({ "name": "laptop" })), 201).await;
    document.ask(alice, ask(Method::POST, tokens).body(json!({ "name": "" })), 422).await;
    document.ask(alice, ask(Method::GET, tokens), 200).await;
    document.ask(alice, ask(Method::GET, tokens).query("?owner=root"), 404).await;
    document.ask(root, ask(Method::GET, tokens).query("?owner=alice&owner=bob"), 400).await;
    document.ask(alice, ask(Method::DELETE, token).with(made["id"].as_str().expect("an id")), 204).await;
    document.ask(alice, ask(Method::DELETE, token).with("no-id"), 404).await;
}

async fn executions(document: &mut Document, app: &TestApp, root: &User, alice: &User, nobody: &User) {
    let (all, one) = ("/api/executions", "/api/executions/{id}");
    let start = |workflow: &str, params: Value| {
        ask(Method::POST, "/api/executions").body(json!({ "workflow": workflow, "params": params }))
    };
    let ended = async |document: &mut Document, started: &Value| {
        let id = started["id"].as_str().expect("an id").to_owned();
        for frame in Events::open(alice.request(Method::GET, &format!("{all}/{id}/events"))).await.frames().await {
            document.fits(if frame.id.is_some() { "Fact" } else { "Control" }, &frame.json);
        }
        document.ask(alice, ask(Method::GET, "/api/executions/{id}").with(&id), 200).await;
        id
    };
    let started = document.ask(alice, start("busy", json!({ "size": 1 })), 201).await;
    let good = ended(document, &started).await;
    let started = document.ask(alice, start("fails", json!({})), 201).await;
    let bad = ended(document, &started).await;
    document.ask(alice, start("busy", json!({ "size": 2 })), 422).await;
    document.ask(alice, start("unheard-of", json!({})), 404).await;
    document.ask(nobody, start("busy", json!({})), 401).await;
    // One that runs, one that waits for it, and what becomes of both.
    let gate = app.gate("openapi");
    let first_one = document.ask(alice, start("gated", gate.param()), 201).await;
    let second = document.ask(alice, start("gated", gate.param()), 201).await;
    let (running, waiting) = (first_one["id"].as_str().expect("an id"), second["id"].as_str().expect("an id"));
    alice.follow(waiting).await.until_kind("execution.waiting").await;
    document.ask(alice, ask(Method::GET, one).with(waiting), 200).await;
    document.ask(alice, ask(Method::GET, all), 200).await;
    document.ask(root, ask(Method::GET, all).query("?status=failed,running&owner=alice&limit=1"), 200).await;
    document.ask(alice, ask(Method::GET, all).query("?limit=0"), 400).await;
    for id in [waiting, running] {
        document.ask(alice, ask(Method::POST, "/api/executions/{id}/cancel").with(id), 202).await;
    }
    for started in [&second, &first_one] {
        ended(document, started).await;
    }
    let rerun = || ask(Method::POST, "/api/executions/{id}/rerun");
    document.ask(alice, rerun().with(&good).body(json!({ "from": "failed" })), 409).await;
    document.ask(alice, rerun().with(&good).body(json!({ "from": "middle" })), 400).await;
    let again = document.ask(alice, rerun().with(&bad).body(json!({ "from": "all" })), 201).await;
    ended(document, &again).await;
    document.ask(alice, ask(Method::POST, "/api/executions/{id}/cancel").with(&good), 409).await;
    let log = ask(Method::GET, "/api/executions/{id}/log").with(&good);
    assert_eq!(document.ask(alice, log.query("?step=say"), 200).await, "hello Ada\ncareful\n");
    let path = format!("{all}/{good}/log");
    let lines = answer(alice.request(Method::GET, &path).header("accept", "application/x-ndjson")).await;
    let lines = document.read(&Method::GET, "/api/executions/{id}/log", lines, 200).await;
    let lines: Vec<Value> =
        lines.as_str().unwrap_or("").lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(lines.len() > 2);
    lines.iter().for_each(|line| document.fits("LogLine", line));
    let marks = || ask(Method::GET, "/api/executions/{id}/log/marks").with(&good);
    let search = || ask(Method::GET, "/api/executions/{id}/log/search").with(&good);
    assert_eq!(document.ask(alice, marks(), 200).await["warnings"]["total"], 1);
    document.ask(alice, marks().query("?step=nothing"), 404).await;
    assert_eq!(document.ask(alice, search().query("?q=ADA"), 200).await["total"], 1);
    document.ask(alice, search(), 400).await;
    let history = ask(Method::GET, "/api/executions/{id}/history").with(&good);
    let facts = document.ask(alice, history, 200).await;
    let facts: Vec<Value> =
        facts.as_str().unwrap_or("").lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(facts.iter().any(|fact| fact["printed"].is_object()));
    facts.iter().for_each(|fact| document.fits(if fact["kind"].is_string() { "Fact" } else { "Printed" }, fact));
    for path in ["/api/events", "/api/executions/{id}/events"] {
        document.ask(alice, ask(Method::GET, path).with(&good).query("?after=soon"), 400).await;
    }
    document.ask(alice, ask(Method::GET, "/api/executions/{id}/events").with(&good), 200).await;
    let head = alice.json(all).await["head"].to_string();
    let query = format!("?after={head}");
    document.ask(alice, ask(Method::GET, "/api/executions/{id}/events").with(&good).query(&query), 204).await;
    // The stream of everything has no end: its head, and what it tells, are looked at.
    let mut everything = Events::open(alice.request(Method::GET, "/api/events?after=0")).await;
    for frame in everything.until("caught_up", |frame| frame.kind() == "caught_up").await {
        document.fits(if frame.id.is_some() { "Fact" } else { "Control" }, &frame.json);
    }
    document.seen.insert("GET /api/events".to_owned());
    document.ask(alice, ask(Method::GET, "/api/workflows"), 200).await;
    document.ask(alice, ask(Method::GET, "/api/workflows/{name}").with("busy"), 200).await;
    document.ask(alice, ask(Method::GET, "/api/workflows/{name}").with("unheard-of"), 404).await;
    document.ask(alice, ask(Method::GET, "/api/workflows/{name}/file").with("busy"), 200).await;
    document.ask(alice, ask(Method::GET, "/api/workflows/{name}/file").with("unheard-of"), 404).await;
}

async fn elsewhere(document: &mut Document, app: &TestApp, alice: &User) {
    let begin = || ask(Method::POST, "/api/external");
    let begun = document.ask(alice, begin().body(json!({ "name": "walker" })), 201).await;
    document.ask(alice, begin().body(json!({ "name": "walker", "steps": [] })), 422).await;
    let (id, token) = (begun["id"].as_str().expect("an id"), begun["token"].as_str().expect("a token"));
    let reporter = app.bearer("walker", token);
    let path = "/api/executions/{id}/report";
    let report = async |document: &mut Document, lines: &str, status: u16| {
        let request = reporter.request(Method::POST, &format!("/api/executions/{id}/report"));
        let response = answer(request.header("content-type", "application/x-ndjson").body(lines.to_owned())).await;
        document.read(&Method::POST, path, response, status).await;
    };
    report(document, "{\"client_seq\":1,\"kind\":\"step.progress\",\"percent\":50}\n", 200).await;
    report(document, "{\"client_seq\":2,\"kind\":\"step.progress\",\"percent\":\"half\"}\n", 422).await;
    report(document, "{\"client_seq\":3,\"kind\":\"execution.completed\"}\n", 200).await;
    report(document, "{\"client_seq\":4,\"kind\":\"step.progress\",\"percent\":50}\n", 409).await;
    document.ask(alice, ask(Method::POST, path).with(id), 401).await;
    let facts = alice.follow(id).await.facts().await;
    assert_eq!(first(&facts, "execution.queued")["trigger"], "external");
    facts.iter().for_each(|fact| document.fits("Fact", fact));
}

async fn hook(document: &mut Document, nobody: &User) {
    let path = "/api/hooks/{workflow}";
    document.ask(nobody, ask(Method::POST, path).with("hooked"), 401).await;
    document.ask(nobody, ask(Method::POST, path).with("busy"), 404).await;
    let signature = signed(now(), "swordfish", b"");
    let request = nobody.request(Method::POST, "/api/hooks/hooked").header("X-Runcast-Signature", signature);
    document.read(&Method::POST, path, answer(request).await, 201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_told_as_a_problem_too() {
    let app = TestApp::new(&[]).await;
    let root = app.admin("root").await;
    for (method, path) in [
        (Method::DELETE, "/api/users/%FF"),
        (Method::PATCH, "/api/users/%FF"),
        (Method::GET, "/api/groups/%FF"),
        (Method::DELETE, "/api/tokens/%FF"),
        (Method::DELETE, "/api/sessions/%FF"),
        (Method::GET, "/api/workflows/%FF"),
        (Method::GET, "/api/executions/%FF/log"),
    ] {
        problem(answer(root.request(method, path).json(&json!({}))).await, 404).await;
    }
    // A body that does not say how long it is, and is too long.
    for path in ["/api/logout", "/api/login", "/api/executions", "/api/groups"] {
        let much = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])));
        let request = root.request(Method::POST, path).body(reqwest::Body::wrap_stream(much));
        problem(answer(request).await, 413).await;
    }
}
