//! The engine: its parts, and how they start and stop.

use crate::access::{Access, AccessMemory};
use crate::topic::Topics;
use crate::{EngineError, EngineOptions, Random, background};
use std::sync::Arc;
use taskcast_core::{Identity, Limits, Millis, TaskId};
use taskcast_store::{Broadcast, Commit, CommitError, Committed, Hint, ShortTermStore, TaskState};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tracks tasks and streams their events, over a store. Cheap to clone; all clones are one engine.
///
/// Several engines can live in one process. An engine owns the background work it starts and ends
/// it in [`shutdown`](Self::shutdown); it installs nothing and reads no environment.
#[derive(Clone)]
pub struct TaskEngine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn ShortTermStore>,
    pub(crate) broadcast: Arc<dyn Broadcast>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) topics: Arc<Topics>,
    pub(crate) access: AccessMemory,
    /// Counts commits made here: wakes the readers of all tasks.
    pub(crate) commits: watch::Sender<u64>,
    /// Told when a record changed: its deadline may be the next one.
    pub(crate) deadlines: Notify,
    pub(crate) stop: CancellationToken,
    background: TaskTracker,
}

impl TaskEngine {
    /// Starts an engine on the runtime this is called on.
    #[must_use]
    pub fn start(options: EngineOptions) -> Self {
        let listening = options.broadcast.listen();
        let inner = Arc::new(Inner {
            topics: Arc::new(Topics::new(&options.limits, listening.interest)),
            store: options.store,
            broadcast: options.broadcast,
            random: options.random,
            limits: options.limits,
            access: AccessMemory::default(),
            commits: watch::Sender::new(0),
            deadlines: Notify::new(),
            stop: CancellationToken::new(),
            background: TaskTracker::new(),
        });
        let tracker = &inner.background;
        tracker.spawn(background::hints(inner.clone(), listening.hints));
        tracker.spawn(background::repair(inner.clone(), options.repair_interval));
        tracker.spawn(background::deadlines(
            inner.clone(),
            options.deadline_interval,
        ));
        tracker.close();
        Self { inner }
    }

    /// Ends subscriptions (they finish with [`EngineError::Stopping`]) and background work. The
    /// store stays open: whoever opened it closes it.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.background.wait().await;
    }

    /// Becomes true when the engine stops.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stop.child_token()
    }

    /// The engine as somebody may use it who is not trusted with everything.
    #[must_use]
    pub fn as_caller<'a>(&'a self, identity: &'a Identity) -> crate::Caller<'a> {
        crate::Caller {
            engine: self,
            identity,
        }
    }

    /// The bounds the engine keeps.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The store below.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ShortTermStore> {
        &self.inner.store
    }

    /// Now, by the clock of the store.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.inner.now()
    }

    /// How many subscribers follow a task on this engine.
    #[must_use]
    pub fn subscribers_of(&self, id: &TaskId) -> usize {
        self.inner.topics.followers_of(id)
    }

    /// How many subscribers follow any task on this engine.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.inner.topics.followers()
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Millis {
        self.store.clock().now()
    }

    pub(crate) async fn load(&self, id: &TaskId) -> Result<TaskState, EngineError> {
        self.store
            .load(id)
            .await?
            .ok_or_else(|| EngineError::NotFound(id.clone()))
    }

    /// The one way to the store's commit: tells the followers what was committed.
    ///
    /// Should the caller go away in the middle, the commit still happens whole or not at all;
    /// followers then learn of it from the store.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let id = commit.task.clone();
        let changes_record = commit.change.is_some();
        let unsettled = Unsettled {
            inner: self,
            id: &id,
        };
        let committed = self.store.commit(commit).await;
        std::mem::forget(unsettled);
        let committed = committed?;
        self.tell(&id, &committed);
        if changes_record {
            self.deadlines.notify_one();
        }
        Ok(committed)
    }

    fn tell(&self, id: &TaskId, committed: &Committed) {
        if let Some(topic) = self.topics.get(id)
            && topic.epoch == committed.epoch
        {
            topic.append(committed.events.clone(), committed.tail, committed.sealed);
        }
        self.wake_everything();
        let (task, epoch, tail) = (id.clone(), committed.epoch, committed.tail);
        self.broadcast.announce(Hint { task, epoch, tail });
    }

    /// Tells the readers of all tasks that there was, or may have been, a commit.
    pub(crate) fn wake_everything(&self) {
        self.commits
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The access rules of a task, and whether they come from memory.
    pub(crate) async fn access(&self, id: &TaskId) -> Result<(Access, bool), EngineError> {
        if let Some(access) = self.access.get(id) {
            return Ok((access, true));
        }
        let access = Access::of(&self.load(id).await?);
        self.access.put(id.clone(), access.clone());
        Ok((access, false))
    }
}

/// A commit whose outcome is not known yet. Dropped with its caller, it makes the deadline loop and
/// the readers of everything look; followers see it with the next commit, or the next repair.
struct Unsettled<'a> {
    inner: &'a Inner,
    id: &'a TaskId,
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        tracing::debug!(task = %self.id, "the caller of a commit went away before it was answered");
        self.inner.deadlines.notify_one();
        self.inner.wake_everything();
    }
}
