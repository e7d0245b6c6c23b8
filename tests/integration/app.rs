//! A real server over a folder of its own: the program itself, its command line, its sockets. Nothing of it is known
//! here but what the contract says.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::stream::{Events, Fact};

/// No test waits longer for anything.
pub const LONGEST: Duration = Duration::from_secs(30);
/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

/// A server at work, or between two lives.
pub struct TestApp {
    folder: TempDir,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    /// The words of a command that runs the server, if another than itself does.
    under: Vec<String>,
    /// `host:port`; the same in all of its lives.
    pub address: String,
    server: Option<Server>,
}

struct Server {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Where a step waits until the test lets it go on: `until [ -e "$GATE" ]; do sleep 0.02; done`.
pub struct Gate(PathBuf);

impl Gate {
    /// For the parameter `gate`.
    pub fn param(&self) -> Value {
        json!({ "gate": self.0.to_str() })
    }

    /// As the command line has it.
    pub fn text(&self) -> String {
        format!("gate={}", self.0.display())
    }

    /// Lets the step go on.
    pub fn open(&self) {
        fs::write(&self.0, "").expect("the folder is there");
    }
}

impl TestApp {
    /// A server with these workflows: name and text of the file.
    pub async fn new(workflows: &[(&str, &str)]) -> Self {
        Self::with(&[], workflows).await
    }

    /// The same with further flags of `serve`.
    pub async fn with(flags: &[&str], workflows: &[(&str, &str)]) -> Self {
        let mut app = Self::asleep(flags, workflows);
        app.launch().await;
        app
    }

    /// The same before its first life.
    pub fn asleep(flags: &[&str], workflows: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::create_dir(folder.path().join("workflows")).expect("a folder can be made");
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let address = "127.0.0.1:0".to_owned();
        let app = Self { folder, flags, env: Vec::new(), under: Vec::new(), address, server: None };
        for (name, text) in workflows {
            app.write_workflow(name, text);
        }
        app
    }

    /// With this in the server's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the server run by a command, whose last words it becomes.
    pub fn under(mut self, command: &[&str]) -> Self {
        self.under = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Begins a life.
    pub async fn launch(&mut self) {
        let log =
            fs::File::options().create(true).append(true).open(self.path("server.log")).expect("a file can be made");
        let mut process =
            self.server_command().stdout(Stdio::piped()).stderr(log).spawn().expect("the program is built");
        let stdout = process.stdout.take().expect("it is piped");
        let mut server = Server { process, said: BufReader::new(stdout).lines() };
        let line = timeout(LONGEST, server.said.next_line()).await.expect("the server says where it is");
        let line = line.expect("it can be read").unwrap_or_else(|| panic!("no server: {}", self.log()));
        let (_, address) = line.split_once("http://").unwrap_or_else(|| panic!("no address: {line}"));
        self.address = address.trim().to_owned();
        self.server = Some(server);
    }

    fn server_command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_runcast");
        let mut command = self.settled(match self.under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        });
        command
            .arg("serve")
            .args(["--listen", &self.address, "--workflows", &self.text_path("workflows")])
            .args(["--data", &self.text_path("data")])
            .args(&self.flags)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Begins a life that must fail; what it said.
    pub async fn launch_in_vain(&self) -> Said {
        run(&mut self.server_command(), "").await
    }

    /// The code that an empty server prints after its address.
    pub async fn setup_code(&mut self) -> String {
        let server = self.server.as_mut().expect("it runs");
        let line = timeout(LONGEST, server.said.next_line()).await.expect("a line comes");
        let line = line.expect("it can be read").expect("an empty server says how to begin");
        line.rsplit(' ').next().expect("there is a last word").to_owned()
    }

    /// Asks the server to stop, waits until it has, and says how long that took.
    pub async fn stop(&mut self) -> Duration {
        let mut server = self.server.take().expect("it runs");
        let begun = Instant::now();
        let pid = server.process.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).expect("it runs");
        kill_process(pid, Signal::TERM).expect("it is ours");
        let ended = timeout(LONGEST, server.process.wait()).await.expect("it stops").expect("it is a child");
        assert!(ended.success(), "{ended}: {}", self.log());
        begun.elapsed()
    }

