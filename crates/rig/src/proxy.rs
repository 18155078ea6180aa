//! A TCP proxy that fails on demand.
//!
//! ```text
//!   client ──▶ forward ──▶ server        bytes, delayed or held back
//!   client ◀── back    ◀── server        the same; messages of subscriptions can be dropped
//! ```

use crate::resp::{frame_end, is_message};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A proxy before one server, on a port of its own. Ends with its owner.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    faults: Arc<Faults>,
    _stop: DropGuard,
}

/// What is wrong with the network now.
#[derive(Debug)]
struct Faults {
    refuse: AtomicBool,
    drop_messages: AtomicBool,
    dropped: AtomicUsize,
    delay_ms: AtomicU64,
    stalled: watch::Sender<bool>,
    /// Counts the cuts: a connection ends when it changes.
    cuts: watch::Sender<u64>,
    opened: AtomicUsize,
}

impl FaultProxy {
    /// A proxy before the server on a port of this machine; without faults at first.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults {
            refuse: AtomicBool::new(false),
            drop_messages: AtomicBool::new(false),
            dropped: AtomicUsize::new(0),
            delay_ms: AtomicU64::new(0),
            stalled: watch::Sender::new(false),
            cuts: watch::Sender::new(0),
            opened: AtomicUsize::new(0),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let serving = serve(
            listener,
            upstream,
            faults.clone(),
            tasks.clone(),
            stop.clone(),
        );
        tasks.spawn(stop.clone().run_until_cancelled_owned(serving));
        Self {
            port,
            faults,
            _stop: stop.drop_guard(),
        }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.faults.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Whether new connections are closed at once.
    pub fn refuse(&self, refuse: bool) {
        self.faults.refuse.store(refuse, Ordering::Relaxed);
    }

    /// Whether bytes stop in both directions, while connections stay open.
    pub fn stall(&self, stall: bool) {
        self.faults.stalled.send_replace(stall);
    }

    /// How much later every piece arrives, in both directions.
    pub fn delay(&self, delay: Duration) {
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.faults.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// Whether messages of Redis subscriptions are dropped; everything else passes.
    pub fn drop_messages(&self, drop: bool) {
        self.faults.drop_messages.store(drop, Ordering::Relaxed);
    }

    /// How many messages were dropped.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.faults.dropped.load(Ordering::Relaxed)
    }

    /// How many connections were opened.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.faults.opened.load(Ordering::Relaxed)
    }
}

async fn serve(
    listener: TcpListener,
    upstream: u16,
    faults: Arc<Faults>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        if faults.refuse.load(Ordering::Relaxed) {
            continue; // Dropped: the client is cut off.
        }
        let connection = connection(client, upstream, faults.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(connection));
    }
}

async fn connection(client: TcpStream, upstream: u16, faults: Arc<Faults>) {
    let address = SocketAddr::from(([127, 0, 0, 1], upstream));
    let mut cuts = faults.cuts.subscribe();
    let Ok(Ok(server)) = timeout(Duration::from_secs(10), TcpStream::connect(address)).await else {
        return;
    };
    faults.opened.fetch_add(1, Ordering::Relaxed);
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::select! {
        _ = forward(client_read, server_write, &faults) => {}
        _ = back(server_read, client_write, &faults) => {}
        _ = cuts.changed() => {}
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: &Faults,
) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        faults.hold_back().await;
        to.write_all(piece.get(..read).unwrap_or_default()).await?;
    }
}

/// Passes frames on whole while messages are dropped, so that none is cut in two.
async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: &Faults) -> io::Result<()> {
    let (mut piece, mut held) = (vec![0; 64 << 10], Vec::new());
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        held.extend_from_slice(piece.get(..read).unwrap_or_default());
        faults.hold_back().await;
        let passed = faults.pass(&mut held);
        to.write_all(&passed).await?;
    }
}

impl Faults {
    /// Waits as long as the network makes a piece wait.
    async fn hold_back(&self) {
        let delay = self.delay_ms.load(Ordering::Relaxed);
        if delay > 0 {
            sleep(Duration::from_millis(delay)).await;
        }
        let mut stalled = self.stalled.subscribe();
        let _ = stalled.wait_for(|stalled| !stalled).await;
    }

    /// Takes from what is held what goes on.
    fn pass(&self, held: &mut Vec<u8>) -> Vec<u8> {
        if !self.drop_messages.load(Ordering::Relaxed) {
            return std::mem::take(held);
        }
        let mut passed = Vec::new();
        while let Some(end) = frame_end(held).filter(|end| *end > 0) {
            let frame: Vec<u8> = held.drain(..end).collect();
            if is_message(&frame) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            } else {
                passed.extend(frame);
            }
        }
        passed
    }
}
