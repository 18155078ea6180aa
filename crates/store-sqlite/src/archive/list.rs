//! Questions across the logs of an archive.

use super::log;
use crate::{index, rows};
use rusqlite::Connection;
use taskcast_core::CommitNumber;
use taskcast_store::tier::KeptPage;
use taskcast_store::{Appended, AppendedPage, ListAsk, Partition};

/// Of each task its newest log.
const NEWEST: &str = "NOT EXISTS (SELECT 1 FROM tasks AS newer
                                  WHERE newer.id = tasks.id AND newer.log > tasks.log)";

/// A page of the list of tasks.
pub(super) fn list(conn: &Connection, ask: &ListAsk) -> rusqlite::Result<KeptPage> {
    let (tasks, next) = index::list(conn, ask, NEWEST, log::kept, |kept| &kept.state.record)?;
    Ok(KeptPage { tasks, next })
}

/// The events of a partition after a commit up to another one.
pub(super) fn appended(
    conn: &Connection,
    partition: Partition,
    after: CommitNumber,
    upto: CommitNumber,
    limit: usize,
) -> rusqlite::Result<AppendedPage> {
    let page = |slots, end: CommitNumber| AppendedPage {
        slots,
        upto: end.max(after),
        newest: upto,
        earliest: CommitNumber(0),
    };
    let sql = "SELECT no, log, first, count, id, epoch FROM commits CROSS JOIN tasks USING (log)
               WHERE partition = ?1 AND no > ?2 AND no <= ?3 ORDER BY no, log";
    let mut statement = conn.prepare_cached(sql)?;
    let range = (rows::ordered(after.0), rows::ordered(upto.0));
    let mut commits = statement.query((partition.0, range.0, range.1))?;
    let (mut slots, mut bytes, mut last) = (Vec::new(), 0, CommitNumber(0));
    while let Some(row) = commits.next()? {
        let commit = CommitNumber(rows::number(row, 0)?);
        let full = slots.len() >= limit.max(1) || bytes >= AppendedPage::BYTES;
        if full && commit != last {
            // Every commit before this one is in the page, or filled no slot.
            return Ok(page(slots, CommitNumber(commit.0.saturating_sub(1))));
        }
        last = commit;
        let (id, epoch) = (rows::task_id(row, 4)?, rows::epoch(row, 5)?);
        let first: i64 = row.get(2)?;
        let range = first..first.saturating_add(row.get(3)?);
        let before = slots.len();
        index::of_commit(conn, row.get(1)?, range, &id, epoch, &mut slots)?;
        bytes += slots[before..].iter().map(Appended::weight).sum::<usize>();
    }
    Ok(page(slots, upto))
}
