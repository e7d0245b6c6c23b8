//! A pseudo-terminal for a step with `tty: true`, so that its tools draw the bars they draw for people.
//!
//! It is the step's stdout and stderr, which so become one stream. Stdin stays `/dev/null`, and the terminal is nobody's
//! controlling terminal: there is nobody to type an answer, and a tool that asks for one (`sudo`, `ssh`, `git`, by
//! `/dev/tty`) then fails at once instead of waiting for ever. Tools decide by stdout or stderr whether to draw. Nor does
//! the end of a step's first process hang up on what it has left, or throw away what was printed last, as the kernel does
//! with a session's own terminal.

use std::{io, os::fd::OwnedFd};

use rustix::{
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{InputModes, LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize},
};

/// Its size in characters: wide enough for a bar with its numbers.
const SIZE: Winsize = Winsize { ws_row: 30, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
/// What tools are told it is, unless the workflow says otherwise.
pub(super) const KIND: &str = "xterm-256color";
/// Most that the kernel may hold of what was printed and not yet read, in bytes; in truth it is less.
pub(super) const HOLDS: usize = 64 * 1024;

/// A terminal: the end that is read, and the end that steps print to.
pub(super) struct Terminal {
    pub read: OwnedFd,
    pub write: OwnedFd,
}

impl Terminal {
    /// Opens one that passes on what is printed as it is: a line's end stays one character, nothing is echoed.
    pub(super) fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let read = openpt(flags)?;
        grantpt(&read)?;
        unlockpt(&read)?;
        let write = ioctl_tiocgptpeer(&read, flags)?;
        let mut modes = tcgetattr(&write)?;
        modes.output_modes -= OutputModes::ONLCR;
        modes.local_modes -= LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK | LocalModes::ECHOCTL;
        modes.input_modes -= InputModes::IMAXBEL;
        tcsetattr(&write, OptionalActions::Now, &modes)?;
        tcsetwinsize(&write, SIZE)?;
        Ok(Self { read, write })
    }
}

#[cfg(test)]
mod tests {
    use rustix::termios::{isatty, tcgetwinsize};

    use super::*;

    #[test]
    fn what_is_printed_comes_through_as_it_is_and_its_end_is_an_error() {
        let terminal = Terminal::open().expect("there are terminals");
        assert!(isatty(&terminal.write));
        assert_eq!(tcgetwinsize(&terminal.write).expect("it has a size").ws_col, 120);
        rustix::io::write(&terminal.write, b"50%\r100%\nend\n").expect("it takes it");
        drop(terminal.write);
        let mut got = Vec::new();
        let mut buffer = [0; 64];
        let end = loop {
            match rustix::io::read(&terminal.read, &mut buffer) {
                Ok(read) => got.extend_from_slice(&buffer[..read]),
                Err(error) => break error,
            }
        };
        assert_eq!((got.as_slice(), end), (b"50%\r100%\nend\n".as_slice(), rustix::io::Errno::IO));
    }
}
