//! One batch: several tasks, one look at each store, one call to the archive.

use super::Archiver;
use super::gather::{Budget, Gathered};
use crate::tier::tiered::Tiers;
use crate::tier::{ArchiveEntry, Archived, Place, Usage};
use crate::{ChangedTask, ReadError, StoreError, TaskState};
use taskcast_core::{Epoch, Index, Slot, TaskId};

/// Tasks that one batch looks at.
const TASKS: usize = 256;

/// A task of a batch, and what is to become of it.
struct Picked {
    /// The place of its feed.
    feed: usize,
    task: ChangedTask,
    fate: Fate,
}

enum Fate {
    /// Nothing is left to do: it is kept, or gone.
    Done(Option<(TaskState, Index)>),
    /// It stands in the call to the archive; whole says whether to its tail.
    Asked {
        state: TaskState,
        base: Index,
        bytes: u64,
        whole: bool,
    },
    /// It has to be looked at again.
    Again,
}

impl Archiver {
    pub(super) async fn archive_some(&mut self) -> Result<(), StoreError> {
        let picked = self.pick();
        if picked.is_empty() {
            return Ok(());
        }
        let count = picked.len();
        let (mut picked, entries) = self.gather_all(picked).await?;
        debug_assert_eq!(picked.len(), count, "every task has its fate");
        // An archiver that was slow leaves the work to whoever has the lease now.
        if !self.holds_lease() {
            return Ok(());
        }
        if !entries.is_empty() {
            let archived = self.tiers.archive.archive(entries).await?;
            self.take_outcomes(&mut picked, archived);
        }
        self.put_back(picked);
        Ok(())
    }

    /// The first tasks of every feed, which stay there until their fate is known.
    fn pick(&self) -> Vec<Picked> {
        let mut picked = Vec::new();
        for (feed, of) in self.feeds.iter().enumerate() {
            let waiting = of.pass.iter().flat_map(|pass| &pass.waiting);
            picked.extend(waiting.take(TASKS - picked.len()).map(|task| Picked {
                feed,
                task: task.clone(),
                fate: Fate::Again,
            }));
        }
        picked
    }

    async fn gather_all(
        &self,
        mut picked: Vec<Picked>,
    ) -> Result<(Vec<Picked>, Vec<ArchiveEntry>), StoreError> {
        let tiers = &*self.tiers;
        let name = |picked: &Picked| (picked.task.id.clone(), picked.task.epoch);
        let logs: Vec<(TaskId, Epoch)> = picked.iter().map(name).collect();
        let ids: Vec<TaskId> = logs.iter().map(|(id, _)| id.clone()).collect();
        // In this order: a state that is older than the watermark was lost, and not just passed.
        let marks = tiers.archive.watermarks(&logs).await?;
        let places = tiers.hot.places(&ids).await?;
        let (mut budget, mut entries) = (Budget::of(&tiers.options), Vec::new());
        for ((picked, mark), place) in picked.iter_mut().zip(marks).zip(places) {
            let Place::Here { state, base, .. } = place else {
                picked.fate = Fate::Done(None);
                continue;
            };
            if state.epoch != picked.task.epoch {
                // The other log stands in the feed itself.
                picked.fate = Fate::Done(None);
                continue;
            }
            if budget.is_spent() {
                continue;
            }
            let gathered = tiers.gather(&state, base, mark, &mut budget).await;
            picked.fate = match sensible(&picked.task.id, gathered)? {
                Gathered::Kept => Fate::Done(Some((state, base))),
                Gathered::Nothing => Fate::Done(None),
                Gathered::Entry(entry) => {
                    let bytes = entry.slots.iter().filter_map(Slot::event).map(Usage::of);
                    let fate = Fate::Asked {
                        bytes: bytes.sum(),
                        whole: entry.from.plus(entry.slots.len() as u64) >= state.tail,
                        state,
                        base,
                    };
                    entries.push(entry);
                    fate
                }
            };
        }
        Ok((picked, entries))
    }

    fn take_outcomes(&mut self, picked: &mut [Picked], archived: Vec<Archived>) {
        let asked = picked
            .iter_mut()
            .filter(|picked| matches!(picked.fate, Fate::Asked { .. }));
        for (picked, archived) in asked.zip(archived) {
            let fate = std::mem::replace(&mut picked.fate, Fate::Again);
            let (
                Fate::Asked {
                    state,
                    base,
                    bytes,
                    whole,
                },
                Archived::Done(_),
            ) = (fate, archived)
            else {
                // Somebody else archived it at the same time: look anew.
                continue;
            };
            if let Some(feed) = self.feeds.get_mut(picked.feed) {
                feed.bytes += bytes;
            }
            if whole {
                picked.fate = Fate::Done(Some((state, base)));
            }
        }
    }

    /// Takes what is done out of the feeds; what is not comes first again.
    fn put_back(&mut self, picked: Vec<Picked>) {
        for picked in picked.iter().rev() {
            // Each feed gives as many as were picked of it, its first.
            if let Some(pass) = self
                .feeds
                .get_mut(picked.feed)
                .and_then(|it| it.pass.as_mut())
            {
                pass.waiting.pop_front();
            }
        }
        for picked in picked.into_iter().rev() {
            match picked.fate {
                Fate::Done(Some((state, base))) => {
                    self.candidates.see(&state, base, &self.tiers);
                }
                Fate::Done(None) => {}
                Fate::Again | Fate::Asked { .. } => {
                    let feed = self.feeds.get_mut(picked.feed);
                    if let Some(pass) = feed.and_then(|it| it.pass.as_mut()) {
                        pass.waiting.push_front(picked.task);
                    }
                }
            }
        }
    }
}

/// A log that cannot be archived is said and passed over: it must not keep the others from it.
fn sensible(id: &TaskId, gathered: Result<Gathered, ReadError>) -> Result<Gathered, StoreError> {
    match gathered {
        Ok(gathered) => Ok(gathered),
        Err(ReadError::Gone) => Ok(Gathered::Nothing),
        Err(ReadError::Store(error @ StoreError::Damaged { .. })) => {
            tracing::error!(task = %id, %error, "a log is not archived, and stays in the short-term store");
            Ok(Gathered::Nothing)
        }
        Err(ReadError::Store(error)) => Err(error),
    }
}

impl Tiers {
    /// Archives one log to its tail now. Gives the state that is kept; none when the log is not in the
    /// short-term store. For requests that need it; safe beside the archiver, since entries are
    /// taken only where the watermark stands.
    pub(in crate::tier) async fn archive_log(
        &self,
        id: &TaskId,
        epoch: Epoch,
    ) -> Result<Option<(TaskState, Index)>, ReadError> {
        /// Batches of one log; a log that grows faster than this is not waited for.
        const BATCHES: usize = 10_000;
        for _ in 0..BATCHES {
            let marks = self.archive.watermarks(&[(id.clone(), epoch)]).await?;
            let (state, base) = match self.place(id).await? {
                Place::Here { state, base, .. } if state.epoch == epoch => (state, base),
                Place::Here { .. } | Place::Away { .. } => return Ok(None),
            };
            let mark = marks.into_iter().next().flatten();
            let mut budget = Budget::of(&self.options);
            match self.gather(&state, base, mark, &mut budget).await? {
                Gathered::Kept => return Ok(Some((state, base))),
                Gathered::Nothing => return Ok(None),
                Gathered::Entry(entry) => _ = self.archive.archive(vec![entry]).await?,
            }
        }
        Err(
            StoreError::unavailable(format!("task {id}"), "it grows faster than it is archived")
                .into(),
        )
    }
}
