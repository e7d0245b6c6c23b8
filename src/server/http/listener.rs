//! The accept loop. Ours, because thousands of idle streams are the normal case: buffers are small, sockets bounded,
//! a connection whose answer is a stream is handed over to an [`Outlet`], and when the server stops nothing holds it.

use std::{
    convert::Infallible,
    future::{Future, pending, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use http::{Method, Request, response::Parts};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::outlet::{Outlet, Streamed};
use crate::server::feed::Reader;

/// Most bytes of a request's head, and of hyper's buffer for reading, which each connection keeps; it takes no less.
const HEAD_MAX: usize = 8 * 1024;
/// Most bytes that the kernel holds for a client that does not read; it counts its own bookkeeping as well.
pub(super) const SEND_BUFFER: usize = 64 * 1024;
/// How much of that may wait until the client has room, in bytes; what is on its way to it does not count.
const UNSENT_MAX: u32 = 40 * 1024;
/// After so many milliseconds without an answer to what was sent, a peer counts as gone.
const PEER_GONE_MS: u32 = 60_000;
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long open requests may go on when the server stops.
const GRACE: Duration = Duration::from_millis(700);

/// Serves until `stop`, then lets open requests end within [`GRACE`].
pub async fn listen(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (tasks, gone) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted.and_then(|(stream, peer)| prepared(stream).map(|stream| (stream, peer))) {
            Ok((stream, peer)) => {
                let served = serve(stream, peer, router.clone(), stop.clone(), tasks.clone());
                tasks.spawn(gone.clone().run_until_cancelled_owned(served));
            }
            Err(error) => {
                // Out of file descriptors, most likely: those who are here stay, and whoever comes next waits.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        gone.cancel();
        // Streams end by themselves; one that does not ends with the process.
        let _ = tokio::time::timeout(GRACE, tasks.wait()).await;
    }
}

/// A stream that an answer turned out to be, with the answer's head.
type Stream = (Parts, Reader);

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken, tasks: TaskTracker) {
    let full = Arc::new(AtomicBool::new(false));
    let taken: Arc<Mutex<Option<Stream>>> = Arc::default();
    let service = {
        let taken = taken.clone();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let answered = answered(request, peer, router.clone());
            let taken = taken.clone();
            Box::pin(async move {
                match answered.await {
                    Ok(response) => Ok::<Response, Infallible>(response),
                    Err(stream) => {
                        *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(*stream);
                        // The connection is taken from hyper before this can be asked again.
                        pending().await
                    }
                }
            })
        })
    };
    let io = Tap { io: TokioIo::new(stream), full: full.clone() };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(io, service);
    let mut stopped = pin!(stop.cancelled());
    let mut stopping = false;
    let stream = poll_fn(|context| {
        if !stopping && stopped.as_mut().poll(context).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
            return Poll::Ready(ended.map(|()| None));
        }
        // What an earlier answer on this connection left with hyper goes first.
        if full.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        match taken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(stream) => Poll::Ready(Ok(Some(stream))),
            None => Poll::Pending,
        }
    })
    .await;
    match stream {
        Ok(Some((head, reader))) => {
            let socket = connection.into_parts().io.io.into_inner();
            // A task of its own, since this one is as large as hyper's connection.
            tasks.spawn(Outlet::new(socket, &head, reader).run());
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, %peer, "a connection broke"),
    }
}

/// The router's answer, or the stream that it is.
async fn answered(request: Request<Incoming>, peer: SocketAddr, router: Router) -> Result<Response, Box<Stream>> {
    let reads = request.method() == Method::GET;
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let Ok(response) = router.oneshot(request).await;
    let (mut head, body) = response.into_parts();
    match Streamed::take(&mut head) {
        Some(reader) if reads => Err(Box::new((head, reader))),
        _ => Ok(Response::from_parts(head, body)),
    }
}

fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER)?;
    sockopt::set_tcp_user_timeout(&stream, PEER_GONE_MS)?;
    SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_MAX)?;
    Ok(stream)
}

/// A connection that says whether hyper has more to write than the socket takes.
struct Tap {
    io: TokioIo<TcpStream>,
    full: Arc<AtomicBool>,
}

impl Tap {
    fn noted<T>(&self, poll: Poll<T>) -> Poll<T> {
        self.full.store(poll.is_pending(), Ordering::Relaxed);
        poll
    }
}

impl Read for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Tap {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(context, bytes);
        self.noted(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.noted(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
