//! The suite that every store has to pass, run against SQLite in both durabilities.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use taskcast_core::Limits;
use taskcast_store::conformance::{HotSubject, LongTermSubject, Subject, TierSubject};
use taskcast_store::tier::{HotStore, LongTermStore};
use taskcast_store::{ManualClock, ShortTermStore};
use taskcast_store_sqlite::{
    Durability, SqliteArchive, SqliteArchiveOptions, SqliteOptions, SqliteStore,
};
use tempfile::TempDir;

/// Stores in the files of one directory.
struct Sqlite {
    directory: TempDir,
    durability: Durability,
    archived: bool,
    opened: AtomicU32,
}

impl Sqlite {
    fn new(durability: Durability) -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            durability,
            archived: false,
            opened: AtomicU32::new(0),
        }
    }

    fn before_an_archive(durability: Durability) -> Self {
        Self {
            archived: true,
            ..Self::new(durability)
        }
    }

    fn next(&self) -> u32 {
        self.opened.fetch_add(1, Ordering::Relaxed)
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
            archived: self.archived,
        };
        Arc::new(SqliteStore::open(options, clock).unwrap())
    }
}

impl Sqlite {
    fn archive(&self, limits: Limits) -> Arc<SqliteArchive> {
        let options = SqliteArchiveOptions {
            path: self.path(self.next()),
            durability: self.durability,
            limits,
            vfs: None,
            readers: 2,
        };
        Arc::new(SqliteArchive::open(options).unwrap())
    }
}

#[async_trait]
impl Subject for Sqlite {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        self.store(self.next(), clock, limits)
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

#[async_trait]
impl HotSubject for Sqlite {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore> {
        self.store(self.next(), clock, limits)
    }
}

#[async_trait]
impl LongTermSubject for Sqlite {
    async fn open(&self, _: Arc<ManualClock>, limits: Limits) -> Arc<dyn LongTermStore> {
        self.archive(limits)
    }
}

#[async_trait]
impl TierSubject for Sqlite {
    async fn open(
        &self,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> (Arc<dyn HotStore>, Arc<dyn LongTermStore>) {
        let hot = self.store(self.next(), clock, limits.clone());
        (hot, self.archive(limits))
    }
}

mod full {
    use super::*;
    taskcast_store::conformance_tests!(|| Sqlite::new(Durability::Full));
    taskcast_store::hot_conformance_tests!(|| Sqlite::before_an_archive(Durability::Full));
}

mod archive {
    use super::*;
    taskcast_store::long_term_conformance_tests!(|| Sqlite::new(Durability::Full));
}

mod tiers {
    use super::*;
    taskcast_store::tiered_conformance_tests!(|| Sqlite::before_an_archive(Durability::Process));
}

mod process {
    use super::*;
    taskcast_store::conformance_tests!(|| Sqlite::new(Durability::Process));
}

mod before_an_archive {
    use super::*;
    taskcast_store::conformance_tests!(|| Sqlite::before_an_archive(Durability::Process));
    taskcast_store::hot_conformance_tests!(|| Sqlite::before_an_archive(Durability::Process));
}
