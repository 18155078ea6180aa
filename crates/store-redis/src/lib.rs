//! The short-term store and the broadcast of Taskcast on Redis 6.2 and newer, for any number of
//! instances; a server or a cluster.
//!
//! ```text
//!   create, commit, delete, … ──▶ one script, one round trip ──▶ Redis ──▶ PUBLISH: the tail moved
//!   load, read, heads, list, … ─▶ one script or pipeline     ──▶ Redis
//! ```
//!
//! ```no_run
//! use taskcast_store_redis::{RedisOptions, RedisStore};
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::connect(RedisOptions::new("redis://localhost:6379")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - **A commit** is one script: it checks, numbers, appends, indexes and publishes in one atomic step.
//!   The rules stand in `scripts/commit.lua`; the conformance suite holds them to those of
//!   [`taskcast_store::plan`]. The keys are drawn in `keys.rs`.
//! - **In doubt**: when a connection breaks in the middle, or no answer comes in time, the call is
//!   [`Unavailable`](taskcast_store::StoreError::Unavailable). Nothing is queued and nothing is sent
//!   twice.
//! - **Loss**: a server process that a partition does not know may have lost what it acknowledged. It
//!   is met by `scripts/floor.lua` before any change: no commit number and no time of an event is ever
//!   given out twice.
//! - **Full**: at its maxmemory Redis refuses what grows; what frees memory goes on, and a task can end.

mod address;
mod append;
mod broadcast;
mod cluster;
mod connecting;
mod error;
mod handshake;
mod hot;
mod identity;
mod index;
mod jitter;
mod keys;
mod link;
mod list;
mod log;
mod maintenance;
mod node;
mod options;
mod positions;
mod read;
mod reply;
mod scripts;
mod slot;
mod store;
mod topology;

pub use broadcast::RedisBroadcast;
pub use options::RedisOptions;
pub use store::RedisStore;
