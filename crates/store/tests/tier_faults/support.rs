//! A world of two tiers whose archive can be switched off and whose short-term store can be lost.

use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use taskcast_core::{
    CommitNumber, Epoch, EventFilter, EventType, Index, Limits, Millis, NewEvent, NewTask, RawJson,
    SeriesId, Slot, Status, TaskId, Transition, transition,
};
use taskcast_store::tier::{
    ArchiveEntry, Archived, Archiver, HotStore, Kept, KeptPage, LogImage, LongTermInfo,
    LongTermStore, MemoryArchive, Random, ReleaseOptions, TierOptions, TieredStore, Watermark,
};
use taskcast_store::{
    AppendedPage, BeforeArchive, Change, Commit, Committed, Create, Heads, ListAsk, LogReader,
    Maintenance, ManualClock, MemoryOptions, MemoryStore, Page, Partition, ReadAsk, ReadError,
    Seek, StoreError, TaskLog, TaskState, Which,
};

pub(crate) const NOON: Millis = Millis(1_700_000_000_000);

/// A memory archive that can be switched off.
pub(crate) struct Switched {
    archive: MemoryArchive,
    down: AtomicBool,
}

impl Switched {
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn up(&self) -> Result<&MemoryArchive, StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the archive", "it is switched off"));
        }
        Ok(&self.archive)
    }
}

macro_rules! switched {
    ($port:ident: $(fn $name:ident($($arg:ident: $type:ty),*) -> $output:ty;)* $({ $($more:item)* })?) => {
        #[async_trait]
        impl $port for Switched {
            $(async fn $name(&self, $($arg: $type),*) -> $output {
                self.up()?.$name($($arg),*).await
            })*
            $($($more)*)?
        }
    };
}

