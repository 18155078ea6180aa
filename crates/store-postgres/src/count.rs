//! Counting what a filter matches, and looking for positions.
//!
//! ```text
//!   counts     trim ......... 4096 ........ 8192 ....... 12288
//!   count(upto)                              |<-- looked at -->| upto
//! ```

use crate::PostgresStore;
use crate::error::Fault;
use crate::read::FIND;
use crate::rows;
use crate::sql::{self, ordered};
use deadpool_postgres::{GenericClient, Transaction};
use std::sync::LazyLock;
use taskcast_core::{Epoch, EventFilter, EventType, Index, Level, TaskId};
use taskcast_store::{ReadError, StoreError};
use tokio_postgres::{IsolationLevel, Row};

/// Slots between two counts that are kept.
pub(crate) const STEP: u64 = 4_096;

/// The first readable slot later than `$3`.
pub(crate) const AFTER: &str = "SELECT taskcast.first_after(log_id, trim, tail, $3) FROM logs
    WHERE task_id = $1 AND epoch = $2 AND NOT dead";

/// The event with the foreign id `$3`.
pub(crate) const FOREIGN: &str = "SELECT (
        SELECT idx FROM slots
        WHERE log_id = logs.log_id AND left(foreign_id, 128) = left($3, 128) AND foreign_id = $3
              AND idx >= logs.trim
        ORDER BY idx DESC LIMIT 1)
    FROM logs WHERE task_id = $1 AND epoch = $2 AND NOT dead";

/// How many slots of the log `$1` below `$2`, but not below its trim point `$3`, there are of each
/// kind; those below the trim point count.
pub(crate) const KINDS: &str = "
    SELECT type, level, sum(count)::bigint FROM (
        SELECT type, level, count FROM counts
        WHERE log_id = $1 AND idx = (SELECT max(idx) FROM counts
                                     WHERE log_id = $1 AND idx <= greatest($2::bigint, $3::bigint))
        UNION ALL
        SELECT type, level, count(*) FROM slots
        WHERE log_id = $1 AND idx < greatest($2::bigint, $3::bigint)
              AND idx >= coalesce((SELECT max(idx) FROM counts
                                   WHERE log_id = $1 AND idx <= greatest($2::bigint, $3::bigint)), 0)
        GROUP BY type, level) kinds
    GROUP BY type, level";

/// Keeps the counts at the index `$2` of the log `$1`.
static KEEP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO counts (log_id, idx, type, level, count)
         SELECT $1, $2, kinds.* FROM ({KINDS}) kinds ON CONFLICT DO NOTHING"
    )
});

/// Keeps the counts at an index of a log that has every slot below it from `trim` on.
pub(crate) async fn keep(
    client: &impl GenericClient,
    log: i64,
    at: Index,
    trim: Index,
) -> Result<(), Fault> {
    sql::write(client, &KEEP, &[&log, &ordered(at.0), &ordered(trim.0)]).await?;
    Ok(())
}

/// The kinds of the slots of a log below an index, with how many there are.
pub(crate) async fn kinds(
    client: &impl GenericClient,
    log: i64,
    upto: Index,
    trim: Index,
) -> Result<Vec<(EventType, Level, u64)>, Fault> {
    let found = sql::rows(client, KINDS, &[&log, &ordered(upto.0), &ordered(trim.0)]).await?;
    let kind = |row: &Row| {
        Ok((
            rows::event_type(row, 0)?,
            rows::level(row, 1)?,
            rows::number(row, 2)?,
        ))
    };
    found.iter().map(kind).collect()
}

/// A log as a reader finds it.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) log: i64,
    pub(crate) trim: Index,
    pub(crate) tail: Index,
}

/// Looks for a log.
pub(crate) async fn find(
    client: &impl GenericClient,
    id: &TaskId,
    epoch: Epoch,
) -> Result<Option<Found>, Fault> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("{FIND} SELECT log_id, trim, tail FROM log"));
    let found = sql::row(client, &SQL, &[&id.as_str(), &i64::from(epoch.0)]).await?;
    let found = found.map(|row| {
        Ok(Found {
            log: row.try_get(0)?,
            trim: Index(rows::number(&row, 1)?),
            tail: Index(rows::number(&row, 2)?),
        })
    });
    found.transpose()
}

