//! The suite that every store has to pass, run against SQLite in both durabilities.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use taskcast_core::Limits;
use taskcast_store::conformance::Subject;
use taskcast_store::{ManualClock, ShortTermStore};
use taskcast_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// Stores in the files of one directory.
struct Sqlite {
    directory: TempDir,
    durability: Durability,
    opened: AtomicU32,
}

impl Sqlite {
    fn new(durability: Durability) -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            durability,
            opened: AtomicU32::new(0),
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.directory.path().join(format!("{number}.db"))
    }

    fn store(&self, number: u32, clock: Arc<ManualClock>, limits: Limits) -> Arc<SqliteStore> {
        let options = SqliteOptions {
            path: self.path(number),
            durability: self.durability,
            limits,
            // A file keeps the number it was made with, which so tells the file of a store.
            incarnation: u64::from(number),
            vfs: None,
            readers: 2,
        };
        Arc::new(SqliteStore::open(options, clock).unwrap())
    }
}

#[async_trait]
impl Subject for Sqlite {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        self.store(number, clock, limits)
    }

    async fn reopen(
        &self,
        store: Arc<dyn ShortTermStore>,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> Option<Arc<dyn ShortTermStore>> {
        store.close().await;
        let number = u32::try_from(store.info().incarnation).unwrap();
        Some(self.store(number, clock, limits))
    }
}

mod full {
    use super::*;
    taskcast_store::conformance_tests!(|| Sqlite::new(Durability::Full));
}

mod process {
    use super::*;
    taskcast_store::conformance_tests!(|| Sqlite::new(Durability::Process));
}
