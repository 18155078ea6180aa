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
//! The keys are drawn in `keys.rs`; the rules of a commit stand in `scripts/commit.lua`, and the
//! conformance suite holds them to those of [`taskcast_store::plan`].

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
