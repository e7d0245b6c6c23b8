//! A command's way to the terminal that it would have had: a pseudo-terminal of its own, whose other end is ours.
//!
//! Between us and the command stands a process of ours, the lead: it leads the pseudo-terminal's session, starts the
//! command as the foreground group of it, and so lets Ctrl-C, Ctrl-Z and Ctrl-\ reach the command as from a shell. When
//! the command is stopped the lead stops, then we do, and the shell has the terminal back; when we go on, all do.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write as _, stdin, stdout},
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{self, ExitCode},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{
        Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpgrp, getpid, ioctl_tiocsctty, kill_process,
        kill_process_group, setsid, waitid, waitpid,
    },
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{
        OptionalActions, OutputModes, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, tcsetpgrp, tcsetwinsize,
    },
};

/// The word that makes this program the lead.
pub const LEAD: &str = "exec-lead";

/// How long what was typed is left alone that is not ours now.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// How long until we look again whether the command has started.
const START_PACE: Duration = Duration::from_millis(1);

/// Our terminal, and the other end of the command's.
pub(super) struct Terminal {
    /// What the command prints comes out of it; what is typed goes into it.
    pub ours: OwnedFd,
    /// As the user's terminal was.
    before: Termios,
    /// Whether what is typed comes from a terminal.
    typed: bool,
    state: Arc<Mutex<State>>,
    continued: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether the user's terminal passes everything on.
    raw: bool,
    /// Whether what is typed is the command's.
    typing: bool,
    /// Whether there is a thread that passes it on.
    reading: bool,
    /// How often somebody let us go on.
    continued: u64,
}

