//! `runcast exec`: runs a command here as if it had been run without, and reports it to a server.
//!
//! The command comes first: what it prints is passed on before anything else is done with it, its end is our end, and
//! a server that is away changes nothing for it. `command` starts and ends it, `terminal` is its way to a terminal,
//! `record` makes a report of what it prints, `spool` keeps the report on disk, `deliver` brings it to the server.

mod command;
mod deliver;
mod record;
mod spool;
mod terminal;

use std::{
    ffi::OsStr,
    future::poll_fn,
    io::{self, Write as _, stderr},
    path::Path,
    sync::{Arc, mpsc::sync_channel},
    task::Poll,
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    signal::unix::{Signal as Signals, SignalKind, signal},
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use self::{
    command::{Command, Ended},
    deliver::{Delivered, Deliverer, deliver_left},
    record::{End, Recorder},
    spool::{Spool, folder},
};
use super::{
    api::Api,
    arguments::{ExecArgs, ServerArgs},
    error::ClientError,
};
use crate::domain::id::{NAME_MAX, Name};

pub use terminal::{LEAD, lead};

/// Between TERM and KILL when the execution is cancelled on the server.
const GRACE: Duration = Duration::from_secs(10);
/// Pieces of output that wait to be made a report of, 64 KiB each at most; then the command waits, too.
const PIECES: usize = 64;
/// What the exit code is when the execution is cancelled on the server.
const CANCELLED: u8 = 130;

/// `runcast exec`
///
/// # Errors
/// If the address or the name make no sense, before anything is run; with `--deliver`, if not all could be delivered.
pub async fn exec(args: ExecArgs) -> Result<u8, ClientError> {
    let ExecArgs { name, wait, deliver, url, token, command: words } = args;
    let api = Api::new(&ServerArgs { url, token, json: false })?;
    let Some(first) = words.first().filter(|_| !deliver) else { return deliver_all(&api).await };
    let name = name.unwrap_or_else(|| name_of(first));
    let left = folder().ok().map(|folder| tokio::spawn(deliver_left(api.clone(), folder)));
    let spool = folder().and_then(|folder| Spool::create(&folder, api.base(), &name));
    let spool = spool.map(Arc::new).map_err(|error| complain(&format!("nothing is reported: {error}"))).ok();
    let (news, (cancelled, stop)) = (Arc::new(Notify::new()), watch::channel(false));
    let delivery = spool.clone().map(|spool| {
        let deliverer = Deliverer { api, spool, news: Arc::clone(&news), cancelled: cancelled.clone() };
        tokio::spawn(deliverer.run())
    });
    let (pieces, told) = sync_channel(PIECES);
    let recorder = Recorder::new(spool, news);
    let recording = std::thread::spawn(move || recorder.run(&told));
    // Before the command can print a word: whoever reads that may answer with a signal.
    let signals = Listening::begin();
    let (end, code) = match Command::start(&words, pieces) {
        Ok(command) => {
            let (ended, stopped) = attend(&command, signals, stop).await;
            command.finish().await;
            if stopped { (End::Cancelled, CANCELLED) } else { (End::Ended(ended), ended.code()) }
        }
        Err(error) => {
            complain(&format!("{}: {error}", first.to_string_lossy()));
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            (End::NotStarted(error.to_string(), code), code)
        }
    };
    // It is done when all that was printed is in the report; the end is the last word.
    let recorded = tokio::task::spawn_blocking(move || recording.join().map(|recorder| recorder.finish(end)));
    if !matches!(recorded.await, Ok(Ok(()))) {
        complain("the report could not be ended");
    }
    if let Some(delivery) = delivery {
        hand_over(delivery, wait).await;
    }
    if let Some(left) = left {
        left.abort();
    }
    drop(cancelled);
    Ok(code)
}

/// Waits for the command's end; passes signals on, and ends it if the server says so. Whether it did.
async fn attend(command: &Command, mut signals: Listening, mut stop: watch::Receiver<bool>) -> (Ended, bool) {
    let (mut stopped, mut kill_at): (bool, Option<Instant>) = (false, None);
    let mut ended = command.ended();
    loop {
        tokio::select! {
            end = ended.wait_for(Option::is_some) => {
                // The thread that waits for it tells before it is gone.
                return (end.ok().and_then(|end| *end).unwrap_or(Ended::Exited(1)), stopped);
            }
            heard = signals.next() => match heard {
                Heard::Resized => command.resize(),
                Heard::Continued => command.resume(),
                Heard::Signal(signal) => command.pass_on(signal),
            },
            Ok(_) = stop.wait_for(|stop| *stop), if !stopped => {
                (stopped, kill_at) = (true, Some(Instant::now() + GRACE));
                command.terminate();
            }
            () = at(kill_at) => {
                kill_at = None;
                command.kill();
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Waits for the rest of the report to be delivered, as long as it may take; a signal ends the waiting.
async fn hand_over(delivery: JoinHandle<Delivered>, wait: Duration) {
    let mut signals = Listening::begin();
    let interrupted = async { while !matches!(signals.next().await, Heard::Signal(_)) {} };
    let kept =
        "what is left of the report waits on disk; the next `runcast exec`, or `runcast exec --deliver`, sends it";
    tokio::select! {
        delivered = timeout(wait, delivery) => match delivered {
            Ok(Ok(Delivered::All | Delivered::Over)) => {}
            Ok(Ok(Delivered::Refused(why))) => complain(&format!("not reported: {why}")),
            Ok(Ok(Delivered::Kept(why))) => complain(&format!("{why}; {kept}")),
            Ok(Err(_)) => complain(kept),
            Err(_) => complain(&format!("the server was not reached; {kept}")),
        },
        () = interrupted => complain(kept),
    }
}

/// `runcast exec --deliver`: what earlier runs left.
async fn deliver_all(api: &Api) -> Result<u8, ClientError> {
    let folder = folder().map_err(|error| ClientError::Data(format!("the reports' folder can't be used: {error}")))?;
    match deliver_left(api.clone(), folder).await {
        Some(why) => {
            complain(&why);
            Ok(3)
        }
        None => Ok(0),
    }
}

/// What we are told by the system while the command runs.
enum Heard {
    Signal(Signal),
    Resized,
    Continued,
}

/// An ear for the signals that matter to the command; one that can't be had is not heard.
struct Listening(Vec<(SignalKind, Signals)>);

impl Listening {
    fn begin() -> Self {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::quit(),
            SignalKind::window_change(),
            SignalKind::from_raw(Signal::CONT.as_raw()),
        ];
        Self(kinds.into_iter().filter_map(|kind| Some((kind, signal(kind).ok()?))).collect())
    }

    async fn next(&mut self) -> Heard {
        let number = poll_fn(|context| {
            let heard = self.0.iter_mut().find_map(|(kind, signals)| match signals.poll_recv(context) {
                Poll::Ready(Some(())) => Some(kind.as_raw_value()),
                _ => None,
            });
            heard.map_or(Poll::Pending, Poll::Ready)
        });
        match Signal::from_named_raw(number.await) {
            Some(Signal::WINCH) => Heard::Resized,
            Some(Signal::CONT) | None => Heard::Continued,
            Some(signal) => Heard::Signal(signal),
        }
    }
}

/// What a workflow is called that runs this: its file's name, as far as it is one.
fn name_of(command: &OsStr) -> Name {
    let file = Path::new(command).file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let fits = |c: char| if matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-') { c } else { '-' };
    let name: String = file.chars().map(fits).collect();
    let name = name.trim_start_matches(['.', '_', '-']);
    let name = name.get(..name.len().min(NAME_MAX)).unwrap_or_default();
    name.parse().unwrap_or_else(|_| "command".parse().expect("it is a name"))
}

/// One line on stderr, in case of trouble.
fn complain(trouble: &str) {
    // Nobody may be reading.
    let _ = writeln!(stderr(), "runcast: {trouble}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gives_its_name_to_the_execution() {
        for (command, name) in [
            ("/usr/bin/rsync", "rsync"),
            ("./Back Up.sh", "back-up.sh"),
            ("_x", "x"),
            ("…", "command"),
            ("/", "command"),
        ] {
            assert_eq!(name_of(OsStr::new(command)).as_str(), name);
        }
        assert_eq!(name_of(OsStr::new(&"x".repeat(100))).as_str().len(), NAME_MAX);
    }
}
