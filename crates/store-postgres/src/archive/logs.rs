//! The rows of logs: locked, begun, and brought to where the logs stand.

use super::Name;
use super::gain::{Gain, Locked};
use crate::error::Fault;
use crate::rows;
use crate::sql::{self, Json, column, ordered};
use deadpool_postgres::Transaction;
use std::collections::HashMap;
use std::sync::LazyLock;
use taskcast_core::{Index, Millis, Tag, TaskRecord};
use taskcast_store::tier::ArchiveEntry;

/// Separates tags in one text; no tag has it.
const SEPARATOR: &str = "\u{1f}";

/// A record as it is stored, and what it is found by.
struct Record {
    status: &'static str,
    task_type: Option<String>,
    tags: String,
    completed_at: Option<i64>,
    json: Json,
}

impl Record {
    fn of(record: &TaskRecord) -> Result<Self, Fault> {
        let json = serde_json::to_vec(record).map_err(|error| Fault::Damaged(error.to_string()))?;
        let tags: Vec<&str> = record.tags.iter().map(Tag::as_str).collect();
        let task_type = record.task_type.as_ref();
        Ok(Self {
            status: record.status.as_str(),
            task_type: task_type.map(|kind| kind.as_str().to_owned()),
            tags: tags.join(SEPARATOR),
            completed_at: record.completed_at.map(|at| ordered(at.0)),
            json: Json(json.into()),
        })
    }

    fn bytes(&self) -> i32 {
        i32::try_from(self.json.0.len()).unwrap_or(i32::MAX)
    }
}

/// Locks the logs of entries, in one order for everybody.
pub(super) async fn lock(
    client: &Transaction<'_>,
    entries: &[ArchiveEntry],
) -> Result<HashMap<Name, Locked>, Fault> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT task_id, epoch, log_id, trim, rewound, {} FROM logs
             JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::bigint[])) AS asked (task_id, epoch)
                  USING (task_id, epoch)
             WHERE NOT dead ORDER BY task_id, epoch FOR UPDATE OF logs",
            rows::WATERMARK
        )
    });
    let ids = column(entries, |entry| entry.state.record.id.as_str());
    let epochs = column(entries, |entry| i64::from(entry.state.epoch.0));
    let found = sql::rows(client, &SQL, &[&ids, &epochs]).await?;
    let mut logs = HashMap::with_capacity(found.len());
    for row in &found {
        let locked = Locked {
            log: row.try_get(2)?,
            watermark: rows::watermark(row, 5)?,
            trim: Index(rows::number(row, 3)?),
            new: false,
            rewound: row.try_get(4)?,
        };
        logs.insert((rows::task_id(row, 0)?, rows::epoch(row, 1)?), locked);
    }
    Ok(logs)
}

/// Begins logs, with nothing in them yet. Its number in the order of arrival is in the low bits of
/// `log_id`, the time in the high ones.
const INSERT: &str = "INSERT INTO logs (log_id, number, task_id, epoch, revision, status, type,
        tags, created_at, completed_at, tail, trim, last_at, commit_no, partition, hot, version,
        record_bytes, record)
    SELECT ($1::bigint << 20) | (number & 1048575), number, task_id, epoch, revision, status, type,
           string_to_array(tags, E'\\x1f'), created_at, completed_at, 0, 0, created_at, 0,
           partition, true, 1, record_bytes, record
    FROM (SELECT nextval('taskcast.log_numbers') AS number, new.* FROM (
        SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                             $7::text[], $8::bigint[], $9::bigint[], $10::integer[],
                             $11::integer[], $12::json[])
            AS new (task_id, epoch, revision, status, type, tags, created_at, completed_at,
                    partition, record_bytes, record)
        ORDER BY task_id, epoch) new) numbered
    ON CONFLICT (task_id, epoch) WHERE NOT dead DO NOTHING";

