//! The store before an archive: what it lets go of, takes back, and still has to tell.

pub(crate) mod notes;
mod restore;

use crate::error::Named;
use crate::read;
use crate::transaction::Transaction;
use crate::{SqliteStore, cache, once, rows, schema};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, TaskId};
use taskcast_store::tier::{HotStore, LogImage, Note, OnceImage, Place, Restored, Usage};
use taskcast_store::{Partition, ReadError, StoreError};

#[async_trait]
impl HotStore for SqliteStore {
    async fn places(&self, ids: &[TaskId]) -> Result<Vec<Place>, StoreError> {
        let ids = ids.to_vec();
        let places = move |conn: &Connection| ids.iter().map(|id| place(conn, id)).collect();
        self.database.read(places).await
    }

    async fn once_since(
        &self,
        id: &TaskId,
        epoch: Epoch,
        after: CommitNumber,
    ) -> Result<OnceImage, ReadError> {
        let since = move |conn: &Connection, log: read::Log| once::since(conn, log.number, after);
        self.database.read_log(id, epoch, since).await
    }

    /// In steps, each of which is a release for itself, so that other tasks do not wait for long.
    async fn release_below(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        loop {
            let ask = (id.clone(), epoch, to);
            let step = self.database.write(ask, 0, |transaction, (id, epoch, to)| {
                transaction.release_step(id, *epoch, *to)
            });
            if step.await? {
                return Ok(());
            }
        }
    }

    async fn release(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let ask = (id.clone(), epoch, commit);
        self.database
            .write(ask, 0, |transaction, (id, epoch, commit)| {
                transaction.release(id, *epoch, *commit)
            })
            .await
    }

    async fn restore(&self, image: LogImage, until: Millis) -> Result<Restored, StoreError> {
        let bytes = image.series.iter().map(|series| series.text.len()).sum();
        self.database
            .write((image, until), bytes, |transaction, (image, until)| {
                transaction.restore(image, *until)
            })
            .await
    }

    async fn note_deleted(&self, id: &TaskId, epoch: Epoch) -> Result<(), StoreError> {
        self.database
            .write((id.clone(), epoch), 0, |transaction, (id, epoch)| {
                notes::deleted(transaction.conn, id, *epoch).named(transaction.what)
            })
            .await
    }

    async fn notes(&self, partition: Partition, limit: usize) -> Result<Vec<Note>, StoreError> {
        match partition {
            Partition(0) => {
                self.database
                    .read(move |conn| notes::some(conn, limit))
                    .await
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn settle(&self, note: &Note) -> Result<(), StoreError> {
        self.database
            .write(note.clone(), 0, |transaction, note| {
                notes::settle(transaction.conn, note).named(transaction.what)
            })
            .await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let counters = self.database.read(schema::counters).await?;
        Ok(Usage {
            written: vec![counters.written],
            capacity: None,
        })
    }
}

fn place(conn: &Connection, id: &TaskId) -> rusqlite::Result<Place> {
    let dead = notes::dead(conn, id)?;
    let Some((log, state)) = cache::find(conn, id)? else {
        let released = notes::released_log(conn, id)?;
        return Ok(Place::Away { released, dead });
    };
    let sql = "SELECT max(trim, base) FROM tasks WHERE log = ?1";
    let base = conn
        .prepare_cached(sql)?
        .query_row([log], |row| rows::number(row, 0).map(Index))
        .optional()?;
    Ok(Place::Here {
        base: base.unwrap_or(state.trim),
        state,
        dead,
    })
}

impl Transaction<'_> {
    /// Lets go of a whole log, if a commit is still its newest.
    fn release(
        &mut self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let (conn, what) = (self.conn, self.what);
        let found = self.cache.get(conn, id).named(what)?;
        let still = found.filter(|hot| hot.state.epoch == epoch && hot.state.commit == commit);
        let Some(log) = still.map(|hot| hot.memory.log) else {
            return Ok(false);
        };
        self.remove(id, log).named(what)?;
        schema::keep_released(conn, commit).named(what)?;
        notes::released(conn, id, epoch, commit).named(what)?;
        Ok(true)
    }
}
