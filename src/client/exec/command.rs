//! The command: started, listened to, passed signals, waited for.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read as _, stderr, stdout},
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    process::{self, Stdio},
    sync::{Arc, mpsc::SyncSender},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_process, kill_process_group, waitpid};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::terminal::{Terminal, lead_command};
use crate::{
    domain::{log::Stream, time::Timestamp},
    server::clock,
};

/// Most that is read at once, in bytes.
const READ_MAX: usize = 64 * 1024;
/// How long after the command's end nothing must come any more until we leave: what a child of it had in hand is still
/// passed on, but whoever holds the pipe longer is not waited for.
const LINGER: Duration = Duration::from_millis(100);

/// Something that the command printed.
pub(super) struct Piece {
    pub stream: Stream,
    pub bytes: Vec<u8>,
    pub at: Timestamp,
}

/// What the readers tell.
pub(super) enum Told {
    Printed(Piece),
    /// Nothing that comes from now on counts.
    Over,
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(i32),
    Signalled(i32),
}

impl Ended {
    /// As a shell gives it.
    pub(super) fn code(self) -> u8 {
        let code = match self {
            Ended::Exited(code) => code,
            Ended::Signalled(number) => 128 + number,
        };
        code.to_le_bytes()[0]
    }
}

/// A command at work.
pub(super) struct Command {
    /// Of the command, or of the lead before it.
    pid: Pid,
    /// Whether it has a group of its own that signals can be sent to.
    grouped: bool,
    terminal: Option<Arc<Terminal>>,
    ended: watch::Receiver<Option<Ended>>,
    /// When something came last; closed when all readers are gone.
    came: watch::Receiver<Instant>,
    told: SyncSender<Told>,
}

impl Command {
    /// Starts it: on a terminal of its own if our standard output is one, else on pipes.
    pub(super) fn start(words: &[OsString], told: SyncSender<Told>) -> io::Result<Self> {
        let (came_now, came) = watch::channel(Instant::now());
        let reader = Reader { told, came: Arc::new(came_now) };
        if stdout().is_terminal() {
            Self::on_terminal(words, reader, came)
        } else {
            Self::on_pipes(words, reader, came)
        }
    }

    fn on_terminal(words: &[OsString], reader: Reader, came: watch::Receiver<Instant>) -> io::Result<Self> {
        let (terminal, theirs) = Terminal::open()?;
        let mut command = lead_command(words);
        if io::stdin().is_terminal() {
            command.stdin(theirs.try_clone()?);
        }
        let own_stderr = !stderr().is_terminal();
        command.stderr(if own_stderr { Stdio::piped() } else { theirs.try_clone()?.into() });
        command.stdout(theirs);
        let mut lead = command.spawn()?;
        // Our copies of the command's end go with this: without, its end would not be seen.
        drop(command);
        let terminal = Arc::new(terminal);
        let out = File::from(terminal.ours.try_clone()?);
        let told = reader.told.clone();
        // Before anything of what it prints is seen: whoever reads that may answer with a key, or a signal.
        let pid = Pid::from_child(&lead);
        terminal.await_command(pid);
        terminal.enter();
        reader.clone().begin(out, Stream::Out);
        if let Some(err) = lead.stderr.take() {
            reader.begin(File::from(OwnedFd::from(err)), Stream::Err);
        }
        let ended = wait_for(pid, Some(Arc::clone(&terminal)));
        Ok(Self { pid, grouped: false, terminal: Some(terminal), ended, came, told })
    }

