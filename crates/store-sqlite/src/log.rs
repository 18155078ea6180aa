//! Changing tasks, and telling how they are.

use crate::{SqliteStore, cache, once, rows};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use std::str::FromStr;
use taskcast_core::{Epoch, Index, NewEvent, ProducerId, Status, TaskId};
use taskcast_store::{
    Commit, CommitError, Committed, Create, CreateError, ProducerPosition, ReadError, StoreError,
    Tail, TaskLog, TaskState,
};

#[async_trait]
impl TaskLog for SqliteStore {
    async fn create(&self, create: Create) -> Result<TaskState, CreateError> {
        let bytes = weight(&create.events);
        self.database
            .write(create, bytes, |transaction, create| {
                transaction.create(create)
            })
            .await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let bytes = weight(&commit.events);
        self.database
            .write(commit, bytes, |transaction, commit| {
                transaction.commit(commit)
            })
            .await
    }

    async fn delete(&self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        self.database
            .write((id.clone(), epoch), 0, |transaction, (id, epoch)| {
                transaction.delete(id, *epoch)
            })
            .await
    }

    async fn load(&self, id: &TaskId) -> Result<Option<TaskState>, StoreError> {
        let id = id.clone();
        self.database
            .read(move |conn| Ok(cache::find(conn, &id)?.map(|(_, state)| state)))
            .await
    }

    async fn tails(&self, ids: &[TaskId]) -> Result<Vec<Option<Tail>>, StoreError> {
        let ids = ids.to_vec();
        self.database
            .read(move |conn| ids.iter().map(|id| tail(conn, id)).collect())
            .await
    }

    async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, ReadError> {
        let (id, producer) = (id.clone(), producer.clone());
        let found = self.database.read(move |conn| {
            let log = conn
                .prepare_cached("SELECT log FROM tasks WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))
                .optional()?;
            log.map(|log| once::producer(conn, log, &producer))
                .transpose()
        });
        let kept = found.await?.ok_or(ReadError::Gone)?;
        Ok(kept.map(|kept| kept.position))
    }
}

fn tail(conn: &Connection, id: &TaskId) -> rusqlite::Result<Option<Tail>> {
    let sql = "SELECT epoch, tail, status FROM tasks WHERE id = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_row([id.as_str()], |row| {
        let status = Status::from_str(row.get_ref(2)?.as_str()?)
            .map_err(|error| rows::unreadable(2, error))?;
        Ok(Tail {
            epoch: rows::epoch(row, 0)?,
            tail: Index(rows::number(row, 1)?),
            sealed: status.is_terminal(),
        })
    });
    found.optional()
}

/// Bytes that the events take, about.
fn weight(events: &[NewEvent]) -> usize {
    const FIXED: usize = 200;
    let data = |event: &NewEvent| event.data.as_ref().map_or(0, |data| data.as_bytes().len());
    events.iter().map(|event| FIXED + data(event)).sum()
}
