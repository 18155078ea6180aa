//! A log as it goes back into a short-term store.

use crate::error::Fault;
use crate::rows::{self, HEAD, SLOT};
use crate::sql;
use crate::{PostgresStore, count, read};
use bytes::Bytes;
use deadpool_postgres::Transaction;
use std::sync::LazyLock;
use taskcast_core::{Epoch, Event, Index, Millis, ProducerId, SeriesId, TaskId};
use taskcast_store::plan::{KeptKey, KeptProducer};
use taskcast_store::tier::{LogImage, OnceImage, SeriesImage};
use taskcast_store::{Original, ProducerPosition, ReadError};
use tokio_postgres::Row;

impl PostgresStore {
    pub(crate) async fn whole(&self, id: &TaskId, epoch: Epoch) -> Result<LogImage, ReadError> {
        let call = async {
            let mut client = self.pool.get().await?;
            let moment = count::snapshot(&mut client).await?;
            match count::find(&moment, id, epoch).await? {
                Some(found) => image(&moment, found).await.map(Some),
                None => Ok(None),
            }
        };
        self.pool.within(call).await?.ok_or(ReadError::Gone)
    }
}

async fn image(moment: &Transaction<'_>, found: count::Found) -> Result<LogImage, Fault> {
    static LOG: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM logs WHERE log_id = $1", rows::LOG));
    let row = sql::row(moment, &LOG, &[&found.log]).await?;
    let row = row.ok_or_else(|| Fault::Damaged("the log has no row".into()))?;
    Ok(LogImage {
        state: rows::kept(&row, 0)?.state,
        series: series(moment, found.log).await?,
        counts: count::kinds(moment, found.log, found.tail, found.trim).await?,
        once: OnceImage {
            producers: producers(moment, found.log).await?,
            keys: keys(moment, found.log).await?,
        },
    })
}

/// Every series, with the newest delta of those that fold.
static SERIES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT name, series.mode AS series_mode, series.field AS series_field, newest,
                series.run AS series_run, series.run_offset AS series_offset,
                series.text_start AS series_start, series.text_end AS series_end,
                head.idx IS NOT NULL, head.*
         FROM series LEFT JOIN LATERAL (
             SELECT {SLOT} FROM slots
             WHERE log_id = series.log_id AND idx = series.newest AND state = 0
             UNION ALL
             SELECT {HEAD} FROM heads WHERE log_id = series.log_id AND idx = series.newest
             LIMIT 1) head ON series.mode = 1
         WHERE series.log_id = $1 ORDER BY name"
    )
});

async fn series(moment: &Transaction<'_>, log: i64) -> Result<Vec<SeriesImage>, Fault> {
    let mut images = Vec::new();
    for row in sql::rows(moment, &SERIES, &[&log]).await? {
        let (id, state) = (rows::series_id(row.try_get(0)?)?, rows::series(&row, 1)?);
        let has_head: bool = row.try_get(8)?;
        let newest: Option<Event> = has_head.then(|| rows::event(&row, 9)).transpose()?;
        let text = match state.fold {
            Some(fold) => text(moment, log, &id, fold.run, fold.end()).await?,
            None => Bytes::new(),
        };
        images.push(SeriesImage {
            id,
            state,
            newest,
            text,
        });
    }
    Ok(images)
}

async fn text(
    moment: &Transaction<'_>,
    log: i64,
    series: &SeriesId,
    run: Index,
    end: u64,
) -> Result<Bytes, Fault> {
    let sql = "SELECT start, text FROM texts WHERE log_id = $1 AND series = $2 AND run = $3
               ORDER BY start";
    let pieces = sql::rows(moment, sql, &[&log, &series.as_str(), &run.0.cast_signed()]).await?;
    let text = read::join(&pieces, 0, 0..end).unwrap_or_default();
    if text.len() as u64 == end {
        return Ok(text);
    }
    Err(Fault::Damaged(format!(
        "the text of series {series}, run {run}, is not kept whole"
    )))
}

async fn producers(
    moment: &Transaction<'_>,
    log: i64,
) -> Result<Vec<(ProducerId, KeptProducer)>, Fault> {
    let sql = "SELECT idx, count, id, epoch, seq, first FROM producers WHERE log_id = $1
               ORDER BY used";
    let producer = |row: &Row| {
        let id: &str = row.try_get(2)?;
        let id = ProducerId::new(id).map_err(|error| rows::damaged("a producer", error))?;
        let position = ProducerPosition {
            epoch: rows::number(row, 3)?,
            seq: rows::number(row, 4)?,
        };
        let first = rows::number(row, 5)?;
        Ok((
            id,
            KeptProducer {
                position,
                first,
                original: original(row)?,
            },
        ))
    };
    sql::rows(moment, sql, &[&log])
        .await?
        .iter()
        .map(producer)
        .collect()
}

async fn keys(moment: &Transaction<'_>, log: i64) -> Result<Vec<(Box<str>, KeptKey)>, Fault> {
    let sql = "SELECT idx, count, key, body, at FROM keys WHERE log_id = $1 ORDER BY used";
    let key = |row: &Row| {
        let body: &[u8] = row.try_get(3)?;
        let body = body
            .try_into()
            .map_err(|error| rows::damaged("a key", error))?;
        let at = Millis(rows::number(row, 4)?);
        let key = row.try_get::<_, &str>(2)?.into();
        Ok((
            key,
            KeptKey {
                body,
                original: original(row)?,
                at,
            },
        ))
    };
    sql::rows(moment, sql, &[&log])
        .await?
        .iter()
        .map(key)
        .collect()
}

fn original(row: &Row) -> Result<Original, Fault> {
    Ok(Original {
        first: Index(rows::number(row, 0)?),
        count: rows::number(row, 1)?,
    })
}
