//! A real server on a loopback port.

use super::{Answer, Ask, Stream, World, documented};
use axum::body::Body;
use axum::response::Response;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use taskcast_server::{ConnectionSettings, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A world that listens.
pub struct Server {
    pub world: World,
    pub address: SocketAddr,
    stop: CancellationToken,
    /// The server first, then the connections of clients.
    tasks: JoinSet<()>,
    serving: JoinSet<()>,
}

impl Server {
    pub async fn of(world: &World) -> Self {
        Self::with(world, ConnectionSettings::default()).await
    }

    pub async fn with(world: &World, settings: ConnectionSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let (router, engine) = (world.router.clone(), world.engine.clone());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, router, engine, settings, stop.clone()));
        Self {
            world: world.clone(),
            address,
            stop,
            tasks: JoinSet::new(),
            serving,
        }
    }

    /// A connection without any HTTP on it.
    pub async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("a connection")
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&mut self, ask: Ask) -> Response {
        let io = TokioIo::new(self.socket().await);
        let (mut sender, connection) = http1::handshake(io).await.expect("a connection");
        self.tasks.spawn(async move {
            let _ = connection.await;
        });
        let mut request = ask.into_request();
        let host = self.address.to_string().parse().expect("a header value");
        request.headers_mut().entry("host").or_insert(host);
        let response = sender.send_request(request).await.expect("a response");
        response.map(Body::new)
    }

    pub async fn ask(&mut self, ask: Ask) -> Answer {
        let (method, path) = (ask.method.clone(), ask.path.clone());
        let answer = Answer::read(self.send(ask).await).await;
        documented::check(&method, &path, &answer);
        answer
    }

    pub async fn stream(&mut self, ask: Ask) -> Stream {
        Stream::of(self.send(ask).await)
    }

    /// Tells the server to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the server to have stopped.
    pub async fn stopped(&mut self) {
        let ended = timeout(Duration::from_secs(10), self.serving.join_next()).await;
        ended
            .expect("the server stops")
            .expect("it served")
            .expect("it did not panic");
    }
}
