//! Runcast within this process, so that events can be handed to its journal: the journal, the feed and the whole HTTP
//! side are the server's own, started as `runcast serve` starts them, on an empty folder.

use std::{net::TcpStream, sync::Arc};

use runcast::{
    client::arguments::ServeArgs,
    domain::{access::Role, id::Name, workflow::Workflow},
    server::{
        Server,
        access::Access,
        journal::{Beside, Journal},
        settings::Settings,
    },
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    load::{Carrier, Load, Pace, Stamps},
    marked::Track,
    readers::Readers,
    reading::{Asked, ask},
};

/// Users that are added at once: passwords are hashed, which takes a core.
const AT_ONCE: u32 = 4;

pub struct Hosted {
    server: Server,
    /// Event `n` is of the execution `n % tracks`.
    tracks: Arc<Vec<Track>>,
    /// The token of each topic: the admin's, then those of the users.
    tokens: Vec<String>,
    folder: TempDir,
}

impl Hosted {
    /// With so many executions, all of them the admin's.
    pub async fn start(executions: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = server(&folder).await;
        let tokens = vec![user(server.app().access.clone(), name(0), Role::Admin).await];
        let mut hosted = Self { server, tracks: Arc::default(), tokens, folder };
        hosted.begin((0..executions).map(|n| Track::new(n, name(0))).collect()).await;
        hosted
    }

    /// With so many users beside the admin; the first ones have an execution each.
    pub async fn with_users(users: u32, executions: u32) -> Self {
        let mut hosted = Self::start(0).await;
        for first in (1..=users).step_by(AT_ONCE as usize) {
            let mut some = JoinSet::new();
            for n in first..=users.min(first + AT_ONCE - 1) {
                let access = hosted.server.app().access.clone();
                some.spawn(async move { (n, user(access, name(n), Role::User).await) });
            }
            let mut some = some.join_all().await;
            some.sort_unstable();
            hosted.tokens.extend(some.into_iter().map(|(_, token)| token));
        }
        hosted.begin((0..executions).map(|n| Track::new(n as usize, name(n + 1))).collect()).await;
        hosted
    }

    async fn begin(&mut self, tracks: Vec<Track>) {
        let plan = one();
        for track in &tracks {
            self.journal().begin(track.queued(), plan.clone(), Beside::default()).await.expect("begun");
        }
        self.tracks = Arc::new(tracks);
    }

    pub fn journal(&self) -> &Journal {
        &self.server.app().journal
    }

    pub fn track(&self, number: u32) -> &Track {
        of(&self.tracks, number)
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Streams that are asked for and never read.
    pub fn unread(&self, count: usize) -> Vec<TcpStream> {
        (0..count).map(|_| ask(&self.address(), &self.asked(0))).collect()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A workflow of one step.
pub fn one() -> Arc<Workflow> {
    Arc::new(Workflow::parse("one.yaml", "one", "steps: [{ id: one, run: 'true' }]").expect("a workflow"))
}

/// The one place where a server of this process is started.
async fn server(folder: &TempDir) -> Server {
    let args = ServeArgs {
        data: Some(folder.path().join("data")),
        workflows: Some(folder.path().join("workflows")),
        listen: Some("127.0.0.1:0".to_owned()),
        max_user_streams: Some(1_000_000),
        max_streams: Some(1_000_000),
        ..ServeArgs::default()
    };
    let settings = Settings::resolve(args, folder.path()).expect("settings");
    Server::start(settings).await.expect("a server")
}

fn name(n: u32) -> Name {
    if n == 0 { "root".parse() } else { format!("user-{n}").parse() }.expect("a name")
}

/// Adds a user and makes a token for them.
async fn user(access: Access, name: Name, role: Role) -> String {
    access.add_user(name.clone(), role, "correct horse battery").await.expect("a user");
    access.create_token(&name, "bench").await.expect("a token").1
}

fn of(tracks: &[Track], number: u32) -> &Track {
    &tracks[number as usize % tracks.len()]
}

impl Carrier for Hosted {
    fn address(&self) -> String {
        self.server.address.to_string()
    }

    fn asked(&self, topic: u32) -> Asked {
        Asked { path: "/api/events".to_owned(), token: self.tokens[topic as usize].clone() }
    }

    fn ready(&self) -> &'static str {
        "caught_up"
    }

    async fn send(&self, load: &Load, stamps: &Arc<Stamps>, readers: &mut Readers) {
        let copy =
            || Publisher { journal: self.journal().clone(), tracks: self.tracks.clone(), stamps: stamps.clone() };
        match load.pace {
            Pace::Answered => {
                let mut publishers = JoinSet::new();
                for first in 0..load.publishers {
                    publishers.spawn(copy().answered(*load, first));
                }
                publishers.join_all().await;
            }
            Pace::Every(period) => {
                let mut tick = tokio::time::interval(period);
                let mut commits = JoinSet::new();
                for first in (0..load.events).step_by(load.at_once() as usize) {
                    tick.tick().await;
                    let publisher = copy();
                    publisher.append(first..first + load.at_once()).await;
                    commits.spawn(publisher.flush((first..first + load.at_once()).collect()));
                }
                commits.join_all().await;
            }
            Pace::Settled(pause) => {
                for number in 0..load.events {
                    let publisher = copy();
                    publisher.append([number]).await;
                    publisher.flush(vec![number]).await;
                    readers.through(number).await;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

struct Publisher {
    journal: Journal,
    tracks: Arc<Vec<Track>>,
    stamps: Arc<Stamps>,
}

impl Publisher {
    /// Sends the events of the `nth` publisher.
    async fn answered(self, load: Load, nth: u32) {
        let numbers: Vec<u32> = (nth..load.events).step_by(load.publishers as usize).collect();
        for batch in numbers.chunks(load.batch as usize) {
            self.append(batch.iter().copied()).await;
            self.journal.flush().await.expect("committed");
            batch.iter().for_each(|number| self.stamps.committed(*number));
        }
    }

    async fn append(&self, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            self.stamps.made(number);
            self.journal.append(of(&self.tracks, number).progress(number)).await;
        }
    }

    async fn flush(self, numbers: Vec<u32>) {
        self.journal.flush().await.expect("committed");
        numbers.iter().for_each(|number| self.stamps.committed(*number));
    }
}