/// Begins to look at one moment.
pub(crate) async fn snapshot(
    client: &mut deadpool_postgres::Object,
) -> Result<Transaction<'_>, Fault> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead);
    Ok(transaction.read_only(true).start().await?)
}

impl PostgresStore {
    pub(crate) async fn count_below(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        let call = async {
            let mut client = self.pool.get().await?;
            let moment = snapshot(&mut client).await?;
            let Some(found) = find(&moment, id, epoch).await? else {
                return Ok(None);
            };
            if filter.is_all() {
                return Ok(Some(upto.clamp(found.trim, found.tail).0));
            }
            let kinds = kinds(&moment, found.log, upto, found.trim).await?;
            Ok(Some(matching(&kinds, filter)))
        };
        self.pool.within(call).await?.ok_or(ReadError::Gone)
    }

    /// The position after the first `count` matches; [`Index::START`] when it is trimmed.
    pub(crate) async fn past(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        count: u64,
    ) -> Result<Option<Index>, ReadError> {
        let call = async {
            let mut client = self.pool.get().await?;
            let moment = snapshot(&mut client).await?;
            match find(&moment, id, epoch).await? {
                Some(found) => past(&moment, found, filter, count).await.map(Some),
                None => Ok(None),
            }
        };
        self.pool.within(call).await?.ok_or(ReadError::Gone)
    }

    pub(crate) fn decode<T>(&self, decoded: Result<T, Fault>) -> Result<T, StoreError> {
        decoded.map_err(|fault| fault.into_store(&self.pool.shown))
    }
}

fn matching(kinds: &[(EventType, Level, u64)], filter: &EventFilter) -> u64 {
    let matching = kinds
        .iter()
        .filter(|(kind, level, _)| filter.matches(kind, *level));
    matching.map(|(_, _, count)| count).sum()
}

async fn past(
    moment: &Transaction<'_>,
    found: Found,
    filter: &EventFilter,
    count: u64,
) -> Result<Option<Index>, Fault> {
    let Found { log, trim, tail } = found;
    let gone = matching(&kinds(moment, log, trim, trim).await?, filter);
    if count < gone || count == 0 {
        return Ok(Some(Index::START));
    }
    if count == gone {
        return Ok(Some(trim));
    }
    let kinds = kinds(moment, log, tail, trim).await?;
    if matching(&kinds, filter) < count {
        return Ok(None);
    }
    let wanted = kinds
        .iter()
        .filter(|(kind, level, _)| filter.matches(kind, *level));
    let (types, levels): (Vec<&str>, Vec<i16>) = wanted
        .map(|(kind, level, _)| (kind.as_str(), rows::level_number(*level)))
        .unzip();
    // From the last kept count that is below.
    let sql = "SELECT idx, matched FROM (
            SELECT idx, coalesce(sum(count) FILTER (WHERE (type, level) IN (
                SELECT * FROM unnest($2::text[], $3::smallint[]))), 0)::bigint AS matched
            FROM counts WHERE log_id = $1 AND idx >= $4 GROUP BY idx) kept
        WHERE matched < $5 ORDER BY idx DESC LIMIT 1";
    let first = (ordered(trim.0), ordered(count));
    let kept = sql::row(moment, sql, &[&log, &types, &levels, &first.0, &first.1]).await?;
    let (from, before) = match kept {
        Some(row) => (row.try_get::<_, i64>(0)?, rows::number(&row, 1)?),
        None => (first.0, gone),
    };
    let sql = "SELECT idx FROM slots
        WHERE log_id = $1 AND idx >= $4
              AND (type, level) IN (SELECT * FROM unnest($2::text[], $3::smallint[]))
        ORDER BY idx OFFSET $5 LIMIT 1";
    let over = ordered(count - before - 1);
    let last = sql::row(moment, sql, &[&log, &types, &levels, &from, &over]).await?;
    last.map(|row| Ok(Index(rows::number(&row, 0)?).next()))
        .transpose()
}
