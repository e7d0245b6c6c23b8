//! What the server and an execution's supervisor say to each other, over one Unix stream socket.
//!
//! A frame is its length (4 bytes, little endian) and so many bytes of JSON. A [`Command::Start`] carries two
//! descriptors (`SCM_RIGHTS`) with its first byte: the write ends of the step's stdout and stderr.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longest frame, in bytes without its length. A command beyond it is refused before it is sent; the kernel would not
/// take that much of arguments and environment either.
pub(super) const FRAME_MAX: usize = 4 * 1024 * 1024;
/// Most descriptors that travel with one read, and most that wait for their frame.
const DESCRIPTORS_MAX: usize = 16;

/// From the server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Command {
    /// Begin an attempt.
    Start {
        /// What the answers call it; never used twice by a server and a supervisor.
        key: u64,
        /// What to run.
        launch: Launch,
    },
    /// End an attempt and every process of it: TERM, then KILL.
    Stop {
        /// Which.
        key: u64,
        /// Between TERM and KILL, in milliseconds; 0 is KILL at once.
        grace_ms: u64,
    },
    /// End every process there still is: the execution has ended. Answered by [`Report::Rested`].
    Finish {
        /// Between TERM and KILL, in milliseconds.
        grace_ms: u64,
    },
}

/// How to run a step's process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Launch {
    /// The step, as its environment names it.
    pub step: String,
    /// Absolute path.
    pub program: String,
    /// Its arguments, without its own name.
    pub args: Vec<String>,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// Where it runs; absolute.
    pub cwd: String,
    /// How many processes it may have at once, itself included.
    pub processes_max: usize,
}

/// From the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// It runs.
    Started {
        /// Which.
        key: u64,
        /// Its process.
        pid: i32,
    },
    /// Its process has ended; if it was stopped, so have all of its processes.
    Exited {
        /// Which.
        key: u64,
        /// How.
        exit: Exit,
        /// Whether it was killed for having had more processes than it may.
        crowded: bool,
    },
    /// It could not be started.
    Failed {
        /// Which.
        key: u64,
        /// Why.
        error: String,
    },
    /// No process of the execution is left; another one may come.
    Rested,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A message as a frame.
///
/// # Errors
/// `InvalidInput` if it is longer than [`FRAME_MAX`].
pub(super) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message)?;
    if body.len() > FRAME_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the step's environment and arguments exceed 4 MiB"));
    }
    let length = u32::try_from(body.len()).expect("FRAME_MAX is less than 4 GiB");
    let mut frame = Vec::with_capacity(4 + body.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// Sends as much of `bytes` as the socket takes, `descriptors` with the first of them.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "more than two descriptors"));
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

/// Puts frames together out of what was read.
#[derive(Default)]
pub(super) struct Frames {
    /// At most one frame and one read beyond it.
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Frames {
    /// Takes in bytes that came without descriptors.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Reads once from the socket, without waiting. Says how many bytes came; 0 at the end.
    pub(super) fn receive(&mut self, socket: impl AsFd) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let read = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?.bytes;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if self.descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too many descriptors"));
        }
        self.push(&bytes[..read]);
        Ok(read)
    }

    /// The next whole message, if it is there.
    ///
    /// # Errors
    /// `InvalidData` for a frame that is too long or is no message; the link is of no more use then.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((head, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*head) as usize;
        if length > FRAME_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame beyond 4 MiB"));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(body)?;
        self.bytes.drain(..4 + length);
        Ok(Some(message))
    }

    /// The two descriptors that came with the oldest [`Command::Start`].
    pub(super) fn descriptors(&mut self) -> Option<(OwnedFd, OwnedFd)> {
        (self.descriptors.len() >= 2).then(|| (self.descriptors.remove(0), self.descriptors.remove(0)))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn launch(step: &str) -> Launch {
        Launch {
            step: step.to_owned(),
            program: "/bin/sh".to_owned(),
            args: vec!["-c".to_owned()],
            env: vec![("A".to_owned(), "x".repeat(10_000))],
            cwd: "/".to_owned(),
            processes_max: 10,
        }
    }

    #[test]
    fn commands_arrive_whole_and_each_with_its_own_descriptors() {
        let (here, there) = UnixStream::pair().expect("it works");
        let mut frames = Frames::default();
        for key in 0..3 {
            let bytes = frame(&Command::Start { key, launch: launch(&format!("s{key}")) }).expect("it works");
            let (out, err) = (std::io::pipe().expect("it works"), std::io::pipe().expect("it works"));
            let sent = send(&here, &bytes[..1000], &[out.1.as_fd(), err.1.as_fd()]).expect("it works");
            send(&here, &bytes[sent..], &[]).expect("it works");
        }
        let mut seen = 0;
        while seen < 3 {
            assert!(frames.receive(&there).expect("it works") > 0);
            while let Some(Command::Start { key, launch: got }) = frames.next().expect("it works") {
                assert_eq!((key, got), (seen, launch(&format!("s{seen}"))));
                assert!(frames.descriptors().is_some());
                seen += 1;
            }
        }
        drop(here);
        assert_eq!(frames.receive(&there).expect("it works"), 0);
    }

    #[test]
    fn a_frame_beyond_the_bound_is_refused_on_both_ends() {
        assert!(frame(&"x".repeat(FRAME_MAX)).is_err());
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert!(frames.next::<Command>().is_err());
    }
}
