//! Taskcast inside a program: the engine, the routes, and stores that are opened and composed.
//!
//! ```text
//!   create_redis_adapters(url)   ─┐
//!                                 ├─▶ Stores::open ──▶ engine ──▶ router ──▶ your application
//!   create_postgres_adapter(url) ─┘
//! ```
//!
//! ```no_run
//! use taskcast_embed::engine::TaskEngine;
//! use taskcast_embed::{Stores, create_postgres_adapter, create_redis_adapters};
//!
//! # async fn start(redis_url: &str, database_url: &str) -> Result<(), taskcast_embed::OpenError> {
//! let short_term = create_redis_adapters(redis_url);
//! let long_term = create_postgres_adapter(database_url);
//! let stores = Stores::open(short_term, Some(long_term)).await?;
//! let engine = TaskEngine::start(stores.engine_options());
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embedded.rs` mounts it into an axum application. The features `redis`, `postgres` and
//! `sqlite` (all on by default) say which stores are built in; the memory store always is.

mod adapters;
mod error;
mod stores;

#[cfg(feature = "postgres")]
pub use adapters::create_postgres_adapter;
#[cfg(feature = "redis")]
pub use adapters::create_redis_adapters;
pub use adapters::{LongTerm, ShortTerm, create_memory_adapters};
pub use error::OpenError;
pub use stores::{Stores, TierSettings};

pub use taskcast_auth as auth;
pub use taskcast_core as core;
pub use taskcast_engine as engine;
pub use taskcast_server as server;
pub use taskcast_store as store;
#[cfg(feature = "postgres")]
pub use taskcast_store_postgres as postgres;
#[cfg(feature = "redis")]
pub use taskcast_store_redis as redis;
#[cfg(feature = "sqlite")]
pub use taskcast_store_sqlite as sqlite;

/// The programs of the guide, which `cargo test` compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/embedding.md")]
struct Guide;
