//! The server: connections with their own timers, and an end in bounded time.

use crate::io::StallGuard;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use taskcast_engine::TaskEngine;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Timers of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// Within which the headers of a request must be complete; also how long an idle connection
    /// is kept.
    pub header_timeout: Duration,
    /// After which a connection that takes nothing is closed.
    pub socket_stall: Duration,
    /// How long requests in flight may take to finish when the server stops.
    pub grace: Duration,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            socket_stall: Duration::from_secs(60),
            grace: Duration::from_secs(4),
        }
    }
}

/// Serves a router on one listener until `stop`; see [`serve_all`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    engine: TaskEngine,
    settings: ConnectionSettings,
    stop: CancellationToken,
) {
    serve_all(vec![listener], router, engine, settings, stop).await;
}

/// Serves a router on several listeners, such as one for each kind of address, until `stop`.
///
/// Then: no more connections are taken, the engine ends its streams (clients are told when to come
/// back), requests in flight get the grace to finish, and what is left is cut. Everything that was
/// acknowledged is in the store; the store itself is closed by whoever opened it.
pub async fn serve_all(
    mut listeners: Vec<TcpListener>,
    router: Router,
    engine: TaskEngine,
    settings: ConnectionSettings,
    stop: CancellationToken,
) {
    let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listeners) => accepted,
        };
        // Each listener is the first in its turn, so that a busy one does not starve the others.
        listeners.rotate_left(1);
        match accepted {
            Ok(stream) => {
                let router = router.clone();
                connections.spawn(connection(
                    stream,
                    router,
                    settings,
                    stop.clone(),
                    cut.clone(),
                ));
            }
            Err(error) => refused(&error).await,
        }
    }
    drop(listeners);
    connections.close();
    engine.shutdown().await;
    if timeout(settings.grace, connections.wait()).await.is_err() {
        tracing::warn!(
            open = connections.len(),
            "cutting requests that did not finish in time"
        );
        cut.cancel();
        connections.wait().await;
    }
}

/// The next connection of any listener; of several that have one, the first in the list.
async fn accept(listeners: &[TcpListener]) -> io::Result<TcpStream> {
    poll_fn(|cx| {
        for listener in listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    })
    .await
}

/// A connection that could not be taken: a fault of that peer, or of ours, such as no file left.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::warn!(%error, "a connection could not be accepted");
    sleep(Duration::from_millis(50)).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    settings: ConnectionSettings,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    // Events are small and each should leave at once.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(StallGuard::new(stream, settings.socket_stall));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(64 << 10)
        .serve_connection(io, TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cut.cancelled() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
