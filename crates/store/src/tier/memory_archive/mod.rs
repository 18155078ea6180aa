//! The memory archive: the reference model of a long-term store.
//!
//! Keeps every slot as it was archived, trimmed and cleaned ones too, and works out on reading what
//! is visible. Simple rather than small: for tests, simulations and hosts that want no database.

mod across;
mod gain;
mod kept_log;
mod once;
mod read;
mod store;

use crate::{ReadError, StoreError};
use kept_log::KeptLog;
use parking_lot::Mutex;
use taskcast_core::{Epoch, Limits, TaskId};

/// An archive in the memory of this process, which loses everything when the process ends.
pub struct MemoryArchive {
    /// Held for short stretches of pure computation, never across an await. None once closed.
    logs: Mutex<Option<Logs>>,
    limits: Limits,
}

/// Every log that is kept, in the order in which they came.
#[derive(Debug, Default)]
struct Logs(Vec<KeptLog>);

impl Logs {
    fn position(&self, id: &TaskId, epoch: Epoch) -> Option<usize> {
        let is = |log: &KeptLog| log.state.record.id == *id && log.state.epoch == epoch;
        self.0.iter().rposition(is)
    }

    fn log(&self, id: &TaskId, epoch: Epoch) -> Result<&KeptLog, ReadError> {
        let log = self.position(id, epoch).and_then(|at| self.0.get(at));
        log.ok_or(ReadError::Gone)
    }

    fn log_mut(&mut self, id: &TaskId, epoch: Epoch) -> Option<&mut KeptLog> {
        let at = self.position(id, epoch)?;
        self.0.get_mut(at)
    }

    /// The newest log of a task.
    fn newest(&self, id: &TaskId) -> Option<&KeptLog> {
        self.0.iter().rev().find(|log| log.state.record.id == *id)
    }

    /// Deletes a log and the older ones of its id.
    fn delete(&mut self, id: &TaskId, epoch: Epoch) -> bool {
        let Some(at) = self.position(id, epoch) else {
            return false;
        };
        let mut number = 0;
        self.0.retain(|log| {
            number += 1;
            number > at + 1 || log.state.record.id != *id
        });
        true
    }
}

impl MemoryArchive {
    /// An empty archive; of `limits` it needs what bounds how much a task remembers.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            logs: Mutex::new(Some(Logs::default())),
            limits,
        }
    }

    /// Runs `work` on the open archive, under its lock.
    fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Logs) -> Result<T, E>,
    ) -> Result<T, E> {
        match &mut *self.logs.lock() {
            Some(logs) => work(logs),
            None => Err(StoreError::unavailable("the memory archive", "it is closed").into()),
        }
    }
}
