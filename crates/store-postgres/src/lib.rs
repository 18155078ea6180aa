//! The long-term store of Taskcast, on PostgreSQL.
//!
//! ```text
//!   logs        log_id ── task_id, epoch, record, watermark (tail), trim, hot, version, ...
//!   events      (log_id, idx) ── event or tombstone, payload as json        a partition per month
//!   quarantine  (log_id, idx) ── what PostgreSQL refused, payload as bytes, and why
//!   slots       events and quarantine as one                                            (a view)
//!   counts      (log_id, idx, type, level) ── how many lie below idx
//!
//!   series      (log_id, name) ── mode, newest, fold
//!   heads       (log_id, idx) ── newest events of series that their log let go of
//!   texts       (log_id, series, run, start) ── joined text                 a partition per month
//!
//!   producers   (log_id, id)      keys (log_id, key)                what happens at most once
//!   migrations  number ── name, sha256
//! ```
//!
//! `log_id` numbers the logs and begins with the time at which a log was archived first: a deleted
//! and recreated task id never meets its old rows, and a month is a range of `log_id`, dropped whole
//! when it holds no log any more ([`PostgresStore::retain`]). A superseded event keeps its payload
//! and names the event that replaced it, so that a rewind can undo it.
//!
//! Reads are one statement, or one snapshot. The client is `tokio-postgres` with `deadpool`, rather
//! than `sqlx`, because it is the smaller one, takes binary COPY, and a connection that is refused is
//! an error at once.

mod address;
mod appended;
mod archive;
mod count;
mod delete;
mod error;
mod image;
mod keep;
mod list;
pub mod migrations;
mod months;
mod options;
mod pool;
mod read;
mod rewind;
mod rows;
mod sql;
mod store;
mod tls;
mod trim;

pub use delete::Retained;
pub use error::PostgresError;
pub use options::PostgresOptions;
pub use store::PostgresStore;
