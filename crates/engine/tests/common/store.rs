//! A store that can be slow to acknowledge, be away, refuse commits, or lose what it had; and it
//! counts what it is asked.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use taskcast_core::*;
use taskcast_store::*;
use tokio::time::sleep;

/// Passes everything on to a store that can be exchanged for another.
pub struct Tricky {
    inner: Mutex<Arc<dyn ShortTermStore>>,
    /// For the next commits to a task, in order: how long the acknowledgement takes.
    delays: Mutex<HashMap<TaskId, Vec<Duration>>>,
    /// Tasks whose commits fail.
    refused: Mutex<Vec<TaskId>>,
    /// What takes the place of its task as soon as that was loaded.
    replacement: Mutex<Option<Create>>,
    /// How far a log is trimmed just before it is read.
    trim: Mutex<Option<Index>>,
    /// The feed has forgotten what came up to this commit.
    forgotten: Mutex<CommitNumber>,
    /// Whether it does not answer.
    away: AtomicBool,
    /// How long a read of a log takes, and of a feed.
    read_delay: Mutex<Duration>,
    feed_delay: Mutex<Duration>,
    /// Where a page ends that begins before it: the slots below lie elsewhere.
    boundary: Mutex<Option<Index>>,
    /// How often each thing was asked.
    asked: Mutex<HashMap<&'static str, usize>>,
}

impl Tricky {
    pub fn over(inner: Arc<dyn ShortTermStore>) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(inner),
            delays: Mutex::default(),
            refused: Mutex::default(),
            replacement: Mutex::default(),
            trim: Mutex::default(),
            forgotten: Mutex::new(CommitNumber(0)),
            away: AtomicBool::new(false),
            read_delay: Mutex::default(),
            feed_delay: Mutex::default(),
            boundary: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// Whether the store answers, from now on.
    pub fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Reads take so long from now on.
    pub fn slow_reads(&self, ms: u64) {
        *self.read_delay.lock() = Duration::from_millis(ms);
    }

    /// Reads of feeds take so long from now on.
    pub fn slow_feeds(&self, ms: u64) {
        *self.feed_delay.lock() = Duration::from_millis(ms);
    }

    /// No page goes on beyond this index from before it.
    pub fn divide(&self, at: Index) {
        *self.boundary.lock() = Some(at);
    }

    /// The feeds forget what came up to a commit.
    pub fn forget(&self, upto: CommitNumber) {
        *self.forgotten.lock() = upto;
    }

    /// How often something was asked since this was asked last.
    pub fn asked(&self, what: &str) -> usize {
        self.asked.lock().remove(what).unwrap_or_default()
    }

    fn enter(&self, what: &'static str) -> Result<Arc<dyn ShortTermStore>, StoreError> {
        *self.asked.lock().entry(what).or_default() += 1;
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store", "it is away"));
        }
        Ok(self.inner())
    }

    /// From now on another store answers, as after a crash that lost something.
    pub fn exchange(&self, inner: Arc<dyn ShortTermStore>) {
        *self.inner.lock() = inner;
    }

    /// The next commits to `id` are acknowledged so late.
    pub fn delay(&self, id: &TaskId, delays: impl IntoIterator<Item = u64>) {
        let delays = delays.into_iter().map(Duration::from_millis).collect();
        self.delays.lock().insert(id.clone(), delays);
    }

    /// Commits to `id` fail.
    pub fn refuse(&self, id: &TaskId) {
        self.refused.lock().push(id.clone());
    }

    /// The task is replaced right after it is loaded the next time.
    pub fn replace_after_load(&self, create: Create) {
        *self.replacement.lock() = Some(create);
    }

    /// The log is trimmed right before it is read the next time.
    pub fn trim_before_read(&self, to: Index) {
        *self.trim.lock() = Some(to);
    }

    fn inner(&self) -> Arc<dyn ShortTermStore> {
        self.inner.lock().clone()
    }

    fn next_delay(&self, id: &TaskId) -> Option<Duration> {
        let mut delays = self.delays.lock();
        let delays = delays.get_mut(id)?;
        (!delays.is_empty()).then(|| delays.remove(0))
    }
}

