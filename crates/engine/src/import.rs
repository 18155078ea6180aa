//! Import: a task from an archive, under a new epoch.

use crate::random::epoch;
use crate::topic::End;
use crate::{Caller, EngineError, TaskEngine};
use taskcast_core::{NewEvent, Scope, TaskRecord};
use taskcast_store::{Create, TaskState};

/// A task that was imported.
#[derive(Clone, Debug)]
pub struct ImportedTask {
    /// The task.
    pub state: TaskState,
    /// Whether a task with this id existed and was replaced.
    pub overwritten: bool,
}

impl TaskEngine {
    /// Brings in a task with its events, in whatever status it is. The log has a new epoch; ids
    /// that came along are kept and looked up.
    ///
    /// # Errors
    /// [`EngineError::Exists`] without `overwrite`, [`EngineError::Series`], or the store.
    pub async fn import(
        &self,
        record: TaskRecord,
        events: Vec<NewEvent>,
        overwrite: bool,
    ) -> Result<ImportedTask, EngineError> {
        let inner = &self.inner;
        let before = inner.store.load(&record.id).await?;
        let id = record.id.clone();
        let epoch = epoch(inner.random.as_ref());
        let create = Create {
            record,
            epoch,
            events,
            replace: overwrite,
            key: None,
            drawn: false,
        };
        let state = inner
            .store
            .create(create)
            .await
            .map_err(EngineError::from_create)?;
        inner.access.forget(&id);
        if let Some(topic) = inner.topics.get(&id)
            && topic.epoch != state.epoch
        {
            topic.end(End::Deleted);
        }
        inner.was_created(&state);
        Ok(ImportedTask {
            state,
            overwritten: before.is_some(),
        })
    }
}

impl Caller<'_> {
    /// `task:manage`, on the task that is replaced too. See [`TaskEngine::import`].
    ///
    /// # Errors
    /// See [`TaskEngine::import`].
    pub async fn import(
        &self,
        record: TaskRecord,
        events: Vec<NewEvent>,
        overwrite: bool,
    ) -> Result<ImportedTask, EngineError> {
        let found = match self.may(Scope::TaskManage, &record.id).await {
            Ok(()) => true,
            Err(EngineError::NotFound(_)) => false,
            Err(error) => return Err(error),
        };
        // A task that appears meanwhile has rules that nobody asked.
        self.engine.import(record, events, overwrite && found).await
    }
}
