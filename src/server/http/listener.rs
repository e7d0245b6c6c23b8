//! The accept loop. Ours, because thousands of idle streams are the normal case: buffers are small, sockets bounded,
//! and when the server stops nothing holds it.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Most bytes of a request's head, and of hyper's buffer for reading, which each connection keeps; it takes no less.
const HEAD_MAX: usize = 8 * 1024;
/// Most bytes that the kernel holds for a client that does not read.
const SEND_BUFFER: usize = 128 * 1024;
/// After so many milliseconds without an answer to what was sent, a peer counts as gone.
const PEER_GONE_MS: u32 = 60_000;
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long open requests may go on when the server stops.
const GRACE: Duration = Duration::from_millis(700);

/// Serves until `stop`, then lets open requests end within [`GRACE`].
pub async fn listen(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    let tasks = tokio_util::task::TaskTracker::new();
    let gone = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted.and_then(|(stream, peer)| prepared(stream).map(|stream| (stream, peer))) {
            Ok((stream, peer)) => {
                let connection = connections.watch(connection(stream, peer, router.clone()));
                let gone = gone.clone();
                tasks.spawn(async move {
                    tokio::select! {
                        ended = connection => if let Err(error) = ended { tracing::debug!(%error, %peer, "a connection broke") },
                        () = gone.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: those who are here stay, and whoever comes next waits.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(GRACE) => gone.cancel(),
    }
    tasks.close();
    tasks.wait().await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<Incoming, ResBody = Body, Error = std::convert::Infallible, Future: Send>,
> {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER)?;
    sockopt::set_tcp_user_timeout(&stream, PEER_GONE_MS)?;
    Ok(stream)
}
