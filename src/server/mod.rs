//! The server: runs executions, keeps what happened, and tells those who may know.
//!
//! `engine` → `journal` → `feed` → `http`: facts go one way. `access` says who asks, `workflows` what can be run.

pub mod access;
pub mod clock;
mod design;
pub mod doorbell;
pub mod engine;
pub mod external;
pub mod feed;
pub mod files;
pub mod http;
pub mod journal;
pub mod metrics;
pub mod overview;
pub mod page_answer;
pub mod schedule;
pub mod secrets;
pub mod settings;
pub mod sqlite;
pub mod workflows;

use std::{
    fs::{File, TryLockError},
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use leptos::config::get_configuration;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    access::{Access, AccessSettings, ReportTokens},
    engine::{Engine, EngineSettings},
    external::ExternalWork,
    feed::{Feed, Seats},
    http::App,
    journal::{Journal, Place, Retention},
    metrics::Metrics,
    overview::Overview,
    schedule::Scheduler,
    secrets::Secrets,
    settings::Settings,
    workflows::{Changes, Workflows},
};
use crate::{
    client::arguments::ServeArgs,
    domain::{id::Seq, time::Timestamp},
};

/// How long a data folder may be taken before that is an error, and how often it is tried meanwhile.
const CLAIM_PATIENCE: Duration = Duration::from_secs(2);
const CLAIM_PACE: Duration = Duration::from_millis(10);
/// How often old executions are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// 2026-01-01: what the beginnings of journals are counted from, so that a `seq` has no more digits than it needs.
const EPOCH: Timestamp = Timestamp(1_767_225_600_000);

/// A server at work.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    settings: Settings,
    /// Cancelled to stop the tasks that never end by themselves.
    stop: CancellationToken,
    /// Cancelled to start nothing more by the clock.
    stop_scheduling: CancellationToken,
    /// Cancelled to stop accepting connections.
    stop_listening: CancellationToken,
    tasks: TaskTracker,
    listening: TaskTracker,
    /// Locked for as long as the server lives, so that no second one works on the same folder.
    _lock: File,
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
    /// The data folder can't be used.
    #[error("the data folder {0} can't be used: {1}")]
    Data(String, std::io::Error),
    /// Another server works on it.
    #[error("another runcast server works on the data folder {0}")]
    Taken(String),
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// The users can't be read.
    #[error(transparent)]
    Access(#[from] access::AccessError),
    /// The address can't be had.
    #[error("can't listen on {0}: {1}")]
    Listen(String, std::io::Error),
    /// The page's settings are wrong.
    #[error("the [package.metadata.leptos] settings are wrong: {0}")]
    Leptos(String),
}

