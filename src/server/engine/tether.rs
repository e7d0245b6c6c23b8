//! The server's end of a supervisor: starts it, gives it orders, hears how each attempt ended.
//!
//! Letting go of a tether closes the socket, upon which the supervisor kills everything at once.

use std::{
    collections::HashMap,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream as Pair,
    },
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, Interest},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command as Program},
    sync::{Mutex as Turn, oneshot},
};
use tokio_util::task::TaskTracker;

use super::wire::{Command, Exit, Frames, Launch, Report, frame, send};
use crate::{domain::time::millis, server::files};

/// How an attempt ended, as its supervisor tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its process ran.
    Exit(Exit),
    /// It ran, and was killed for having had more processes than it may.
    Crowded(Exit),
    /// It could not be started.
    Failed(String),
    /// The supervisor is gone.
    Lost,
}

/// How supervisors are started.
pub(super) struct Begin {
    /// Whose `supervise` it is.
    pub program: PathBuf,
    /// The folder of all executions, by which a later life of the server finds them.
    pub work: PathBuf,
    /// How much longer than a grace an end may take.
    pub patience: Duration,
}

/// A supervisor, for one execution after the other.
pub(super) struct Tether {
    socket: Turn<OwnedWriteHalf>,
    waiting: Arc<Mutex<Waiting>>,
    child: Turn<Child>,
    next_key: AtomicU64,
    /// Set when a command may have been sent in part only.
    broken: AtomicBool,
    patience: Duration,
}

/// Who waits for what: the end of an attempt, as many as the workflow has steps at most; that nothing is left.
#[derive(Default)]
struct Waiting {
    attempts: HashMap<u64, oneshot::Sender<Ended>>,
    rest: Option<oneshot::Sender<()>>,
    lost: bool,
}

/// An attempt that a supervisor has in hand.
pub(super) struct Attempt {
    /// What [`Tether::stop`] calls it.
    pub key: u64,
    /// How it ends.
    pub end: oneshot::Receiver<Ended>,
}

impl Tether {
    /// Starts a supervisor.
    pub(super) fn begin(begin: &Begin, tasks: &TaskTracker) -> io::Result<Self> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let child = Program::new(&begin.program)
            .arg0("runcast")
            .arg("supervise")
            .env_clear()
            .env(super::sweep::SUPERVISOR, &begin.work)
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        files::give_back(&child);
        let (read, write) = UnixStream::from_std(ours)?.into_split();
        let waiting = Arc::default();
        tasks.spawn(hear(read, Arc::clone(&waiting)));
        let (socket, child, next_key) = (Turn::new(write), Turn::new(child), AtomicU64::new(1));
        Ok(Self { socket, waiting, child, next_key, broken: AtomicBool::new(false), patience: begin.patience })
    }

    /// Whether it can be given something to do.
    pub(super) fn is_up(&self) -> bool {
        !self.waiting().lost && self.child.try_lock().is_ok_and(|mut child| matches!(child.try_wait(), Ok(None)))
    }

    /// Has an attempt started, with these ends of its pipes.
    pub(super) async fn start(&self, launch: Launch, out: OwnedFd, err: OwnedFd) -> io::Result<Attempt> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let bytes = frame(&Command::Start { key, launch })?;
        let (tell, end) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.lost {
                return Ok(Attempt { key, end: lost() });
            }
            waiting.attempts.insert(key, tell);
        }
        match self.send(&bytes, &[out.as_fd(), err.as_fd()]).await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Attempt { key, end: lost() }),
            Err(error) => {
                self.broken.store(true, Ordering::Relaxed);
                Err(error)
            }
            Ok(()) => Ok(Attempt { key, end }),
        }
    }

    /// Has an attempt and all of its processes ended. That it has ended already, or the supervisor, is no error.
    pub(super) async fn stop(&self, key: u64, grace: Duration) {
        let command = Command::Stop { key, grace_ms: millis(grace) };
        if let Ok(bytes) = frame(&command) {
            // A broken link is noticed by whoever reads.
            let _ = self.send(&bytes, &[]).await;
        }
    }

    /// How long an end with this grace may take; then the supervisor does not work any more.
    pub(super) fn patience(&self, grace: Duration) -> Duration {
        grace.saturating_add(self.patience)
    }

    /// Kills the supervisor, upon which all its attempts are lost.
    pub(super) async fn kill(&self) {
        tracing::warn!("a supervisor does not end what it was told to end, and is killed");
        if let Err(error) = self.child.lock().await.kill().await {
            tracing::warn!(%error, "a supervisor could not be killed");
        }
    }

    /// Has every process that is left ended, and waits until none is. Says whether the supervisor can take the next
    /// execution; if not, it ends, or is gone.
    pub(super) async fn finish(&self, grace: Duration) -> bool {
        let (tell, rested) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.lost {
                return false;
            }
            waiting.rest = Some(tell);
        }
        if let Ok(bytes) = frame(&Command::Finish { grace_ms: millis(grace) }) {
            // A broken link is noticed by whoever reads.
            let _ = self.send(&bytes, &[]).await;
        }
        let rested = tokio::time::timeout(self.patience(grace), rested).await;
        if rested.is_err() {
            tracing::warn!("a supervisor could not end what it started");
            if let Err(error) = self.child.lock().await.kill().await {
                tracing::warn!(%error, "nor could it be killed");
            }
        }
        matches!(rested, Ok(Ok(()))) && !self.broken.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    async fn send(&self, mut bytes: &[u8], mut descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let socket = self.socket.lock().await;
        let socket: &UnixStream = socket.as_ref();
        while !bytes.is_empty() {
            let sent = socket.async_io(Interest::WRITABLE, || send(socket, bytes, descriptors)).await?;
            bytes = &bytes[sent..];
            descriptors = &[];
        }
        Ok(())
    }
}

/// Passes on what the supervisor says, until it says no more.
async fn hear(mut socket: OwnedReadHalf, waiting: Arc<Mutex<Waiting>>) {
    let mut frames = Frames::default();
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = socket.read(&mut bytes).await {
        frames.push(&bytes[..read]);
        if let Err(error) = pass_on(&mut frames, &waiting) {
            tracing::warn!(%error, "a supervisor said something that makes no sense");
            break;
        }
    }
    let mut waiting = lock(&waiting);
    waiting.lost = true;
    waiting.rest = None;
    waiting.attempts.drain().for_each(|(_, tell)| drop(tell.send(Ended::Lost)));
}

fn pass_on(frames: &mut Frames, waiting: &Mutex<Waiting>) -> io::Result<()> {
    while let Some(report) = frames.next()? {
        let (key, ended) = match report {
            Report::Started { key, pid } => {
                tracing::debug!(key, pid, "a step's process runs");
                continue;
            }
            Report::Exited { key, exit, crowded: false } => (key, Ended::Exit(exit)),
            Report::Exited { key, exit, crowded: true } => (key, Ended::Crowded(exit)),
            Report::Failed { key, error } => (key, Ended::Failed(error)),
            Report::Rested => {
                // Whoever waited may have been dropped with the runtime.
                let _ = lock(waiting).rest.take().map(|tell| tell.send(()));
                continue;
            }
        };
        let tell = lock(waiting).attempts.remove(&key);
        if let Some(tell) = tell {
            // Whoever waited may have been dropped with the runtime.
            let _ = tell.send(ended);
        }
    }
    Ok(())
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost() -> oneshot::Receiver<Ended> {
    let (tell, end) = oneshot::channel();
    let _ = tell.send(Ended::Lost);
    end
}
