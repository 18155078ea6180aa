//! `taskcast start`: from settings to a server that runs until it is told to stop.

pub mod access;
mod announce;
pub mod compose;
mod limits;
mod listen;
mod logging;
pub(crate) mod signals;
mod stores;

use crate::args::StartArgs;
use crate::{Failure, environment};
use announce::Announcement;
use compose::{Composed, Secrets};
use listen::Listening;
use signals::Signals;
use std::pin::pin;
use taskcast_config::{Loaded, load};
use taskcast_engine::TaskEngine;
use taskcast_server::{router, serve_all};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Runs a server until it is told to stop.
///
/// # Errors
/// When the configuration is refused, or the server cannot start.
pub fn start(args: &StartArgs) -> Result<(), Failure> {
    let loaded =
        load(&environment::load_request(&args.config, args.overrides())).map_err(Failure::usage)?;
    logging::install(loaded.settings.log);
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no threads could be started: {error}")))?;
    runtime.block_on(run(&loaded))
}

async fn run(loaded: &Loaded) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let mut signals = Signals::listen()
        .map_err(|error| Failure::Failed(format!("signals cannot be listened to: {error}")))?;
    let files = limits::raise_open_files();
    let secrets = Secrets::draw(settings);
    let composed = tokio::select! {
        composed = compose::parts(settings, files, &secrets) => composed?,
        signal = signals.next() => {
            tracing::info!(signal, "stopped before it listened");
            return Ok(());
        }
    };
    let listening = listen::bind(&settings.bind)?;
    Announcement {
        loaded,
        listening: &listening,
        store: &composed.parts.engine.store().info(),
        secrets: &secrets,
        warnings: &composed.warnings,
    }
    .print();
    run_until_told(composed, listening, signals).await
}

/// Serves until the first signal, then lets everything finish; a second signal ends it at once.
async fn run_until_told(
    composed: Composed,
    listening: Listening,
    mut signals: Signals,
) -> Result<(), Failure> {
    let (stop, engine) = (CancellationToken::new(), composed.parts.engine.clone());
    let mut serving = pin!(serve_and_close(composed, listening, engine, stop.clone()));
    let signal = tokio::select! {
        () = serving.as_mut() => return Ok(()),
        signal = signals.next() => signal,
    };
    tracing::info!(
        signal,
        "stopping: streams are ended, requests in flight finish"
    );
    stop.cancel();
    tokio::select! {
        () = serving.as_mut() => Ok(()),
        signal = signals.next() => {
            tracing::warn!(signal, "stopping at once");
            std::process::exit(1)
        }
    }
}

async fn serve_and_close(
    composed: Composed,
    listening: Listening,
    engine: TaskEngine,
    stop: CancellationToken,
) {
    let router = router(composed.parts);
    let connections = composed.connections;
    serve_all(listening.listeners, router, engine, connections, stop).await;
    composed.stores.close().await;
    tracing::info!("stopped");
}
