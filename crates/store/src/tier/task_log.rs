//! Changing and loading tasks, wherever they are.

use super::tiered::{TieredStore, Tiers};
use super::whereabouts::{TRIES, Whereabouts, busy};
use super::{Kept, OnceImage, Place};
use crate::plan::{self, CommitView, KeptKey, KeptProducer};
use crate::{
    Commit, CommitError, Committed, Create, CreateError, ProducerPosition, ReadError, StoreError,
    Tail, TaskLog, TaskState,
};
use async_trait::async_trait;
use taskcast_core::{Epoch, ProducerId, SeriesId, SeriesState, TaskId};

#[async_trait]
impl TaskLog for TieredStore {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        let tiers = &*self.tiers;
        if !create.events.is_empty() {
            tiers.backlog.admit()?;
        }
        if create.drawn {
            return tiers.hot.create(create).await;
        }
        for _ in 0..TRIES {
            if tiers.may_create(&create).await? {
                return tiers.hot.create(create).await;
            }
        }
        Err(busy(&create.record.id).into())
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let tiers = &*self.tiers;
        if !commit.events.is_empty() {
            tiers.backlog.admit()?;
        }
        for _ in 0..TRIES {
            let until = tiers.restore_until();
            match tiers.hot.commit(commit.clone()).await {
                Err(CommitError::NotFound(_)) => {}
                done => return done,
            }
            let not_found = || CommitError::NotFound(commit.task.clone());
            let other = |epoch| commit.epoch.is_some_and(|meant| meant != epoch);
            match tiers.whereabouts(&commit.task).await? {
                Whereabouts::Nowhere => return Err(not_found()),
                Whereabouts::Hot { state, .. } if other(state.epoch) => return Err(not_found()),
                Whereabouts::Cold(kept) if other(kept.state.epoch) => return Err(not_found()),
                Whereabouts::Hot { .. } => {}
                Whereabouts::Cold(kept) if kept.state.is_sealed() => {
                    if let Some(refused) = tiers.refuse_sealed(&commit, &kept).await? {
                        return Err(refused);
                    }
                }
                Whereabouts::Cold(kept) => tiers.restore(&kept.state, until).await?,
            }
        }
        Err(busy(&commit.task).into())
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let tiers = &*self.tiers;
        if tiers.hot.delete(id, epoch).await? {
            return Ok(true);
        }
        match tiers.whereabouts(id).await? {
            Whereabouts::Hot { state, .. } if state.epoch == epoch => {
                tiers.hot.delete(id, epoch).await
            }
            Whereabouts::Cold(kept) if kept.state.epoch == epoch => {
                // From the note on it is deleted: nobody shows it, nobody takes it back. It may
                // have come back just before.
                tiers.hot.note_deleted(id, epoch).await?;
                tiers.hot.delete(id, epoch).await?;
                // The archiver does it again, when this fails.
                if let Err(error) = tiers.archive.delete(id, epoch).await {
                    tracing::debug!(task = %id, %error, "the archive deletes a log later");
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        if let Some(state) = self.tiers.hot.load(id).await? {
            return Ok(Some(state));
        }
        Ok(match self.tiers.whereabouts(id).await? {
            Whereabouts::Hot { state, .. } => Some(state),
            Whereabouts::Cold(kept) => Some(kept.state),
            Whereabouts::Nowhere => None,
        })
    }

    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        let mut tails = self.tiers.hot.tails(ids).await?;
        for (id, tail) in ids.iter().zip(&mut tails) {
            if tail.is_none() {
                *tail = self.load(id).await?.map(|state| Tail {
                    epoch: state.epoch,
                    tail: state.tail,
                    sealed: state.is_sealed(),
                });
            }
        }
        Ok(tails)
    }

    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        for _ in 0..TRIES {
            match self.tiers.hot.producer(id, producer).await {
                Err(ReadError::Gone) => {}
                known => return known,
            }
            match self.tiers.whereabouts(id).await? {
                Whereabouts::Nowhere => return Err(ReadError::Gone),
                Whereabouts::Hot { .. } => {}
                Whereabouts::Cold(kept) => {
                    if let Some(once) = self.tiers.once(&kept).await? {
                        let known = once.producers.iter().find(|(known, _)| known == producer);
                        return Ok(known.map(|(_, kept)| kept.position));
                    }
                }
            }
        }
        Err(busy(id).into())
    }
}

impl Tiers {
    /// Whether the id of a task is free, or its task is in the short-term store, which decides then.
    async fn may_create(&self, create: &Create) -> Result<bool, CreateError> {
        let id = &create.record.id;
        let until = self.restore_until();
        let dead = match self.place(id).await? {
            Place::Here { .. } => return Ok(true),
            Place::Away { released, dead } => released.is_none() && !dead.is_empty(),
        };
        let kept = match self.whereabouts(id).await {
            Ok(Whereabouts::Nowhere | Whereabouts::Hot { .. }) => return Ok(true),
            Ok(Whereabouts::Cold(kept)) => kept,
            // The last log of the id was deleted: the archive, which was not told yet, has none
            // that lives.
            Err(StoreError::Unavailable { .. }) if dead => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        if create.replace {
            // Once it is back, one commit replaces it.
            self.restore(&kept.state, until).await?;
            return Ok(false);
        }
        let key = match &create.key {
            None => None,
            Some(claim) => match self.once(&kept).await? {
                None => return Ok(false),
                Some(once) => key_in(&once, &claim.key),
            },
        };
        Err(plan::exists(create, kept.state, key))
    }

    /// What a log remembers so that commits happen once; none when it is gone.
    async fn once(&self, kept: &Kept) -> Result<Option<OnceImage>, StoreError> {
        let state = &kept.state;
        match self.archive.image(&state.record.id, state.epoch).await {
            Ok(image) => Ok(Some(image.once)),
            Err(ReadError::Gone) => Ok(None),
            Err(ReadError::Store(error)) => Err(error),
        }
    }

    /// Why a log that is sealed, and only in the archive, does not take a commit; none when it is
    /// not there any more.
    async fn refuse_sealed(
        &self,
        commit: &Commit,
        kept: &Kept,
    ) -> Result<Option<CommitError>, StoreError> {
        let state = &kept.state;
        if commit.once.is_none() {
            return Ok(Some(CommitError::Sealed(state.record.status)));
        }
        let Some(once) = self.once(kept).await? else {
            return Ok(None);
        };
        let (number, now) = (state.commit.next(), self.now());
        let limits = &self.options.limits;
        let planned = plan::plan(
            state,
            commit.clone(),
            number,
            now,
            limits,
            &mut Sealed(once),
        );
        Ok(planned.err())
    }
}

fn key_in(once: &OnceImage, key: &str) -> Option<KeptKey> {
    let known = once.keys.iter().find(|(known, _)| **known == *key);
    known.map(|(_, kept)| *kept)
}

/// A sealed log, of which a commit looks at nothing but what makes it happen once.
struct Sealed(OnceImage);

impl CommitView for Sealed {
    fn series(&mut self, _: &SeriesId) -> Result<Option<SeriesState>, StoreError> {
        Ok(None)
    }
    fn series_count(&mut self) -> Result<usize, StoreError> {
        Ok(0)
    }
    fn producer(&mut self, id: &ProducerId) -> Result<Option<KeptProducer>, StoreError> {
        let known = self.0.producers.iter().find(|(known, _)| known == id);
        Ok(known.map(|(_, kept)| *kept))
    }
    fn key(&mut self, key: &str) -> Result<Option<KeptKey>, StoreError> {
        Ok(key_in(&self.0, key))
    }
}
