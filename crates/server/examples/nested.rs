//! Taskcast inside an axum application of somebody else's, below `/taskcast`.
//!
//! `cargo run -p taskcast-server --example nested -- 127.0.0.1:3721`, then open `/taskcast/docs`.

use axum::Router;
use axum::routing::get;
use std::error::Error;
use std::sync::Arc;
use taskcast_auth::{Anyone, TicketKey};
use taskcast_core::Limits;
use taskcast_engine::{EngineOptions, Random, SystemRandom, TaskEngine};
use taskcast_server::{Backend, ConnectionSettings, ServerParts, ServerSettings, router, serve};
use taskcast_store::{MemoryOptions, MemoryStore, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The host's own routes, and those of Taskcast below `/taskcast`.
fn application(engine: TaskEngine) -> Router {
    let taskcast = router(ServerParts {
        engine,
        authenticator: Arc::new(Anyone),
        tickets: TicketKey::new(&ticket_key()),
        admin: None,
        backend: Backend::default(),
        random: Arc::new(SystemRandom),
        settings: ServerSettings::default(),
    });
    Router::new()
        .route("/", get(|| async { "the host's own page\n" }))
        .nest_service("/taskcast", taskcast)
}

/// Tickets end with this process: a host with several instances shares a secret instead.
fn ticket_key() -> [u8; 32] {
    let mut key = [0; 32];
    for part in key.chunks_mut(8) {
        part.copy_from_slice(&SystemRandom.next().to_le_bytes());
    }
    key
}

fn engine() -> TaskEngine {
    let options = MemoryOptions {
        max_bytes: 256 << 20,
        limits: Limits::default(),
        incarnation: SystemRandom.next(),
        archived: None,
    };
    let store = MemoryStore::new(options, Arc::new(SystemClock));
    TaskEngine::start(EngineOptions::new(Arc::new(store)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:3721".to_owned());
    let (engine, stop) = (engine(), CancellationToken::new());
    let application = application(engine.clone());
    let listener = TcpListener::bind(&address).await?;
    // A host cancels `stop` when it ends; this one is ended from outside.
    serve(
        listener,
        application,
        engine,
        ConnectionSettings::default(),
        stop,
    )
    .await;
    Ok(())
}
