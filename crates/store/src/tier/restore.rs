//! Taking a log back into the short-term store, for what only can be done there.

use super::options::later;
use super::tiered::Tiers;
use super::{ArchiveEntry, OnceImage, Place, Restored};
use crate::{ReadError, StoreError, TaskState};
use taskcast_core::{Index, Millis, TaskId};

impl Tiers {
    /// When a restore that begins now has to be over. Has to be asked for before the first look at
    /// where the log is: a log that comes back after that is not released again until then.
    pub(super) fn restore_until(&self) -> Millis {
        later(self.now(), self.options.grace)
    }

    /// Takes a log back as the archive has it. When this returns, the log may be in the short-term
    /// store or somewhere else again: look anew.
    pub(super) async fn restore(&self, state: &TaskState, until: Millis) -> Result<(), StoreError> {
        let id = &state.record.id;
        let image = match self.archive.image(id, state.epoch).await {
            Ok(image) => image,
            Err(ReadError::Gone) => return Ok(()),
            Err(ReadError::Store(error)) => return Err(error),
        };
        let tail = image.state.tail;
        if self.hot.restore(image, until).await? == Restored::Done {
            self.mark_hot(id, tail).await;
        }
        Ok(())
    }

    /// Tells the archive at once that a log is hot: should the short-term store lose what follows,
    /// it must not take the log for whole. The archiver does the same a moment later, if this fails.
    async fn mark_hot(&self, id: &TaskId, from: Index) {
        let Ok(Place::Here { state, .. }) = self.place(id).await else {
            return;
        };
        let entry = ArchiveEntry {
            partition: self.partition_of(id),
            state,
            from,
            slots: Vec::new(),
            once: OnceImage::default(),
        };
        if let Err(error) = self.archive.archive(vec![entry]).await {
            tracing::debug!(task = %id, %error, "the archive was not told yet that a log is hot");
        }
    }
}
