//! Writing slots: by COPY, and what PostgreSQL refuses into the quarantine.

use super::gain::{Gain, Header};
use crate::error::Fault;
use crate::rows;
use crate::sql::{self, Json};
use deadpool_postgres::Transaction;
use taskcast_core::{Index, Slot};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

/// A slot on its way into a table.
pub(super) struct Entry<'e> {
    log: i64,
    partition: i32,
    slot: &'e Slot,
    superseded_by: Option<Index>,
}

/// The columns of a slot in both tables, before the payload.
const COLUMNS: &str = "log_id, idx, at, commit_no, partition, type, level, state, superseded_by, \
    delta, bytes, series, mode, field, run, run_offset, text_start, text_end, foreign_id";

const TYPES: [Type; 20] = [
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT4,
    Type::TEXT,
    Type::INT2,
    Type::INT2,
    Type::INT8,
    Type::BOOL,
    Type::INT4,
    Type::TEXT,
    Type::INT2,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::JSON,
];

/// All slots that logs gain.
pub(super) fn entries<'e>(gains: &[Gain<'e>]) -> Vec<Entry<'e>> {
    let mut entries = Vec::with_capacity(gains.iter().map(|gain| gain.slots.len()).sum());
    for gain in gains {
        entries.extend(gain.slots.iter().map(|(slot, superseded_by)| Entry {
            log: gain.locked.log,
            partition: i32::from(gain.partition),
            slot,
            superseded_by: *superseded_by,
        }));
    }
    entries
}

/// Writes slots in one go.
pub(super) async fn copy(client: &Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let copy = format!("COPY events ({COLUMNS}, data) FROM STDIN BINARY");
    let statement = client.prepare_cached(&copy).await?;
    let sink = client.copy_in(&statement).await?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for entry in entries {
        let row = Row::of(entry);
        writer.as_mut().write(&row.values(&row.data)).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Writes slots, each by itself where PostgreSQL refuses one among them: halves that go well are
/// written in one go, a single slot that does not goes into the quarantine.
pub(super) async fn copy_around(
    transaction: &mut Transaction<'_>,
    entries: &[Entry<'_>],
) -> Result<(), Fault> {
    let mut left = vec![entries];
    while let Some(some) = left.pop() {
        let attempt = transaction.savepoint("attempt").await?;
        match copy(&attempt, some).await {
            Ok(()) => attempt.commit().await?,
            Err(fault) if fault.is_refusal() => {
                attempt.rollback().await?;
                match some {
                    [one] => quarantine(transaction, one, &fault).await?,
                    _ => {
                        let (first, second) = some.split_at(some.len() / 2);
                        left.extend([second, first]);
                    }
                }
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

async fn quarantine(
    transaction: &Transaction<'_>,
    entry: &Entry<'_>,
    fault: &Fault,
) -> Result<(), Fault> {
    let sqlstate = fault.state().map_or("", |state| state.code());
    let error = fault.message();
    tracing::warn!(
        event = "archive_quarantine",
        log = entry.log,
        index = entry.slot.index().0,
        sqlstate,
        error,
        "PostgreSQL refuses an event; it is kept in taskcast.quarantine and served from there"
    );
    let sql = format!(
        "INSERT INTO quarantine ({COLUMNS}, payload, sqlstate, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22)"
    );
    let row = Row::of(entry);
    let payload = row.data.as_ref().map(|json| &json.0[..]);
    let mut values = row.values(&payload);
    values.extend([&sqlstate as &(dyn ToSql + Sync), &error]);
    sql::write(transaction, &sql, &values).await?;
    Ok(())
}

/// The values of the columns.
struct Row<'e> {
    log: i64,
    index: i64,
    at: i64,
    commit: i64,
    partition: i32,
    event_type: &'e str,
    level: i16,
    superseded_by: Option<i64>,
    delta: bool,
    series: Option<&'e str>,
    field: Option<&'e str>,
    header: Header<'e>,
    data: Option<Json>,
}

impl<'e> Row<'e> {
    fn of(entry: &Entry<'e>) -> Self {
        let slot = entry.slot;
        let header = Header::of(slot);
        let (event_type, level) = slot.kind();
        let series = header.event.map(|event| &event.series);
        let data = header.event.and_then(|event| event.data.as_ref());
        Self {
            log: entry.log,
            index: slot.index().0.cast_signed(),
            at: sql::ordered(slot.at().0),
            commit: sql::ordered(slot.commit().0),
            partition: entry.partition,
            event_type: event_type.as_str(),
            level: rows::level_number(level),
            superseded_by: entry.superseded_by.map(|index| index.0.cast_signed()),
            delta: header.run.is_some(),
            series: series.and_then(|tag| tag.id.as_ref()).map(|id| id.as_str()),
            field: series.and_then(|tag| tag.field.as_deref()),
            data: data.map(Json::of),
            header,
        }
    }

    /// The values in the order of [`COLUMNS`], and the payload.
    fn values<'r>(&'r self, payload: &'r (dyn ToSql + Sync)) -> Vec<&'r (dyn ToSql + Sync)> {
        let header = &self.header;
        vec![
            &self.log,
            &self.index,
            &self.at,
            &self.commit,
            &self.partition,
            &self.event_type,
            &self.level,
            &header.state,
            &self.superseded_by,
            &self.delta,
            &header.bytes,
            &self.series,
            &header.mode,
            &self.field,
            &header.run,
            &header.run_offset,
            &header.text_start,
            &header.text_end,
            &header.foreign_id,
            payload,
        ]
    }
}
