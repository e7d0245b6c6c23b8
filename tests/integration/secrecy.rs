//! Who gets to know what, over every route that there is: users, roles and executions are made at random, and each
//! answer is held against a model of three lines. A route that forgets to ask who is there fails here by itself, since
//! the routes are the router's own list.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use reqwest::{Client, Method, StatusCode, header::CONTENT_TYPE};
use runcast::{
    client::arguments::ServeArgs,
    domain::{
        access::Role,
        event::{Event, ExecutionError, ExecutionFailure, Fact, PlannedStep, Source, StepFailure, Trigger},
        id::{ExecutionId, Name, StepId},
        log::{Line, Stream},
        workflow::Workflow,
    },
    server::{Server, clock, http::paths, journal::Beside, settings::Settings},
};
use serde_json::{Map, json};
use uuid::Uuid;

/// Paths whose answers are everybody's, since they say nothing of anybody: signs of life, doors, and who one is.
const OPEN: [&str; 10] = [
    "/healthz",
    "/readyz",
    "/api/login",
    "/api/logout",
    "/api/setup",
    "/api/openapi.json",
    "/sign-in",
    "/set-up",
    "/fn/me",
    "/api/schema/workflow.json",
];
/// How a user is asked for by a path that would change or remove them: nobody has this name.
const NO_USER: &str = "nobody-at-all";

#[derive(Clone, Debug)]
struct Person {
    name: Name,
    role: Role,
    token: String,
}

/// The model.
fn sees(person: Option<&Person>, owner: &Name) -> bool {
    person.is_some_and(|person| person.role == Role::Admin || person.name == *owner)
}

/// Stands in a file that only person0 and admins may know.
const FILE_MARK: &str = "markfilekram";

fn may_know_the_file(person: Option<&Person>) -> bool {
    person.is_some_and(|person| person.role == Role::Admin || person.name.as_str() == "person0")
}

/// An execution whose every text holds its mark.
#[derive(Clone, Debug)]
struct Told {
    id: ExecutionId,
    owner: Name,
    mark: String,
}

impl Told {
    fn new(n: usize, owner: Name) -> Self {
        Self { id: ExecutionId(Uuid::now_v7()), owner, mark: format!("mark{n}kram") }
    }

    fn fact(&self, event: Event) -> Fact {
        let (owner, workflow) = (self.owner.clone(), "one".parse().expect("a name"));
        Fact { at: clock::now(), execution_id: self.id, owner, workflow, event }
    }

    fn facts(&self, ended: bool) -> Vec<Fact> {
        let (mark, step): (_, StepId) = (self.mark.clone(), "only".parse().expect("an id"));
        let line = Line { at: clock::now(), stream: Stream::Out, text: mark.clone(), level: None, after_group: false };
        let steps = vec![PlannedStep { id: step.clone(), name: mark.clone(), needs: Vec::new(), weight: 1.0 }];
        let params = Map::from_iter([("what".to_owned(), json!(mark))]);
        let mut events = vec![
            Event::ExecutionQueued { trigger: Trigger::Api, params, steps, rerun_of: None },
            Event::ExecutionStarted {},
            Event::StepStarted { step: step.clone(), attempt: 1, estimate_ms: None, usual_ms: None },
            Event::StepProgress {
                step: step.clone(),
                attempt: 1,
                percent: 10.0,
                message: Some(mark.clone()),
                source: Source::Reported,
                execution_percent: 10.0,
                eta_ms: None,
                eta_range_ms: None,
            },
            Event::StepOutput { step: step.clone(), attempt: 1, first_line: 0, lines: vec![line] },
        ];
        if ended {
            let error = ExecutionError { step: None, message: mark.clone(), exit_code: None, tail: vec![mark.clone()] };
            events.push(Event::StepFailed {
                step,
                attempt: 1,
                status: StepFailure::Failed,
                exit_code: Some(1),
                signal: None,
                error: mark.clone(),
                tail: vec![mark],
                duration_ms: 1,
                lines: 1,
            });
            events.push(Event::ExecutionFailed { status: ExecutionFailure::Failed, error, duration_ms: 1, lines: 1 });
        }
        events.into_iter().map(|event| self.fact(event)).collect()
    }
}

