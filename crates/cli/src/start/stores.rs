//! From settings to stores: which they are, how each is set up, and the schema of PostgreSQL.

use crate::Failure;
use std::thread::available_parallelism;
use taskcast_config::{
    Durability, LongTerm as Configured, LongTermStorage, RedisSettings, Settings, Storage,
};
use taskcast_core::Limits;
use taskcast_embed::postgres::{PostgresError, PostgresOptions};
use taskcast_embed::redis::RedisOptions;
use taskcast_embed::sqlite::{self, SqliteArchiveOptions, SqliteOptions};
use taskcast_embed::{LongTerm, OpenError, ShortTerm, Stores, TierSettings};
use taskcast_engine::{Random, SystemRandom};
use taskcast_store::MemoryOptions;
use taskcast_store::tier::ReleaseOptions;

/// Opens the stores: Redis, then PostgreSQL, whose schema is brought up to date if that is
/// configured.
///
/// # Errors
/// When one of them cannot be reached or used.
pub(super) async fn open(settings: &Settings, limits: &Limits) -> Result<Stores, Failure> {
    let short_term = short_term(&settings.storage, limits);
    let Some(configured) = &settings.long_term else {
        return Stores::open(short_term, None).await.map_err(failure);
    };
    if let LongTermStorage::Postgres(postgres) = &configured.store
        && postgres.auto_migrate
    {
        let database = &postgres.url;
        tracing::info!("TASKCAST_AUTO_MIGRATE enabled — running Postgres migrations on {database}");
    }
    let long_term = long_term(&configured.store, limits);
    Stores::open_with(short_term, Some(long_term), tiers(configured))
        .await
        .map_err(failure)
}

/// What is wrong with a store, and where to look.
#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn failure(error: OpenError) -> Failure {
    let elsewhere = match &error {
        OpenError::Redis(_) | OpenError::Slow { .. } => true,
        OpenError::Postgres(error) | OpenError::Migration(error) => {
            matches!(error, PostgresError::Store(_))
        }
        OpenError::Store(_) => false,
    };
    Failure::Failed(match elsewhere {
        true => format!("{error}; {WHERE_TO_LOOK}"),
        false => error.to_string(),
    })
}

/// The server is somewhere else, or not at all.
const WHERE_TO_LOOK: &str = "`taskcast config check` shows its URL and where that was given";

fn short_term(storage: &Storage, limits: &Limits) -> ShortTerm {
    let (limits, incarnation) = (limits.clone(), SystemRandom.next());
    match storage {
        Storage::Memory { max_bytes } => ShortTerm::Memory(MemoryOptions {
            max_bytes: *max_bytes,
            limits,
            incarnation,
            archived: None,
        }),
        Storage::Sqlite { path, durability } => ShortTerm::Sqlite(SqliteOptions {
            path: path.clone(),
            durability: match durability {
                Durability::Full => sqlite::Durability::Full,
                Durability::Process => sqlite::Durability::Process,
            },
            limits,
            incarnation,
            vfs: None,
            readers: readers(),
            archived: false,
        }),
        Storage::Redis(redis) => ShortTerm::Redis(redis_options(redis, limits)),
    }
}

fn redis_options(redis: &RedisSettings, limits: Limits) -> RedisOptions {
    let hosts = redis.url.each_host();
    let mut hosts = hosts.iter().map(|host| host.expose().to_owned());
    let options = RedisOptions::new(hosts.next().unwrap_or_default());
    RedisOptions {
        nodes: hosts.collect(),
        prefix: redis.prefix.clone(),
        wait_replicas: redis.wait_replicas,
        limits,
        ..options
    }
}

fn long_term(store: &LongTermStorage, limits: &Limits) -> LongTerm {
    match store {
        LongTermStorage::Postgres(postgres) => LongTerm::Postgres {
            options: PostgresOptions {
                max_connections: postgres.max_connections,
                limits: limits.clone(),
                ..PostgresOptions::new(postgres.url.secret().expose())
            },
            migrate: postgres.auto_migrate,
        },
        LongTermStorage::Sqlite { path } => LongTerm::Sqlite(SqliteArchiveOptions {
            path: path.clone(),
            durability: sqlite::Durability::Full,
            limits: limits.clone(),
            vfs: None,
            readers: readers(),
        }),
    }
}

fn tiers(configured: &Configured) -> TierSettings {
    TierSettings {
        max_backlog_bytes: configured.max_backlog_bytes,
        lease_ttl: configured.lease_ttl,
        release: configured.retention.map(|retention| ReleaseOptions {
            terminal_after: retention.terminal,
            idle_after: Some(retention.idle),
            window_events: Some(retention.window_events),
        }),
    }
}

/// Reads mostly come from the page cache: as many threads as there are processors, within reason.
fn readers() -> usize {
    available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}
