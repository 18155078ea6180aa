//! Reading one log. Every read is one statement, and so sees one moment.

use crate::error::Fault;
use crate::rows::{self, HEAD, SLOT};
use crate::sql::{self, Values, ordered};
use crate::{PostgresStore, count};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::sync::LazyLock;
use taskcast_core::{Epoch, EventFilter, Head, Index, SeriesId, TaskId};
use taskcast_store::{Heads, LogReader, Page, ReadAsk, ReadError, Seek, Which};
use tokio_postgres::Row;

/// The log that `$1` and `$2` name; no row when it is not kept.
pub(crate) const FIND: &str = "WITH log AS MATERIALIZED (
    SELECT log_id, trim, tail FROM logs WHERE task_id = $1 AND epoch = $2 AND NOT dead)";

#[async_trait]
impl LogReader for PostgresStore {
    async fn read(&self, id: &TaskId, epoch: Epoch, ask: ReadAsk) -> Result<Page, ReadError> {
        let sql = match ask.which {
            Which::All => &*PAGE,
            Which::Unfolded => &*UNFOLDED_PAGE,
        };
        let (from, to) = (ordered(ask.from.0), ordered(ask.to.0));
        let (slots, bytes) = (ordered(ask.max_slots as u64), ordered(ask.max_bytes as u64));
        let found = self
            .log(sql, id, epoch, &[&from, &to, &slots, &bytes])
            .await?;
        self.decode(page(&found, &ask)).map_err(Into::into)
    }

    async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
        let found = self.log(&HEADS, id, epoch, &[]).await?;
        self.decode(heads(&found)).map_err(Into::into)
    }

    async fn text(
        &self,
        id: &TaskId,
        epoch: Epoch,
        series: &SeriesId,
        run: Index,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let (from, to) = (ordered(range.start), ordered(range.end));
        let (name, first) = (series.as_str(), ordered(run.0));
        let found = self
            .log(&TEXT, id, epoch, &[&name, &first, &from, &to])
            .await?;
        let text = join(&found, 3, range).map_err(|hole| {
            let place = format!("task {id}, series {series}, run {run}");
            Fault::Damaged(format!("{place}: the text is not kept from byte {hole} on"))
        });
        self.decode(text).map_err(Into::into)
    }

    async fn count(
        &self,
        id: &TaskId,
        epoch: Epoch,
        filter: &EventFilter,
        upto: Index,
    ) -> Result<u64, ReadError> {
        self.count_below(id, epoch, filter, upto).await
    }

    async fn seek(
        &self,
        id: &TaskId,
        epoch: Epoch,
        seek: Seek,
    ) -> Result<Option<Index>, ReadError> {
        match seek {
            Seek::After(at) => {
                let found = self.log(count::AFTER, id, epoch, &[&ordered(at.0)]).await?;
                self.decode(index(&found)).map_err(Into::into)
            }
            Seek::Past { filter, count } => self.past(id, epoch, &filter, count).await,
            Seek::Foreign(foreign) => {
                let found = self.log(count::FOREIGN, id, epoch, &[&&*foreign]).await?;
                self.decode(index(&found)).map_err(Into::into)
            }
        }
    }
}

impl PostgresStore {
    /// Runs a statement that begins with [`FIND`] and gives at least one row for a log that is kept.
    async fn log(
        &self,
        sql: &str,
        id: &TaskId,
        epoch: Epoch,
        more: Values<'_>,
    ) -> Result<Vec<Row>, ReadError> {
        let (id, epoch) = (id.as_str(), i64::from(epoch.0));
        let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&id, &epoch];
        values.extend(more);
        let call = async {
            let client = self.pool.get().await?;
            sql::rows(&client, sql, &values).await
        };
        let rows = self.pool.within(call).await?;
        if rows.is_empty() {
            return Err(ReadError::Gone);
        }
        Ok(rows)
    }
}

static PAGE: LazyLock<String> = LazyLock::new(|| page_sql(""));
static UNFOLDED_PAGE: LazyLock<String> = LazyLock::new(|| page_sql("AND NOT delta"));

