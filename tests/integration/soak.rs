//! Everything at once, for as long as one likes: users, runs of all shapes, readers of all habits, and a server that
//! is ended every few seconds. `make soak` takes ten minutes.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::{LONGEST, TestApp, User},
    dice::{Dice, setting},
    mix::{NAMES, all_is_whole_since, at_rest, nothing_is_left, shapes},
    wire::{Wire, bearer, narrow},
    witness::{Habit, Witness, Witnesses},
};

/// How long it takes, unless `RUNCAST_SOAK` says otherwise, in seconds.
const SOAK: u64 = 20;
/// How much longer it may take, until the last of what was begun has ended and all was looked at.
const MARGIN: Duration = Duration::from_secs(60);
/// After how long all is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Most memory of the server at any moment of any of its lives, in MiB, in a debug build; it takes about 60, and the
/// caches of SQLite may take 80 more.
const MEMORY_MAX: u64 = 200;
const HABITS: [Habit; 3] = [Habit::Steady, Habit::Cutting, Habit::Dozing];
/// What an admin can ask for; a user as well, and gets less.
const STREAMS: [&str; 4] =
    ["/api/events", "/api/events?workflow=gush", "/api/events?owner=alice", "/api/events?owner=bob&workflow=talk"];

/// 2 MB of output: more than the connection of somebody who reads nothing takes in.
const SPATE: (&str, &str) = (
    "spate",
    r#"
steps:
  - id: spate
    run: awk 'BEGIN { s = sprintf("%0192d", 0); for (n = 1; n <= 10000; n++) printf "%07d%s\n", n, s }'
"#,
);

struct Soak {
    app: TestApp,
    /// The last one is an admin.
    users: Vec<User>,
    dice: Dice,
    mark: String,
    /// The ids of all runs that the server has promised.
    promised: Vec<String>,
    /// Up to where all was looked at.
    position: u64,
    lives: usize,
    /// The most memory of any life, in MiB.
    memory: u64,
    cuts: usize,
    facts: usize,
}

/// Those who come after a look and go at the next.
struct Visit {
    readers: Witnesses,
    /// They ask for a stream and never read a byte of it.
    deaf: Vec<Wire>,
    over: CancellationToken,
    customers: JoinSet<()>,
    /// Nobody asks for anything any more.
    closed: CancellationToken,
    told: UnboundedReceiver<(User, String)>,
}

/// What the server answers, if it is there to the end of its answer.
async fn posted(user: &User, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
    let sent = user.request(Method::POST, path).json(body).send();
    let response = timeout(LONGEST, sent).await.expect("it answers or is gone").ok()?;
    let status = response.status();
    Some((status, timeout(LONGEST, response.json()).await.expect("it answers or is gone").ok()?))
}

/// Somebody who asks for runs, and cancels some.
async fn customer(user: User, dice: Dice, closed: CancellationToken, tell: UnboundedSender<(User, String)>) {
    while closed.run_until_cancelled(sleep(Duration::from_millis(200 + dice.below(1_300)))).await.is_some() {
        let shape = if dice.once_in(25) { SPATE.0 } else { *dice.one(&NAMES) };
        let asked = posted(&user, "/api/executions", &json!({ "workflow": shape, "params": {} })).await;
        let Some((StatusCode::CREATED, snapshot)) = asked else {
            let is_stopping = asked.as_ref().is_none_or(|(status, _)| *status == StatusCode::SERVICE_UNAVAILABLE);
            assert!(is_stopping, "{asked:?}");
            continue;
        };
        let id = snapshot["id"].as_str().expect("it has an id").to_owned();
        tell.send((user.clone(), id.clone())).expect("somebody listens");
        if shape == "long" || dice.once_in(4) {
            sleep(Duration::from_millis(dice.below(1_500))).await;
            let answer = posted(&user, &format!("/api/executions/{id}/cancel"), &json!({})).await;
            let fitting = [StatusCode::ACCEPTED, StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE];
            assert!(answer.as_ref().is_none_or(|(status, _)| fitting.contains(status)), "{answer:?}");
        }
    }
}

impl Soak {
    async fn new() -> Self {
        let (dice, mark) = (Dice::new(), Uuid::now_v7().to_string());
        let workflows = shapes(&mark);
        let workflows: Vec<_> = workflows.iter().map(|(name, text)| (*name, text.as_str())).chain([SPATE]).collect();
        let app = TestApp::with(&["--max-executions", "8", "--max-user-streams", "4000"], &workflows).await;
        let users =
            vec![app.user("alice").await, app.user("bob").await, app.user("carol").await, app.admin("root").await];
        let (promised, position) = (Vec::new(), 0);
        Self { app, users, dice, mark, promised, position, lives: 1, memory: 0, cuts: 0, facts: 0 }
    }

