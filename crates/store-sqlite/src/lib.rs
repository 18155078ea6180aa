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
//! ```
//! use std::sync::Arc;
//! use taskcast_core::{Epoch, Limits, Millis, NewTask, TaskId};
//! use taskcast_store::{Create, ManualClock, ShortTermStore, TaskLog};
//! use taskcast_store_sqlite::{Durability, SqliteOptions, SqliteStore};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let options = SqliteOptions {
//!     path: folder.path().join("tasks.db"),
//!     durability: Durability::Full,
//!     limits: Limits::default(),
//!     incarnation: 7,
//!     vfs: None,
//!     readers: 2,
//!     archived: false,
//! };
//! let clock = Arc::new(ManualClock::at(Millis(1_000)));
//! let id = TaskId::new("report")?;
//!
//! let store = SqliteStore::open(options.clone(), clock.clone())?;
//! let record = NewTask::default().into_record(id.clone(), Millis(1_000));
//! let create = Create { record, epoch: Epoch(1), events: vec![], replace: false, key: None, drawn: false };
//! store.create(create).await?;
//! store.close().await;
//!
//! let again = SqliteStore::open(options, clock)?;
//! assert_eq!(again.load(&id).await?.map(|state| state.epoch), Some(Epoch(1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One process has the file. [`Durability`] tells what an acknowledged commit survives. The tables
//! are drawn in `schema.rs`; the rules of a commit are those of [`taskcast_store::plan`].

mod archive;
mod cache;
mod checkpoint;
mod chunk;
mod connect;
mod database;
mod error;
mod index;
mod job;
mod log;
mod log_reader;
mod maintenance;
mod memory;
mod once;
mod options;
mod positions;
mod read;
mod reader;
mod rows;
mod schema;
mod seek;
mod slots;
mod store;
mod sweep;
mod thread;
mod tier;
mod transaction;
mod writer;

pub use archive::SqliteArchive;
pub use options::{Durability, SqliteArchiveOptions, SqliteOptions};
pub use store::SqliteStore;
