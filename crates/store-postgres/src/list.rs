//! The list of tasks that are kept.

use crate::PostgresStore;
use crate::error::Fault;
use crate::rows::{self, damaged};
use crate::sql::{self, ordered};
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;
use taskcast_core::{Millis, Status, TaskId};
use taskcast_store::tier::{Kept, KeptPage};
use taskcast_store::{ListAsk, ListCursor, StoreError, TaskFilter, TaskPage};
use tokio_postgres::Row;

/// Tasks that one page looks at, beyond those it gives: bounds the work for a page.
const LOOKED_AT: usize = 1_000;

/// Of each task its newest log, newest first, without the records.
const LOOK: &str = "SELECT log_id, task_id, created_at, status, type, tags, record_bytes FROM logs
    WHERE NOT dead AND (created_at, task_id) < ($1, $2)
          AND NOT EXISTS (SELECT FROM logs newer WHERE newer.task_id = logs.task_id
                                 AND newer.number > logs.number AND NOT newer.dead)
    ORDER BY created_at DESC, task_id DESC LIMIT $3";

/// What a page found before it has the records.
#[derive(Default)]
struct Looked {
    logs: Vec<i64>,
    next: Option<ListCursor>,
}

impl PostgresStore {
    pub(crate) async fn page(&self, ask: &ListAsk) -> Result<KeptPage, StoreError> {
        let limit = ask.limit.max(1);
        let look = limit.saturating_add(LOOKED_AT).saturating_add(1);
        let call = async {
            let client = self.pool.get().await?;
            let (created_at, id) = match &ask.after {
                Some(after) => (ordered(after.created_at.0), after.id.as_str()),
                // Greater than every id: no id is longer, or begins with a greater character.
                None => (i64::MAX, "\u{10ffff}"),
            };
            let look = ordered(look as u64);
            let found = sql::rows(&client, LOOK, &[&created_at, &id, &look]).await?;
            let looked = looked(&found, &ask.filter, limit)?;
            let mut records = HashMap::with_capacity(looked.logs.len());
            for row in sql::rows(&client, &RECORDS, &[&looked.logs]).await? {
                let log: i64 = row.try_get(0)?;
                records.insert(log, rows::kept(&row, 1)?);
            }
            let tasks: Vec<Kept> = looked
                .logs
                .iter()
                .filter_map(|log| records.remove(log))
                .collect();
            Ok(KeptPage {
                tasks,
                next: looked.next,
            })
        };
        self.pool.within(call).await
    }
}

static RECORDS: LazyLock<String> = LazyLock::new(|| {
    let columns = rows::LOG;
    format!("SELECT log_id, {columns} FROM logs WHERE log_id = ANY($1) AND NOT dead")
});

fn looked(found: &[Row], filter: &TaskFilter, limit: usize) -> Result<Looked, Fault> {
    let (mut looked, mut bytes, mut last) = (Looked::default(), 0, None);
    for (count, row) in found.iter().enumerate() {
        let full = looked.logs.len() == limit || bytes >= TaskPage::BYTES;
        if full || count == limit.saturating_add(LOOKED_AT) {
            looked.next = last;
            return Ok(looked);
        }
        if matches(row, filter)? {
            let size: i32 = row.try_get(6)?;
            bytes += usize::try_from(size).unwrap_or_default();
            looked.logs.push(row.try_get(0)?);
        }
        last = Some(cursor(row)?);
    }
    Ok(looked)
}

fn cursor(row: &Row) -> Result<ListCursor, Fault> {
    let id: TaskId = rows::task_id(row, 1)?;
    Ok(ListCursor {
        created_at: Millis(rows::number(row, 2)?),
        id,
    })
}

/// The filter, on the columns that a record is found by.
fn matches(row: &Row, filter: &TaskFilter) -> Result<bool, Fault> {
    let status: &str = row.try_get(3)?;
    let status = Status::from_str(status).map_err(|error| damaged("a status", error))?;
    let kind: Option<&str> = row.try_get(4)?;
    let tags: Vec<&str> = row.try_get(5)?;
    let of_type = |kind: &str| filter.types.iter().any(|pattern| pattern.matches(kind));
    Ok(
        (filter.statuses.is_empty() || filter.statuses.contains(&status))
            && (filter.types.is_empty() || kind.is_some_and(of_type))
            && filter.tags.iter().all(|tag| tags.contains(&tag.as_str())),
    )
}