    /// Stops in good order and begins another life.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// Ends the server without a word.
    pub async fn kill_9(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.process.kill().await.expect("it is a child");
    }

    /// The process id of this life.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().and_then(|server| server.process.id()).expect("it runs")
    }

    /// The most resident memory that the server has had so far, in MiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("each process has it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") / 1024
    }

    /// A path in the folder of this server.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as a text.
    pub fn text_path(&self, name: &str) -> String {
        self.path(name).to_str().expect("it is plain").to_owned()
    }

    /// Writes a workflow's file, as an editor does: all at once.
    pub fn write_workflow(&self, name: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).expect("a file can be written");
        fs::rename(new, self.path("workflows").join(format!("{name}.yaml"))).expect("it is the same disk");
    }

    /// A gate that is shut.
    pub fn gate(&self, name: &str) -> Gate {
        Gate(self.path(&format!("gate-{name}")))
    }

    /// A user with a token, both made by the command line.
    pub async fn user(&self, name: &str) -> User {
        self.add_user(&["user", "add", name, "--password-stdin"]).await;
        self.token(name).await
    }

    /// The same for somebody who sees everything.
    pub async fn admin(&self, name: &str) -> User {
        self.add_user(&["user", "add", name, "--admin", "--password-stdin"]).await;
        self.token(name).await
    }

    /// The first admin, made as a person makes one: with the code of an empty server. Also the code, and the cookie that
    /// the answer gave.
    pub async fn set_up(&mut self, name: &str) -> (User, String, String) {
        let code = self.setup_code().await;
        let nobody = self.bearer(name, "");
        let response = nobody.post("/api/setup", &json!({ "code": code, "name": name, "password": PASSWORD })).await;
        assert!(response.status().is_success(), "{}", response.status());
        let cookie = cookie(&response);
        let request = nobody.request(Method::POST, "/api/tokens").header("cookie", &cookie);
        let response = answer(request.header("origin", &nobody.base).json(&json!({ "name": "test" }))).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let made: Value = response.json().await.expect("it is JSON");
        (self.bearer(name, made["token"].as_str().expect("it is told")), code, cookie)
    }

    async fn add_user(&self, args: &[&str]) {
        let said = run(self.program().args(args).args(["--data", &self.text_path("data")]), PASSWORD).await;
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// A user who is there, with a new token.
    pub async fn token(&self, name: &str) -> User {
        let said = self.command(&["token", "create", "--user", name]).await;
        assert_eq!(said.code, 0, "{said:?}");
        self.bearer(name, said.out.trim())
    }

    /// Somebody who shows this text as a token; with an empty one, nothing.
    pub fn bearer(&self, name: &str, token: &str) -> User {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().expect("there is a client");
        User { name: name.to_owned(), token: token.to_owned(), base: format!("http://{}", self.address), http }
    }

    /// A command that works on the data folder; if it asks for a password, it gets one.
    pub async fn command(&self, args: &[&str]) -> Said {
        run(self.program().args(args).args(["--data", &self.text_path("data")]), PASSWORD).await
    }

    /// A command that works on neither: on files in the folder of this server.
    pub async fn command_alone(&self, args: &[&str]) -> Said {
        run(self.program().args(args), "").await
    }

    /// A command that talks to the server.
    pub async fn client(&self, user: &User, args: &[&str]) -> Said {
        run(&mut self.client_command(user, args), "").await
    }

    /// The same, not yet begun.
    pub fn client_command(&self, user: &User, args: &[&str]) -> Command {
        let mut command = self.program();
        command.args(args).env("RUNCAST_URL", &user.base).env("RUNCAST_TOKEN", &user.token);
        command
    }

    /// The program, away from the settings of whoever runs the tests.
    fn program(&self) -> Command {
        self.settled(Command::new(env!("CARGO_BIN_EXE_runcast")))
    }

    fn settled(&self, mut command: Command) -> Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RUNCAST_")) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env("LEPTOS_OUTPUT_NAME", "runcast").kill_on_drop(true);
        command
    }

    /// What the server has written to stderr in all of its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

