//! `kill -9` at any moment, many times over one data folder: what anybody saw is true for ever.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::{TestApp, User},
    dice::{Dice, setting},
    mix::{NAMES, all_is_whole_since, at_rest, nothing_is_left, shapes, try_start},
    witness::{Habit, Witness, Witnesses},
};

/// How often the server is killed, unless `RUNCAST_ROUNDS` says otherwise.
const ROUNDS: u64 = 200;
/// After how many lives all is looked at.
const LOOK_EVERY: u64 = 20;
/// How long it lives at most after it was asked for runs, in milliseconds.
const LIFE_MAX: u64 = 150;

/// One life: a few runs are asked for, and at a random moment the server is dead. The ids of the runs that it promised.
async fn one_life(app: &mut TestApp, users: &[User], dice: &Dice) -> Vec<String> {
    let asked: Vec<_> = (0..=dice.below(4))
        .map(|_| {
            let (user, shape) = (dice.one(users).clone(), *dice.one(&NAMES));
            tokio::spawn(async move { try_start(&user, shape).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(dice.below(LIFE_MAX))).await;
    app.kill_9().await;
    let mut promised = Vec::new();
    for task in asked {
        promised.extend(task.await.expect("asking does not panic"));
    }
    app.launch().await;
    promised
}

#[tokio::test(flavor = "multi_thread")]
async fn what_anybody_saw_is_true_however_often_the_server_is_killed() {
    let (dice, mark) = (Dice::new(), Uuid::now_v7().to_string());
    let workflows = shapes(&mark);
    let workflows: Vec<_> = workflows.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut app = TestApp::with(&["--max-executions", "8", "--max-user-streams", "4000"], &workflows).await;
    let users = [app.user("alice").await, app.user("bob").await];
    let root = app.admin("root").await;
    let over = CancellationToken::new();
    let mut witnesses = Witnesses::default();
    let witness = |app: &TestApp, user: &User, path: &str| Witness::new(app, user, path, Habit::Steady, &dice, &over);
    for user in users.iter().chain([&root]) {
        witnesses.send(witness(&app, user, "/api/events"));
    }
    witnesses.send(witness(&app, &root, "/api/events?owner=bob"));
    let (mut promised, mut position) = (Vec::new(), 0);
    for round in 1..=setting("RUNCAST_ROUNDS").unwrap_or(ROUNDS) {
        let new = one_life(&mut app, &users, &dice).await;
        for id in &new {
            witnesses.send(witness(&app, &root, &format!("/api/executions/{id}/events")));
        }
        promised.extend(new);
        if round % LOOK_EVERY == 0 {
            at_rest(&root).await;
            nothing_is_left(&mark).await;
            position = all_is_whole_since(&app, &root, position, &promised).await;
        }
    }
    at_rest(&root).await;
    nothing_is_left(&mark).await;
    all_is_whole_since(&app, &root, position, &promised).await;
    over.cancel();
    let seen = witnesses.all_saw_the_truth().await;
    println!("{} runs were promised; the first reader asked {} times", promised.len(), seen[0].asked);
}
