//! What the server writes of itself, however much it is asked to write: nothing that is somebody's secret.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{Gate, PASSWORD, TestApp, User, answer, cookie},
    stream::{Events, is_final},
};

/// A workflow that says much, and all of it is nobody's business: what it prints, reports, puts out and fails with.
const CONFIDES: (&str, &str) = (
    "confides",
    r#"
params:
  - {name: gate, type: string, default: /}
  - {name: whisper, type: string}
  - {name: count, type: integer, default: 3}
steps:
  - id: first
    run: |
      echo line-of-first; echo "told: $WHISPER"; echo line-on-stderr >&2
      echo "::add-mask::mask-of-first"; echo "it was mask-of-first"
      echo "::progress 50 message-of-first"; echo "::warning::warning-of-first"
      echo "it=output-of-first" >> "$RUNCAST_OUTPUT"
      echo "hidden=mask-of-first" >> "$RUNCAST_OUTPUT"
      until [ -e "$GATE" ]; do sleep 0.02; done
  - id: last
    run: |
      echo "$RUNCAST_OUTPUT_FIRST_IT $RUNCAST_OUTPUT_FIRST_HIDDEN"
      echo "::error::error-of-last"; echo line-of-last; exit 3
  - id: garbled
    if: always
    run: echo output-without-key >> "$RUNCAST_OUTPUT"
"#,
);

/// What its steps say.
const SAID: [&str; 10] = [
    "line-of-first",
    "told: ",
    "line-on-stderr",
    "mask-of-first",
    "message-of-first",
    "warning-of-first",
    "output-of-first",
    "error-of-last",
    "line-of-last",
    "output-without-key",
];

/// Each thing that the log must not hold, and what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// Remembers a secret, and gives it.
    fn keep(&mut self, what: &'static str, secret: &str) -> String {
        assert!(secret.len() > 5, "{what} {secret:?} may be in a log by chance");
        self.0.push((what, secret.to_owned()));
        secret.to_owned()
    }

    /// Also without the three letters that every token begins with.
    fn keep_token(&mut self, what: &'static str, token: &str) -> String {
        self.keep(what, token.strip_prefix("rc_").expect("a token begins so"));
        self.keep(what, token)
    }

    /// A cookie: of this server, its value alone.
    fn keep_cookie(&mut self, response: &Response) -> String {
        let cookie = cookie(response);
        self.keep("a session", cookie.split_once('=').expect("it has a value").1);
        cookie
    }

    fn are_not_in(&self, log: &str) {
        for (what, secret) in &self.0 {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{what} is in the log: {secret}");
        }
    }
}

/// Somebody's words on their way in: the answer's status must be this.
async fn sent(request: RequestBuilder, body: &Value, status: StatusCode) -> Response {
    let response = answer(request.json(body)).await;
    assert_eq!(response.status(), status, "{body}");
    response
}

/// The first admin, by the setup code; codes and passwords that are wrong are tried as well.
async fn set_up(app: &mut TestApp, secrets: &mut Secrets) -> User {
    let nobody = app.bearer("root", "");
    let password = secrets.keep("a password that is not taken", "a password for nothing");
    let wrong = json!({ "code": secrets.keep("a wrong code", "no-such-code"), "name": "root", "password": password });
    assert!(nobody.post("/api/setup", &wrong).await.status().is_client_error());
    let (root, code, cookie) = app.set_up("root").await;
    secrets.keep("the setup code", &code);
    secrets.keep("everybody's password", PASSWORD);
    secrets.keep_token("the first token", &root.token);
    secrets.keep("the first session", cookie.split_once('=').expect("it has a value").1);
    root
}

/// Users come, change their passwords, and get them wrong, also in bodies that nobody can read.
async fn passwords(app: &TestApp, root: &User, secrets: &mut Secrets) {
    let users = || root.request(Method::POST, "/api/users");
    let password = secrets.keep("a new user's password", "nine lives of a cat");
    sent(users(), &json!({ "name": "alice", "password": password }), StatusCode::CREATED).await;
    let next = secrets.keep("a changed password", "ten lives of a cat");
    let change = root.request(Method::PATCH, "/api/users/alice");
    sent(change, &json!({ "password": next }), StatusCode::OK).await;
    let short = secrets.keep("a password that is too short", "2short");
    assert!(root.post("/api/users", &json!({ "name": "bob", "password": short })).await.status().is_client_error());
    let nobody = app.bearer("alice", "");
    let log_in = || nobody.request(Method::POST, "/api/login");
    let wrong = secrets.keep("a wrong password", "eleven-lives-of-a-cat");
    for name in ["alice", "no-such-user"] {
        sent(log_in(), &json!({ "name": name, "password": wrong }), StatusCode::UNAUTHORIZED).await;
    }
    let kind = |kind| log_in().header("content-type", kind);
    let broken = [
        kind("application/json").body(format!("{{\"name\": \"alice\", \"password\": \"{wrong}\"")),
        kind("application/json").body(format!("{{\"name\": \"alice\", \"password\": [\"{wrong}\"]}}")),
        kind("application/json").body(format!("{{\"name\": \"alice\", \"{wrong}\": 1}}")),
        kind("application/x-www-form-urlencoded").body(format!("password={wrong}&name=%")),
        kind("text/plain").body(wrong),
    ];
    for request in broken {
        assert!(!answer(request).await.status().is_server_error());
    }
}

