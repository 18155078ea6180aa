//! The work of one transaction of the writer: each commit planned for itself, written at once.

use crate::cache::{self, Cache, Hot, Unwritten};
use crate::error::Named;
use crate::memory::Memory;
use crate::rows;
use crate::schema::{self, Counters};
use crate::tier::notes;
use crate::{once, slots, sweep};
use rusqlite::Connection;
use std::sync::Arc;
use taskcast_core::{
    CommitNumber, Epoch, Limits, Millis, ProducerId, SeriesId, SeriesState, TaskId,
};
use taskcast_store::plan::{CommitView, KeptKey, KeptProducer, Plan, exists, plan, plan_create};
use taskcast_store::tier::Usage;
use taskcast_store::{
    Clock, Commit, CommitError, Committed, Create, CreateError, StoreError, TaskState,
};

/// What holds for every transaction of a file.
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether an archive has to be told of deletions.
    pub(crate) archived: bool,
}

/// A transaction that was begun on the writing connection.
pub(crate) struct Transaction<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) cache: &'a mut Cache,
    /// With the commits of this transaction.
    pub(crate) counters: Counters,
    /// Whether a task was deleted.
    pub(crate) discarded: bool,
    pub(crate) rules: &'a Rules,
    /// The database as an operator knows it.
    pub(crate) what: &'a str,
}

impl Transaction<'_> {
    /// Opens the log of a new task.
    pub(crate) fn create(&mut self, create: &Create) -> Result<TaskState, CreateError> {
        let (conn, what, rules) = (self.conn, self.what, self.rules);
        let (now, number) = (rules.clock.now(), self.next());
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
        let plan = plan_create(create.clone(), number, now, &rules.limits)?;
        if let Some(before) = before {
            let (log, epoch) = (before.memory.log, before.state.epoch);
            self.remove_for_good(id, log, epoch).named(what)?;
        }
        self.insert(plan, now).named(what).map_err(Into::into)
    }

    fn insert(&mut self, plan: Plan, now: Millis) -> rusqlite::Result<TaskState> {
        let state = plan.state.clone();
        self.count(&plan);
        let log = cache::insert(self.conn, &state, self.counters.written)?;
        let mut memory = Memory::new(log);
        write(self.conn, &mut memory, plan, now, &self.rules.limits)?;
        memory.flush(self.conn)?;
        self.cache.put(state.clone(), memory);
        Ok(state)
    }

    /// Makes one commit.
    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        let (conn, what, rules) = (self.conn, self.what, self.rules);
        let (now, number) = (rules.clock.now(), self.next());
        let meant = |hot: &&mut Hot| commit.epoch.is_none_or(|epoch| hot.state.epoch == epoch);
        let found = self.cache.get(conn, &commit.task).named(what)?;
        let Some(hot) = found.filter(meant) else {
            return Err(CommitError::NotFound(commit.task.clone()));
        };
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
            &rules.limits,
            &mut view,
        )?;
        let written = plan.events.iter().map(Usage::of).sum::<u64>();
        let after = plan.state.clone();
        let events = write(conn, &mut hot.memory, plan, now, &rules.limits).named(what)?;
        hot.mark(if after.revision == hot.state.revision {
            Unwritten::Position
        } else {
            Unwritten::Record
        });
        hot.state = after.clone();
        self.counters.newest = number;
        self.counters.written += written;
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
        self.remove_for_good(id, log, epoch).named(what)?;
        Ok(true)
    }

    /// Removes a task that shall never come back, from an archive either.
    fn remove_for_good(&mut self, id: &TaskId, log: i64, epoch: Epoch) -> rusqlite::Result<()> {
        if self.rules.archived {
            notes::deleted(self.conn, id, epoch)?;
        }
        self.remove(id, log)
    }

    /// Removes a task. Its commit numbers stay used up.
    pub(crate) fn remove(&mut self, id: &TaskId, log: i64) -> rusqlite::Result<()> {
        self.cache.remove(id);
        self.discarded = true;
        sweep::discard(self.conn, log)?;
        schema::keep(self.conn, self.counters)
    }

    /// The number of the next commit.
    pub(crate) fn next(&self) -> CommitNumber {
        self.counters.newest.next()
    }

    fn count(&mut self, plan: &Plan) {
        self.counters.newest = plan.state.commit;
        self.counters.written += plan.events.iter().map(Usage::of).sum::<u64>();
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