switched! { LogReader:
    fn read(id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError>;
    fn heads(id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError>;
    fn text(id: &TaskId, epoch: Epoch, series: &SeriesId, run: Index, range: Range<u64>)
        -> Result<Bytes, ReadError>;
    fn count(id: &TaskId, epoch: Epoch, filter: &EventFilter, upto: Index)
        -> Result<u64, ReadError>;
    fn seek(id: &TaskId, epoch: Epoch, seek: Seek) -> Result<Option<Index>, ReadError>;
}

switched! { Maintenance:
    fn trim(id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError>;
    fn clean(id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError>;
}

switched! { LongTermStore:
    fn check() -> Result<(), StoreError>;
    fn find(id: &TaskId) -> Result<Option<Kept>, StoreError>;
    fn image(id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError>;
    fn list(ask: ListAsk) -> Result<KeptPage, StoreError>;
    fn appended(partition: Partition, after: CommitNumber, upto: CommitNumber, limit: usize)
        -> Result<AppendedPage, StoreError>;
    fn watermarks(logs: &[(TaskId, Epoch)]) -> Result<Vec<Option<Watermark>>, StoreError>;
    fn archive(entries: Vec<ArchiveEntry>) -> Result<Vec<Archived>, StoreError>;
    fn rewind(id: &TaskId, epoch: Epoch, to: Index) -> Result<(), StoreError>;
    fn cool(id: &TaskId, epoch: Epoch, commit: CommitNumber) -> Result<bool, StoreError>;
    fn revive(found: &Kept, epoch: Epoch) -> Result<bool, StoreError>;
    fn delete(id: &TaskId, epoch: Epoch) -> Result<bool, StoreError>;
    {
        fn info(&self) -> LongTermInfo {
            self.archive.info()
        }
        async fn close(&self) {
            self.archive.close().await;
        }
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) hot: Arc<dyn HotStore>,
    pub(crate) archive: Arc<Switched>,
    pub(crate) store: Arc<TieredStore>,
    pub(crate) archiver: Archiver,
}

impl World {
    pub(crate) fn new(options: TierOptions) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let archive = Arc::new(Switched {
            archive: MemoryArchive::new(Limits::default()),
            down: AtomicBool::new(false),
        });
        let hot = memory(clock.clone(), 0);
        let (store, archiver) =
            TieredStore::driven(hot.clone(), archive.clone(), options, numbers());
        Self {
            clock,
            hot,
            archive,
            store,
            archiver,
        }
    }

    /// Another instance, or the same one after a restart, before another short-term store.
    pub(crate) fn before(&self, hot: Arc<dyn HotStore>, options: TierOptions) -> Self {
        let archive = self.archive.clone();
        let (store, archiver) =
            TieredStore::driven(hot.clone(), archive.clone(), options, numbers());
        Self {
            clock: self.clock.clone(),
            hot,
            archive,
            store,
            archiver,
        }
    }

    /// The same with a short-term store that has lost everything, and numbers its commits on.
    pub(crate) fn after_loss(&self) -> Self {
        self.before(memory(self.clock.clone(), 1 << 20), at_once(None))
    }

    /// Lets the archiver do all there is to do, also what one step leaves to the next.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..3 {
            while self.archiver.step().await.unwrap().more {}
        }
    }

    pub(crate) async fn create(&self, id: &str, epoch: u32) -> TaskState {
        self.store.create(create(id, epoch)).await.unwrap()
    }

    pub(crate) async fn publish(&self, id: &str, count: usize) -> Committed {
        self.store.commit(publish(id, count)).await.unwrap()
    }

    pub(crate) async fn state(&self, id: &str) -> TaskState {
        self.store.load(&task_id(id)).await.unwrap().unwrap()
    }

    pub(crate) async fn step_to(&self, id: &str, to: Status) {
        let before = self.state(id).await;
        let step = transition(&before.record, &Transition::to(to), NOON).unwrap();
        let commit = Commit {
            change: Some(Change {
                expected: before.revision,
                record: step.record,
            }),
            events: step.events,
            ..publish(id, 0)
        };
        self.store.commit(commit).await.unwrap();
    }

    pub(crate) async fn slots(&self, state: &TaskState) -> Vec<Slot> {
        slots(&*self.store, state).await
    }
}

pub(crate) async fn slots<R: LogReader + ?Sized>(store: &R, state: &TaskState) -> Vec<Slot> {
    let mut ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: 1_000,
        max_bytes: 1 << 20,
    };
    let mut slots = Vec::new();
    loop {
        let page = store.read(&state.record.id, state.epoch, ask).await;
        let page = page.unwrap();
        slots.extend(page.slots);
        if page.next >= page.tail {
            return slots;
        }
        ask.from = page.next;
    }
}

pub(crate) fn memory(clock: Arc<ManualClock>, after: u64) -> Arc<dyn HotStore> {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits: Limits::default(),
        incarnation: 1,
        archived: Some(BeforeArchive {
            after: CommitNumber(after),
        }),
    };
    Arc::new(MemoryStore::new(options, clock))
}

/// Everything is released as soon as it may.
pub(crate) fn everything() -> Option<ReleaseOptions> {
    Some(ReleaseOptions {
        terminal_after: Duration::ZERO,
        idle_after: Some(Duration::ZERO),
        window_events: Some(0),
    })
}

pub(crate) fn at_once(release: Option<ReleaseOptions>) -> TierOptions {
    TierOptions {
        grace: Duration::ZERO,
        ..with_grace(release)
    }
}

pub(crate) fn with_grace(release: Option<ReleaseOptions>) -> TierOptions {
    TierOptions {
        release,
        ..TierOptions::new(Limits::default())
    }
}

pub(crate) fn numbers() -> Random {
    static NEXT: AtomicU64 = AtomicU64::new(0x5000_0000);
    Arc::new(|| NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::new(id).unwrap()
}

pub(crate) fn create(id: &str, epoch: u32) -> Create {
    Create {
        record: NewTask::default().into_record(task_id(id), NOON),
        epoch: Epoch(epoch),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    }
}

pub(crate) fn publish(id: &str, count: usize) -> Commit {
    let data = RawJson::parse(b"{}", 8).unwrap();
    let event = NewEvent::new(EventType::new("b").unwrap(), Some(data));
    Commit {
        task: task_id(id),
        epoch: None,
        change: None,
        events: vec![event; count],
        once: None,
    }
}