struct House {
    server: Server,
    people: Vec<Person>,
    executions: Vec<Told>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new(roles: &[bool], owners: &[(usize, bool)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
        for made in ["workflows", "secrets"] {
            std::fs::create_dir(folder.path().join(made)).expect("a folder");
        }
        write("workflows/hooked.yaml", "webhook: { secret: HOOK_KEY }\nsteps: [{ id: only, run: 'true' }]\n");
        write(
            "workflows/closed.yaml",
            &format!("# {FILE_MARK}\nallow: [person0]\nsteps: [{{ id: only, run: 'true' }}]\n"),
        );
        write("secrets/HOOK_KEY", "swordfish");
        let args = ServeArgs {
            data: Some(folder.path().join("data")),
            secrets: Some(folder.path().join("secrets")),
            workflows: Some(folder.path().join("workflows")),
            listen: Some("127.0.0.1:0".to_owned()),
            ..ServeArgs::default()
        };
        let settings = Settings::resolve(args, folder.path()).expect("settings");
        let server = Server::start(settings).await.expect("a server");
        let mut people = Vec::new();
        for (n, admin) in roles.iter().enumerate() {
            let name: Name = format!("person{n}").parse().expect("a name");
            let role = if *admin { Role::Admin } else { Role::User };
            let access = &server.app().access;
            access.add_user(name.clone(), role, "correct horse battery").await.expect("a user");
            let (_, token) = access.create_token(&name, "test").await.expect("a token");
            people.push(Person { name, role, token });
        }
        let plan = Workflow::parse("one.yaml", "one", "steps: [{ id: only, run: 'true' }]").expect("a workflow");
        let (plan, mut executions) = (Arc::new(plan), Vec::new());
        let journal = &server.app().journal;
        for (n, (owner, ended)) in owners.iter().enumerate() {
            let told = Told::new(n, people[owner % people.len()].name.clone());
            let mut facts = told.facts(*ended).into_iter();
            journal.begin(facts.next().expect("the first"), plan.clone(), Beside::default()).await.expect("it begins");
            for fact in facts {
                journal.append(fact).await;
            }
            executions.push(told);
        }
        journal.flush().await.expect("committed");
        Self { server, people, executions, _folder: folder }
    }

    /// The status of an answer, and what of it came until it ended or said that nothing more comes for now.
    async fn ask(&self, http: &Client, person: Option<&Person>, method: Method, path: &str) -> (StatusCode, String) {
        let mut request = http.request(method.clone(), format!("http://{}{path}", self.server.address));
        if let Some(person) = person {
            request = request.bearer_auth(&person.token);
        }
        if method != Method::GET {
            // What a server function asks for, and is not theirs; other routes refuse it, which tells as little.
            let not_theirs = self.executions.iter().find(|told| !sees(person, &told.owner));
            let id = not_theirs.or(self.executions.first()).map(|told| told.id);
            let what = json!([{ "execution": id }, { "workflow": "one" }]);
            request = request.json(&json!({ "id": id, "name": "one", "query": {}, "which": "streams", "what": what }));
        }
        let mut answer = request.send().await.expect("an answer");
        let (status, mut bytes) = (answer.status(), Vec::new());
        let streams = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let wait = Duration::from_secs(10);
        while let Some(more) = tokio::time::timeout(wait, answer.chunk()).await.expect("it goes on").expect("bytes") {
            bytes.extend_from_slice(&more);
            let text = String::from_utf8_lossy(&bytes);
            if streams && text.contains("caught_up") {
                break;
            }
        }
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Nothing of what the model keeps from them is in what they are told.
    fn judge(&self, person: Option<&Person>, what: &str, (status, text): &(StatusCode, String)) {
        assert!(may_know_the_file(person) || !text.contains(FILE_MARK), "{what} tells {person:?} of the file: {text}");
        for told in &self.executions {
            let tells = text.contains(&told.mark) || text.contains(&format!("\"owner\":\"{}\"", told.owner));
            let may = sees(person, &told.owner);
            assert!(may || !tells, "{what} tells {person:?} of {}'s execution ({status}): {text}", told.owner);
        }
    }
}

/// A route's path with something in the place of each parameter; for each thing that could stand there.
fn filled(path: &str, executions: &[Told]) -> Vec<String> {
    let Some(begin) = path.find(['{', ':', '*']) else { return vec![path.to_owned()] };
    if path.contains("{*") {
        return vec![format!("{}anything", &path[..begin])];
    }
    let rest = path[begin..].find('/').map_or("", |end| &path[begin + end..]);
    let name = path[begin..].split('/').next().unwrap_or_default().trim_matches(['{', '}', ':']);
    let things: Vec<String> = match (path.contains("executions"), name) {
        (true, "id") => executions.iter().map(|told| told.id.to_string()).collect(),
        (false, "id") => vec![Uuid::now_v7().to_string()],
        // One that others may call, with a signature, and one that is not there.
        (_, "workflow") => vec!["hooked".to_owned(), "one".to_owned()],
        (_, "name") if path.contains("users") => vec![NO_USER.to_owned()],
        (_, "name") => vec!["one".to_owned(), "closed".to_owned()],
        (_, "room") => {
            ["users", "groups", "sessions", "tokens", "streams", "health", "configuration"].map(str::to_owned).into()
        }
        (_, other) => panic!("{path}: say here what {other:?} can be, so that this route is looked at as well"),
    };
    things.into_iter().map(|thing| format!("{}{thing}{rest}", &path[..begin])).collect()
}

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5) })]

    #[test]
    fn nobody_is_told_what_the_model_keeps_from_them(
        roles in prop::collection::vec(prop::bool::weighted(0.3), 2..4),
        owners in prop::collection::vec((0usize..4, any::<bool>()), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let house = House::new(&roles, &owners).await;
            let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
            let paths = paths(house.server.app());
            assert!(paths.len() > 25 && paths.iter().any(|path| path == "/api/events"), "the list of routes: {paths:?}");
            let mut people: Vec<Option<&Person>> = house.people.iter().map(Some).collect();
            people.push(None);
            for path in &paths {
                for filled in filled(path, &house.executions) {
                    let queries = match path {
                        path if path.contains("events") => vec!["", "?after=0"],
                        path if path.ends_with("/search") => vec!["", "?q=e"],
                        _ => vec![""],
                    };
                    for (method, query) in METHODS.iter().flat_map(|method| queries.iter().map(move |q| (method, q))) {
                        for person in &people {
                            if method != Method::GET && person.is_some_and(|person| person.role == Role::Admin) {
                                continue;
                            }
                            let what = format!("{method} {filled}{query}");
                            let answer = house.ask(&http, *person, method.clone(), &format!("{filled}{query}")).await;
                            house.judge(*person, &what, &answer);
                            let status = answer.0;
                            assert!(!status.is_server_error(), "{what}: {answer:?}");
                            let turned_away = status.is_client_error() || status.is_redirection();
                            let open = OPEN.contains(&path.as_str());
                            assert!(person.is_some() || open || turned_away, "{what} lets a stranger in: {answer:?}");
                        }
                    }
                }
            }
            // And what may be seen is seen, or all of this would hold for a server that says nothing.
            for (told, person) in house.executions.iter().flat_map(|told| house.people.iter().map(move |p| (told, p))) {
                let id = told.id;
                let own = ["", "/log", "/events", "/events?after=0", "/history"].map(|rest| format!("/api/executions/{id}{rest}"));
                for path in own.into_iter().chain([format!("/executions/{id}")]) {
                    let (status, text) = house.ask(&http, Some(person), Method::GET, &path).await;
                    assert_eq!(text.contains(&told.mark), sees(Some(person), &told.owner), "{path} {person:?}: {status} {text}");
                }
                for path in ["/api/executions", "/", "/api/events?after=0"] {
                    let (status, text) = house.ask(&http, Some(person), Method::GET, path).await;
                    assert_eq!(text.contains(&id.to_string()), sees(Some(person), &told.owner), "{path} {person:?}: {status}");
                }
            }
            for person in &people {
                for path in ["/api/workflows/closed/file", "/workflows/closed", "/check?of=closed"] {
                    let (status, text) = house.ask(&http, *person, Method::GET, path).await;
                    assert_eq!(text.contains(FILE_MARK), may_know_the_file(*person), "{path} {person:?}: {status} {text}");
                }
            }
            house.server.stop().await;
        });
    }
}
