//! The embedded durable store of Taskcast, on SQLite.
//!
//! ```text
//!   create, commit, delete, trim, clean ──▶ one writer thread, commits in groups ──┐
//!                                                                                  ▼
//!   load, tails, read, heads, list, ... ──▶ reader threads, a snapshot each ◀── database + WAL
//!                                                                                  ▲
//!                                           checkpoint thread ─────────────────────┘
//! ```
//!
//! One process has the file. [`Durability`] tells what an acknowledged commit survives. The tables
//! are drawn in `schema.rs`; the rules of a commit are those of [`taskcast_store::plan`].

mod cache;
mod checkpoint;
mod chunk;
mod connect;
mod error;
mod index;
mod job;
mod log;
mod maintenance;
mod memory;
mod once;
mod options;
mod read;
mod reader;
mod rows;
mod schema;
mod slots;
mod store;
mod sweep;
mod thread;
mod transaction;
mod writer;

pub use options::{Durability, SqliteOptions};
pub use store::SqliteStore;
