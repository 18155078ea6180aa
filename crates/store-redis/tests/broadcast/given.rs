//! What the tests begin with: an instance that writes, another that listens.

use std::time::Duration;
use taskcast_core::{Epoch, EventType, Index, Millis, NewEvent, NewTask, TaskId};
use taskcast_rig::{FaultProxy, RedisServer};
use taskcast_store::{Broadcast, Commit, Create, Heard, Hint, Listening, TaskLog};
use taskcast_store_redis::{RedisBroadcast, RedisOptions, RedisStore};
use tokio::time::timeout;

/// Two instances over one Redis: one writes, the other listens.
pub(crate) struct Instances {
    pub(crate) writer: RedisStore,
    pub(crate) broadcast: RedisBroadcast,
    pub(crate) listening: Listening,
}

impl Instances {
    /// The listener may have a way of its own to Redis.
    pub(crate) async fn start(writer: RedisOptions, listener: RedisOptions) -> Self {
        let writer = RedisStore::connect(writer).await.unwrap();
        let broadcast = RedisBroadcast::connect(&listener, &writer).await.unwrap();
        let listening = broadcast.listen();
        Self {
            writer,
            broadcast,
            listening,
        }
    }

    pub(crate) async fn on(redis: &RedisServer) -> Self {
        let options = RedisOptions::new(redis.url());
        Self::start(options.clone(), options).await
    }

    /// An instance that hears nothing while the proxy does not let it.
    pub(crate) async fn through(redis: &RedisServer, proxy: &FaultProxy) -> Self {
        let listener = RedisOptions {
            response_timeout: Duration::from_millis(500),
            ..RedisOptions::new(redis.url_through(proxy.port()))
        };
        Self::start(RedisOptions::new(redis.url()), listener).await
    }

    /// Makes a task and follows it; returns when that is known to work. The first connection may
    /// be made only then, and begins like every other.
    pub(crate) async fn followed(&mut self, name: &str) -> TaskId {
        let task = self.task(name).await;
        self.listening.interest.follow(&task);
        let stands = hint(&task, 0);
        while ![&stands, &Heard::Lost].contains(&&self.next().await) {}
        task
    }

    pub(crate) async fn task(&self, name: &str) -> TaskId {
        let task = TaskId::new(name).unwrap();
        let create = Create {
            record: NewTask::default().into_record(task.clone(), Millis(1_000)),
            epoch: EPOCH,
            events: Vec::new(),
            replace: false,
            key: None,
            drawn: false,
        };
        self.writer.create(create).await.unwrap();
        task
    }

    pub(crate) async fn publish(&self, task: &TaskId) -> u64 {
        let commit = Commit {
            task: task.clone(),
            epoch: None,
            change: None,
            events: vec![NewEvent::new(EventType::new("progress").unwrap(), None)],
            once: None,
        };
        self.writer.commit(commit).await.unwrap().tail.0
    }

    /// Listens until this is heard.
    pub(crate) async fn hear(&mut self, task: &TaskId, tail: u64) {
        let wanted = hint(task, tail);
        while self.next().await != wanted {}
    }

    pub(crate) async fn hear_that_hints_were_lost(&mut self) {
        while self.next().await != Heard::Lost {}
    }

    pub(crate) async fn next(&mut self) -> Heard {
        let next = timeout(PATIENCE, self.listening.hints.next());
        next.await.unwrap().unwrap()
    }
}

pub(crate) fn hint(task: &TaskId, tail: u64) -> Heard {
    Heard::Hint(Hint {
        task: task.clone(),
        epoch: EPOCH,
        tail: Index(tail),
    })
}

pub(crate) const EPOCH: Epoch = Epoch(7);
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The channels that somebody listens to.
pub(crate) fn channels(redis: &RedisServer) -> Vec<String> {
    lines(&redis.command(&["PUBSUB", "CHANNELS"]))
}

pub(crate) fn shard_channels(redis: &RedisServer) -> Vec<String> {
    lines(&redis.command(&["PUBSUB", "SHARDCHANNELS"]))
}

fn lines(reply: &str) -> Vec<String> {
    let lines = reply.lines().filter(|line| line.starts_with('{'));
    lines.map(str::to_owned).collect()
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}
