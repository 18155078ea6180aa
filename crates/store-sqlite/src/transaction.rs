//! The work of one transaction of the writer: each commit planned for itself, written at once.

use crate::cache::{self, Cache, Hot, Unwritten};
use crate::error::Named;
use crate::memory::Memory;
use crate::rows;
use crate::{once, slots, sweep};
use rusqlite::Connection;
use taskcast_core::{
    CommitNumber, Epoch, Limits, Millis, ProducerId, SeriesId, SeriesState, TaskId,
};
use taskcast_store::plan::{CommitView, KeptKey, KeptProducer, Plan, exists, plan, plan_create};
use taskcast_store::{
    Clock, Commit, CommitError, Committed, Create, CreateError, StoreError, TaskState,
};

/// A transaction that was begun on the writing connection.
pub(crate) struct Transaction<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) cache: &'a mut Cache,
    /// The newest commit, those of this transaction among them.
    pub(crate) newest: CommitNumber,
    /// Whether a task was deleted.
    pub(crate) discarded: bool,
    pub(crate) limits: &'a Limits,
    pub(crate) clock: &'a dyn Clock,
    /// The database as an operator knows it.
    pub(crate) what: &'a str,
}

impl Transaction<'_> {
    /// Opens the log of a new task.
    pub(crate) fn create(&mut self, create: &Create) -> Result<TaskState, CreateError> {
        let (conn, what, now) = (self.conn, self.what, self.clock.now());
        let id = &create.record.id;
        let before = self.cache.get(conn, id).named(what)?;
        if let Some(before) = &before
            && !create.replace
        {
            let kept = create.key.as_ref().map(|claim| {
                let kept = once::key(conn, before.memory.log, &claim.key);
                kept.named(what)
            });
            return Err(exists(
                create,
                before.state.clone(),
                kept.transpose()?.flatten(),
            ));
        }
        let plan = plan_create(create.clone(), self.newest.next(), now, self.limits)?;
        if let Some(before) = before {
            let log = before.memory.log;
            self.remove(id, log).named(what)?;
        }
        self.insert(plan, now).named(what).map_err(Into::into)
    }

    fn insert(&mut self, plan: Plan, now: Millis) -> rusqlite::Result<TaskState> {
        let state = plan.state.clone();
        self.newest = state.commit;
        let mut memory = Memory::new(cache::insert(self.conn, &state)?);
        write(self.conn, &mut memory, plan, now, self.limits)?;
        memory.flush(self.conn)?;
        self.cache.put(state.clone(), memory);
        Ok(state)
    }

    /// Makes one commit.
    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        let (conn, what, now) = (self.conn, self.what, self.clock.now());
        let meant = |hot: &&mut Hot| commit.epoch.is_none_or(|epoch| hot.state.epoch == epoch);
        let found = self.cache.get(conn, &commit.task).named(what)?;
        let Some(hot) = found.filter(meant) else {
            return Err(CommitError::NotFound(commit.task.clone()));
        };
        let number = self.newest.next();
        let mut view = View {
            conn,
            what,
            memory: &mut hot.memory,
        };
        let plan = plan(
            &hot.state,
            commit.clone(),
            number,
            now,
            self.limits,
            &mut view,
        )?;
        self.newest = number;
        let after = plan.state.clone();
        let events = write(conn, &mut hot.memory, plan, now, self.limits).named(what)?;
        hot.mark(if after.revision == hot.state.revision {
            Unwritten::Position
        } else {
            Unwritten::Record
        });
        hot.state = after.clone();
        Ok(Committed {
            epoch: after.epoch,
            commit: number,
            events,
            tail: after.tail,
            revision: after.revision,
            sealed: after.is_sealed(),
        })
    }

    /// Deletes a task, if it is still this log.
    pub(crate) fn delete(&mut self, id: &TaskId, epoch: Epoch) -> Result<bool, StoreError> {
        let (conn, what) = (self.conn, self.what);
        let found = self.cache.get(conn, id).named(what)?;
        let Some(hot) = found.filter(|hot| hot.state.epoch == epoch) else {
            return Ok(false);
        };
        let log = hot.memory.log;
        self.remove(id, log).named(what)?;
        Ok(true)
    }

    /// Removes a task. Its commit numbers stay used up.
    fn remove(&mut self, id: &TaskId, log: i64) -> rusqlite::Result<()> {
        self.cache.remove(id);
        self.discarded = true;
        sweep::discard(self.conn, log)?;
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('newest', ?1)";
        let newest = self.newest.0.cast_signed();
        self.conn.prepare_cached(sql)?.execute([newest])?;
        Ok(())
    }
}

/// Writes what a plan says into the rows of the log, and what may wait into the memory. Gives the
/// events back.
fn write(
    conn: &Connection,
    memory: &mut Memory,
    plan: Plan,
    now: Millis,
    limits: &Limits,
) -> rusqlite::Result<Vec<taskcast_core::Event>> {
    let (log, commit) = (memory.log, plan.state.commit);
    slots::append(conn, log, &plan.events)?;
    for (id, state) in plan.series {
        memory.put_series(conn, id, state)?;
    }
    for piece in &plan.joined {
        memory.join(conn, piece)?;
    }
    for index in plan.superseded {
        slots::entomb(conn, log, index, rows::SUPERSEDED)?;
    }
    if let Some(producer) = plan.producer {
        memory.put_producer(conn, producer, commit, limits)?;
    }
    if let Some(key) = plan.key {
        memory.put_key(conn, key, commit, now, limits)?;
    }
    Ok(plan.events)
}

/// What a plan looks up in a task.
struct View<'a> {
    conn: &'a Connection,
    what: &'a str,
    memory: &'a mut Memory,
}

impl CommitView for View<'_> {
    fn series(&mut self, id: &SeriesId) -> Result<Option<SeriesState>, StoreError> {
        self.memory.series(self.conn, id).named(self.what)
    }

    fn series_count(&mut self) -> Result<usize, StoreError> {
        Ok(self.memory.series_count)
    }

    fn producer(&mut self, id: &ProducerId) -> Result<Option<KeptProducer>, StoreError> {
        self.memory.producer(self.conn, id).named(self.what)
    }

    fn key(&mut self, key: &str) -> Result<Option<KeptKey>, StoreError> {
        if self.memory.key_count == 0 {
            return Ok(None);
        }
        once::key(self.conn, self.memory.log, key).named(self.what)
    }
}