#[async_trait]
impl TaskLog for Tricky {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        self.enter("create")?.create(create).await
    }
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        if self.refused.lock().contains(&commit.task) {
            return Err(StoreError::unavailable("the store", "it refuses").into());
        }
        let delay = self.next_delay(&commit.task);
        let outcome = self.enter("commit")?.commit(commit).await;
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        outcome
    }
    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.enter("delete")?.delete(id, epoch).await
    }
    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        let loaded = self.enter("load")?.load(id).await;
        let replacement = self.replacement.lock().take();
        if let Some(create) = replacement {
            self.inner().create(create).await.unwrap();
        }
        loaded
    }
    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        self.enter("tails")?.tails(ids).await
    }
    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        self.enter("producer")?.producer(id, producer).await
    }
}

#[async_trait]
impl LogReader for Tricky {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let trim = self.trim.lock().take();
        if let Some(to) = trim {
            self.inner().trim(id, epoch, to).await?;
        }
        let store = self.enter("read")?;
        let delay = *self.read_delay.lock();
        sleep(delay).await;
        let boundary = self.boundary.lock().filter(|at| ask.from < *at);
        let to = boundary.map_or(ask.to, |at| ask.to.min(at));
        store.read(id, epoch, ReadAsk { to, ..ask }).await
    }
    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        self.enter("heads")?.heads(id, epoch).await
    }
    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        self.enter("text")?
            .text(id, epoch, series, run, range)
            .await
    }
    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.enter("count")?.count(id, epoch, filter, upto).await
    }
    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        self.enter("seek")?.seek(id, epoch, seek).await
    }
}

#[async_trait]
impl TaskIndex for Tricky {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        self.enter("list")?.list(ask).await
    }
    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.enter("due")?.due(now, limit).await
    }
    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        self.enter("changed")?
            .changed(partition, after, limit)
            .await
    }
    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        self.enter("newest")?.newest().await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        let delay = *self.feed_delay.lock();
        sleep(delay).await;
        let mut page = self
            .enter("appended")?
            .appended(partition, after, limit)
            .await?;
        let forgotten = *self.forgotten.lock();
        page.earliest = page.earliest.max(forgotten);
        page.slots
            .retain(|appended| appended.slot.commit() > forgotten);
        Ok(page)
    }
}

#[async_trait]
impl Maintenance for Tricky {
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.inner().trim(id, epoch, to).await
    }
    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        self.inner().clean(id, epoch, indexes).await
    }
}

#[async_trait]
impl Positions for Tricky {
    async fn lease(&self, name: &str, holder: u64, ttl: Duration) -> Result<bool, StoreError> {
        self.inner().lease(name, holder, ttl).await
    }

    async fn unlease(&self, name: &str, holder: u64) -> Result<(), StoreError> {
        self.inner().unlease(name, holder).await
    }

    async fn position(
        &self,
        reader: &str,
        partition: Partition,
    ) -> Result<Option<CommitNumber>, StoreError> {
        self.inner().position(reader, partition).await
    }

    async fn advance(
        &self,
        reader: &str,
        partition: Partition,
        to: CommitNumber,
    ) -> Result<(), StoreError> {
        self.inner().advance(reader, partition, to).await
    }
}

#[async_trait]
impl ShortTermStore for Tricky {
    fn info(&self) -> StoreInfo {
        self.inner().info()
    }
    fn clock(&self) -> Arc<dyn Clock> {
        self.inner().clock()
    }
    async fn check(&self) -> Result<(), StoreError> {
        self.inner().check().await
    }
    async fn close(&self) {
        self.inner().close().await;
    }
}