/// Begins logs for entries, unless somebody else was faster.
pub(super) async fn insert(
    client: &Transaction<'_>,
    entries: &[&ArchiveEntry],
    now: Millis,
) -> Result<(), Fault> {
    let mut records = Vec::with_capacity(entries.len());
    for entry in entries {
        records.push(Record::of(&entry.state.record)?);
    }
    sql::write(
        client,
        INSERT,
        &[
            &ordered(now.0),
            &column(entries, |entry| entry.state.record.id.as_str()),
            &column(entries, |entry| i64::from(entry.state.epoch.0)),
            &column(entries, |entry| ordered(entry.state.revision.0)),
            &column(&records, |record| record.status),
            &column(&records, |record| record.task_type.as_deref()),
            &column(&records, |record| &*record.tags),
            &column(entries, |entry| ordered(entry.state.record.created_at.0)),
            &column(&records, |record| record.completed_at),
            &column(entries, |entry| i32::from(entry.partition.0)),
            &column(&records, Record::bytes),
            &column(&records, |record| &record.json),
        ],
    )
    .await?;
    Ok(())
}

/// A record that is as before is not written again.
const UPDATE: &str = "UPDATE logs SET
        tail = new.tail, commit_no = new.commit_no, revision = new.revision,
        last_at = coalesce(new.last_at, logs.last_at),
        last_commit = coalesce(new.last_commit, logs.last_commit),
        partition = new.partition, rewound = new.rewound,
        version = version + CASE WHEN new.hot AND NOT logs.hot THEN 1 ELSE 0 END,
        hot = logs.hot OR new.hot,
        status = coalesce(new.status, logs.status),
        type = CASE WHEN new.status IS NULL THEN logs.type ELSE new.type END,
        tags = CASE WHEN new.status IS NULL THEN logs.tags
                    ELSE string_to_array(new.tags, E'\\x1f') END,
        completed_at = CASE WHEN new.status IS NULL THEN logs.completed_at
                            ELSE new.completed_at END,
        record_bytes = coalesce(new.record_bytes, logs.record_bytes),
        record = coalesce(new.record, logs.record)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::integer[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::bigint[],
                $13::integer[], $14::json[], $15::boolean[])
         AS new (log_id, tail, last_at, last_commit, commit_no, revision, partition, rewound, status,
                 type, tags, completed_at, record_bytes, record, hot)
    WHERE logs.log_id = new.log_id";

/// Writes where each log stands now.
pub(super) async fn update(client: &Transaction<'_>, gains: &[Gain<'_>]) -> Result<(), Fault> {
    let mut records: Vec<Option<Record>> = Vec::with_capacity(gains.len());
    for gain in gains {
        let record = gain.record().map(|state| Record::of(&state.record));
        records.push(record.transpose()?);
    }
    let logs = column(gains, |gain| &gain.locked);
    let marks = column(&logs, |locked| &locked.watermark);
    let last = column(&marks, |mark| mark.last.unzip());
    sql::write(
        client,
        UPDATE,
        &[
            &column(&logs, |locked| locked.log),
            &column(&marks, |mark| mark.tail.0.cast_signed()),
            &column(&last, |(at, _)| Some(ordered((*at)?.0))),
            &column(&last, |(_, commit)| Some(ordered((*commit)?.0))),
            &column(&marks, |mark| ordered(mark.commit.0)),
            &column(&marks, |mark| ordered(mark.revision.0)),
            &column(gains, |gain| i32::from(gain.partition)),
            &column(&logs, |locked| locked.rewound),
            &column(&records, |record| Some(record.as_ref()?.status)),
            &column(&records, |record| record.as_ref()?.task_type.as_deref()),
            &column(&records, |record| Some(&*record.as_ref()?.tags)),
            &column(&records, |record| record.as_ref()?.completed_at),
            &column(&records, |record| Some(record.as_ref()?.bytes())),
            &column(&records, |record| Some(&record.as_ref()?.json)),
            &column(gains, |gain| gain.hot),
        ],
    )
    .await?;
    Ok(())
}
