//! Changing tasks, and telling how they are.

use crate::append;
use crate::keys::{In, Of};
use crate::reply::{self, Reply, STATE, odd};
use crate::scripts::{COMMIT, CREATE, DELETE};
use crate::{RedisStore, slot};
use async_trait::async_trait;
use redis::{Value, cmd, pipe};
use std::collections::BTreeMap;
use taskcast_core::{Epoch, Index, Millis, NewEvent, ProducerId, Revision, SeriesConflict, TaskId};
use taskcast_store::plan::deadline;
use taskcast_store::{
    Commit, CommitError, Committed, Create, CreateError, Once, Original, Partition,
    ProducerPosition, ReadError, StoreError, Tail, TaskLog, TaskState,
};

#[async_trait]
impl TaskLog for RedisStore {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        let record = &create.record;
        let json = serde_json::to_vec(record).map_err(|error| {
            StoreError::unavailable(
                self.what(),
                format!("the record cannot be written: {error}"),
            )
        })?;
        let (key, body) = create
            .key
            .as_ref()
            .map_or((String::new(), String::new()), |it| {
                (it.key.to_string(), append::hex(&it.body))
            });
        let call = CREATE
            .with(self.keys.everything(&record.id))
            .arg(record.id.as_str())
            .arg(create.epoch.0)
            .arg(self.now().0)
            .arg(json)
            .arg(u8::from(record.status.is_terminal()))
            .arg(deadline(record).map_or(String::new(), |at| at.to_string()))
            .arg(record.created_at.0)
            .arg(u8::from(create.replace))
            .arg(key)
            .arg(body)
            .arg(u8::from(self.archived))
            .arg(self.commits_kept)
            .arg(self.limits.series_per_task)
            .arg(self.limits.idempotency_keys_per_task)
            .arg("")
            .arg(self.keys.channel(&record.id))
            .arg(self.publish_command());
        let value: Value = self.write(&append::events(call, &create.events)).await?;
        let mut reply = Reply::array(self.what(), value)?;
        match reply.text()?.as_str() {
            "ok" => {
                let (commit, tail, last_at) = (reply.commit()?, reply.index()?, reply.number()?);
                Ok(TaskState {
                    record: create.record.into(),
                    revision: Revision(1),
                    epoch: create.epoch,
                    tail,
                    trim: Index::START,
                    last_at: Millis(last_at),
                    commit,
                })
            }
            "exists" => {
                let how = reply.text()?;
                let found = reply::state(self.what(), reply.value()?)?;
                let (state, _) = found.ok_or_else(|| odd(self.what()))?;
                Err(match how.as_str() {
                    "duplicate" => CreateError::Duplicate(Box::new(state)),
                    "reused" => CreateError::KeyReused,
                    _ => CreateError::Exists(Box::new(state)),
                })
            }
            "series" => Err(conflict(&create.events, &mut reply)?.into()),
            "series-limit" => Err(CreateError::Store(StoreError::full(
                "the task",
                CommitError::TooManySeries {
                    limit: self.limits.series_per_task,
                },
            ))),
            _ => Err(odd(self.what()).into()),
        }
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let value: Value = self.write(&self.commit_call(&commit)?).await?;
        let mut reply = Reply::array(self.what(), value)?;
        let word = reply.text()?;
        if word == "ok" {
            return self.committed(commit, &mut reply).map_err(Into::into);
        }
        Err(self.refused(&word, &commit, &mut reply)?)
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let call = DELETE.with(self.keys.everything(id));
        let call = call.arg(id.as_str()).arg(epoch.0);
        let deleted: u8 = self.write(&call.arg(u8::from(self.archived))).await?;
        Ok(deleted == 1)
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        let mut command = cmd("HMGET");
        command.arg(self.keys.task(id, In::Meta)).arg(&STATE[..]);
        let found = reply::state(self.what(), self.link.ask(&command).await?)?;
        Ok(found.map(|(state, _)| state))
    }

    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        let mut of_partition: BTreeMap<Partition, Vec<usize>> = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            of_partition
                .entry(self.keys.partition(id))
                .or_default()
                .push(at);
        }
        let asked = of_partition.iter().map(|(partition, places)| async move {
            let mut command = cmd("HMGET");
            command.arg(self.keys.of(*partition, Of::Tails));
            for at in places {
                command.arg(ids.get(*at).map(TaskId::as_str));
            }
            let found: Vec<Option<String>> = self.link.ask(&command).await?;
            Ok::<_, StoreError>((places, found))
        });
        let mut tails = vec![None; ids.len()];
        for (places, found) in futures_util::future::try_join_all(asked).await? {
            for (at, packed) in places.iter().zip(found) {
                if let (Some(tail), Some(packed)) = (tails.get_mut(*at), packed) {
                    *tail = Some(unpack_tail(&packed).ok_or_else(|| odd(self.what()))?);
                }
            }
        }
        Ok(tails)
    }

    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        let mut commands = pipe();
        let name = format!("p{}", producer.as_str());
        commands
            .atomic()
            .hexists(self.keys.task(id, In::Meta), "epoch")
            .hget(self.keys.task(id, In::Once), name);
        let (exists, kept): (bool, Option<String>) = self.link.ask_all(&commands).await?;
        if !exists {
            return Err(ReadError::Gone);
        }
        let position = |packed: String| {
            let kept = append::unpack_producer(&packed).ok_or_else(|| odd(self.what()))?;
            Ok::<_, StoreError>(kept.position)
        };
        Ok(kept.map(position).transpose()?)
    }
}

