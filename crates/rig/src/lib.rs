//! A rig for tests: real servers of one's own, and a network that fails on demand.
//!
//! ```text
//!   test ── Taskcast ── FaultProxy ── RedisServer | RedisCluster | PostgresServer
//! ```
//!
//! Every server runs on a free port of this machine, in a folder of its own, and ends with its
//! owner, also when the test fails. It keeps port and folder when it is killed and started again.
//! Nothing here ends a process that it did not start.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a part of tests: it panics with a sentence when the machine lacks something"
)]

mod cluster;
mod postgres;
mod process;
mod proxy;
mod redis;
mod resp;

pub use cluster::RedisCluster;
pub use postgres::{PostgresOptions, PostgresServer};
pub use proxy::FaultProxy;
pub use redis::{RedisOptions, RedisServer};