/// `runcast serve`: until SIGTERM or SIGINT.
pub async fn serve(args: ServeArgs) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RUNCAST_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,runcast=info"));
    let terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).init();
    files::take_all();
    // Heard from here on: whoever reads the address may ask the server to stop at once.
    let asked_to_stop = asked_to_stop();
    let started = match Settings::resolve(args, Path::new(".")) {
        Ok(settings) => Server::start(settings).await,
        Err(error) => Err(error.into()),
    };
    match started {
        Ok(server) => {
            server.greet();
            asked_to_stop.await;
            server.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("runcast: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends when somebody asks the process to, which is noticed from this call on.
fn asked_to_stop() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

impl Server {
    /// Opens everything, settles what an earlier life left behind, and begins to listen.
    ///
    /// # Errors
    /// If a part of it can't be had; nothing is left running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let lock = claim(&settings.data).await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let listener = TcpListener::bind(&settings.listen)
            .await
            .map_err(|error| StartError::Listen(settings.listen.clone(), error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(settings.listen.clone(), error))?;
        let app = open(&settings, address, &tasks, &stop).await?;
        app.engine.recover().await?;
        prune_regularly(app.journal.clone(), &settings, &tasks, stop.clone());
        let scheduler = Scheduler::open(app.engine.clone(), app.journal.clone(), app.workflows.clone()).await?;
        let stop_scheduling = stop.child_token();
        tasks.spawn(scheduler.run(stop_scheduling.clone()));
        let (stop_listening, listening) = (CancellationToken::new(), TaskTracker::new());
        listening.spawn(http::listen(listener, http::router(app.clone()), stop_listening.clone()));
        Ok(Self { address, app, settings, stop, stop_scheduling, stop_listening, tasks, listening, _lock: lock })
    }

    /// What stands behind it.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Says where it is, and on an empty data folder how to begin.
    fn greet(&self) {
        let url = self.settings.public_url.clone().unwrap_or_else(|| format!("http://{}", self.address));
        let mut out = std::io::stdout().lock();
        // Nobody may be reading; the server works all the same.
        let _ = writeln!(out, "Runcast is at {url}");
        if let Some(code) = self.app.access.setup_code() {
            let _ = writeln!(out, "Nobody can sign in yet. Open {url}/set-up and give this code, once: {code}");
        }
        let _ = out.flush();
    }

    /// Ends all streams, stops what runs (or waits for it as long as `drain` says), and leaves nothing behind.
    pub async fn stop(self) {
        self.stop_scheduling.cancel();
        if self.settings.drain.is_zero() {
            self.app.feed.close();
            self.stop_listening.cancel();
        }
        self.app.engine.shutdown(self.settings.drain).await;
        self.app.feed.close();
        self.stop_listening.cancel();
        self.stop.cancel();
        self.listening.close();
        self.listening.wait().await;
        self.app.journal.close().await;
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
    }
}

async fn open(
    settings: &Settings,
    address: SocketAddr,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<App, StartError> {
    let access_settings = AccessSettings { public_url: settings.public_url.clone(), trust_proxy: settings.trust_proxy };
    let access = Access::open(&settings.data, access_settings).await?;
    let metrics = Metrics::default();
    let feed = Feed::new(Seats::new(settings.max_user_streams, settings.max_streams), metrics.feed.clone());
    // A new journal begins past whatever an earlier one can have given: one on disk, which lives for years, gives no
    // more than a thousand facts a second on average; one in memory, whose lives are short, no more than a million.
    let age = u64::try_from(clock::now().0 - EPOCH.0).unwrap_or(0);
    let (place, begin) = match settings.memory {
        true => (Place::Memory, Seq(age * 1000)),
        false => (Place::File(settings.data.join("journal.db")), Seq(age)),
    };
    let journal = Journal::open(place, begin, feed.clone(), metrics.journal.clone(), tasks).await?;
    let usual = EngineSettings::default();
    let report_tokens = ReportTokens::open(&settings.data)?;
    let engine = Engine::new(
        journal.clone(),
        EngineSettings {
            data: settings.data.clone(),
            url: Some(settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"))),
            limit: settings.max_executions,
            keep_folders: settings.keep_folders,
            processes_max: settings.max_step_processes,
            output_max: settings.max_output,
            secrets: Secrets::new(settings.secrets.clone()),
            estimate_every: settings.estimate_every.unwrap_or(usual.estimate_every),
            stall_min: settings.stall_min.unwrap_or(usual.stall_min),
            report_tokens: Some(report_tokens.clone()),
            ..usual
        },
    );
    let external = ExternalWork::open(journal.clone(), engine.clone(), settings.external, tasks, stop.clone()).await?;
    let workflows = Workflows::open(settings.workflows.clone(), tasks, stop.clone()).await;
    tell_of_changes(workflows.changes(), feed.clone(), tasks, stop.clone());
    let file = Path::new(settings::FILE).exists().then_some(settings::FILE);
    let mut leptos = get_configuration(file).map_err(|error| StartError::Leptos(error.to_string()))?.leptos_options;
    leptos.site_addr = address;
    let secrets = Secrets::new(settings.secrets.clone());
    let keyed_starts = Arc::new(Mutex::new(()));
    Ok(App {
        access,
        engine,
        external,
        report_tokens,
        feed,
        journal,
        metrics,
        design: settings.design,
        overview: Overview::new(settings),
        secrets,
        workflows,
        leptos,
        keyed_starts,
    })
}

/// Numbers the states of the workflows folder, from the time on at which the server began, so that no two of its lives
/// have one in common, and tells the readers of the feed.
fn tell_of_changes(mut changes: Changes, feed: Feed, tasks: &TaskTracker, stop: CancellationToken) {
    let begun = u64::try_from(clock::now().0).unwrap_or(1);
    feed.folder_changed(begun);
    tasks.spawn(stop.run_until_cancelled_owned(async move {
        for version in begun + 1.. {
            changes.next().await;
            feed.folder_changed(version);
        }
    }));
}

/// Makes the data folder, for the server's user only, and locks it. One that is taken may be let go of in a moment: what a
/// server had just forked when it was killed holds its lock until it becomes another program.
async fn claim(data: &Path) -> Result<File, StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let name = || data.display().to_string();
    let failed = |error| StartError::Data(name(), error);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    let lock = File::options().create(true).append(true).open(data.join("lock")).map_err(failed)?;
    let until = Instant::now() + CLAIM_PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Err(StartError::Taken(name())),
            Err(TryLockError::WouldBlock) => sleep(CLAIM_PACE).await,
        }
    }
}

fn prune_regularly(journal: Journal, settings: &Settings, tasks: &TaskTracker, stop: CancellationToken) {
    let (keep_for, count) = (settings.keep_for, settings.keep_count);
    tasks.spawn(async move {
        loop {
            let now = clock::now();
            let ended_since =
                keep_for.map(|time| Timestamp(now.0 - i64::try_from(time.as_millis()).unwrap_or(i64::MAX)));
            match journal.prune(Retention { ended_since, count, now }).await {
                Ok(0) => {}
                Ok(pruned) => tracing::info!(pruned, "removed old executions"),
                Err(error) => tracing::warn!(%error, "old executions could not be removed"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(PRUNE_EVERY)).await.is_none() {
                return;
            }
        }
    });
}
