//! Which stores, and how each is set up. Nothing is connected until [`Stores::open`](crate::Stores::open).

use taskcast_core::Limits;
use taskcast_engine::{Random, SystemRandom};
use taskcast_store::MemoryOptions;
#[cfg(feature = "postgres")]
use taskcast_store_postgres::PostgresOptions;
#[cfg(feature = "redis")]
use taskcast_store_redis::RedisOptions;
#[cfg(feature = "sqlite")]
use taskcast_store_sqlite::{SqliteArchiveOptions, SqliteOptions};

/// The store that answers requests, and how engines hear of each other.
///
/// Whether an archive stands behind it is set when it is opened.
#[derive(Clone)]
pub enum ShortTerm {
    /// In this process; gone when it ends.
    Memory(MemoryOptions),
    /// In a file that this process has for itself.
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteOptions),
    /// In a Redis that any number of instances share, which carries hints between them too.
    #[cfg(feature = "redis")]
    Redis(RedisOptions),
}

/// The store that keeps every task for good.
#[derive(Clone)]
pub enum LongTerm {
    /// In a PostgreSQL database that any number of instances share.
    #[cfg(feature = "postgres")]
    Postgres {
        /// How it is set up.
        options: PostgresOptions,
        /// Whether the schema is brought up to date first. Any number of instances may do so at once.
        migrate: bool,
    },
    /// In a file that this process has for itself.
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteArchiveOptions),
}

/// Store and broadcast in this process, for tests and for what may be lost.
#[must_use]
pub fn create_memory_adapters(max_bytes: u64) -> ShortTerm {
    ShortTerm::Memory(MemoryOptions {
        max_bytes,
        limits: Limits::default(),
        incarnation: SystemRandom.next(),
        archived: None,
    })
}

/// Store and broadcast on Redis, shared by any number of instances: `redis://host:6379`, or
/// `rediss://` for TLS. [`ShortTerm::Redis`] has all that can be set.
#[cfg(feature = "redis")]
#[must_use]
pub fn create_redis_adapters(url: &str) -> ShortTerm {
    ShortTerm::Redis(RedisOptions::new(url))
}

/// Every task for good in PostgreSQL: `postgres://user:password@host:5432/database`. The schema is
/// brought up to date first. [`LongTerm::Postgres`] has all that can be set.
#[cfg(feature = "postgres")]
#[must_use]
pub fn create_postgres_adapter(url: &str) -> LongTerm {
    LongTerm::Postgres {
        options: PostgresOptions::new(url),
        migrate: true,
    }
}
