//! The end of a step's output that is read: of a pipe, or of a pseudo-terminal.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::ioctl_fionread,
};
use tokio::net::unix::pipe::Receiver;

/// Most that is read at once, in bytes: as much as a pipe holds.
pub(super) const READ_MAX: usize = 64 * 1024;
/// Between two reads of what is thrown away.
const DISCARD_PACE: Duration = Duration::from_millis(10);

/// An end that is read; none once all of it was.
pub(super) struct Pipe(Option<Receiver>);

impl Pipe {
    /// That of a pipe. Must be called on a runtime.
    pub(super) fn open(end: OwnedFd) -> io::Result<Self> {
        Receiver::from_owned_fd(end).map(|receiver| Self(Some(receiver)))
    }

    /// That of a terminal, which is polled and read as a pipe is. Must be called on a runtime.
    pub(super) fn open_terminal(end: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&end, fcntl_getfl(&end)? | OFlags::NONBLOCK)?;
        Receiver::from_owned_fd_unchecked(end).map(|receiver| Self(Some(receiver)))
    }

    /// One of which nothing comes.
    pub(super) fn closed() -> Self {
        Self(None)
    }

    /// Whether something may still come.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until there is something to read, or the end; for ever once that was read.
    pub(super) async fn ready(&mut self) {
        match &self.0 {
            Some(receiver) if receiver.readable().await.is_ok() => {}
            Some(_) => self.0 = None,
            None => std::future::pending().await,
        }
    }

    /// How many bytes are in it. A terminal tells only of those that have come through.
    pub(super) fn holds(&self) -> usize {
        let held = self.0.as_ref().and_then(|receiver| ioctl_fionread(receiver).ok());
        held.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0)
    }

    /// How many bytes could be read without waiting; at the end it closes. The end of a terminal is the error `EIO`.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(receiver) = &self.0 else { return 0 };
        match receiver.try_read(buffer) {
            Ok(read @ 1..) => read,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Ok(_) | Err(_) => {
                self.0 = None;
                0
            }
        }
    }

    /// Reads what nobody wants to know any more, so that a process left in the background can go on printing. Ends
    /// with the last process that holds the other end, and so with the execution at the latest.
    pub(super) async fn discard(mut self) {
        let mut buffer = vec![0; READ_MAX];
        while self.is_open() {
            self.ready().await;
            self.read(&mut buffer);
            // One that floods waits for this.
            tokio::time::sleep(DISCARD_PACE).await;
        }
    }
}