/// Tokens that are good, revoked, cut, garbage, and in places where none belongs. The good one's owner and id.
async fn tokens(app: &TestApp, root: &User, secrets: &mut Secrets) -> (User, String) {
    let good = app.token("alice").await;
    secrets.keep_token("a good token", &good.token);
    let response = root.post("/api/tokens", &json!({ "name": "another" })).await;
    let made: Value = response.json().await.expect("it is JSON");
    let revoked = app.bearer("root", &secrets.keep_token("a revoked token", made["token"].as_str().expect("told")));
    let cut = secrets.keep_token("a cut token", &good.token[..good.token.len() - 1]);
    let garbage = secrets.keep_token("garbage", "rc_garbage-that-was-typed");
    for token in [cut, garbage, secrets.keep("no token at all", "something else entirely")] {
        assert_eq!(app.bearer("nobody", &token).get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    }
    let in_address = format!("/api/me?token={}", good.token);
    assert_eq!(app.bearer("nobody", "").get(&in_address).await.status(), StatusCode::UNAUTHORIZED);
    let basic = app.bearer("nobody", "").request(Method::GET, "/api/me");
    let basic = basic.header("authorization", format!("Basic {}", secrets.keep("a basic password", "Ym9iOmNhdHM=")));
    assert_eq!(answer(basic).await.status(), StatusCode::UNAUTHORIZED);
    (revoked, made["id"].to_string().trim_matches('"').to_owned())
}

/// A run that is asked for with a key, twice; and three that are refused for what their parameters say.
async fn runs(alice: &User, gate: &Gate, secrets: &mut Secrets) -> String {
    let key = secrets.keep("an idempotency key", "key-of-this-morning");
    let mut params = gate.param();
    secrets.keep("a param", params["gate"].as_str().expect("a path"));
    params["whisper"] = secrets.keep("a param", "whispered to nobody").into();
    let body = json!({ "workflow": "confides", "params": params });
    let ask = || alice.request(Method::POST, "/api/executions").header("Idempotency-Key", &key);
    let made: Value = sent(ask(), &body, StatusCode::CREATED).await.json().await.expect("it is JSON");
    let again: Value = sent(ask(), &body, StatusCode::CREATED).await.json().await.expect("it is JSON");
    assert_eq!(again["id"], made["id"], "the key counts");
    let wrong = secrets.keep("a wrong param", "whispered too loud");
    for params in [json!({ "whisper": "x", "count": wrong }), json!({ "whisper": [wrong] }), json!({ "wrong": wrong })]
    {
        let body = json!({ "workflow": "confides", "params": params });
        assert!(alice.post("/api/executions", &body).await.status().is_client_error());
    }
    made["id"].as_str().expect("it has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_secret_at_any_level() {
    let mut app = TestApp::asleep(&[], &[CONFIDES]).env("RUNCAST_LOG", "trace");
    app.launch().await;
    let mut secrets = Secrets::default();
    for text in SAID {
        secrets.keep("what a step said", text);
    }
    let root = set_up(&mut app, &mut secrets).await;
    passwords(&app, &root, &mut secrets).await;
    let (revoked, revoked_id) = tokens(&app, &root, &mut secrets).await;
    let login = json!({ "name": "alice", "password": "ten lives of a cat" });
    let response = sent(app.bearer("alice", "").request(Method::POST, "/api/login"), &login, StatusCode::OK).await;
    let cookie = secrets.keep_cookie(&response);
    let page = app.bearer("alice", "");
    let with_cookie = |method, path: &str| {
        let request = page.request(method, path).header("cookie", &cookie);
        request.header("origin", format!("http://{}", app.address))
    };

    // Everybody watches while everything goes by.
    let hers = app.token("alice").await;
    secrets.keep_token("her token", &hers.token);
    let mut hers_stream = hers.events().await.live().await;
    let page_stream = Events::open(with_cookie(Method::GET, "/api/events")).await.live().await;
    let revoked_stream = revoked.events().await.live().await;
    let gate = app.gate("confides");
    let id = runs(&hers, &gate, &mut secrets).await;
    let mut own = hers.follow(&id).await;
    own.until("its first words", |frame| frame.json.to_string().contains("line-of-first")).await;
    for path in ["/".to_owned(), format!("/executions/{id}"), format!("/api/executions/{id}/log")] {
        assert_eq!(answer(with_cookie(Method::GET, &path)).await.status(), StatusCode::OK, "{path}");
    }
    let removal = root.request(Method::DELETE, &format!("/api/tokens/{revoked_id}"));
    assert_eq!(answer(removal).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(revoked_stream.end().await.0, "revoked");
    sent(with_cookie(Method::POST, "/api/logout"), &json!({}), StatusCode::NO_CONTENT).await;
    assert_eq!(page_stream.end().await.0, "revoked");
    gate.open();
    let facts = own.facts().await;
    let text = serde_json::to_string(&facts).expect("it is JSON");
    assert!(is_final(facts.last().expect("it ends")) && text.contains("line-of-last"), "it said what it had to say");
    hers_stream.facts_of(1).await;

    // One more, which a stop interrupts.
    secrets.keep("a param", "/no/such/gate");
    let id = hers.start("confides", json!({ "whisper": "whispered to nobody", "gate": "/no/such/gate" })).await;
    hers_stream.until_kind("step.started").await;
    app.restart().await;
    assert_ne!(hers.snapshot(&id).await["status"], "running");
    hers.run("confides", json!({ "whisper": "whispered to nobody" })).await;
    app.stop().await;

    let log = app.log();
    let is_all = ["DEBUG", "a step's process runs", "read a workflow"];
    assert!(is_all.iter().all(|words| log.contains(words)), "is this all that it wrote?");
    secrets.are_not_in(&log);
    let header = log.lines().find(|line| {
        let line = line.to_lowercase();
        line.contains("authorization") || line.contains("bearer ") || line.contains("runcast=")
    });
    assert_eq!(header, None, "a header that says who asks is in the log");
}
