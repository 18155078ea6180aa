//! The HTTP surface of Taskcast over an engine: a [`router`] that nests under any path of an axum
//! application, and [`serve`], which runs one with timers on everything.
//!
//! ```
//! use std::sync::Arc;
//! use taskcast_auth::{Anyone, TicketKey};
//! use taskcast_core::Limits;
//! use taskcast_engine::{EngineOptions, SystemRandom, TaskEngine};
//! use taskcast_server::{Backend, ServerParts, ServerSettings, router};
//! use taskcast_store::{MemoryOptions, MemoryStore, SystemClock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let options = MemoryOptions { max_bytes: 1 << 20, limits: Limits::default(), incarnation: 1, archived: None };
//! let store = Arc::new(MemoryStore::new(options, Arc::new(SystemClock)));
//! let engine = TaskEngine::start(EngineOptions::new(store));
//! let taskcast = router(ServerParts {
//!     engine: engine.clone(),
//!     authenticator: Arc::new(Anyone),
//!     tickets: TicketKey::new(&[7; 32]), // from a random source, in earnest
//!     admin: None,
//!     backend: Backend::default(),
//!     random: Arc::new(SystemRandom),
//!     settings: ServerSettings::default(),
//! });
//! // The routes under a path of another application.
//! let app: axum::Router = axum::Router::new().nest_service("/taskcast", taskcast);
//! # drop(app);
//! engine.shutdown().await;
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod app;
mod backend;
mod edge;
mod error;
mod extract;
mod io;
mod openapi;
mod query;
mod routes;
mod serve;
mod stream;

pub use app::{CorsPolicy, ServerParts, ServerSettings};
pub use backend::{ArchiveReport, ArchiveStatus, Backend, Layer, StorageRelease};
pub use openapi::openapi;
pub use routes::{AdminApi, TokenSigner};
pub use serve::{ConnectionSettings, serve, serve_all};

use app::App;
use axum::Router;
use axum::middleware::from_fn_with_state;
use error::ApiError;
use taskcast_api::ErrorCode;

/// The routes of Taskcast. Nest them under any path: links in answers are relative to it.
///
/// With `nest_service("/taskcast", …)` the address `/taskcast/` is answered as well as `/taskcast`,
/// which `nest` does not do, and which clients ask for that put a `/` behind their base address.
pub fn router(parts: ServerParts) -> Router {
    let app = App::new(parts);
    let (routes, _) = routes::all().split_for_parts();
    routes
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                ErrorCode::MethodNotAllowed,
                "this address does not take that method",
            )
        })
        .layer(edge::cors(&app.settings.cors))
        .layer(from_fn_with_state(app.clone(), edge::around))
        .with_state(app)
}
