//! The memory store before a memory archive passes every suite of tiers.

use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Limits};
use taskcast_store::conformance::{HotSubject, LongTermSubject, TierSubject};
use taskcast_store::tier::{HotStore, LongTermStore, MemoryArchive};
use taskcast_store::{BeforeArchive, ManualClock, MemoryOptions, MemoryStore};

struct Memory;

fn hot(clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore> {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits,
        incarnation: 1,
        archived: Some(BeforeArchive {
            after: CommitNumber(0),
        }),
    };
    Arc::new(MemoryStore::new(options, clock))
}

#[async_trait]
impl HotSubject for Memory {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn HotStore> {
        hot(clock, limits)
    }
}

#[async_trait]
impl LongTermSubject for Memory {
    async fn open(&self, _: Arc<ManualClock>, limits: Limits) -> Arc<dyn LongTermStore> {
        Arc::new(MemoryArchive::new(limits))
    }
}

#[async_trait]
impl TierSubject for Memory {
    async fn open(
        &self,
        clock: Arc<ManualClock>,
        limits: Limits,
    ) -> (Arc<dyn HotStore>, Arc<dyn LongTermStore>) {
        let archive = MemoryArchive::new(limits.clone());
        (hot(clock, limits), Arc::new(archive))
    }
}

taskcast_store::hot_conformance_tests!(|| Memory);
taskcast_store::long_term_conformance_tests!(|| Memory);
taskcast_store::tiered_conformance_tests!(|| Memory);
