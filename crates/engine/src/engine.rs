//! The engine: its parts, and how they start and stop.

use crate::access::{Access, AccessMemory};
use crate::deadlines::Alarm;
use crate::feed::Feed;
use crate::topic::{Flight, Topics};
use crate::{EngineError, EngineOptions, Random, background, deadlines, feed};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use taskcast_core::{Identity, Limits, Millis, TaskId, due};
use taskcast_store::{Broadcast, Commit, CommitError, Committed, Hint, ShortTermStore, TaskState};
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
    /// Wakes the readers of all tasks.
    pub(crate) feed: Feed,
    /// Told when a record changed: its deadline may be the next one.
    pub(crate) alarm: Alarm,
    /// Whether hints were lost, and the followed logs not looked at since.
    pub(crate) unverified: AtomicBool,
    /// How long streams bear a store that does not answer.
    pub(crate) outage_patience: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) background: TaskTracker,
}

impl TaskEngine {
    /// Starts an engine on the runtime this is called on.
    #[must_use]
    pub fn start(options: EngineOptions) -> Self {
        let listening = options.broadcast.listen();
        let partitions = options.store.info().partitions;
        let inner = Arc::new(Inner {
            topics: Arc::new(Topics::new(&options.limits, listening.interest)),
            store: options.store,
            broadcast: options.broadcast,
            random: options.random,
            limits: options.limits,
            access: AccessMemory::default(),
            feed: Feed::new(partitions),
            alarm: Alarm::default(),
            unverified: AtomicBool::new(false),
            outage_patience: options.outage_patience,
            stop: CancellationToken::new(),
            background: TaskTracker::new(),
        });
        let tracker = &inner.background;
        tracker.spawn(background::hints(inner.clone(), listening.hints));
        tracker.spawn(background::repair(inner.clone(), options.repair_interval));
        tracker.spawn(deadlines::fire(inner.clone(), options.deadline_interval));
        tracker.spawn(feed::watch(inner.clone()));
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
    pub(crate) async fn commit(self: &Arc<Self>, commit: Commit) -> Result<Committed, CommitError> {
        let id = commit.task.clone();
        let deadline = commit.change.as_ref().and_then(|it| due(&it.record));
        let under_way = UnderWay {
            inner: self,
            flight: self.topics.get(&id).map(|topic| topic.depart()),
        };
        let committed = self.store.commit(commit).await?;
        self.tell(&id, &committed);
        drop(under_way);
        if let Some((at, _)) = deadline {
            self.alarm.set(at);
        }
        Ok(committed)
    }

    /// Tells of a task that was created.
    pub(crate) fn was_created(&self, state: &TaskState) {
        if let Some((at, _)) = due(&state.record) {
            self.alarm.set(at);
        }
        self.feed.committed(&state.record.id, state.commit);
    }

    fn tell(&self, id: &TaskId, committed: &Committed) {
        if let Some(topic) = self.topics.get(id)
            && topic.epoch == committed.epoch
        {
            topic.append(committed.events.clone(), committed.tail, committed.sealed);
        }
        self.feed.committed(id, committed.commit);
        let (task, epoch, tail) = (id.clone(), committed.epoch, committed.tail);
        self.broadcast.announce(Hint { task, epoch, tail });
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

/// A commit under way. When it has ended, answered or not, what its log lacks is read: the
/// acknowledgement that would have brought it may never come.
struct UnderWay<'a> {
    inner: &'a Arc<Inner>,
    flight: Option<Flight>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            let topic = flight.topic().clone();
            drop(flight);
            self.inner.fetch(&topic);
        }
    }
}
