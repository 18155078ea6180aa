//! Servers for tests: one that plays a recorded stream, a real one, and a proxy that cuts.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskcast_auth::{Anyone, TicketKey};
use taskcast_client::{Client, RetryPolicy};
use taskcast_core::Limits;
use taskcast_engine::{EngineOptions, SystemRandom, TaskEngine};
use taskcast_server::{ConnectionSettings, ServerParts, ServerSettings, router, serve};
use taskcast_store::{MemoryOptions, MemoryStore, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Tries again at once, for long enough.
pub(crate) fn eager() -> RetryPolicy {
    RetryPolicy {
        first: Duration::from_millis(2),
        most: Duration::from_millis(20),
        give_up: Duration::from_secs(30),
    }
}

/// A real server over the memory store.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let options = MemoryOptions {
            max_bytes: 64 << 20,
            limits: Limits::default(),
            incarnation: 1,
            archived: None,
        };
        let store = MemoryStore::new(options, Arc::new(SystemClock));
        let engine = TaskEngine::start(EngineOptions::new(Arc::new(store)));
        let settings = ServerSettings {
            retry: Duration::from_millis(4),
            ..ServerSettings::default()
        };
        let parts = ServerParts {
            engine: engine.clone(),
            authenticator: Arc::new(Anyone),
            tickets: TicketKey::new(&[7; 32]),
            admin: None,
            random: Arc::new(SystemRandom),
            settings,
            backend: taskcast_server::Backend::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let (router, stop) = (router(parts), CancellationToken::new());
        tasks.spawn(serve(
            listener,
            router,
            engine,
            ConnectionSettings::default(),
            stop,
        ));
        Self { address, tasks }
    }

    pub(crate) fn client(&self) -> Client {
        client_of(self.address)
    }
}

pub(crate) fn client_of(address: SocketAddr) -> Client {
    Client::builder(format!("http://{address}"))
        .retry(eager())
        .build()
        .unwrap()
}

/// Passes bytes on, and cuts each connection after a number of bytes drawn from a seed.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cuts: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Proxy {
    /// Cuts after up to `most` bytes in each direction.
    pub(crate) async fn start(target: SocketAddr, seed: u64, most: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicU64::new(0));
        let count = cuts.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (mut connections, mut draw) = (JoinSet::new(), Draw(seed));
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let (up, down) = (draw.below(most), draw.below(most));
                let count = count.clone();
                connections.spawn(async move {
                    if pass(near, target, up, down).await {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            cuts,
            tasks,
        }
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn pass(near: TcpStream, target: SocketAddr, up: u64, down: u64) -> bool {
    let far = TcpStream::connect(target).await.unwrap();
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    tokio::select! {
        cut = copy(&mut near_in, &mut far_out, up) => cut,
        cut = copy(&mut far_in, &mut near_out, down) => cut,
    }
}

/// Copies until the end, or until so many bytes went: then it is a cut.
async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut left: u64,
) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return false;
        };
        let passed = usize::try_from(left.min(count as u64)).unwrap();
        left -= passed as u64;
        if to.write_all(&buffer[..passed]).await.is_err() {
            return false;
        }
        if left == 0 {
            return true;
        }
    }
}

/// Numbers from a seed.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        1 + (self.0 >> 33) % bound
    }
}

/// Answers each request for a stream with what a function says for its `Last-Event-ID`, and closes.
pub(crate) async fn scripted(
    answer: impl Fn(Option<String>) -> Vec<u8> + Send + Sync + 'static,
) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut buffer = [0; 1024];
                match stream.read(&mut buffer).await {
                    Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let text = String::from_utf8(request).unwrap().to_lowercase();
            let cursor = text
                .lines()
                .find_map(|line| line.strip_prefix("last-event-id: "));
            let bytes = answer(cursor.map(str::to_owned));
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, tasks)
}
