//! Taskcast inside an axum application of yours, below `/taskcast`: tasks in Redis, kept for good in
//! PostgreSQL, callers with JWT. Any number of processes like this one can share both.
//!
//! ```sh
//! export REDIS_URL=redis://localhost:6379 DATABASE_URL=postgres://localhost/taskcast
//! export JWT_SECRET=$(openssl rand -hex 32)
//! cargo run -p taskcast-embed --example embedded -- 127.0.0.1:3000
//! ```
//!
//! Then open `/taskcast/docs`, and sign a token with
//! `TASKCAST_AUTH_MODE=jwt TASKCAST_JWT_SECRET=$JWT_SECRET taskcast token --scope '*'`.

use axum::Router;
use axum::routing::get;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use taskcast_embed::auth::{Algorithm, JwtAuthenticator, JwtSettings, SharedKey, TicketKey};
use taskcast_embed::engine::{SystemRandom, TaskEngine};
use taskcast_embed::server::{ConnectionSettings, ServerParts, ServerSettings, router, serve};
use taskcast_embed::{Stores, create_postgres_adapter, create_redis_adapters};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The routes of Taskcast: who sends a token that is signed with the secret may do what it says.
fn taskcast(engine: TaskEngine, stores: &Stores, secret: &[u8]) -> Result<Router, Box<dyn Error>> {
    let authenticator = JwtAuthenticator::new(JwtSettings {
        key: SharedKey::new(Algorithm::HS256, secret)?.into(),
        issuer: None,
        audience: None,
        leeway: Duration::from_secs(60),
    });
    Ok(router(ServerParts {
        engine,
        backend: stores.backend(),
        authenticator: Arc::new(authenticator),
        // Of the secret that all processes have, so that a ticket of one is good at the others.
        tickets: TicketKey::from_secret(secret),
        admin: None,
        random: Arc::new(SystemRandom),
        settings: ServerSettings {
            auth_mode: "jwt",
            ..ServerSettings::default()
        },
    }))
}

/// The application: its own routes, and those of Taskcast below `/taskcast`.
fn application(taskcast: Router) -> Router {
    Router::new()
        .route("/", get(|| async { "the application's own page\n" }))
        .nest("/taskcast", taskcast)
}

/// Opens the stores, serves until `stop` is cancelled, and lets go of everything in order.
pub(crate) async fn run(
    listener: TcpListener,
    redis_url: &str,
    database_url: &str,
    secret: &[u8],
    stop: CancellationToken,
) -> Result<(), Box<dyn Error>> {
    let short_term = create_redis_adapters(redis_url);
    let long_term = create_postgres_adapter(database_url); // optional
    let stores = Stores::open(short_term, Some(long_term)).await?;
    let engine = TaskEngine::start(stores.engine_options());

    // The application works with tasks through `engine`, and its users through the routes.
    let application = application(taskcast(engine.clone(), &stores, secret)?);
    let connections = ConnectionSettings::default();
    serve(listener, application, engine, connections, stop).await;
    stores.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    run(
        TcpListener::bind(&address).await?,
        &variable("REDIS_URL")?,
        &variable("DATABASE_URL")?,
        variable("JWT_SECRET")?.as_bytes(),
        // An application cancels it when it ends; this one is ended from outside.
        CancellationToken::new(),
    )
    .await
}