/// A page: what fits, and the slot after it, whose index is where to go on. Payloads are measured by
/// a column, so none is read that does not fit.
fn page_sql(condition: &str) -> String {
    let header = SLOT.trim_end_matches("data, payload");
    format!(
        "{FIND}
         SELECT log.trim, log.tail, p.fits, {header}
                CASE WHEN p.fits THEN data END, CASE WHEN p.fits THEN payload END
         FROM log LEFT JOIN LATERAL (
             SELECT *, nth <= $5::bigint AND (nth = 1 OR upto <= $6::bigint) AS fits FROM (
                 SELECT *, row_number() OVER line AS nth, sum(size) OVER line AS upto FROM (
                     SELECT *, CASE WHEN state = 0 AND superseded_by IS NULL THEN bytes::bigint
                                    ELSE 0 END AS size
                     FROM slots
                     WHERE log_id = log.log_id AND idx >= greatest($3, log.trim)
                           AND idx < least($4, log.tail) {condition}
                     ORDER BY idx LIMIT $5::bigint + 1) first
                 WINDOW line AS (ORDER BY idx)) measured
             WHERE nth <= 2 OR upto - size <= $6::bigint) p ON true
         ORDER BY p.idx"
    )
}

fn page(found: &[Row], ask: &ReadAsk) -> Result<Page, Fault> {
    let first = found
        .first()
        .ok_or_else(|| Fault::Damaged("no log".into()))?;
    let (trim, tail) = (
        Index(rows::number(first, 0)?),
        Index(rows::number(first, 1)?),
    );
    let (mut slots, mut next) = (Vec::with_capacity(found.len()), tail.min(ask.to));
    for row in found {
        match row.try_get(2)? {
            Some(true) => slots.push(rows::slot(row, 3)?),
            Some(false) => {
                next = Index(rows::number(row, 3)?);
                break;
            }
            None => {}
        }
    }
    Ok(Page {
        slots,
        next,
        tail,
        trim,
        base: trim,
    })
}

static HEADS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{FIND}
         SELECT log.tail, head.name, {SLOT} FROM log LEFT JOIN LATERAL (
             SELECT name, newest.* FROM series CROSS JOIN LATERAL (
                 SELECT {SLOT} FROM slots
                 WHERE log_id = log.log_id AND idx = series.newest AND state = 0
                 UNION ALL
                 SELECT {HEAD} FROM heads WHERE log_id = log.log_id AND idx = series.newest
                 LIMIT 1) newest
             WHERE series.log_id = log.log_id AND series.mode = 1) head ON true
         ORDER BY idx"
    )
});

fn heads(found: &[Row]) -> Result<Heads, Fault> {
    let first = found
        .first()
        .ok_or_else(|| Fault::Damaged("no log".into()))?;
    let tail = Index(rows::number(first, 0)?);
    let mut heads = Vec::with_capacity(found.len());
    for row in found {
        if let Some(name) = row.try_get(1)? {
            let (series, newest) = (rows::series_id(name)?, rows::event(row, 2)?);
            heads.push(Head { series, newest });
        }
    }
    Ok(Heads { tail, heads })
}

/// The pieces of a run, from the one that the range begins in.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{FIND}
         SELECT log.log_id, log.trim, log.tail, piece.start, piece.text FROM log LEFT JOIN LATERAL (
             SELECT start, text FROM texts
             WHERE log_id = log.log_id AND series = $3 AND run = $4 AND start < $6
                   AND start >= (SELECT coalesce(max(start), 0) FROM texts
                                 WHERE log_id = log.log_id AND series = $3 AND run = $4
                                       AND start <= $5)) piece ON true
         ORDER BY piece.start"
    )
});

/// Joins pieces (`start, text` from `column` on) and cuts out a range. The error is the offset that
/// should be there and is not.
pub(crate) fn join(found: &[Row], column: usize, range: Range<u64>) -> Result<Bytes, u64> {
    let (mut text, mut expected) = (Vec::new(), None);
    for row in found {
        let start: Option<i64> = row.try_get(column).unwrap_or(None);
        let Some(start) = start.map(i64::cast_unsigned) else {
            continue;
        };
        let piece = row
            .try_get::<_, &str>(column + 1)
            .unwrap_or_default()
            .as_bytes();
        if start != expected.unwrap_or(start.min(range.start)) {
            return Err(expected.unwrap_or(range.start));
        }
        let clip = |offset: u64| {
            let within = usize::try_from(offset.saturating_sub(start));
            within.map_or(piece.len(), |within| within.min(piece.len()))
        };
        text.extend_from_slice(
            piece
                .get(clip(range.start)..clip(range.end))
                .unwrap_or_default(),
        );
        expected = Some(start + piece.len() as u64);
    }
    Ok(text.into())
}

/// The index in the first column.
fn index(found: &[Row]) -> Result<Option<Index>, Fault> {
    let index = found
        .first()
        .map(|row| row.try_get::<_, Option<i64>>(0))
        .transpose()?;
    Ok(index.flatten().map(|index| Index(index.cast_unsigned())))
}
