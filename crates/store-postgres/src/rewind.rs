//! Taking back the end of a log, because the short-term store has lost it.

use crate::error::Fault;
use crate::sql::{self, ordered};
use crate::{PostgresStore, trim};
use deadpool_postgres::Transaction;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::StoreError;

/// Each takes the log `$1` back to `$2`, in this order.
const STEPS: [&str; 13] = [
    "UPDATE events SET superseded_by = NULL WHERE log_id = $1 AND superseded_by >= $2",
    "UPDATE quarantine SET superseded_by = NULL WHERE log_id = $1 AND superseded_by >= $2",
    "DELETE FROM events WHERE log_id = $1 AND idx >= $2",
    "DELETE FROM quarantine WHERE log_id = $1 AND idx >= $2",
    "DELETE FROM heads WHERE log_id = $1 AND idx >= $2",
    "DELETE FROM counts WHERE log_id = $1 AND idx > $2",
    "DELETE FROM series WHERE log_id = $1 AND newest >= $2",
    SERIES,
    "DELETE FROM texts WHERE log_id = $1 AND run >= $2",
    LATER_TEXTS,
    CUT_TEXT,
    // Longest unused stays in its place; what the short-term store still knows comes again.
    "DELETE FROM producers WHERE log_id = $1 AND idx + count > $2",
    "DELETE FROM keys WHERE log_id = $1 AND idx + count > $2",
];

/// Series stand at their newest event that is left.
const SERIES: &str = "INSERT INTO series (log_id, name, mode, field, newest, run, run_offset,
                                          text_start, text_end)
    SELECT DISTINCT ON (series) $1::bigint, series, mode,
           CASE WHEN mode = 1 THEN coalesce(field, 'delta') ELSE '' END,
           idx, run, run_offset, text_start, text_end
    FROM (SELECT series, mode, field, idx, run, run_offset, text_start, text_end
          FROM slots WHERE log_id = $1
          UNION ALL
          SELECT series, mode, field, idx, run, run_offset, text_start, text_end
          FROM heads WHERE log_id = $1) events
    WHERE series IS NOT NULL AND mode IS NOT NULL AND idx < $2
    ORDER BY series, idx DESC
    ON CONFLICT DO NOTHING";

/// Pieces of the newest run that begin after the newest delta.
const LATER_TEXTS: &str = "DELETE FROM texts USING series
    WHERE texts.log_id = $1 AND $2::bigint IS NOT NULL AND series.log_id = $1
          AND series.name = texts.series AND series.run = texts.run
          AND texts.start >= series.run_offset + coalesce(series.text_end - series.text_start, 0)";

/// The piece that the newest delta ends in.
const CUT_TEXT: &str = "UPDATE texts
    SET text = convert_from(substring(convert_to(text, 'UTF8') FROM 1 FOR
        (series.run_offset + coalesce(series.text_end - series.text_start, 0) - start)::integer), 'UTF8')
    FROM series
    WHERE texts.log_id = $1 AND $2::bigint IS NOT NULL AND series.log_id = $1
          AND series.name = texts.series AND series.run = texts.run
          AND start + octet_length(text)
              > series.run_offset + coalesce(series.text_end - series.text_start, 0)";

/// The newest commit that is whole below `$2`: when slots are taken back, not the one that goes on
/// with them.
const COMMIT: &str = "SELECT least(logs.commit_no, coalesce(
        (SELECT commit_no FROM slots
         WHERE log_id = $1 AND idx >= logs.trim AND idx < $2 AND commit_no <> cut.commit_no
         ORDER BY idx DESC LIMIT 1),
        nullif(logs.trim_commit, cut.commit_no), logs.trim_before, 0))
    FROM logs JOIN slots cut ON cut.log_id = logs.log_id AND cut.idx = $2
    WHERE logs.log_id = $1";

/// The watermark, with the time and commit of the slot before it.
const LOG: &str = "UPDATE logs SET
        tail = $2, trim = least(trim, $2), rewound = true, commit_no = coalesce($3, logs.commit_no),
        last_at = coalesce(last.at, created_at), last_commit = last.commit_no
    FROM (SELECT max(at) AS at, max(commit_no) AS commit_no FROM (
              SELECT at, commit_no FROM slots WHERE log_id = $1 AND idx = $2::bigint - 1
              UNION ALL
              SELECT trim_at, trim_commit FROM logs WHERE log_id = $1 AND trim = $2) before) last
    WHERE logs.log_id = $1";

impl PostgresStore {
    pub(crate) async fn take_back(
        &self,
        id: &TaskId,
        epoch: Epoch,
        to: Index,
    ) -> Result<(), StoreError> {
        let call = async {
            let mut client = self.pool.get().await?;
            let transaction = client.transaction().await?;
            if let Some((log, _, tail)) = trim::lock(&transaction, id, epoch).await? {
                rewind(&transaction, log, to.min(tail)).await?;
            }
            transaction.commit().await?;
            Ok(())
        };
        self.pool.within(call).await
    }
}

async fn rewind(transaction: &Transaction<'_>, log: i64, to: Index) -> Result<(), Fault> {
    let to = ordered(to.0);
    let whole = sql::row(transaction, COMMIT, &[&log, &to]).await?;
    let commit: Option<i64> = whole.map(|row| row.try_get(0)).transpose()?;
    for step in STEPS {
        sql::write(transaction, step, &[&log, &to]).await?;
    }
    sql::write(transaction, LOG, &[&log, &to, &commit]).await?;
    Ok(())
}