async fn run(command: &mut Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the program is built");
    let mut stdin = process.stdin.take().expect("it is piped");
    // A command that needs no input may be gone before it is given any.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(LONGEST, process.wait_with_output()).await.expect("the command ends").expect("it is a child");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    Said { code: output.status.code().expect("no signal ended it"), out: text(output.stdout), err: text(output.stderr) }
}

/// Somebody with a token.
#[derive(Clone)]
pub struct User {
    /// Their name.
    pub name: String,
    /// Their token.
    pub token: String,
    base: String,
    http: reqwest::Client,
}

impl User {
    /// The same person over another client: from another address, say.
    pub fn over(&self, http: reqwest::Client) -> Self {
        Self { http, ..self.clone() }
    }

    /// A request with the token, not yet sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// The answer to GET.
    pub async fn get(&self, path: &str) -> Response {
        answer(self.request(Method::GET, path)).await
    }

    /// The answer to POST of a JSON document.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// The document at a path that must be there.
    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("it is JSON")
    }

    /// Starts an execution; its id.
    pub async fn start(&self, workflow: &str, params: Value) -> String {
        let response = self.post("/api/executions", &json!({ "workflow": workflow, "params": params })).await;
        let status = response.status();
        let body: Value = response.json().await.expect("it is JSON");
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().expect("it has an id").to_owned()
    }

    /// Where an execution stands.
    pub async fn snapshot(&self, id: &str) -> Value {
        self.json(&format!("/api/executions/{id}")).await
    }

    /// Runs a workflow to its end: the id, and all facts of its own stream.
    pub async fn run(&self, workflow: &str, params: Value) -> (String, Vec<Fact>) {
        let id = self.start(workflow, params).await;
        let facts = self.follow(&id).await.facts().await;
        (id, facts)
    }

    /// `/api/events`, from the next event on.
    pub async fn events(&self) -> Events {
        Events::open(self.request(Method::GET, "/api/events")).await
    }

    /// `/api/events`, after a position.
    pub async fn events_after(&self, id: u64) -> Events {
        Events::open(self.request(Method::GET, "/api/events").header("Last-Event-ID", id)).await
    }

    /// An execution's own stream, from its first event on.
    pub async fn follow(&self, id: &str) -> Events {
        Events::open(self.request(Method::GET, &format!("/api/executions/{id}/events"))).await
    }

    /// An execution's own stream, after a position.
    pub async fn follow_after(&self, id: &str, after: u64) -> Events {
        let request = self.request(Method::GET, &format!("/api/executions/{id}/events"));
        Events::open(request.header("Last-Event-ID", after)).await
    }
}

/// The cookie that an answer gives, without its attributes.
pub fn cookie(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().expect("it is text");
    cookie.split(';').next().expect("it begins with the cookie").to_owned()
}

/// Sends a request and waits for the head of its answer.
pub async fn answer(request: RequestBuilder) -> Response {
    timeout(LONGEST, request.send()).await.expect("an answer comes in time").expect("an answer comes")
}

/// The problem document that an answer must be.
pub async fn problem(response: Response, status: u16) -> Value {
    let path = response.url().path().to_owned();
    let (said, kind) = (response.status().as_u16(), response.headers().get("content-type").cloned());
    let text = response.text().await.expect("it can be read");
    assert_eq!(said, status, "{path}: {text}");
    assert_eq!(kind.expect("it has a type"), "application/problem+json", "{path}: {text}");
    let problem: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["type"].is_string() && problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

/// Waits until something that no event tells is so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < LONGEST, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a process is there and has not ended.
pub fn lives(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).expect("the step wrote it");
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}
