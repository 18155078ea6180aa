//! Questions across tasks.

use crate::RedisStore;
use crate::keys::{In, Of};
use crate::list::Listing;
use crate::log::unpack_tail;
use crate::reply::{self, Reply, odd};
use crate::scripts::{CHANGED, COMMITS, DUE, NUMBERS};
use async_trait::async_trait;
use bytes::Bytes;
use redis::{FromRedisValue, Value, cmd, pipe};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Revision, TaskId};
use taskcast_store::{
    Appended, AppendedPage, ChangedTask, DuePage, DueTask, ListAsk, Partition, StoreError,
    TaskIndex, TaskPage,
};

#[async_trait]
impl TaskIndex for RedisStore {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        Listing::new(self, ask).page().await
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        let asked = self.of_all(Of::Due).into_iter().map(|keys| async move {
            let call = DUE.with(keys).arg(now.0).arg(limit);
            self.link.run::<Value>(&call).await
        });
        let (mut due, mut next) = (Vec::new(), None::<Millis>);
        for value in futures_util::future::try_join_all(asked).await? {
            let mut partitions = Reply::array(self.what(), value)?;
            while !partitions.is_empty() {
                let mut partition = partitions.nested()?;
                let mut members = partition.nested()?;
                while !members.is_empty() {
                    let (member, at) = (members.text()?, Millis(members.number()?));
                    due.push(self.due_task(&member, at)?);
                }
                if let Ok(at) = partition.text()?.parse() {
                    next = Some(next.map_or(Millis(at), |next| next.min(Millis(at))));
                }
            }
        }
        due.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        if let Some(first) = due.get(limit) {
            next = Some(next.map_or(first.at, |next| next.min(first.at)));
        }
        due.truncate(limit);
        Ok(DuePage { due, next })
    }

    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        if partition.0 >= self.keys.partitions {
            return Ok(Vec::new());
        }
        let keys = [Of::Feed, Of::Tails].map(|what| self.keys.of(partition, what));
        let call = CHANGED.with(keys.into()).arg(after.0).arg(limit);
        let value: Value = self.link.run(&call).await?;
        let mut reply = Reply::array(self.what(), value)?;
        let mut changed = Vec::new();
        while !reply.is_empty() {
            let id = reply::task_id(self.what(), &reply.text()?)?;
            let commit = reply.commit()?;
            let tail = unpack_tail(&reply.text()?).ok_or_else(|| odd(self.what()))?;
            changed.push(ChangedTask {
                commit,
                id,
                epoch: tail.epoch,
                tail: tail.tail,
            });
        }
        Ok(changed)
    }

    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        let newest = self.numbers("newest").await?.into_iter();
        Ok(newest.map(CommitNumber).collect())
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        if partition.0 >= self.keys.partitions {
            return Ok(AppendedPage::default());
        }
        let keys = [Of::Part, Of::Commits].map(|what| self.keys.of(partition, what));
        let limit = limit.max(1);
        let call = COMMITS.with(keys.into()).arg(after.0).arg(limit);
        let value: Value = self.link.run(&call).await?;
        let mut reply = Reply::array(self.what(), value)?;
        let (newest, earliest) = (reply.commit()?, reply.commit()?);
        let mut entries = reply.nested()?;
        let mut filled = Vec::new();
        while !entries.is_empty() {
            filled.push(self.filled(entries.nested()?)?);
        }
        let page = AppendedPage {
            slots: Vec::new(),
            upto: newest.max(after),
            newest,
            earliest,
        };
        self.fill(page, filled, limit).await
    }
}

/// A commit that filled slots.
struct Filled {
    commit: CommitNumber,
    id: TaskId,
    epoch: Epoch,
    first: Index,
    count: u64,
}

impl RedisStore {
    /// A key of every partition, in groups that one command may name.
    fn of_all(&self, what: Of) -> Vec<Vec<String>> {
        let keys = self.keys.all().map(|it| self.keys.of(it, what));
        self.link.together(keys.collect())
    }

