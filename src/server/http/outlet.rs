//! A stream's socket. Once a stream has begun nothing of HTTP is left but bytes: hyper lets go of the connection, with
//! its buffers, and what the reader has goes from the feed's memory to the socket.

use std::{
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::response::{IntoResponse, Response};
use http::{header, response::Parts};
use rustix::net::sockopt;
use socket2::SockRef;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use super::listener::SEND_BUFFER;
use crate::server::{
    clock,
    feed::{Dismissal, Framing, Reader},
};

/// A reader that takes nothing for so long is ended.
const LAGGED_AFTER: Duration = Duration::from_secs(30);
/// How much larger the kernel's buffer gets for the last words to a reader that does not read.
const FAREWELL: usize = 4;

/// An answer that is a reader's from here on: its head is written by [`Outlet::run`], and it has no other body.
#[derive(Clone)]
pub(super) struct Streamed(Arc<Mutex<Option<Reader>>>);

impl Streamed {
    /// Headers, and the reader that follows them.
    pub(super) fn response(headers: impl IntoResponse, reader: Reader) -> Response {
        let mut response = headers.into_response();
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(reader)))));
        response
    }

    /// The reader of an answer that has one.
    pub(super) fn take(parts: &mut Parts) -> Option<Reader> {
        let Self(reader) = parts.extensions.remove::<Self>()?;
        reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A socket and its reader.
pub(super) struct Outlet {
    socket: TcpStream,
    reader: Reader,
}

/// Why nothing more can be written now.
enum Blocked {
    /// It can again.
    NoMore,
    /// The reader has to go.
    Dismissed(Dismissal),
    /// The client has taken nothing for [`LAGGED_AFTER`].
    Lagged,
}

impl Outlet {
    pub(super) fn new(socket: TcpStream, head: &Parts, mut reader: Reader) -> Self {
        reader.preface(&answer(head, reader.framing()));
        Self { socket, reader }
    }

    /// Until the stream is over or the client has gone. Nothing is held for a client that does not read but its place.
    pub(super) async fn run(mut self) {
        loop {
            tokio::task::consume_budget().await;
            let piece = tokio::select! {
                biased;
                piece = self.reader.next() => piece,
                () = gone(&self.socket) => return,
            };
            let Some(piece) = piece else { break };
            match self.socket.try_write(piece.rest()) {
                Ok(bytes) => self.reader.sent(&piece, bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    drop(piece);
                    match self.blocked().await {
                        Blocked::NoMore => {}
                        Blocked::Dismissed(dismissal) => {
                            self.reader.dismiss(dismissal);
                            self.part().await;
                            break;
                        }
                        Blocked::Lagged => {
                            self.reader.give_up();
                            self.part().await;
                            break;
                        }
                    }
                }
                Err(_) => return,
            }
        }
        self.close().await;
    }

    async fn blocked(&mut self) -> Blocked {
        tokio::select! {
            _ = self.socket.writable() => Blocked::NoMore,
            dismissal = self.reader.dismissed() => Blocked::Dismissed(dismissal),
            () = sleep(LAGGED_AFTER) => Blocked::Lagged,
        }
    }

    /// Leaves the last words with the kernel, which has room for them now, and goes: a client that reads again finds
    /// them, and nobody waits for it.
    async fn part(&mut self) {
        // Without the room they are lost, and the client finds a stream that broke off.
        let _ = sockopt::set_socket_send_buffer_size(&self.socket, FAREWELL * SEND_BUFFER);
        let _ = SockRef::from(&self.socket).set_tcp_notsent_lowat(u32::MAX);
        while let Some(piece) = self.reader.next().await {
            match rustix::net::send(&self.socket, piece.rest(), rustix::net::SendFlags::DONTWAIT) {
                Ok(bytes) => self.reader.sent(&piece, bytes),
                Err(_) => break,
            }
        }
    }

    async fn close(&mut self) {
        // What was sent and not read would make the kernel break the connection, last words and all.
        while self.socket.try_read(&mut [0; 256]).is_ok_and(|bytes| bytes > 0) {}
        // It may be closed already.
        let _ = self.socket.shutdown().await;
    }
}

/// Until the client has closed the connection. Whatever else it sends is not looked at.
async fn gone(socket: &TcpStream) {
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut [0; 256]) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// The head of an answer that ends with its connection.
fn answer(head: &Parts, framing: Framing) -> String {
    let mut text = format!("HTTP/1.1 {}\r\n", head.status);
    // The router found the answer to be empty, and said so.
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        // Our own headers are text.
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    if framing == Framing::Chunked {
        text.push_str("transfer-encoding: chunked\r\n");
    }
    let _ = write!(text, "date: {}\r\nconnection: close\r\n\r\n", clock::http_date());
    text
}
