//! Writing what hangs on a log: its series, texts, and what makes commits happen once.
//!
//! Each statement writes the rows of all logs of a call, passed as arrays.

use super::gain::Gain;
use crate::error::Fault;
use crate::rows::mode_number;
use crate::sql::{self, column, ordered};
use deadpool_postgres::Transaction;
use taskcast_core::{SeriesId, SeriesState};
use taskcast_store::plan::{KeptKey, KeptProducer};

/// Marks the newest events that are kept of `latest` series as replaced.
async fn replace(client: &Transaction<'_>, gains: &[Gain<'_>]) -> Result<(), Fault> {
    let (mut logs, mut names, mut newer) = (Vec::new(), Vec::new(), Vec::new());
    for gain in gains {
        for (id, by) in &gain.replacing {
            logs.push(gain.locked.log);
            names.push(id.as_str());
            newer.push(by.0.cast_signed());
        }
    }
    if logs.is_empty() {
        return Ok(());
    }
    let sql = "WITH old AS (
            SELECT log_id, newest AS idx, new.superseded_by
            FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (log_id, name, superseded_by)
                 JOIN series USING (log_id, name)),
        refused AS (
            UPDATE quarantine SET superseded_by = old.superseded_by FROM old
            WHERE quarantine.log_id = old.log_id AND quarantine.idx = old.idx)
        UPDATE events SET superseded_by = old.superseded_by FROM old
        WHERE events.log_id = old.log_id AND events.idx = old.idx";
    sql::write(client, sql, &[&logs, &names, &newer]).await?;
    Ok(())
}

/// Writes where series stand, once what they stood at is marked as replaced.
pub(super) async fn series(client: &Transaction<'_>, gains: &[Gain<'_>]) -> Result<(), Fault> {
    let rows: Vec<(i64, &SeriesId, &SeriesState)> = gains
        .iter()
        .flat_map(|gain| {
            gain.series
                .iter()
                .map(|(id, state)| (gain.locked.log, *id, state))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    replace(client, gains).await?;
    let logs = column(&rows, |(log, ..)| *log);
    let names = column(&rows, |(_, id, _)| id.as_str());
    let modes = column(&rows, |(.., state)| mode_number(state.mode));
    let fields = column(&rows, |(.., state)| &*state.field);
    let newest = column(&rows, |(.., state)| state.newest.0.cast_signed());
    let folds = column(&rows, |(.., state)| state.fold);
    let runs = column(&folds, |fold| Some(fold.as_ref()?.run.0.cast_signed()));
    let offsets = column(&folds, |fold| Some(fold.as_ref()?.offset.cast_signed()));
    let spans = column(&folds, |fold| fold.as_ref()?.text);
    let starts = column(&spans, |span| Some(i64::from(span.as_ref()?.start)));
    let ends = column(&spans, |span| Some(i64::from(span.as_ref()?.end)));
    let sql = "INSERT INTO series (log_id, name, mode, field, newest, run, run_offset, text_start,
                                   text_end)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::bigint[],
                             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
        ON CONFLICT (log_id, name) DO UPDATE SET
            mode = excluded.mode, field = excluded.field, newest = excluded.newest,
            run = excluded.run, run_offset = excluded.run_offset,
            text_start = excluded.text_start, text_end = excluded.text_end";
    sql::write(
        client,
        sql,
        &[
            &logs, &names, &modes, &fields, &newest, &runs, &offsets, &starts, &ends,
        ],
    )
    .await?;
    Ok(())
}

/// Writes pieces of text.
pub(super) async fn texts(client: &Transaction<'_>, gains: &[Gain<'_>]) -> Result<(), Fault> {
    let (mut logs, mut names) = (Vec::new(), Vec::new());
    let (mut runs, mut starts, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for gain in gains {
        for piece in &gain.texts {
            logs.push(gain.locked.log);
            names.push(piece.series.as_str());
            runs.push(piece.run.0.cast_signed());
            starts.push(piece.start.cast_signed());
            texts.push(&*piece.text);
        }
    }
    if logs.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO texts (log_id, series, run, start, text)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])
        ON CONFLICT (log_id, series, run, start) DO UPDATE SET text = excluded.text";
    sql::write(client, sql, &[&logs, &names, &runs, &starts, &texts]).await?;
    Ok(())
}

