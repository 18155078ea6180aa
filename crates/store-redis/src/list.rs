//! The list of tasks: the lists of all partitions, merged.

use crate::RedisStore;
use crate::keys::{In, Of};
use crate::reply::{self, STATE, odd};
use redis::{Value, cmd, pipe};
use std::collections::VecDeque;
use taskcast_core::{Millis, TaskId};
use taskcast_store::{ListAsk, ListCursor, Partition, StoreError, TaskPage, TaskState};

/// Tasks that one page looks at, beyond those it gives: bounds the work for a page.
const LOOKED_AT: usize = 1_000;
/// Records read at once.
const RECORDS: usize = 100;

/// A page on its way.
pub(crate) struct Listing<'a> {
    store: &'a RedisStore,
    ask: ListAsk,
    partitions: Vec<Places>,
}

/// The places of one partition that were not looked at yet, newest first.
struct Places {
    partition: Partition,
    found: VecDeque<Place>,
    /// Where to read on; none at the end.
    below: Option<String>,
}

/// A task in the list, as its member in the sorted set: creation padded, colon, id.
type Place = (Millis, TaskId, String);

impl<'a> Listing<'a> {
    pub(crate) fn new(store: &'a RedisStore, ask: ListAsk) -> Self {
        let below = ask.after.as_ref().map_or("+".to_owned(), |after| {
            format!("({:015}:{}", after.created_at.0, after.id.as_str())
        });
        let places = |partition| Places {
            partition,
            found: VecDeque::new(),
            below: Some(below.clone()),
        };
        Self {
            store,
            partitions: store.keys.all().map(places).collect(),
            ask,
        }
    }

    pub(crate) async fn page(mut self) -> Result<TaskPage, StoreError> {
        let limit = self.ask.limit.max(1);
        let (mut tasks, mut bytes, mut looked) = (Vec::new(), 0, 0);
        let mut last: Option<ListCursor> = None;
        loop {
            let some = self.next_places(limit).await?;
            if some.is_empty() {
                return Ok(TaskPage { tasks, next: None });
            }
            let states = self.load(&some).await?;
            for ((created_at, id, _), state) in some.into_iter().zip(states) {
                let full = tasks.len() == limit || bytes >= TaskPage::BYTES;
                if full || looked == limit.saturating_add(LOOKED_AT) {
                    return Ok(TaskPage { tasks, next: last });
                }
                looked += 1;
                let wanted = state.filter(|state| self.ask.filter.matches(&state.record));
                bytes += wanted.as_ref().map_or(0, |state| state.record.weight());
                tasks.extend(wanted);
                last = Some(ListCursor { created_at, id });
            }
        }
    }

    /// The next places of all partitions together.
    async fn next_places(&mut self, limit: usize) -> Result<Vec<Place>, StoreError> {
        let mut some = Vec::new();
        while some.len() < RECORDS.min(limit + 1) {
            self.refill(limit).await?;
            let newest = self.partitions.iter_mut().max_by(|one, other| {
                let key = |places: &Places| places.found.front().map(|place| place.2.clone());
                key(one).cmp(&key(other))
            });
            match newest.and_then(|places| places.found.pop_front()) {
                Some(place) => some.push(place),
                None => break,
            }
        }
        Ok(some)
    }

    /// Reads on in every partition of which nothing is at hand.
    async fn refill(&mut self, limit: usize) -> Result<(), StoreError> {
        let count = self.partitions.len().max(1);
        let at_once = (limit.min(RECORDS) / count + 2) * 2;
        let store = self.store;
        let empty = self
            .partitions
            .iter_mut()
            .filter(|places| places.found.is_empty());
        let reads = empty.filter_map(|places| {
            let below = places.below.take()?;
            Some(async move {
                let mut command = cmd("ZREVRANGEBYLEX");
                command
                    .arg(store.keys.of(places.partition, Of::List))
                    .arg(below)
                    .arg("-")
                    .arg("LIMIT")
                    .arg(0)
                    .arg(at_once);
                let members: Vec<String> = store.link.ask(&command).await?;
                if members.len() == at_once {
                    places.below = members.last().map(|member| format!("({member}"));
                }
                for member in members {
                    let place = place(store.what(), member)?;
                    places.found.push_back(place);
                }
                Ok::<_, StoreError>(())
            })
        });
        futures_util::future::try_join_all(reads).await?;
        Ok(())
    }

    async fn load(&self, places: &[Place]) -> Result<Vec<Option<TaskState>>, StoreError> {
        let (store, what) = (self.store, self.store.what());
        let reads = store.by_route(places, |place| &place.1).into_iter();
        let reads = reads.map(|some| async move {
            let mut commands = pipe();
            for at in &some {
                let id = places.get(*at).map(|place| &place.1);
                let key = id.map(|id| store.keys.task(id, In::Meta));
                commands.cmd("HMGET").arg(key).arg(&STATE[..]);
            }
            let values: Vec<Value> = store.link.ask_all(&commands).await?;
            Ok::<_, StoreError>((some, values))
        });
        let mut states = vec![None; places.len()];
        for (some, values) in futures_util::future::try_join_all(reads).await? {
            for (at, value) in some.into_iter().zip(values) {
                let found = reply::state(what, value)?.map(|(state, _)| state);
                if let Some(state) = states.get_mut(at) {
                    *state = found;
                }
            }
        }
        Ok(states)
    }
}

fn place(what: &str, member: String) -> Result<Place, StoreError> {
    let (created, id) = member.split_once(':').ok_or_else(|| odd(what))?;
    let created = created.parse().map_err(|_| odd(what))?;
    let id = reply::task_id(what, id)?;
    Ok((Millis(created), id, member))
}
