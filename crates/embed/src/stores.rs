//! Opening stores in order, and composing them.

use crate::{LongTerm, OpenError, ShortTerm};
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{CommitNumber, Limits, Millis};
use taskcast_engine::{EngineOptions, Random, SystemRandom};
use taskcast_server::{Backend, Layer};
use taskcast_store::tier::{HotStore, LongTermStore, ReleaseOptions, TierOptions, TieredStore};
use taskcast_store::{
    BeforeArchive, Broadcast, Clock, Dependency, MemoryBroadcast, MemoryOptions, MemoryStore,
    ShortTermStore, SystemClock,
};

/// How long Redis may take to be reached.
#[cfg(feature = "redis")]
const REDIS_PATIENCE: Duration = Duration::from_secs(15);
/// How long PostgreSQL may take to be reached; migrations take their time.
#[cfg(feature = "postgres")]
const POSTGRES_PATIENCE: Duration = Duration::from_secs(5);

/// How short-term and long-term store work together.
#[derive(Clone, Debug)]
pub struct TierSettings {
    /// Bytes that may wait to be archived before commits with events are refused. If absent: half of
    /// what the short-term store may hold, or 4 GiB.
    pub max_backlog_bytes: Option<u64>,
    /// After this another instance goes on with archiving when the one that did is gone.
    pub lease_ttl: Duration,
    /// What leaves the short-term store once it is archived; nothing if absent.
    pub release: Option<ReleaseOptions>,
}

impl Default for TierSettings {
    fn default() -> Self {
        Self {
            max_backlog_bytes: None,
            lease_ttl: Duration::from_secs(10),
            release: None,
        }
    }
}

/// Stores that are open and composed: what an engine works on.
pub struct Stores {
    short_term: Opened,
    tiers: Option<Tiers>,
}

/// The long-term store, when there is one.
struct Tiers {
    store: Arc<TieredStore>,
    archive: Layer,
}

/// A short-term store and its broadcast.
struct Opened {
    store: Arc<dyn HotStore>,
    limits: Limits,
    broadcast: Arc<dyn Broadcast>,
    /// The servers that the store talks to.
    servers: Vec<Arc<Dependency>>,
    /// What carries hints.
    hints: Layer,
    #[cfg(feature = "redis")]
    redis: Option<Arc<taskcast_store_redis::RedisBroadcast>>,
}

/// A long-term store that is open.
struct OpenedArchive {
    store: Arc<dyn LongTermStore>,
    dependencies: Vec<Arc<Dependency>>,
}

impl Stores {
    /// Opens the stores, the short-term one first, and begins to archive when there is a long-term
    /// one. Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// When one of them cannot be reached or used; what was opened is closed again.
    pub async fn open(
        short_term: ShortTerm,
        long_term: Option<LongTerm>,
    ) -> Result<Self, OpenError> {
        Self::open_with(short_term, long_term, TierSettings::default()).await
    }

    /// The same with settings of how they work together.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn open_with(
        short_term: ShortTerm,
        long_term: Option<LongTerm>,
        settings: TierSettings,
    ) -> Result<Self, OpenError> {
        let short_term = short_term.open(long_term.is_some()).await?;
        let Some(long_term) = long_term else {
            return Ok(Self {
                short_term,
                tiers: None,
            });
        };
        let archive = match long_term.open().await {
            Ok(archive) => archive,
            Err(error) => {
                short_term.close_broadcast().await;
                short_term.store.close().await;
                return Err(error);
            }
        };
        let tiers = compose(&short_term, archive, &settings);
        Ok(Self {
            short_term,
            tiers: Some(tiers),
        })
    }

    /// The usual engine over these stores, with the limits of the short-term store.
    #[must_use]
    pub fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            broadcast: self.short_term.broadcast.clone(),
            limits: self.short_term.limits.clone(),
            ..EngineOptions::new(self.store())
        }
    }

    /// What the routes tell of these stores, and let go of.
    #[must_use]
    pub fn backend(&self) -> Backend {
        let tiers = self.tiers.as_ref();
        Backend {
            broadcast: self.short_term.hints.clone(),
            short_term: self.short_term.servers.clone(),
            long_term: tiers.map(|tiers| tiers.archive.clone()),
            archive: tiers.map(|tiers| tiers.store.clone() as _),
            release: tiers.map(|tiers| tiers.store.clone() as _),
        }
    }

    /// The store: of both tiers, when there are two.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ShortTermStore> {
        match &self.tiers {
            Some(tiers) => tiers.store.clone(),
            None => self.short_term.store.clone(),
        }
    }

    /// Lets go of everything, in order: hints, the archiver with its lease, the stores. The engine
    /// has to be shut down before.
    pub async fn close(&self) {
        self.short_term.close_broadcast().await;
        self.store().close().await;
    }
}

