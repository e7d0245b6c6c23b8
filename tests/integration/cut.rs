//! Streams that are cut at any byte, any number of times: what came, joined, is the replay.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::{TestApp, User},
    dice::{Dice, setting},
    mix::{all_is_whole_since, at_rest, nothing_is_left, shapes, try_start},
    stream::Fact,
    witness::{Habit, Witness, Witnesses, replay},
};

/// How often everything is done, unless `RUNCAST_ROUNDS` says otherwise: each time with a life that ends by itself, one
/// that is ended in good order, and one that is killed.
const ROUNDS: u64 = 3;
/// What of all facts somebody may see on a stream of many: whose, and of which workflow.
type Share = (Option<&'static str>, Option<&'static str>);

/// Everybody's streams, and what must come on them.
const STREAMS: [(&str, &str, Share); 8] = [
    ("alice", "/api/events", (Some("alice"), None)),
    ("alice", "/api/events?workflow=gush", (Some("alice"), Some("gush"))),
    ("alice", "/api/events?owner=alice&workflow=talk", (Some("alice"), Some("talk"))),
    ("bob", "/api/events", (Some("bob"), None)),
    ("root", "/api/events", (None, None)),
    ("root", "/api/events?owner=alice", (Some("alice"), None)),
    ("root", "/api/events?workflow=wide", (None, Some("wide"))),
    ("root", "/api/events?owner=bob&workflow=gush", (Some("bob"), Some("gush"))),
];

struct Readers {
    dice: Dice,
    over: CancellationToken,
    witnesses: Witnesses,
}

impl Readers {
    fn send(&mut self, app: &TestApp, user: &User, path: &str, habit: Habit) {
        self.witnesses.send(Witness::new(app, user, path, habit, &self.dice, &self.over));
    }

    /// Starts runs with much output, each with two who read its own stream.
    async fn begin_runs(&mut self, app: &TestApp, users: &[User]) {
        for shape in ["gush", "talk", "gush", "wide", "quick"] {
            let (user, root) = (self.dice.one(&users[..2]).clone(), &users[2]);
            let id = try_start(&user, shape).await.expect("the server is there");
            let path = format!("/api/executions/{id}/events");
            self.send(app, &user, &path, Habit::Cutting);
            self.send(app, root, &path, Habit::Cutting);
        }
    }

    async fn some_time(&self) {
        tokio::time::sleep(Duration::from_millis(50 + self.dice.below(400))).await;
    }
}

/// That everybody's replay is their share of all there is.
async fn everybody_has_their_share(app: &TestApp, users: &[User]) {
    let all = replay(&app.address, &users[2], "/api/events").await;
    for (name, path, (owner, workflow)) in STREAMS {
        let is_one = |wanted: Option<&str>, is: &Fact, field: &str| wanted.is_none_or(|wanted| is[field] == wanted);
        let share = all.iter().filter(|fact| is_one(owner, fact, "owner") && is_one(workflow, fact, "workflow"));
        let user = users.iter().find(|user| user.name == name).expect("they are there");
        let is = replay(&app.address, user, path).await;
        assert_eq!(is.iter().collect::<Vec<_>>(), share.collect::<Vec<_>>(), "{name} reads {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_pieces_of_any_size_joins_to_the_replay() {
    let (dice, mark) = (Dice::new(), Uuid::now_v7().to_string());
    let workflows = shapes(&mark);
    let workflows: Vec<_> = workflows.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut app = TestApp::with(&["--max-user-streams", "4000"], &workflows).await;
    let users = [app.user("alice").await, app.user("bob").await, app.admin("root").await];
    let mut readers = Readers { dice, over: CancellationToken::new(), witnesses: Witnesses::default() };
    for (name, path, _) in STREAMS {
        let user = users.iter().find(|user| user.name == name).expect("they are there");
        readers.send(&app, user, path, Habit::Cutting);
        readers.send(&app, user, path, Habit::Dozing);
    }
    for _ in 0..setting("RUNCAST_ROUNDS").unwrap_or(ROUNDS) {
        readers.begin_runs(&app, &users).await;
        at_rest(&users[2]).await;
        readers.begin_runs(&app, &users).await;
        readers.some_time().await;
        app.restart().await;
        readers.begin_runs(&app, &users).await;
        readers.some_time().await;
        app.kill_9().await;
        app.launch().await;
    }
    at_rest(&users[2]).await;
    nothing_is_left(&mark).await;
    readers.over.cancel();
    let seen = readers.witnesses.all_saw_the_truth().await;
    let (cuts, facts) = seen.iter().fold((0, 0), |(cuts, facts), one| (cuts + one.cuts, facts + one.facts.len()));
    println!("{} readers hung up {cuts} times and saw {facts} events", seen.len());
    assert!(cuts > 100, "it was cut {cuts} times only");
    everybody_has_their_share(&app, &users).await;
    all_is_whole_since(&app, &users[2], 0, &[]).await;
}