impl RedisStore {
    fn commit_call(&self, commit: &Commit) -> Result<crate::scripts::Call, StoreError> {
        let id = &commit.task;
        let call = COMMIT
            .with(self.keys.everything(id))
            .arg(id.as_str())
            .arg(
                commit
                    .epoch
                    .map_or(String::new(), |epoch| epoch.to_string()),
            )
            .arg(self.now().0);
        let call = match &commit.change {
            None => call.arg("").arg("").arg("").arg(""),
            Some(change) => {
                let json = serde_json::to_vec(&change.record).map_err(|error| {
                    let cause = format!("the record cannot be written: {error}");
                    StoreError::unavailable(self.what(), cause)
                })?;
                let due = deadline(&change.record).map_or(String::new(), |at| at.to_string());
                call.arg(change.expected.0)
                    .arg(json)
                    .arg(u8::from(change.record.status.is_terminal()))
                    .arg(due)
            }
        };
        let limits = &self.limits;
        let (call, once_limit) = match &commit.once {
            None => (call.arg("").arg("").arg("").arg("").arg(""), 0),
            Some(Once::Producer(it)) => {
                let call = call.arg("p").arg(it.id.as_str()).arg(it.epoch);
                (call.arg(it.first).arg(it.last), limits.producers_per_task)
            }
            Some(Once::Key(it)) => {
                let call = call.arg("k").arg(&*it.key).arg(append::hex(&it.body));
                let age = u64::try_from(limits.idempotency_key_age.as_millis());
                let call = call.arg(age.unwrap_or(u64::MAX)).arg("");
                (call, limits.idempotency_keys_per_task)
            }
        };
        let call = call
            .arg(limits.series_per_task)
            .arg(once_limit)
            .arg(self.commits_kept)
            .arg(self.keys.channel(id))
            .arg(self.publish_command());
        Ok(append::events(call, &commit.events))
    }

    /// The events as they stand in the log now.
    fn committed(&self, commit: Commit, reply: &mut Reply<'_>) -> Result<Committed, StoreError> {
        let epoch = Epoch(reply.number()?);
        let (number, first) = (reply.commit()?, reply.index()?);
        let revision = Revision(reply.number()?);
        let (sealed, at) = (reply.text()? == "1", Millis(reply.number()?));
        let mut folds = reply.nested()?;
        let mut events = Vec::with_capacity(commit.events.len());
        for (offset, event) in (0..).zip(commit.events) {
            let place = append::Place {
                index: first.plus(offset),
                at,
                commit: number,
            };
            events.push(append::appended(event, place, &mut folds)?);
        }
        Ok(Committed {
            epoch,
            commit: number,
            tail: first.plus(events.len() as u64),
            events,
            revision,
            sealed,
        })
    }

    /// Why a commit was refused.
    fn refused(
        &self,
        word: &str,
        commit: &Commit,
        reply: &mut Reply<'_>,
    ) -> Result<CommitError, StoreError> {
        let task = |reply: &mut Reply<'_>| {
            let found = reply::state(self.what(), reply.value()?)?;
            let (state, _) = found.ok_or_else(|| odd(self.what()))?;
            Ok::<_, StoreError>(state)
        };
        let received = match &commit.once {
            Some(Once::Producer(claim)) => claim.first,
            _ => 0,
        };
        Ok(match word {
            "not-found" => CommitError::NotFound(commit.task.clone()),
            "sealed" => CommitError::Sealed(task(reply)?.record.status),
            "conflict" => CommitError::Conflict(Box::new(task(reply)?)),
            "duplicate" => CommitError::Duplicate {
                original: match reply.is_empty() {
                    true => None,
                    false => Some(Original {
                        first: reply.index()?,
                        count: reply.number()?,
                    }),
                },
            },
            "gap" => CommitError::ProducerGap {
                expected: reply.number()?,
                received,
            },
            "fenced" => CommitError::ProducerFenced {
                current: reply.number()?,
            },
            "start" => CommitError::ProducerStart { received },
            "reused" => CommitError::KeyReused,
            "series" => CommitError::Series(conflict(&commit.events, reply)?),
            "series-limit" => CommitError::TooManySeries {
                limit: self.limits.series_per_task,
            },
            _ => return Err(odd(self.what())),
        })
    }
}

/// An event that does not fit its series, from its number and what the series is.
fn conflict(events: &[NewEvent], reply: &mut Reply<'_>) -> Result<SeriesConflict, StoreError> {
    let number: usize = reply.number()?;
    let (mode, field): (u8, String) = (reply.number()?, reply.text()?);
    let event = events
        .get(number)
        .and_then(|event| event.series.effective());
    let (series, given) = event.ok_or_else(|| odd("Redis"))?;
    let fixed = slot::mode_of(mode).ok_or_else(|| odd("Redis"))?;
    let tag = events.get(number).map(|event| &event.series);
    let own = tag.map_or("", |tag| append::joined_field(tag, given));
    Ok(SeriesConflict {
        series: series.clone(),
        fixed: append::describe(fixed, &field),
        given: append::describe(given, own),
    })
}

/// A packed tail: epoch, tail, sealed.
pub(crate) fn unpack_tail(packed: &str) -> Option<Tail> {
    let mut words = packed.split(' ');
    Some(Tail {
        epoch: Epoch(words.next()?.parse().ok()?),
        tail: Index(words.next()?.parse().ok()?),
        sealed: words.next()? == "1",
    })
}
