//! What the routes share.

use crate::{AdminApi, openapi};
use bytes::Bytes;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use taskcast_auth::{Authenticator, TicketKey};
use taskcast_engine::{Random, TaskEngine};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// The parts a server is made of.
pub struct ServerParts {
    /// The engine.
    pub engine: TaskEngine,
    /// Finds out who a caller is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Signs stream tickets.
    pub tickets: TicketKey,
    /// The admin API, when it is on.
    pub admin: Option<AdminApi>,
    /// Jitter and request ids.
    pub random: Arc<dyn Random>,
    /// Everything else.
    pub settings: ServerSettings,
}

/// Settings of the HTTP surface.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The version that `GET /` and the health routes tell.
    pub version: String,
    /// The auth mode that `GET /health/detail` tells: `none`, `jwt` or `custom`.
    pub auth_mode: &'static str,
    /// Bytes in the body of a request that publishes or creates.
    pub body_bytes: usize,
    /// Bytes in one line of a streaming publish.
    pub line_bytes: usize,
    /// Bytes in the body of an import.
    pub import_bytes: usize,
    /// How long a request body may pause.
    pub body_idle: Duration,
    /// Silence after which a stream sends a heartbeat.
    pub heartbeat: Duration,
    /// When clients shall reconnect; jitter is added.
    pub retry: Duration,
    /// Which pages of other origins may call.
    pub cors: CorsPolicy,
    /// Whether only requests that name a loopback host are taken: against DNS rebinding, when
    /// everybody may do everything.
    pub loopback_hosts_only: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            auth_mode: "none",
            body_bytes: 8 << 20,
            line_bytes: 1 << 20,
            import_bytes: 256 << 20,
            body_idle: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            cors: CorsPolicy::Loopback,
            loopback_hosts_only: false,
        }
    }
}

/// Which pages of other origins may call the server. Never with credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsPolicy {
    /// Any origin.
    Any,
    /// Origins on loopback hosts, any port.
    Loopback,
    /// Exactly these: `https://app.example.com`.
    Origins(Vec<String>),
}

/// What the routes share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    parts: ServerParts,
    started: Instant,
    /// Where the request ids of this process begin, and how many were given.
    ids: (u64, AtomicU64),
    /// The OpenAPI document, written when it is asked for first.
    document: OnceLock<Bytes>,
    /// What the last look at the store found. Held across the look, so that many who ask at once
    /// cause one.
    health: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl App {
    pub(crate) fn new(parts: ServerParts) -> Self {
        let ids = (parts.random.next(), AtomicU64::new(0));
        Self(Arc::new(Shared {
            parts,
            ids,
            started: Instant::now(),
            document: OnceLock::new(),
            health: Mutex::default(),
        }))
    }

    /// An id for a request: this process's random beginning and a number, so that an id costs no
    /// system call.
    pub(crate) fn request_id(&self) -> String {
        let (beginning, given) = &self.0.ids;
        let number = given.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}{:08x}", beginning >> 32, number & 0xffff_ffff)
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> &Bytes {
        let write = || serde_json::to_vec(&openapi()).unwrap_or_default().into();
        self.0.document.get_or_init(write)
    }

    /// Seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    /// Whether the store answers, looked at once a second at most; else the kind of failure.
    pub(crate) async fn store_health(&self) -> Result<(), String> {
        const FRESH: Duration = Duration::from_secs(1);
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut health = self.0.health.lock().await;
        if let Some((at, found)) = &*health
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let found = match timeout(PATIENCE, self.engine.store().check()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store is not healthy");
                Err("unavailable".to_owned())
            }
            Err(_) => Err("timeout".to_owned()),
        };
        *health = Some((Instant::now(), found.clone()));
        found
    }

    /// When a client shall come back: the configured time and up to half of it more, so that many
    /// do not come at once.
    pub(crate) fn retry_ms(&self) -> u64 {
        let base = u64::try_from(self.settings.retry.as_millis()).unwrap_or(u64::MAX);
        base.saturating_add(self.random.next() % (base / 2).max(1))
    }
}

impl Deref for App {
    type Target = ServerParts;
    fn deref(&self) -> &ServerParts {
        &self.0.parts
    }
}
