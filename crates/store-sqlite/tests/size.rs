//! What publishing leaves in the file: in proportion to the deltas, never to the text so far.

#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod given;

use given::{EPOCH, all, commit, create, delta, event, id, open, publish};
use rusqlite::Connection;
use std::path::Path;
use taskcast_core::{Index, SeriesId};
use taskcast_store::{LogReader, Maintenance, ReadAsk, ShortTermStore, TaskLog, Which};
use tempfile::TempDir;

fn number(path: &Path, sql: &str) -> i64 {
    let conn = Connection::open(path).unwrap();
    conn.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_series_of_20_000_deltas_is_stored_in_chunks_of_2_kib() {
    const DELTAS: usize = 20_000;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    create(&store, "a").await;
    for batch in 0..DELTAS / 100 {
        let deltas = (0..100).map(|n| delta("s", &format!("{:08} ", batch * 100 + n)));
        store.commit(commit("a", deltas.collect())).await.unwrap();
    }
    let bytes = DELTAS * 9;
    let series = SeriesId::new("s").unwrap();
    let text = store
        .text(&id("a"), EPOCH, &series, Index::START, 0..u64::MAX)
        .await;
    assert_eq!(text.unwrap().len(), bytes);
    store.close().await;
    assert!(number(&path, "SELECT max(octet_length(text)) FROM chunks") <= 2_048);
    let chunks = usize::try_from(number(&path, "SELECT count(*) FROM chunks")).unwrap();
    assert!(chunks <= bytes / 1_024, "{chunks} chunks");
    assert_eq!(number(&path, "SELECT count(*) FROM series"), 1);
    assert_eq!(
        number(&path, "SELECT max(octet_length(data)) FROM slots"),
        21
    );
}

#[tokio::test]
async fn a_chunk_goes_on_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    for n in 0..10 {
        let store = open(&path).unwrap();
        if n == 0 {
            create(&store, "a").await;
        }
        publish(&store, "a", delta("s", "é")).await.unwrap();
        store.close().await;
    }
    assert_eq!(number(&path, "SELECT count(*) FROM chunks"), 1);
    let store = open(&path).unwrap();
    let series = SeriesId::new("s").unwrap();
    let text = store
        .text(&id("a"), EPOCH, &series, Index::START, 2..20)
        .await
        .unwrap();
    assert_eq!(text, "é".repeat(9));
}

#[tokio::test]
async fn a_deleted_task_leaves_no_row() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    create(&store, "a").await;
    for _ in 0..3 {
        let events = (0..1_500).map(|_| delta("s", &"x".repeat(2_000)));
        store.commit(commit("a", events.collect())).await.unwrap();
    }
    store.trim(&id("a"), EPOCH, Index(3_700)).await.unwrap();
    assert!(store.delete(&id("a"), EPOCH).await.unwrap());
    // Deleted for everybody at once, also when the id is taken again before all rows are gone.
    create(&store, "a").await;
    publish(&store, "a", event("2")).await.unwrap();
    let page = store.read(&id("a"), EPOCH, all()).await.unwrap();
    assert_eq!(page.slots.len(), 1);
    assert!(store.delete(&id("a"), EPOCH).await.unwrap());
    // After each group comes a step of sweeping.
    for _ in 0..20 {
        store.check().await.unwrap();
    }
    store.close().await;
    let tables = [
        "tasks",
        "records",
        "slots",
        "trimmed",
        "commits",
        "series",
        "heads",
        "chunks",
        "producers",
        "keys",
        "garbage",
    ];
    for table in tables {
        let rows = number(&path, &format!("SELECT count(*) FROM {table}"));
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn the_write_ahead_log_stays_bounded() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    create(&store, "a").await;
    let large = event(&format!("\"{}\"", "x".repeat(100_000)));
    for _ in 0..1_500 {
        publish(&store, "a", large.clone()).await.unwrap();
    }
    let wal = std::fs::metadata(directory.path().join("tasks.db-wal")).unwrap();
    assert!(
        wal.len() < 64 << 20,
        "150 MB were published, {} lie in the log",
        wal.len()
    );
    let ask = ReadAsk {
        which: Which::Unfolded,
        max_slots: 1,
        ..all()
    };
    assert_eq!(
        store.read(&id("a"), EPOCH, ask).await.unwrap().tail,
        Index(1_500)
    );
}