    fn root(&self) -> &User {
        self.users.last().expect("there is an admin")
    }

    fn reader(&self, user: &User, path: &str, habit: Habit, over: &CancellationToken) -> Witness {
        Witness::new(&self.app, user, path, habit, &self.dice, over)
    }

    fn visit(&self) -> Visit {
        let (tell, told) = unbounded_channel();
        let (over, closed, mut customers) = (CancellationToken::new(), CancellationToken::new(), JoinSet::new());
        for user in &self.users {
            customers.spawn(customer(user.clone(), self.dice.another(), closed.clone(), tell.clone()));
        }
        Visit { readers: Witnesses::default(), deaf: Vec::new(), over, customers, closed, told }
    }

    /// One life of the server to its end, and the beginning of the next.
    async fn one_life(&mut self, visit: &mut Visit, end: Instant) {
        let root = self.root().clone();
        for (user, path) in [(self.dice.one(&self.users), "/api/events"), (&root, *self.dice.one(&STREAMS))] {
            visit.readers.send(self.reader(user, path, *self.dice.one(&HABITS), &visit.over));
        }
        visit.deaf.push(self.deaf(&root, "/api/events?after=0").await);
        while let Ok(told) = timeout_at(end, visit.told.recv()).await {
            let (user, id) = told.expect("they are still at it");
            let path = format!("/api/executions/{id}/events");
            visit.readers.send(self.reader(&user, &path, *self.dice.one(&HABITS), &visit.over));
            if self.dice.once_in(4) {
                visit.deaf.push(self.deaf(&root, &path).await);
            }
            self.promised.push(id);
        }
        self.memory = self.memory.max(self.app.memory());
        if self.dice.once_in(4) {
            self.app.stop().await;
        } else {
            self.app.kill_9().await;
        }
        self.app.launch().await;
        self.lives += 1;
    }

    async fn deaf(&self, user: &User, path: &str) -> Wire {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{}\r\n", self.app.address, bearer(user));
        Wire::over(narrow(&self.app).await, &request).await.expect("the server reads")
    }

    /// Lets everything come to its end, and looks at all of it: what there is, and what the visitors saw.
    async fn look(&mut self, mut visit: Visit) {
        visit.closed.cancel();
        while let Some(customer) = visit.customers.join_next().await {
            customer.expect("it does not panic");
        }
        while let Some((_, id)) = visit.told.recv().await {
            self.promised.push(id);
        }
        at_rest(self.root()).await;
        nothing_is_left(&self.mark).await;
        self.position = all_is_whole_since(&self.app, self.root(), self.position, &self.promised).await;
        visit.over.cancel();
        self.heed(visit.readers).await;
        self.memory = self.memory.max(self.app.memory());
        assert!(self.memory < MEMORY_MAX, "{} MiB in one of {} lives", self.memory, self.lives);
    }

    async fn heed(&mut self, readers: Witnesses) {
        for seen in readers.all_saw_the_truth().await {
            self.cuts += seen.cuts;
            self.facts += seen.facts.len();
        }
    }

    async fn run(mut self, time: Duration) {
        let (end, over) = (Instant::now() + time, CancellationToken::new());
        let mut stayers = Witnesses::default();
        for (user, habit) in self.users.iter().flat_map(|user| HABITS.map(|habit| (user, habit))) {
            stayers.send(self.reader(user, "/api/events", habit, &over));
        }
        while Instant::now() < end {
            let (mut visit, look_at) = (self.visit(), end.min(Instant::now() + LOOK_EVERY));
            while Instant::now() < look_at {
                let life = Duration::from_millis(500 + self.dice.below(5_000));
                self.one_life(&mut visit, look_at.min(Instant::now() + life)).await;
            }
            self.look(visit).await;
            let Self { promised, lives, memory, facts, cuts, .. } = &self;
            let left = end.saturating_duration_since(Instant::now()).as_secs();
            println!(
                "{left} s to go: {} runs in {lives} lives, at most {memory} MiB; readers saw {facts} events in spite of \
                 {cuts} cuts",
                promised.len()
            );
        }
        over.cancel();
        self.heed(stayers).await;
        self.app.stop().await;
        nothing_is_left(&self.mark).await;
        assert!(!self.promised.is_empty() && self.lives > 1 && self.cuts > 0, "it was no soak");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_stays_whole_however_long_everything_goes_on_at_once() {
    let time = Duration::from_secs(setting("RUNCAST_SOAK").unwrap_or(SOAK));
    timeout(time + MARGIN, async { Soak::new().await.run(time).await }).await.expect("it ends in time");
}