    /// A number that every partition keeps.
    pub(crate) async fn numbers(&self, name: &str) -> Result<Vec<u64>, StoreError> {
        let asked = self.of_all(Of::Part).into_iter().map(|keys| async move {
            let call = NUMBERS.with(keys).arg(name);
            self.link.run::<Vec<u64>>(&call).await
        });
        let numbers = futures_util::future::try_join_all(asked).await?;
        Ok(numbers.concat())
    }

    fn due_task(&self, member: &str, at: Millis) -> Result<DueTask, StoreError> {
        let (revision, id) = member.split_once(' ').ok_or_else(|| odd(self.what()))?;
        let revision = revision.parse().map_err(|_| odd(self.what()))?;
        Ok(DueTask {
            id: reply::task_id(self.what(), id)?,
            revision: Revision(revision),
            at,
        })
    }

    /// An entry of the list of commits: its id is the number of the commit.
    fn filled(&self, mut entry: Reply<'_>) -> Result<Filled, StoreError> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| odd(self.what()));
        let place = entry.text()?;
        let commit = number(place.split('-').next().unwrap_or_default())?;
        let mut fields = entry.nested()?;
        let mut field = || {
            fields.text()?;
            fields.text()
        };
        let (id, epoch, first, count) = (field()?, field()?, field()?, field()?);
        Ok(Filled {
            commit: CommitNumber(commit),
            id: reply::task_id(self.what(), &id)?,
            epoch: Epoch(u32::try_from(number(&epoch)?).map_err(|_| odd(self.what()))?),
            first: Index(number(&first)?),
            count: number(&count)?,
        })
    }

    /// Reads the slots of commits until the page is full.
    async fn fill(
        &self,
        mut page: AppendedPage,
        filled: Vec<Filled>,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        const AT_ONCE: usize = 16;
        let asked = filled.len();
        let last = filled.last().map(|filled| filled.commit);
        let mut bytes = 0;
        for some in filled.chunks(AT_ONCE) {
            let found = self.slots_of(some).await?;
            for (filled, slots) in some.iter().zip(found) {
                if page.slots.len() >= limit || bytes >= AppendedPage::BYTES {
                    // Every commit before this one is in the page, or filled no slot.
                    page.upto = CommitNumber(filled.commit.0 - 1);
                    return Ok(page);
                }
                bytes += slots.iter().map(Appended::weight).sum::<usize>();
                page.slots.extend(slots);
            }
        }
        // A full answer may have left commits out.
        if let Some(last) = last.filter(|_| asked >= limit) {
            page.upto = last;
        }
        Ok(page)
    }

    /// The slots that some commits filled, as far as they are left.
    async fn slots_of(&self, filled: &[Filled]) -> Result<Vec<Vec<Appended>>, StoreError> {
        let mut commands = pipe();
        for one in filled {
            let mut log = cmd("HMGET");
            log.arg(self.keys.task(&one.id, In::Log));
            for offset in 0..one.count {
                log.arg(one.first.plus(offset).0);
            }
            commands.hget(self.keys.task(&one.id, In::Meta), "epoch");
            commands.add_command(log);
        }
        let answers: Vec<Value> = self.link.ask_all(&commands).await?;
        let mut answers = answers.into_iter();
        let mut found = Vec::with_capacity(filled.len());
        for one in filled {
            let epoch = answers.next().map(Option::<u32>::from_redis_value);
            let same = matches!(epoch, Some(Ok(Some(epoch))) if epoch == one.epoch.0);
            let blobs = answers.next().map(Vec::<Option<Vec<u8>>>::from_redis_value);
            let blobs = blobs.and_then(Result::ok).unwrap_or_default();
            let places = (0..).map(|offset| one.first.plus(offset)).zip(blobs);
            let there = places.filter_map(|(index, blob)| Some((index, Bytes::from(blob?))));
            let mut slots = Vec::new();
            for (index, blob) in there.filter(|_| same) {
                let slot = crate::slot::read(index, &blob).ok_or_else(|| odd(self.what()))?;
                let (id, epoch) = (one.id.clone(), one.epoch);
                slots.push(Appended { id, epoch, slot });
            }
            found.push(slots);
        }
        Ok(found)
    }
}
