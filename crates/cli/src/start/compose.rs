//! Settings become the parts of a server.

use super::access::access;
use super::{limits, stores};
use crate::Failure;
use std::sync::Arc;
use taskcast_auth::{SharedKey, TicketKey};
use taskcast_config::{Auth, Cors, Interface, JwtKey, JwtSettings, LimitsConfig, Settings};
use taskcast_core::Limits;
use taskcast_embed::Stores;
use taskcast_engine::{Random, SystemRandom, TaskEngine};
use taskcast_server::{
    AdminApi, ConnectionSettings, CorsPolicy, ServerParts, ServerSettings, TokenSigner,
};

/// A server that only needs addresses to listen on.
pub struct Composed {
    /// Its parts.
    pub parts: ServerParts,
    /// What the engine works on, to be closed after it.
    pub stores: Stores,
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

/// Opens the stores and starts the engine; call it on the runtime that shall run them.
///
/// # Errors
/// When a key does not fit its algorithm, or a store cannot be reached or opened.
pub async fn parts(
    settings: &Settings,
    files: u64,
    secrets: &Secrets,
) -> Result<Composed, Failure> {
    let (bounds, mut warnings) = core_limits(&settings.limits, files);
    let access = access(settings)?;
    warnings.extend(access.warning);
    let stores = stores::open(settings, &bounds).await?;
    let engine = TaskEngine::start(stores.engine_options());
    let parts = ServerParts {
        engine,
        backend: stores.backend(),
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
        stores,
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