fn compose(short_term: &Opened, archive: OpenedArchive, settings: &TierSettings) -> Tiers {
    let options = TierOptions {
        lease_ttl: settings.lease_ttl,
        release: settings.release,
        max_backlog_bytes: settings.max_backlog_bytes,
        ..TierOptions::new(short_term.limits.clone())
    };
    let provider = archive.store.info().provider;
    let random = Arc::new(|| SystemRandom.next());
    Tiers {
        store: TieredStore::start(short_term.store.clone(), archive.store, options, random),
        archive: Layer::new(provider, archive.dependencies),
    }
}

impl Opened {
    /// A store of one process, whose engines hear of each other in memory.
    fn alone(store: Arc<dyn HotStore>, limits: Limits) -> Self {
        Self {
            store,
            limits,
            broadcast: Arc::new(MemoryBroadcast::new()),
            servers: Vec::new(),
            hints: Layer::new("memory", Vec::new()),
            #[cfg(feature = "redis")]
            redis: None,
        }
    }

    #[cfg_attr(
        not(feature = "redis"),
        expect(clippy::unused_async, reason = "the broadcast of Redis is waited for")
    )]
    async fn close_broadcast(&self) {
        #[cfg(feature = "redis")]
        if let Some(broadcast) = &self.redis {
            broadcast.close().await;
        }
    }
}

impl ShortTerm {
    async fn open(self, archived: bool) -> Result<Opened, OpenError> {
        match self {
            Self::Memory(options) => {
                let limits = options.limits.clone();
                let options = MemoryOptions {
                    archived: archived.then(|| before_archive(SystemClock.now())),
                    ..options
                };
                let store = Arc::new(MemoryStore::new(options, Arc::new(SystemClock)));
                Ok(Opened::alone(store, limits))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(mut options) => {
                options.archived = archived;
                let limits = options.limits.clone();
                let clock = Arc::new(SystemClock);
                let store = taskcast_store_sqlite::SqliteStore::open(options, clock)?;
                Ok(Opened::alone(Arc::new(store), limits))
            }
            #[cfg(feature = "redis")]
            Self::Redis(mut options) => {
                options.archived = archived;
                within(REDIS_PATIENCE, "Redis", open_redis(options)).await
            }
        }
    }
}

/// An archive remembers the commits of memory stores before this one. None of them has made more
/// than one in a microsecond, all its life long.
fn before_archive(now: Millis) -> BeforeArchive {
    BeforeArchive {
        after: CommitNumber(now.0.saturating_mul(1_000)),
    }
}

#[cfg(feature = "redis")]
async fn open_redis(options: taskcast_store_redis::RedisOptions) -> Result<Opened, OpenError> {
    use taskcast_store_redis::{RedisBroadcast, RedisStore};
    let store = RedisStore::connect(options.clone())
        .await
        .map_err(OpenError::Redis)?;
    let broadcast = match RedisBroadcast::connect(&options, &store).await {
        Ok(broadcast) => Arc::new(broadcast),
        Err(error) => {
            store.close().await;
            return Err(OpenError::Redis(error));
        }
    };
    Ok(Opened {
        limits: options.limits,
        servers: vec![store.dependency()],
        hints: Layer::new("redis", vec![broadcast.dependency()]),
        store: Arc::new(store),
        broadcast: broadcast.clone(),
        redis: Some(broadcast),
    })
}

impl LongTerm {
    async fn open(self) -> Result<OpenedArchive, OpenError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { options, migrate } => {
                use taskcast_store_postgres::PostgresStore;
                if migrate {
                    bring_up_to_date(&options.url).await?;
                }
                let connecting = async {
                    let clock = Arc::new(SystemClock);
                    Ok(PostgresStore::connect(options, clock).await?)
                };
                let store = within(POSTGRES_PATIENCE, "PostgreSQL", connecting).await?;
                Ok(OpenedArchive {
                    dependencies: vec![store.dependency()],
                    store: Arc::new(store),
                })
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options) => {
                let store = taskcast_store_sqlite::SqliteArchive::open(options)?;
                Ok(OpenedArchive {
                    dependencies: Vec::new(),
                    store: Arc::new(store),
                })
            }
        }
    }
}

/// Runs the migrations that the database lacks, and says so in the log.
#[cfg(feature = "postgres")]
async fn bring_up_to_date(url: &str) -> Result<(), OpenError> {
    let applied = taskcast_store_postgres::migrations::run(url)
        .await
        .map_err(OpenError::Migration)?;
    match applied.count {
        0 => tracing::info!("Database schema up to date"),
        count => tracing::info!(
            "Applied {count} new migration(s): {}",
            applied.names.join(", ")
        ),
    }
    Ok(())
}

#[cfg(any(feature = "redis", feature = "postgres"))]
async fn within<T>(
    patience: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    let slow = OpenError::Slow {
        what,
        within: patience,
    };
    tokio::time::timeout(patience, work)
        .await
        .unwrap_or(Err(slow))
}
