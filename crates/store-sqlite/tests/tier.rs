//! What a store before an archive lets go of, takes back, and still has to tell.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

mod given;

use given::{EPOCH, all, create, event, id, open_with, publish};
use rusqlite::Connection;
use std::path::Path;
use taskcast_core::{CommitNumber, EventFilter, Index};
use taskcast_store::tier::{HotStore, Note, NoteKind, Place};
use taskcast_store::{LogReader, Maintenance, Partition, ShortTermStore, TaskIndex, TaskLog};
use taskcast_store_sqlite::SqliteStore;
use tempfile::TempDir;

fn before_an_archive(path: &Path) -> SqliteStore {
    let mut options = given::options(path);
    options.archived = true;
    open_with(options).unwrap()
}

#[tokio::test]
async fn what_was_written_goes_on_counting_after_restarts_and_deletions() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let mut expected = 0;
    for n in 0..4 {
        let store = before_an_archive(&path);
        let name = format!("t{n}");
        create(&store, &name).await;
        for _ in 0..n + 2 {
            publish(&store, &name, event("12345")).await.unwrap();
            expected += 64 + 5;
        }
        if n % 2 == 1 {
            assert!(store.delete(&id(&name), EPOCH).await.unwrap());
        }
        let usage = store.usage().await.unwrap();
        assert_eq!((usage.written, usage.capacity), (vec![expected], None));
        store.close().await;
    }
}

#[tokio::test]
async fn slots_below_the_base_are_gone_from_the_file_and_count_as_before() {
    const SLOTS: u64 = 5_000;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = before_an_archive(&path);
    create(&store, "a").await;
    let batch = || vec![event("1"); 100];
    for _ in 0..SLOTS / 100 {
        store.commit(given::commit("a", batch())).await.unwrap();
    }
    let to = Index(4_350);
    store.release_below(&id("a"), EPOCH, to).await.unwrap();
    let page = store.read(&id("a"), EPOCH, all()).await.unwrap();
    assert_eq!((page.trim, page.base), (Index(0), to));
    assert_eq!(page.slots.len() as u64, SLOTS - to.0);
    let count = async |upto| {
        let filter = EventFilter {
            include_status: false,
            ..EventFilter::default()
        };
        store.count(&id("a"), EPOCH, &filter, Index(upto)).await
    };
    assert_eq!(count(SLOTS).await.unwrap(), SLOTS);
    assert_eq!(count(4_400).await.unwrap(), 4_400);
    assert_eq!(count(10).await.unwrap(), to.0);
    // The commit of slot 4349 goes on beyond the base: whoever did not read it has a gap.
    let feed = store.appended(Partition(0), CommitNumber(0), 10_000).await;
    let feed = feed.unwrap();
    assert_eq!(feed.earliest, feed.slots[0].slot.commit());
    store.trim(&id("a"), EPOCH, Index(4_400)).await.unwrap();
    let page = store.read(&id("a"), EPOCH, all()).await.unwrap();
    assert_eq!((page.trim, page.base), (Index(4_400), Index(4_400)));
    assert_eq!(count(SLOTS).await.unwrap(), SLOTS);
    store.close().await;
    let conn = Connection::open(&path).unwrap();
    let rows: i64 = conn
        .query_row("SELECT count(*) FROM slots", (), |row| row.get(0))
        .unwrap();
    assert_eq!(rows.cast_unsigned(), SLOTS - 4_400);
}

#[tokio::test]
async fn notes_stay_until_they_are_settled_also_across_a_restart() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = before_an_archive(&path);
    for name in ["deleted", "released"] {
        create(&store, name).await;
    }
    store.delete(&id("deleted"), EPOCH).await.unwrap();
    let state = store.load(&id("released")).await.unwrap().unwrap();
    for (commit, released) in [(CommitNumber(1), false), (state.commit, true)] {
        let done = store.release(&id("released"), EPOCH, commit).await;
        assert_eq!(done.unwrap(), released);
    }
    let note = |name, kind| Note {
        id: id(name),
        epoch: EPOCH,
        kind,
    };
    let notes = [
        note("deleted", NoteKind::Deleted),
        note("released", NoteKind::Released(state.commit)),
    ];
    store.close().await;
    let store = before_an_archive(&path);
    assert_eq!(store.notes(Partition(0), 10).await.unwrap(), notes);
    assert_eq!(store.newest().await.unwrap(), [state.commit]);
    let places = store
        .places(&[id("deleted"), id("released")])
        .await
        .unwrap();
    let away = |released, dead| Place::Away { released, dead };
    let expected = [away(None, vec![EPOCH]), away(Some(EPOCH), vec![])];
    assert_eq!(places, expected);
    let other = note("released", NoteKind::Released(state.commit.next()));
    store.settle(&other).await.unwrap();
    for note in &notes {
        assert!(store.notes(Partition(0), 10).await.unwrap().contains(note));
        store.settle(note).await.unwrap();
    }
    assert_eq!(store.notes(Partition(0), 10).await.unwrap(), []);
}

#[tokio::test]
async fn without_an_archive_nothing_is_noted() {
    let directory = TempDir::new().unwrap();
    let store = given::open(&directory.path().join("tasks.db")).unwrap();
    create(&store, "a").await;
    store.delete(&id("a"), EPOCH).await.unwrap();
    assert_eq!(store.notes(Partition(0), 10).await.unwrap(), []);
}

#[test]
fn a_store_is_no_archive_and_an_archive_no_store() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file.db");
    drop(given::open(&path).unwrap());
    let refused = given::tier::archive(&path).err().expect("it is a store");
    assert!(
        refused
            .to_string()
            .ends_with("the file is a store of tasks; set another path"),
        "{refused}"
    );
    let path = directory.path().join("archive.db");
    drop(given::tier::archive(&path).unwrap());
    let refused = given::open(&path).err().expect("it is an archive");
    assert!(
        refused
            .to_string()
            .ends_with("the file is an archive; set another path"),
        "{refused}"
    );
}
