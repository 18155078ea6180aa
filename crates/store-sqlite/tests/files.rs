//! Which files a store opens, and what it says of the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what it expects"
)]

mod given;

use given::{EPOCH, all, create, event, id, open, publish};
use rusqlite::Connection;
use std::io::{Seek, SeekFrom, Write};
use taskcast_store::{LogReader, ReadError, ShortTermStore, StoreError, TaskLog};
use tempfile::TempDir;

fn refusal(path: &std::path::Path) -> String {
    let error = open(path).err().expect("it should not open");
    error
        .to_string()
        .replace(&path.parent().unwrap().display().to_string(), "…")
}

#[tokio::test]
async fn a_file_keeps_its_incarnation_and_all_that_was_acknowledged() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    create(&store, "a").await;
    publish(&store, "a", event("1")).await.unwrap();
    let before = store.load(&id("a")).await.unwrap();
    drop(store);
    let mut options = given::options(&path);
    options.incarnation = 43;
    let clock = std::sync::Arc::new(taskcast_store::SystemClock);
    let store = taskcast_store_sqlite::SqliteStore::open(options, clock).unwrap();
    assert_eq!(store.info().incarnation, 42);
    assert_eq!(store.load(&id("a")).await.unwrap(), before);
}

#[tokio::test]
async fn closing_leaves_one_file_beside_the_lock() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory.path().join("tasks.db")).unwrap();
    create(&store, "a").await;
    store.close().await;
    let files = std::fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["tasks.db", "tasks.db.lock"]);
}

#[test]
fn a_file_is_open_once() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let first = open(&path).unwrap();
    assert_eq!(
        refusal(&path),
        "the database …/tasks.db is unavailable: another process has it open; stop that one, or \
         set another path"
    );
    drop(first);
    open(&path).unwrap();
}

#[test]
fn a_missing_directory_is_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    drop(directory);
    assert_eq!(
        refusal(&path),
        "the database …/tasks.db is unavailable: the directory … does not exist; create it, or \
         set another path"
    );
}

#[test]
fn a_directory_is_no_database() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    std::fs::create_dir(&path).unwrap();
    assert_eq!(
        refusal(&path),
        "the database …/tasks.db is unavailable: the path is a directory; name a file in it"
    );
}

#[test]
fn another_kind_of_file_is_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    let notes = "not a database at all\n".repeat(100);
    std::fs::write(&path, &notes).unwrap();
    assert_eq!(
        refusal(&path),
        "the database …/notes.txt is damaged: the file is not a SQLite database; move it away, or \
         set another path"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[test]
fn the_database_of_another_program_is_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("photos.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE photos (id)").unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    assert_eq!(
        refusal(&path),
        "the database …/photos.db is unavailable: the file is a database of another program; set \
         another path"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_a_newer_version_is_left_to_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    drop(open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    assert_eq!(
        refusal(&path),
        "the database …/tasks.db is unavailable: a newer version of Taskcast wrote the file (its \
         schema is 99, this version knows 2); start the newer version"
    );
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_brought_up_to_date() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(include_str!("../src/migrations/0001.sql"))
        .unwrap();
    conn.execute_batch(
        "INSERT INTO meta VALUES ('incarnation', 9), ('newest', 4);
         PRAGMA application_id = 0x746b6373;
         PRAGMA user_version = 1",
    )
    .unwrap();
    drop(conn);
    let store = open(&path).unwrap();
    assert_eq!(store.info().incarnation, 9);
    create(&store, "a").await;
    assert_eq!(store.load(&id("a")).await.unwrap().unwrap().commit.0, 5);
    publish(&store, "a", event("1")).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged_and_never_read_as_if_it_were_sound() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tasks.db");
    let store = open(&path).unwrap();
    create(&store, "a").await;
    for n in 0..200 {
        publish(&store, "a", event(&format!(r#"{{"n":{n}}}"#)))
            .await
            .unwrap();
    }
    store.close().await;
    // Page 1 holds the header and the schema, which lets the file open.
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let pages = usize::try_from(file.metadata().unwrap().len()).unwrap() / 4_096;
    file.seek(SeekFrom::Start(4_096)).unwrap();
    file.write_all(&vec![0xa5; (pages - 1) * 4_096]).unwrap();
    drop(file);
    match open(&path) {
        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
        Ok(store) => {
            let read = store.read(&id("a"), EPOCH, all()).await;
            assert!(
                matches!(read, Err(ReadError::Store(StoreError::Damaged { .. }))),
                "{read:?}"
            );
        }
    }
}