/// Writes producers; those beyond `limit` of a log, unused longest, are forgotten.
pub(super) async fn producers(
    client: &Transaction<'_>,
    rows: &[(i64, &str, &KeptProducer)],
    limit: usize,
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let (logs, ids) = (
        column(rows, |(log, ..)| *log),
        column(rows, |(_, id, _)| *id),
    );
    let number =
        |read: fn(&KeptProducer) -> u64| column(rows, |(.., kept)| read(kept).cast_signed());
    let epochs = number(|kept| kept.position.epoch);
    let seqs = number(|kept| kept.position.seq);
    let firsts = number(|kept| kept.first);
    let indexes = number(|kept| kept.original.first.0);
    let counts = number(|kept| kept.original.count);
    let sql = "INSERT INTO producers (log_id, id, epoch, seq, first, idx, count, used)
        SELECT log_id, id, epoch, seq, first, idx, count, nextval('taskcast.uses') FROM (
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[],
                                 $5::bigint[], $6::bigint[], $7::bigint[]) WITH ORDINALITY
                AS new (log_id, id, epoch, seq, first, idx, count, line) ORDER BY line) new
        ON CONFLICT (log_id, id) DO UPDATE SET
            epoch = excluded.epoch, seq = excluded.seq, first = excluded.first,
            idx = excluded.idx, count = excluded.count, used = excluded.used";
    sql::write(
        client,
        sql,
        &[&logs, &ids, &epochs, &seqs, &firsts, &indexes, &counts],
    )
    .await?;
    let sql = "DELETE FROM producers USING (
            SELECT log_id, id, row_number() OVER (PARTITION BY log_id ORDER BY used DESC) AS nth
            FROM producers WHERE log_id = ANY($1)) old
        WHERE nth > $2 AND producers.log_id = old.log_id AND producers.id = old.id";
    sql::write(client, sql, &[&logs, &ordered(limit as u64)]).await?;
    Ok(())
}

/// Writes idempotency keys; those beyond `limit` of a log, the oldest, are forgotten.
pub(super) async fn keys(
    client: &Transaction<'_>,
    rows: &[(i64, &str, &KeptKey)],
    limit: usize,
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let (logs, keys) = (
        column(rows, |(log, ..)| *log),
        column(rows, |(_, key, _)| *key),
    );
    let bodies = column(rows, |(.., kept)| &kept.body[..]);
    let number = |read: fn(&KeptKey) -> u64| column(rows, |(.., kept)| read(kept).cast_signed());
    let indexes = number(|kept| kept.original.first.0);
    let counts = number(|kept| kept.original.count);
    let times = number(|kept| kept.at.0);
    let sql = "INSERT INTO keys (log_id, key, body, idx, count, at, used)
        SELECT log_id, key, body, idx, count, at, nextval('taskcast.uses') FROM (
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[],
                                 $5::bigint[], $6::bigint[]) WITH ORDINALITY
                AS new (log_id, key, body, idx, count, at, line) ORDER BY line) new
        ON CONFLICT (log_id, key) DO UPDATE SET
            body = excluded.body, idx = excluded.idx, count = excluded.count, at = excluded.at,
            used = excluded.used";
    sql::write(
        client,
        sql,
        &[&logs, &keys, &bodies, &indexes, &counts, &times],
    )
    .await?;
    let sql = "DELETE FROM keys USING (
            SELECT log_id, key, row_number() OVER (PARTITION BY log_id ORDER BY used DESC) AS nth
            FROM keys WHERE log_id = ANY($1)) old
        WHERE nth > $2 AND keys.log_id = old.log_id AND keys.key = old.key";
    sql::write(client, sql, &[&logs, &ordered(limit as u64)]).await?;
    Ok(())
}
