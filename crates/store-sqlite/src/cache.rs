//! The tasks that the writer remembers, so that a publish to a hot task looks nothing up.
//!
//! What a transaction changes is written into the cache first and from there, once, into the file:
//! just before the transaction is committed ([`Cache::flush`]). A transaction that is rolled back
//! takes the whole cache with it, so the cache never knows more than the file does.

use crate::memory::Memory;
use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use taskcast_core::{TaskId, TaskRecord};
use taskcast_store::{TaskState, plan::deadline};

/// Bytes that remembered tasks take, about.
const MAX_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    tasks: HashMap<TaskId, Hot>,
    /// The tasks that the transaction looked at.
    touched: Vec<TaskId>,
    bytes: usize,
    transaction: u64,
}

/// A remembered task.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) state: TaskState,
    pub(crate) memory: Memory,
    /// What of it the file does not have yet.
    pub(crate) unwritten: Unwritten,
    bytes: usize,
    /// The transaction that looked at it last.
    used: u64,
}

/// How much of a task has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unwritten {
    Nothing,
    /// Where the log stands.
    Position,
    /// That, and the record.
    Record,
}

impl Cache {
    /// A task, from the cache or else from the file.
    pub(crate) fn get(
        &mut self,
        conn: &Connection,
        id: &TaskId,
    ) -> rusqlite::Result<Option<&mut Hot>> {
        if !self.tasks.contains_key(id) {
            let Some((log, state)) = find(conn, id)? else {
                return Ok(None);
            };
            let memory = Memory::load(conn, log)?;
            self.put(state, memory);
        }
        let transaction = self.transaction;
        let Some(hot) = self.tasks.get_mut(id) else {
            return Ok(None);
        };
        if hot.used != transaction {
            hot.used = transaction;
            self.touched.push(id.clone());
        }
        Ok(Some(hot))
    }

    /// Remembers a task that the file has.
    pub(crate) fn put(&mut self, state: TaskState, memory: Memory) {
        let id = state.record.id.clone();
        self.remove(&id);
        let hot = Hot {
            state,
            memory,
            unwritten: Unwritten::Nothing,
            bytes: 0,
            used: self.transaction,
        };
        self.touched.push(id.clone());
        self.tasks.insert(id, hot);
    }

    /// Forgets a task.
    pub(crate) fn remove(&mut self, id: &TaskId) {
        if let Some(hot) = self.tasks.remove(id) {
            self.bytes = self.bytes.saturating_sub(hot.bytes);
        }
    }

    /// Writes what the file does not have yet. `written` is that of all logs together.
    pub(crate) fn flush(&mut self, conn: &Connection, written: u64) -> rusqlite::Result<()> {
        for id in &self.touched {
            if let Some(hot) = self.tasks.get_mut(id) {
                hot.flush(conn, written)?;
            }
        }
        Ok(())
    }

    /// Ends a transaction that was committed: forgets the tasks unused longest beyond the bound.
    pub(crate) fn settle(&mut self) {
        self.transaction += 1;
        for id in std::mem::take(&mut self.touched) {
            if let Some(hot) = self.tasks.get_mut(&id) {
                let weight = hot.weight();
                let before = std::mem::replace(&mut hot.bytes, weight);
                self.bytes = (self.bytes + hot.bytes).saturating_sub(before);
            }
        }
        if self.bytes > MAX_BYTES {
            self.evict(MAX_BYTES / 4 * 3);
        }
    }

    fn evict(&mut self, upto: usize) {
        let mut by_use: Vec<_> = self
            .tasks
            .iter()
            .map(|(id, hot)| (hot.used, id.clone()))
            .collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, id) in by_use {
            if self.bytes <= upto {
                return;
            }
            self.remove(&id);
        }
    }
}

impl Hot {
    /// Notes that the file lacks something.
    pub(crate) fn mark(&mut self, unwritten: Unwritten) {
        self.unwritten = self.unwritten.max(unwritten);
    }

    fn flush(&mut self, conn: &Connection, written: u64) -> rusqlite::Result<()> {
        if self.unwritten == Unwritten::Nothing {
            return Ok(());
        }
        self.memory.flush(conn)?;
        write_position(conn, self.memory.log, &self.state, written)?;
        if self.unwritten == Unwritten::Record {
            write_record(conn, self.memory.log, &self.state)?;
        }
        self.unwritten = Unwritten::Nothing;
        Ok(())
    }

    fn weight(&self) -> usize {
        const FIXED: usize = 1_000;
        FIXED + self.memory.weight() + self.state.record.weight()
    }
}

/// A task in the file.
pub(crate) fn find(conn: &Connection, id: &TaskId) -> rusqlite::Result<Option<(i64, TaskState)>> {
    let task = rows::TASK;
    let sql = format!("SELECT {task} FROM tasks JOIN records USING (log) WHERE id = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    statement.query_row([id.as_str()], rows::task).optional()
}

fn write_position(
    conn: &Connection,
    log: i64,
    state: &TaskState,
    written: u64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE tasks SET tail = ?2, trim = ?3, last_at = ?4, commit_no = ?5, written = ?6
               WHERE log = ?1";
    conn.prepare_cached(sql)?.execute((
        log,
        state.tail.0.cast_signed(),
        state.trim.0.cast_signed(),
        state.last_at.0.cast_signed(),
        ordered_commit(state),
        written.cast_signed(),
    ))?;
    Ok(())
}

fn write_record(conn: &Connection, log: i64, state: &TaskState) -> rusqlite::Result<()> {
    let record = &state.record;
    let sql = "UPDATE tasks SET revision = ?2, status = ?3, type = ?4, created_at = ?5, due_at = ?6
               WHERE log = ?1";
    conn.prepare_cached(sql)?.execute((
        log,
        state.revision.0.cast_signed(),
        record.status.as_str(),
        record
            .task_type
            .as_ref()
            .map(|task_type| task_type.as_str()),
        rows::ordered(record.created_at.0),
        deadline(record).map(|at| rows::ordered(at.0)),
    ))?;
    let sql = "UPDATE records SET record = ?2 WHERE log = ?1";
    conn.prepare_cached(sql)?.execute((log, json(record)?))?;
    Ok(())
}

/// Writes the rows of a new task. Gives the number of its log.
pub(crate) fn insert(conn: &Connection, state: &TaskState, written: u64) -> rusqlite::Result<i64> {
    let record = &state.record;
    let sql = "INSERT INTO tasks (id, epoch, revision, status, type, created_at, due_at, tail, \
               trim, last_at, commit_no, written) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let log = conn.prepare_cached(sql)?.insert((
        record.id.as_str(),
        state.epoch.0,
        state.revision.0.cast_signed(),
        record.status.as_str(),
        record
            .task_type
            .as_ref()
            .map(|task_type| task_type.as_str()),
        rows::ordered(record.created_at.0),
        deadline(record).map(|at| rows::ordered(at.0)),
        state.tail.0.cast_signed(),
        state.trim.0.cast_signed(),
        state.last_at.0.cast_signed(),
        ordered_commit(state),
        written.cast_signed(),
    ))?;
    let sql = "INSERT INTO records (log, record) VALUES (?1, ?2)";
    conn.prepare_cached(sql)?.execute((log, json(record)?))?;
    Ok(log)
}

fn ordered_commit(state: &TaskState) -> i64 {
    rows::ordered(state.commit.0)
}

pub(crate) fn json(record: &TaskRecord) -> rusqlite::Result<String> {
    let json = serde_json::to_string(record);
    json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