    fn on_pipes(words: &[OsString], reader: Reader, came: watch::Receiver<Instant>) -> io::Result<Self> {
        let Some((program, rest)) = words.split_first() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut command = process::Command::new(program);
        command.args(rest).stdout(Stdio::piped()).stderr(Stdio::piped());
        // With a terminal it stays in our group: what is typed there, and Ctrl-C, must reach it.
        let grouped = File::open("/dev/tty").is_err();
        if grouped {
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let told = reader.told.clone();
        if let Some(out) = child.stdout.take() {
            reader.clone().begin(File::from(OwnedFd::from(out)), Stream::Out);
        }
        if let Some(err) = child.stderr.take() {
            reader.begin(File::from(OwnedFd::from(err)), Stream::Err);
        }
        let pid = Pid::from_child(&child);
        Ok(Self { pid, grouped, terminal: None, ended: wait_for(pid, None), came, told })
    }

    /// Tells when it has ended.
    pub(super) fn ended(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.clone()
    }

    /// Passes on a signal that was sent to us.
    pub(super) fn pass_on(&self, signal: Signal) {
        // From the terminal that we share it has got these itself.
        let typed = matches!(signal, Signal::INT | Signal::QUIT);
        if typed && self.terminal.is_none() && !self.grouped && is_foreground() {
            return;
        }
        self.send(signal);
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Ends it.
    pub(super) fn kill(&self) {
        self.send(Signal::KILL);
        if self.terminal.is_some() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }

    fn send(&self, signal: Signal) {
        let foreground = self.terminal.as_ref().and_then(|terminal| terminal.foreground());
        // One that is gone needs no signal.
        let _ = match foreground {
            Some(group) => kill_process_group(group, signal),
            None if self.grouped => kill_process_group(self.pid, signal),
            None => kill_process(self.pid, signal),
        };
    }

    /// The user's terminal has another size.
    pub(super) fn resize(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.resize();
        }
    }

    /// We may have come to the foreground.
    pub(super) fn resume(&self) {
        if let Some(terminal) = &self.terminal {
            terminal.resume();
        }
    }

    /// Waits until all that it printed was passed on, and gives the user's terminal back.
    pub(super) async fn finish(mut self) {
        let ended = Instant::now();
        loop {
            let last = (*self.came.borrow_and_update()).max(ended);
            let quiet = (last + LINGER).saturating_duration_since(Instant::now());
            tokio::select! {
                changed = self.came.changed() => if changed.is_err() { break },
                () = sleep(quiet) => break,
            }
        }
        if let Some(terminal) = &self.terminal {
            terminal.leave();
        }
        let told = self.told.clone();
        // Whoever takes it in may have to catch up first; if it is gone, it is over as well.
        let _ = tokio::task::spawn_blocking(move || told.send(Told::Over)).await;
    }
}

fn is_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|tty| rustix::termios::tcgetpgrp(tty).is_ok_and(|group| group == getpgrp()))
}

/// Waits for a process on a thread of its own; when it stops we stop, too.
fn wait_for(pid: Pid, terminal: Option<Arc<Terminal>>) -> watch::Receiver<Option<Ended>> {
    let (tell, ended) = watch::channel(None);
    thread::spawn(move || {
        loop {
            let options = if terminal.is_some() { WaitOptions::UNTRACED } else { WaitOptions::empty() };
            let status = match waitpid(Some(pid), options) {
                Ok(Some((_, status))) => status,
                Err(rustix::io::Errno::INTR) | Ok(None) => continue,
                Err(_) => return,
            };
            let ended = status.exit_status().map(Ended::Exited);
            if let Some(ended) = ended.or(status.terminating_signal().map(Ended::Signalled)) {
                if let Some(terminal) = &terminal {
                    terminal.stop_typing();
                }
                tell.send_replace(Some(ended));
                return;
            }
            if let Some(terminal) = &terminal {
                terminal.stop_as_well();
                let _ = kill_process(pid, Signal::CONT);
            }
        }
    });
    ended
}

/// Passes on what comes, and then tells of it.
#[derive(Clone)]
struct Reader {
    told: SyncSender<Told>,
    came: Arc<watch::Sender<Instant>>,
}

impl Reader {
    fn begin(self, mut from: File, stream: Stream) {
        thread::spawn(move || {
            let mut buffer = vec![0; READ_MAX];
            let mut listening = true;
            loop {
                let count = match from.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // A terminal says so when its other end is gone.
                    Err(_) => return,
                };
                let bytes = &buffer[..count];
                // Whoever reads us has left: the command is to see that as well.
                if pass_on(stream, bytes).is_err() {
                    return;
                }
                self.came.send_replace(Instant::now());
                if listening {
                    let piece = Piece { stream, bytes: bytes.to_owned(), at: clock::now() };
                    listening = self.told.send(Told::Printed(piece)).is_ok();
                }
            }
        });
    }
}

/// Writes it where the command would have, at once.
fn pass_on(stream: Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = match stream {
            Stream::Out => rustix::io::write(rustix::stdio::stdout(), bytes),
            Stream::Err => rustix::io::write(rustix::stdio::stderr(), bytes),
        };
        match written {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            // Somebody else made it so; it is full now.
            Err(rustix::io::Errno::AGAIN) => thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
