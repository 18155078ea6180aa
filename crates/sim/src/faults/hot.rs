//! The faults of a short-term store with an archive behind it.

use super::FaultyStore;
use async_trait::async_trait;
use taskcast_core::{CommitNumber, Epoch, Index, Millis, TaskId};
use taskcast_store::tier::{HotStore, LogImage, Note, OnceImage, Place, Restored, Usage};
use taskcast_store::{Partition, ReadError, StoreError};

#[async_trait]
impl HotStore for FaultyStore {
    async fn places(&self, ids: &[TaskId]) -> Result<Vec<Place>, StoreError> {
        let first = ids.first().map_or("", |id| id.as_str());
        self.enter("places", first, ids.len() as u64).await?;
        self.inner.places(ids).await
    }

    async fn once_since(
        &self,
        id: &TaskId,
        epoch: Epoch,
        after: CommitNumber,
    ) -> Result<OnceImage, ReadError> {
        self.enter("once", id.as_str(), after.0).await?;
        self.inner.once_since(id, epoch, after).await
    }

    async fn release_below(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.enter("release below", id.as_str(), to.0).await?;
        self.inner.release_below(id, epoch, to).await
    }

    async fn release(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let fate = self.enter("release", id.as_str(), commit.0).await?;
        let released = self.inner.release(id, epoch, commit).await?;
        self.truth.lock().released += u64::from(released);
        self.leave(&fate).await?;
        Ok(released)
    }

    async fn restore(&self, image: LogImage, until: Millis) -> Result<Restored, StoreError> {
        let id = image.state.record.id.clone();
        let fate = self.enter("restore", id.as_str(), 0).await?;
        let restored = self.inner.restore(image, until).await?;
        self.truth.lock().restored += u64::from(restored == Restored::Done);
        self.leave(&fate).await?;
        Ok(restored)
    }

    async fn note_deleted(&self, id: &TaskId, epoch: Epoch) -> Result<(), StoreError> {
        let fate = self.enter("note", id.as_str(), u64::from(epoch.0)).await?;
        self.inner.note_deleted(id, epoch).await?;
        self.truth.lock().deleted(id, epoch);
        self.leave(&fate).await?;
        Ok(())
    }

    async fn notes(&self, partition: Partition, limit: usize) -> Result<Vec<Note>, StoreError> {
        self.enter("notes", "", limit as u64).await?;
        let mut notes = self.inner.notes(partition, limit).await?;
        // They come in no order; a seed needs one.
        notes.sort_by(|one, other| (&one.id, one.epoch.0).cmp(&(&other.id, other.epoch.0)));
        Ok(notes)
    }

    async fn settle(&self, note: &Note) -> Result<(), StoreError> {
        let fate = self.enter("settle", note.id.as_str(), 0).await?;
        self.inner.settle(note).await?;
        self.leave(&fate).await?;
        Ok(())
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        self.enter("usage", "", 0).await?;
        self.inner.usage().await
    }
}