impl Terminal {
    /// A pseudo-terminal like the user's, and the end of it that the command gets.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        let before = tcgetattr(stdout())?;
        tcsetattr(&theirs, OptionalActions::Now, &before)?;
        tcsetwinsize(&theirs, tcgetwinsize(stdout())?)?;
        let terminal =
            Self { ours, before, typed: stdin().is_terminal(), state: Arc::default(), continued: Condvar::new() };
        Ok((terminal, theirs))
    }

    /// Waits until the lead has given the command its terminal; until then what is typed there would reach the lead, which
    /// takes no notice. Not if the lead has ended. Blocks for as long as it takes to start a program or two.
    pub(super) fn await_command(&self, lead: Pid) {
        let ended = || {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            !matches!(waitid(WaitId::Pid(lead), look), Ok(None) | Err(Errno::INTR))
        };
        while self.foreground().is_none_or(|group| group == lead) && !ended() {
            thread::sleep(START_PACE);
        }
    }

    /// Lets the user's terminal pass everything on, if it is ours to do so: not while we are in the background.
    pub(super) fn enter(&self) {
        let mut state = lock(&self.state);
        if !self.is_foreground() {
            return;
        }
        let mut raw = self.before.clone();
        if self.typed {
            raw.make_raw();
        } else {
            // The command's own terminal has made its line ends already.
            raw.output_modes.remove(OutputModes::OPOST);
        }
        state.raw = tcsetattr(self.way(), OptionalActions::Now, &raw).is_ok();
        state.typing = true;
        if self.typed && !state.reading {
            state.reading = true;
            if let Ok(into) = self.ours.try_clone() {
                let state = Arc::clone(&self.state);
                thread::spawn(move || pass_on_what_is_typed(&state, File::from(into)));
            }
        }
        self.resize();
    }

    /// What is typed from now on is not the command's.
    pub(super) fn stop_typing(&self) {
        lock(&self.state).typing = false;
    }

    /// Makes the user's terminal what it was.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        state.typing = false;
        if std::mem::take(&mut state.raw) {
            // What is still on its way to the screen was made for how it is now.
            let _ = tcsetattr(self.way(), OptionalActions::Drain, &self.before);
        }
    }

    /// Gives the command's terminal the size of the user's.
    pub(super) fn resize(&self) {
        if let Ok(size) = tcgetwinsize(stdout()) {
            let _ = tcsetwinsize(&self.ours, size);
        }
    }

    /// Stops ourselves, as the command has been stopped; returns when somebody lets us go on.
    pub(super) fn stop_as_well(&self) {
        let before = lock(&self.state).continued;
        self.leave();
        let _ = kill_process(getpid(), Signal::STOP);
        // The stop may come a moment later; what lets us go on is told by `resume`.
        let stopped = |state: &mut State| state.continued == before;
        let went_on = self.continued.wait_while(lock(&self.state), stopped);
        drop(went_on);
        self.enter();
    }

    /// Somebody has let us go on, maybe in the foreground.
    pub(super) fn resume(&self) {
        lock(&self.state).continued += 1;
        self.continued.notify_all();
        self.enter();
    }

    /// The group of processes that the command's terminal is for now.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.ours).ok()
    }

    fn is_foreground(&self) -> bool {
        tcgetpgrp(self.way()).is_ok_and(|group| group == getpgrp())
    }

    fn way(&self) -> BorrowedFd<'static> {
        if self.typed { rustix::stdio::stdin() } else { rustix::stdio::stdout() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Only while the terminal is ours: what is typed before and after is for others, and stays where it is.
fn pass_on_what_is_typed(state: &Mutex<State>, mut into: File) {
    let (stdin, mut buffer) = (rustix::stdio::stdin(), [0; 4096]);
    loop {
        let typed = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None);
        let state = lock(state);
        let read = match typed {
            Ok(_) if state.typing => rustix::io::read(stdin, &mut buffer),
            Ok(_) => Err(Errno::AGAIN),
            Err(error) => Err(error),
        };
        drop(state);
        match read {
            Ok(0) => return,
            Ok(count) => {
                if into.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => thread::sleep(LOOK_AGAIN_AFTER),
            Err(_) => return,
        }
    }
}

/// What runs the command on its terminal: this program again, with the command's words after its own.
pub(super) fn lead_command(words: &[std::ffi::OsString]) -> process::Command {
    // Good even after the file on disk was replaced by a newer one.
    let mut command = process::Command::new("/proc/self/exe");
    command.arg(LEAD).args(words);
    command
}

/// The lead: its standard output is the terminal. Ends as the command does, 128 and the signal's number if one ended it.
pub fn lead() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(2).collect();
    let Some((program, rest)) = words.split_first() else { return ExitCode::from(2) };
    let led = setsid().map_err(io::Error::from).and_then(|_| Ok(ioctl_tiocsctty(stdout())?));
    let child = led.and_then(|()| process::Command::new(program).args(rest).process_group(0).spawn());
    match child {
        Ok(child) => attend(Pid::from_child(&child)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "runcast: {}: {error}", program.to_string_lossy());
            ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
        }
    }
}

fn attend(command: Pid) -> ExitCode {
    // Taken by the command itself if it was quicker and is gone already.
    let _ = tcsetpgrp(stdout().as_fd(), command);
    loop {
        let status = match waitpid(Some(command), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) => status,
            Err(Errno::INTR) | Ok(None) => continue,
            Err(_) => return ExitCode::FAILURE,
        };
        if let Some(code) = status.exit_status() {
            return ExitCode::from(code.to_le_bytes()[0]);
        }
        if let Some(signal) = status.terminating_signal() {
            return ExitCode::from(128_u8.saturating_add(signal.to_le_bytes()[0]));
        }
        let wants_terminal = status
            .stopping_signal()
            .is_some_and(|signal| [Signal::TTIN, Signal::TTOU].map(Signal::as_raw).contains(&signal));
        // One that asked for the terminal before it was given it has it by now.
        if !wants_terminal {
            let _ = kill_process(getpid(), Signal::STOP);
        }
        let _ = kill_process_group(command, Signal::CONT);
    }
}
