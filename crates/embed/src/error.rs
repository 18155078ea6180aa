//! Why stores were not opened.

use std::time::Duration;
use taskcast_store::StoreError;

/// Why stores were not opened. Display is a sentence for an operator, without secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Redis cannot be reached or used.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Redis(StoreError),
    /// The database cannot be reached or used, or its schema is not that of this version.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] taskcast_store_postgres::PostgresError),
    /// The schema could not be brought up to date; the migrations before the one that failed stay.
    #[cfg(feature = "postgres")]
    #[error("Auto-migration failed: {0}")]
    Migration(taskcast_store_postgres::PostgresError),
    /// A server took too long.
    #[error("{what} did not answer within {} s; look whether it runs and can be reached", .within.as_secs())]
    Slow {
        /// Which.
        what: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
}
