//! Questions across tasks: lists, deadlines, the change feed.

use crate::{SqliteStore, rows, schema};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Revision, Status, TaskId, TaskRecord};
use taskcast_store::{
    Appended, AppendedPage, ChangedTask, DuePage, DueTask, ListAsk, ListCursor, Partition,
    StoreError, TaskFilter, TaskIndex, TaskPage, TaskState,
};

/// Tasks that one page of a list looks at, beyond those it gives: bounds the work for a page.
const LOOKED_AT: usize = 1_000;

#[async_trait]
impl TaskIndex for SqliteStore {
    async fn list(&self, ask: ListAsk) -> Result<TaskPage, StoreError> {
        let list = move |conn: &Connection| {
            let (tasks, next) = list(conn, &ask, "true", task, |state| &state.record)?;
            Ok(TaskPage { tasks, next })
        };
        self.database.read(list).await
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<DuePage, StoreError> {
        self.database.read(move |conn| due(conn, now, limit)).await
    }

    async fn changed(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<Vec<ChangedTask>, StoreError> {
        match partition {
            Partition(0) => {
                self.database
                    .read(move |conn| changed(conn, after, limit))
                    .await
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn newest(&self) -> Result<Vec<CommitNumber>, StoreError> {
        self.database
            .read(|conn| Ok(vec![schema::newest(conn)?]))
            .await
    }

    async fn appended(
        &self,
        partition: Partition,
        after: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        match partition {
            Partition(0) => {
                self.database
                    .read(move |conn| appended(conn, after, limit))
                    .await
            }
            _ => Ok(AppendedPage::default()),
        }
    }
}

/// What a page of a list holds, and where to go on.
type Listed<T> = (Vec<T>, Option<ListCursor>);

/// A page of the logs that meet a condition in SQL; `load` gives what is listed of a log.
pub(crate) fn list<T>(
    conn: &Connection,
    ask: &ListAsk,
    condition: &str,
    load: impl Fn(&Connection, i64) -> rusqlite::Result<Option<T>>,
    record: impl Fn(&T) -> &TaskRecord,
) -> rusqlite::Result<Listed<T>> {
    let after = match ask.after {
        Some(_) => "(created_at, id) < (?1, ?2)",
        None => "true",
    };
    let sql = format!(
        "SELECT log, id, created_at, status, type FROM tasks WHERE {after} AND {condition}
         ORDER BY created_at DESC, id DESC"
    );
    let limit = ask.limit.max(1);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = match &ask.after {
        Some(after) => statement.query((rows::ordered(after.created_at.0), after.id.as_str()))?,
        None => statement.query(())?,
    };
    let (mut tasks, mut bytes, mut last, mut looked) = (Vec::new(), 0, None, 0);
    while let Some(row) = found.next()? {
        let full = tasks.len() == limit || bytes >= TaskPage::BYTES;
        if full || looked == limit.saturating_add(LOOKED_AT) {
            return Ok((tasks, last));
        }
        looked += 1;
        if may_match(&ask.filter, row)? {
            let found = load(conn, row.get(0)?)?;
            let wanted = found.filter(|found| ask.filter.matches(record(found)));
            bytes += wanted.as_ref().map_or(0, |found| record(found).weight());
            tasks.extend(wanted);
        }
        last = Some(ListCursor {
            created_at: Millis(rows::number(row, 2)?),
            id: rows::task_id(row, 1)?,
        });
    }
    Ok((tasks, None))
}

/// What the small row tells about a filter, before a record is read.
fn may_match(filter: &TaskFilter, row: &Row<'_>) -> rusqlite::Result<bool> {
    let status = row.get_ref(3)?.as_str()?;
    let task_type = row.get_ref(4)?.as_str_or_null()?;
    let types = &filter.types;
    let typed = |kind: &str| types.iter().any(|pattern| pattern.matches(kind));
    let named = |wanted: &Status| wanted.as_str() == status;
    Ok(
        (filter.statuses.is_empty() || filter.statuses.iter().any(named))
            && (types.is_empty() || task_type.is_some_and(typed)),
    )
}

fn task(conn: &Connection, log: i64) -> rusqlite::Result<Option<TaskState>> {
    let columns = rows::TASK;
    let sql = format!("SELECT {columns} FROM tasks JOIN records USING (log) WHERE tasks.log = ?1");
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_row([log], |row| rows::task(row).map(|(_, state)| state));
    found.optional()
}

fn due(conn: &Connection, now: Millis, limit: usize) -> rusqlite::Result<DuePage> {
    // One more than wanted: the first that is not given tells when to come again.
    let sql = "SELECT id, revision, due_at FROM tasks WHERE due_at IS NOT NULL
               ORDER BY due_at, id LIMIT ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = statement.query([more])?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        let at = Millis(rows::number(row, 2)?);
        if at > now || due.len() == limit {
            return Ok(DuePage {
                due,
                next: Some(at),
            });
        }
        due.push(DueTask {
            id: rows::task_id(row, 0)?,
            revision: Revision(rows::number(row, 1)?),
            at,
        });
    }
    Ok(DuePage { due, next: None })
}

fn changed(
    conn: &Connection,
    after: CommitNumber,
    limit: usize,
) -> rusqlite::Result<Vec<ChangedTask>> {
    let sql = "SELECT commit_no, id, epoch, tail FROM tasks WHERE commit_no > ?1
               ORDER BY commit_no LIMIT ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let tasks = statement.query_map((rows::ordered(after.0), limit), |row| {
        Ok(ChangedTask {
            commit: CommitNumber(rows::number(row, 0)?),
            id: rows::task_id(row, 1)?,
            epoch: rows::epoch(row, 2)?,
            tail: Index(rows::number(row, 3)?),
        })
    })?;
    tasks.collect()
}

fn appended(
    conn: &Connection,
    after: CommitNumber,
    limit: usize,
) -> rusqlite::Result<AppendedPage> {
    let newest = schema::newest(conn)?;
    let earliest = schema::released(conn)?;
    let sql = "SELECT no, log, first, count, id, epoch FROM commits CROSS JOIN tasks USING (log)
               WHERE no > ?1 ORDER BY no";
    let mut statement = conn.prepare_cached(sql)?;
    let mut commits = statement.query([rows::ordered(after.0)])?;
    let (mut slots, mut bytes) = (Vec::new(), 0);
    while let Some(row) = commits.next()? {
        if slots.len() >= limit.max(1) || bytes >= AppendedPage::BYTES {
            // Every commit before this one is in the page, or filled no slot.
            let upto = CommitNumber(rows::number(row, 0)?.saturating_sub(1));
            return Ok(AppendedPage {
                slots,
                upto,
                newest,
                earliest,
            });
        }
        let (id, epoch) = (rows::task_id(row, 4)?, rows::epoch(row, 5)?);
        let first: i64 = row.get(2)?;
        let range = first..first.saturating_add(row.get(3)?);
        let before = slots.len();
        of_commit(conn, row.get(1)?, range, &id, epoch, &mut slots)?;
        bytes += slots[before..].iter().map(Appended::weight).sum::<usize>();
    }
    let upto = newest.max(after);
    Ok(AppendedPage {
        slots,
        upto,
        newest,
        earliest,
    })
}

/// The slots that a commit filled in a log.
pub(crate) fn of_commit(
    conn: &Connection,
    log: i64,
    range: std::ops::Range<i64>,
    id: &TaskId,
    epoch: Epoch,
    slots: &mut Vec<Appended>,
) -> rusqlite::Result<()> {
    let columns = rows::SLOT;
    let sql = format!(
        "SELECT {columns} FROM slots WHERE log = ?1 AND idx >= ?2 AND idx < ?3 ORDER BY idx"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query((log, range.start, range.end))?;
    while let Some(row) = found.next()? {
        slots.push(Appended {
            id: id.clone(),
            epoch,
            slot: rows::slot(row)?,
        });
    }
    Ok(())
}
