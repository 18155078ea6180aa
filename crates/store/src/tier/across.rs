//! Questions across tasks: lists of both tiers, and the feed of the short-term store.

use super::backlog::READER;
use super::tiered::{TieredStore, Tiers};
use super::{Kept, KeptPage, Place};
use crate::{
    Appended, AppendedPage, ChangedTask, DuePage, ListAsk, ListCursor, Partition, StoreError,
    TaskIndex, TaskPage, TaskState,
};
use async_trait::async_trait;
use std::collections::{BTreeSet, HashSet};
use taskcast_core::{CommitNumber, Millis, TaskId};

#[async_trait]
impl TaskIndex for TieredStore {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        // In this order: what is released meanwhile is in the first, what comes back in the second.
        let mut hot = self.tiers.hot.list(ask.clone()).await?;
        let kept = self.tiers.archive.list(ask.clone()).await?;
        let KeptPage { tasks, next } = kept;
        let cold = self.tiers.cold(tasks, &hot.tasks, &ask).await?;
        hot.tasks.extend(cold);
        Ok(merge(hot, next, &ask))
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.tiers.hot.due(now, limit).await
    }

    /// Of the tasks in the short-term store: a released one has passed every reader.
    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        self.tiers.hot.changed(partition, after, limit).await
    }

    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        self.tiers.hot.newest().await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        let page = self.tiers.hot.appended(partition, after, limit).await?;
        if after >= page.earliest {
            return Ok(AppendedPage {
                earliest: CommitNumber(0),
                ..page
            });
        }
        self.tiers.appended(partition, after, limit, page).await
    }
}

impl Tiers {
    /// Of the tasks that the archive lists those that the short-term store does not: it has the say
    /// of every task that it has, or had deleted.
    async fn cold(
        &self,
        kept: Vec<Kept>,
        hot: &[TaskState],
        ask: &ListAsk,
    ) -> Result<Vec<TaskState>, StoreError> {
        let listed: HashSet<&TaskId> = hot.iter().map(|state| &state.record.id).collect();
        let is_new = |kept: &Kept| !listed.contains(&kept.state.record.id);
        let kept: Vec<Kept> = kept.into_iter().filter(is_new).collect();
        if kept.is_empty() {
            return Ok(Vec::new());
        }
        let id = |kept: &Kept| kept.state.record.id.clone();
        let ids: Vec<TaskId> = kept.iter().map(id).collect();
        let places = self.hot.places(&ids).await?;
        let shown = |(kept, place): (Kept, Place)| match place {
            // Another log of the id has a place of its own. This one came back meanwhile, or the
            // filter does not match it any more.
            Place::Here { state, .. } => {
                let same = state.epoch == kept.state.epoch;
                (same && ask.filter.matches(&state.record)).then_some(state)
            }
            Place::Away { dead, .. } => (!dead.contains(&kept.state.epoch)).then_some(kept.state),
        };
        Ok(kept.into_iter().zip(places).filter_map(shown).collect())
    }

    /// Events whose slots the short-term store may have released.
    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
        hot: AppendedPage,
    ) -> Result<AppendedPage, StoreError> {
        let position = self.hot.position(READER, partition).await?;
        let upto = position.unwrap_or_default().min(hot.earliest);
        if after >= upto {
            // Neither has what lies between; the page says so.
            return Ok(hot);
        }
        let page = self.archive.appended(partition, after, upto, limit).await?;
        let slots = self.living(page.slots).await?;
        Ok(AppendedPage {
            slots,
            upto: page.upto,
            newest: hot.newest,
            // Whole so far; what neither has is missed when it is reached.
            earliest: CommitNumber(0),
        })
    }

    /// Without the slots of logs that the archive has still to delete.
    async fn living(&self, slots: Vec<Appended>) -> Result<Vec<Appended>, StoreError> {
        let ids: BTreeSet<&TaskId> = slots.iter().map(|slot| &slot.id).collect();
        let ids: Vec<TaskId> = ids.into_iter().cloned().collect();
        let mut dead = HashSet::new();
        for (id, place) in ids.iter().zip(self.hot.places(&ids).await?) {
            let (Place::Here { dead: epochs, .. } | Place::Away { dead: epochs, .. }) = place;
            dead.extend(epochs.into_iter().map(|epoch| (id.clone(), epoch)));
        }
        let lives =
            |slot: &Appended| dead.is_empty() || !dead.contains(&(slot.id.clone(), slot.epoch));
        Ok(slots.into_iter().filter(lives).collect())
    }
}

/// One page out of two. Both are whole down to where they go on, so the page ends at the first of
/// these two places.
fn merge(hot: TaskPage, kept_next: Option<ListCursor>, ask: &ListAsk) -> TaskPage {
    let nexts = [hot.next, kept_next];
    let cut = nexts
        .into_iter()
        .flatten()
        .max_by(|a, b| place(a).cmp(&place(b)));
    let mut tasks = hot.tasks;
    tasks.sort_by(|a, b| place(&cursor_of(b)).cmp(&place(&cursor_of(a))));
    if let Some(cut) = &cut {
        tasks.retain(|state| place(&cursor_of(state)) >= place(cut));
    }
    let (mut bytes, mut taken) = (0, 0);
    for state in &tasks {
        if taken == ask.limit.max(1) || bytes >= TaskPage::BYTES {
            break;
        }
        bytes += state.record.weight();
        taken += 1;
    }
    if taken == tasks.len() {
        return TaskPage { tasks, next: cut };
    }
    tasks.truncate(taken);
    let next = tasks.last().map(cursor_of);
    TaskPage { tasks, next }
}

fn cursor_of(state: &TaskState) -> ListCursor {
    ListCursor {
        created_at: state.record.created_at,
        id: state.record.id.clone(),
    }
}

fn place(cursor: &ListCursor) -> (Millis, &TaskId) {
    (cursor.created_at, &cursor.id)
}
