//! A connection for messages, as long as it lasts.
//!
//! Commands and messages share it: a subscription is answered together with the tail that the task
//! had by then, so that nothing falls between the last look at a task and its first message.

use super::queue::Queue;
use super::wiring::Wiring;
use crate::keys::{Keys, Of};
use crate::log::unpack_tail;
use parking_lot::Mutex;
use redis::aio::{ConnectionLike, MultiplexedConnection, SendError};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, Pipeline, PushInfo,
    PushKind, RedisError, RedisResult, Value, cmd, pipe,
};
use std::collections::HashSet;
use std::sync::Arc;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::Hint;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A connection, and what it is subscribed to.
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    heard: Arc<Ear>,
    sharded: bool,
    subscribed: HashSet<TaskId>,
}

/// Hears what comes by itself. The connection calls it, so it never waits.
struct Ear {
    keys: Keys,
    queue: Arc<Queue>,
    /// Channels that were asked to be left. One that is left unasked was moved to another node.
    leaving: Mutex<HashSet<String>>,
    ended: CancellationToken,
}

impl Line {
    /// Connects.
    pub(super) async fn open(
        wiring: &Wiring,
        node: &ConnectionInfo,
        queue: Arc<Queue>,
    ) -> RedisResult<Self> {
        let heard = Arc::new(Ear {
            keys: wiring.keys.clone(),
            queue,
            leaving: Mutex::default(),
            ended: CancellationToken::new(),
        });
        let ear = heard.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(wiring.connect_timeout))
            .set_response_timeout(Some(wiring.response_timeout))
            .set_push_sender(move |info| {
                ear.hear(info);
                Ok::<_, SendError>(())
            });
        let client = Client::open(node.clone())?;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let connected = timeout(wiring.connect_timeout, connecting).await;
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        Ok(Self {
            connection: connected.map_err(late)??,
            heard,
            sharded: wiring.sharded,
            subscribed: HashSet::new(),
        })
    }

    /// Subscribes to these tasks; the line has to be new.
    pub(super) async fn subscribe(&mut self, tasks: &[TaskId]) -> RedisResult<()> {
        for some in tasks.chunks(AT_ONCE) {
            let mut commands = pipe();
            for task in some {
                commands.add_command(self.subscription("SUBSCRIBE", task));
            }
            for answer in self.send(&commands).await? {
                answer.extract_error()?;
            }
        }
        self.subscribed.extend(tasks.iter().cloned());
        Ok(())
    }

    /// Subscribes to the tasks that are wanted now, and tells where they stand; leaves the others.
    pub(super) async fn change(&mut self, changes: &[(TaskId, bool)]) -> RedisResult<()> {
        for some in changes.chunks(AT_ONCE) {
            let (mut commands, mut looks) = (pipe(), Vec::new());
            for (task, wanted) in some {
                if *wanted && self.subscribed.insert(task.clone()) {
                    commands.add_command(self.subscription("SUBSCRIBE", task));
                    commands.add_command(self.look(task));
                    looks.extend([None, Some(task)]);
                } else if !wanted && self.subscribed.remove(task) {
                    self.heard.leave(task);
                    commands.add_command(self.subscription("UNSUBSCRIBE", task));
                    looks.push(None);
                }
            }
            for (look, answer) in looks.into_iter().zip(self.send(&commands).await?) {
                match look {
                    Some(task) => self.heard.stands(task, answer),
                    None => drop(answer.extract_error()?),
                }
            }
        }
        Ok(())
    }

    /// Finds out whether the other side still answers.
    pub(super) async fn ping(&mut self) -> RedisResult<()> {
        cmd("PING").exec_async(&mut self.connection).await
    }

    /// Returns when the connection has ended, or does not bring what it should.
    pub(super) async fn ended(&self) {
        self.heard.ended.cancelled().await;
    }

    fn subscription(&self, command: &str, task: &TaskId) -> Cmd {
        let mut full = cmd(&match self.sharded {
            true => format!("S{command}"),
            false => command.to_owned(),
        });
        full.arg(self.heard.keys.channel(task));
        full
    }

    fn look(&self, task: &TaskId) -> Cmd {
        let keys = &self.heard.keys;
        let mut command = cmd("HGET");
        command.arg(keys.of(keys.partition(task), Of::Tails));
        command.arg(task.as_str());
        command
    }

    async fn send(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let sent = self.connection.req_packed_commands(commands, 0, count);
        sent.await
    }
}

/// Subscriptions asked for at once.
const AT_ONCE: usize = 256;

impl Ear {
    fn hear(&self, info: PushInfo) {
        match info.kind {
            PushKind::Message | PushKind::SMessage => {
                if let Some(hint) = self.hint(info.data) {
                    self.queue.hint(hint);
                }
            }
            PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                let channel = info.data.into_iter().next().map(String::from_redis_value);
                let asked = |channel: String| self.leaving.lock().remove(&channel);
                if !channel.is_some_and(|it| it.is_ok_and(asked)) {
                    self.ended.cancel();
                }
            }
            PushKind::Disconnection => self.ended.cancel(),
            _ => {}
        }
    }

    /// A message: the channel names the task; epoch and tail are told.
    fn hint(&self, message: Vec<Value>) -> Option<Hint> {
        let mut parts = message.into_iter().map(String::from_redis_value);
        let (channel, told) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let (epoch, tail) = told.split_once(' ')?;
        Some(Hint {
            task: TaskId::new(self.keys.task_of(&channel)?).ok()?,
            epoch: Epoch(epoch.parse().ok()?),
            tail: Index(tail.parse().ok()?),
        })
    }

    fn leave(&self, task: &TaskId) {
        self.leaving.lock().insert(self.keys.channel(task));
    }

    /// Where a task stood when it was subscribed to. An old cluster may keep that on another node,
    /// and says so instead; whoever follows the task looks there before long.
    fn stands(&self, task: &TaskId, packed: Value) {
        let packed = String::from_redis_value(packed).ok();
        if let Some(found) = packed.and_then(|packed| unpack_tail(&packed)) {
            self.queue.hint(Hint {
                task: task.clone(),
                epoch: found.epoch,
                tail: found.tail,
            });
        }
    }
}
