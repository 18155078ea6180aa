//! Settings become the parts of a server. The one place that names concrete stores.

use super::access::access;
use super::limits;
use crate::Failure;
use std::sync::Arc;
use std::thread::available_parallelism;
use taskcast_auth::{SharedKey, TicketKey};
use taskcast_config::{
    Auth, Cors, Durability, Interface, JwtKey, JwtSettings, LimitsConfig, Settings, Storage,
};
use taskcast_core::Limits;
use taskcast_engine::{EngineOptions, Random, SystemRandom, TaskEngine};
use taskcast_server::{
    AdminApi, ConnectionSettings, CorsPolicy, ServerParts, ServerSettings, TokenSigner,
};
use taskcast_store::{MemoryOptions, MemoryStore, ShortTermStore, SystemClock};
use taskcast_store_sqlite::{SqliteOptions, SqliteStore};

/// A server that only needs addresses to listen on.
pub struct Composed {
    /// Its parts.
    pub parts: ServerParts,
    /// The timers of its connections.
    pub connections: ConnectionSettings,
    /// What is questionable, to be told to whoever configured it.
    pub warnings: Vec<String>,
}

/// Secrets of one run.
pub struct Secrets {
    /// The admin token that nobody configured.
    pub drawn_admin_token: Option<String>,
    tickets: [u8; 32],
}

impl Secrets {
    /// Draws what the settings leave open.
    #[must_use]
    pub fn draw(settings: &Settings) -> Self {
        let open = settings.admin.as_ref().is_some_and(|it| it.token.is_none());
        Self {
            drawn_admin_token: open.then(|| hex(&draw_bytes())),
            tickets: draw_bytes(),
        }
    }
}

/// Opens the store and starts the engine; call it on the runtime that shall run them.
///
/// # Errors
/// When a key does not fit its algorithm, or the store cannot be opened.
pub fn parts(settings: &Settings, files: u64, secrets: &Secrets) -> Result<Composed, Failure> {
    let (bounds, mut warnings) = core_limits(&settings.limits, files);
    let access = access(settings)?;
    warnings.extend(access.warning);
    let store = open_store(&settings.storage, &bounds)?;
    let engine = TaskEngine::start(EngineOptions {
        limits: bounds,
        ..EngineOptions::new(store)
    });
    let parts = ServerParts {
        engine,
        authenticator: access.authenticator,
        tickets: match shared_secret(settings) {
            Some(secret) => TicketKey::from_secret(secret),
            None => TicketKey::new(&secrets.tickets),
        },
        admin: admin(settings, secrets, access.signer),
        random: Arc::new(SystemRandom),
        settings: server_settings(settings),
    };
    Ok(Composed {
        parts,
        connections: connection_settings(settings),
        warnings,
    })
}

fn shared_secret(settings: &Settings) -> Option<&[u8]> {
    match &settings.auth {
        Auth::Jwt(JwtSettings {
            key: JwtKey::Secret(secret),
            ..
        }) => Some(secret.expose().as_bytes()),
        _ => None,
    }
}

fn admin(settings: &Settings, secrets: &Secrets, signer: Option<SharedKey>) -> Option<AdminApi> {
    let configured = settings.admin.as_ref()?.token.as_ref();
    let token = configured
        .map(|token| token.expose())
        .or(secrets.drawn_admin_token.as_deref())?;
    let signer = signer.map(|key| match &settings.auth {
        Auth::Jwt(jwt) => TokenSigner {
            key,
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
        },
        Auth::None => TokenSigner {
            key,
            issuer: None,
            audience: None,
        },
    });
    Some(AdminApi::new(token, signer))
}

fn open_store(storage: &Storage, bounds: &Limits) -> Result<Arc<dyn ShortTermStore>, Failure> {
    let (clock, incarnation) = (Arc::new(SystemClock), SystemRandom.next());
    match storage {
        Storage::Memory { max_bytes } => {
            let options = MemoryOptions {
                max_bytes: *max_bytes,
                limits: bounds.clone(),
                incarnation,
                archived: None,
            };
            Ok(Arc::new(MemoryStore::new(options, clock)))
        }
        Storage::Sqlite { path, durability } => {
            let options = SqliteOptions {
                path: path.clone(),
                durability: match durability {
                    Durability::Full => taskcast_store_sqlite::Durability::Full,
                    Durability::Process => taskcast_store_sqlite::Durability::Process,
                },
                limits: bounds.clone(),
                incarnation,
                vfs: None,
                readers: readers(),
            };
            let store = SqliteStore::open(options, clock).map_err(Failure::failed)?;
            Ok(Arc::new(store))
        }
    }
}

/// Reads mostly come from the page cache: as many threads as there are processors, within reason.
fn readers() -> usize {
    available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}

/// The bounds, and a warning when the open files do not suffice for them.
fn core_limits(config: &LimitsConfig, files: u64) -> (Limits, Vec<String>) {
    let (subscribers, warning) = limits::subscribers(config.subscribers, files);
    let bounds = Limits {
        events_per_batch: config.events_per_batch,
        event_data_bytes: config.event_data_bytes,
        json_depth: config.json_depth,
        filter_patterns: config.filter_patterns,
        tags_per_task: config.tags_per_task,
        series_per_task: config.series_per_task,
        producers_per_task: config.producers_per_task,
        idempotency_keys_per_task: config.idempotency_keys_per_task,
        idempotency_key_age: config.idempotency_key_age(),
        page: config.page_size,
        subscribers_per_task: config.subscribers_per_task,
        subscribers,
        window_bytes_per_task: config.window_bytes_per_task,
        window_bytes: config.window_bytes,
    };
    (bounds, warning.into_iter().collect())
}

fn server_settings(settings: &Settings) -> ServerSettings {
    let bounds = &settings.limits;
    ServerSettings {
        version: crate::VERSION.to_owned(),
        auth_mode: match settings.auth {
            Auth::None => "none",
            Auth::Jwt(_) => "jwt",
        },
        body_bytes: bounds.publish_body_bytes,
        line_bytes: bounds.ndjson_line_bytes,
        import_bytes: usize::try_from(bounds.import_body_bytes).unwrap_or(usize::MAX),
        body_idle: bounds.body_idle(),
        heartbeat: settings.sse.heartbeat(),
        retry: settings.sse.retry(),
        cors: match &settings.cors {
            Cors::Any => CorsPolicy::Any,
            Cors::Loopback => CorsPolicy::Loopback,
            Cors::Origins(origins) => CorsPolicy::Origins(origins.clone()),
        },
        loopback_hosts_only: settings.bind.interface == Interface::Loopback
            && settings.auth == Auth::None,
    }
}

fn connection_settings(settings: &Settings) -> ConnectionSettings {
    ConnectionSettings {
        header_timeout: settings.limits.header_timeout(),
        socket_stall: settings.limits.socket_stall(),
        grace: settings.shutdown.grace(),
    }
}

fn draw_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&SystemRandom.next().to_le_bytes());
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
