//! Removing what no rule wants kept: trim points and tombstones.

use crate::RedisStore;
use crate::scripts::MAINTAIN;
use async_trait::async_trait;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::{Maintenance, ReadError};

/// Slots that one script removes at most: others wait for it.
const STEP: u64 = 2_000;
/// Events that one script turns into tombstones at most.
const CLEANED: usize = 500;

#[async_trait]
impl Maintenance for RedisStore {
    /// In steps, each of which is a trim for itself, so that other tasks do not wait for long.
    async fn trim(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.let_go(id, epoch, "trim", to).await
    }

    async fn clean(&self, id: &TaskId, epoch: Epoch, indexes: &[Index]) -> Result<(), ReadError> {
        // Without an index too the log has to be there.
        let none: &[&[Index]] = &[&[]];
        let chunks = indexes.chunks(CLEANED);
        let nothing = none.iter().copied().filter(|_| indexes.is_empty());
        for some in chunks.chain(nothing) {
            let call = MAINTAIN.with(self.keys.everything(id));
            let call = call.arg(id.as_str()).arg(epoch.0).arg("clean");
            let call = some.iter().fold(call, |call, index| call.arg(index.0));
            let done: i64 = self.write(&call).await?;
            if done < 0 {
                return Err(ReadError::Gone);
            }
        }
        Ok(())
    }
}

impl RedisStore {
    /// Lets go of slots below an index, step by step.
    pub(crate) async fn let_go(
        &self,
        id: &TaskId,
        epoch: Epoch,
        what: &str,
        to: Index,
    ) -> Result<(), ReadError> {
        let mut before = -1;
        loop {
            let call = MAINTAIN
                .with(self.keys.everything(id))
                .arg(id.as_str())
                .arg(epoch.0)
                .arg(what)
                .arg(to.0)
                .arg(STEP);
            let reached: i64 = self.write(&call).await?;
            let target = i64::try_from(to.0).unwrap_or(i64::MAX);
            if reached < 0 {
                return Err(ReadError::Gone);
            }
            // At the tail it does not get any further.
            if reached >= target || reached == before {
                return Ok(());
            }
            before = reached;
        }
    }
}
