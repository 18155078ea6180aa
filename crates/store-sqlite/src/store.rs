//! The short-term store: one file, and what it promises.

use crate::connect::Place;
use crate::database::Database;
use crate::transaction::Rules;
use crate::{Durability, SqliteOptions};
use async_trait::async_trait;
use std::sync::Arc;
use taskcast_store::{Clock, ShortTermStore, StoreError, StoreInfo};

/// A store in one SQLite file, which this process has for itself.
///
/// Dropping it finishes the commits that wait, like [`close`](ShortTermStore::close), but blocks
/// the thread meanwhile.
pub struct SqliteStore {
    pub(crate) database: Database,
    clock: Arc<dyn Clock>,
    durability: Durability,
}

impl SqliteStore {
    /// Opens the file, or makes a new one, and starts the threads. Events are dated by `clock`.
    ///
    /// Blocks for as long as it takes to read what an earlier process left in the write-ahead log.
    ///
    /// # Errors
    /// When the file cannot be used: another process has it, its directory is missing or cannot be
    /// written, it is no database or another program's, or a newer version wrote it. The sentence
    /// says which, and what to do.
    pub fn open(options: SqliteOptions, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let place = Place::new(&options);
        let rules = Rules {
            limits: options.limits,
            clock: clock.clone(),
            archived: options.archived,
        };
        Ok(Self {
            database: Database::open(place, options.readers, options.incarnation, rules)?,
            clock,
            durability: options.durability,
        })
    }
}

#[async_trait]
impl ShortTermStore for SqliteStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            provider: "sqlite",
            incarnation: self.database.incarnation,
            partitions: 1,
            acknowledgement: self.durability.acknowledgement().into(),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.database.check().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
