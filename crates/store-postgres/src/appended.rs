//! The events of a partition in the order of commits.

use crate::PostgresStore;
use crate::error::Fault;
use crate::rows::{self, SLOT};
use crate::sql::{self, ordered};
use std::sync::LazyLock;
use taskcast_core::CommitNumber;
use taskcast_store::{Appended, AppendedPage, Partition, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Slots of the partition `$1` in commits after `$2` up to `$3`.
const SLOTS: &str = "FROM slots JOIN logs USING (log_id)
    WHERE slots.partition = $1 AND slots.commit_no > $2 AND slots.commit_no <= $3
          AND NOT logs.dead AND slots.idx >= logs.trim";

impl PostgresStore {
    pub(crate) async fn after(
        &self,
        partition: Partition,
        after: CommitNumber,
        upto: CommitNumber,
        limit: usize,
    ) -> Result<AppendedPage, StoreError> {
        let partition = i32::from(partition.0);
        let call = async {
            let client = self.pool.get().await?;
            let (first, last) = (ordered(after.0), ordered(upto.0));
            let most = ordered(limit.max(1) as u64).saturating_add(1);
            let commits = sql::rows(&client, &COMMITS, &[&partition, &first, &last, &most]).await?;
            let mut end = end(&commits, limit.max(1))?;
            if let Some(at) = end {
                let more = [
                    &partition,
                    &ordered(at.0) as &(dyn ToSql + Sync),
                    &last,
                    &1_i64,
                ];
                let more = sql::row(&client, &COMMITS, &more).await?;
                end = more.map(|_| at);
            }
            let end = end.unwrap_or(upto.max(after));
            let found = match commits.is_empty() {
                true => Vec::new(),
                false => {
                    let last = ordered(end.0);
                    sql::rows(&client, &PAGE, &[&partition, &first, &last]).await?
                }
            };
            let slots = found.iter().map(appended).collect::<Result<_, _>>()?;
            Ok(AppendedPage {
                slots,
                upto: end,
                newest: upto,
                earliest: CommitNumber(0),
            })
        };
        self.pool.within(call).await
    }
}

/// The commits that the first `$4` slots belong to; of the last one not all may be counted.
static COMMITS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT commit_no, count(*), sum(bytes + 200)::bigint FROM (
             SELECT slots.commit_no, slots.bytes {SLOTS}
             ORDER BY slots.commit_no, slots.idx LIMIT $4) first
         GROUP BY commit_no ORDER BY commit_no"
    )
});

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<String> = SLOT
        .split(", ")
        .map(|name| format!("slots.{}", name.trim()))
        .collect();
    let columns = columns.join(", ");
    format!(
        "SELECT logs.task_id, logs.epoch, {columns} {SLOTS} ORDER BY slots.commit_no, slots.idx"
    )
});

/// The last commit of the page, when it ends before everything that was found: whole commits, until
/// there are enough slots or bytes.
fn end(commits: &[Row], limit: usize) -> Result<Option<CommitNumber>, Fault> {
    let (mut slots, mut bytes, mut last) = (0, 0, None);
    for row in commits {
        if slots >= limit as u64 || bytes >= AppendedPage::BYTES as u64 {
            return Ok(last);
        }
        slots += rows::number(row, 1)?;
        bytes += rows::number(row, 2)?;
        last = Some(CommitNumber(rows::number(row, 0)?));
    }
    Ok(last.filter(|_| slots > limit as u64))
}

fn appended(row: &Row) -> Result<Appended, Fault> {
    Ok(Appended {
        id: rows::task_id(row, 0)?,
        epoch: rows::epoch(row, 1)?,
        slot: rows::slot(row, 2)?,
    })
}
