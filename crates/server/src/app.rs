//! What the routes share.

use crate::{AdminApi, Backend, openapi};
use bytes::Bytes;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use taskcast_auth::{Authenticator, TicketKey};
use taskcast_engine::{Random, TaskEngine};
use taskcast_store::{Dependency, DependencyReport, DependencyState, FailureKind};
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
    /// What is behind the engine's store.
    pub backend: Backend,
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
    /// When the store was last looked at. Held across the look, so that many who ask at once cause
    /// one.
    looked: Mutex<Option<Instant>>,
    /// How the store is, where no server it talks to tells.
    store: Option<Arc<Dependency>>,
    /// Every dependency.
    dependencies: Vec<Arc<Dependency>>,
}

impl App {
    pub(crate) fn new(parts: ServerParts) -> Self {
        let ids = (parts.random.next(), AtomicU64::new(0));
        let store = parts.engine.store();
        let own = || Arc::new(Dependency::new(store.info().provider, store.clock()));
        let store = parts.backend.short_term.is_empty().then(own);
        let of_layers = parts.backend.dependencies();
        let dependencies = store.iter().cloned().chain(of_layers).collect();
        Self(Arc::new(Shared {
            parts,
            ids,
            started: Instant::now(),
            document: OnceLock::new(),
            looked: Mutex::default(),
            store,
            dependencies,
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

    /// The dependencies, as they are known to be. A store that no server tells of is looked at for
    /// it, once a second at most.
    pub(crate) async fn dependencies(&self) -> Vec<DependencyReport> {
        if let Some(store) = &self.0.store {
            self.look_at(store).await;
        }
        self.0.dependencies.iter().map(|one| one.report()).collect()
    }

    async fn look_at(&self, store: &Dependency) {
        const FRESH: Duration = Duration::from_secs(1);
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut looked = self.0.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        match timeout(PATIENCE, self.engine.store().check()).await {
            Ok(Ok(())) => store.answered(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store is not healthy");
                store.failed(FailureKind::Unavailable);
            }
            Err(_) => store.failed(FailureKind::Timeout),
        }
        *looked = Some(Instant::now());
    }

    /// Whether the short-term store works, as far as is known.
    pub(crate) fn store_works(&self) -> bool {
        let healthy = |one: &Arc<Dependency>| one.report().state == DependencyState::Healthy;
        self.0
            .store
            .iter()
            .chain(&self.backend.short_term)
            .all(healthy)
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
