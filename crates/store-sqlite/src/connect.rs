//! Opening the file: the lock, the connections, the first look.

use crate::error::Named;
use crate::schema::{Found, Schema};
use crate::{Durability, SqliteArchiveOptions, SqliteOptions, schema};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::StoreError;

/// How long a connection waits for another one. Only recovery and the end of a checkpoint make
/// connections of one process wait, and the lock file keeps other processes out.
const BUSY: Duration = Duration::from_secs(5);
/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 96;
/// KiB of pages that the writer keeps.
const WRITER_CACHE: i64 = 32 << 10;
/// KiB of pages that each reader keeps; the cache of the operating system is behind it.
const READER_CACHE: i64 = 8 << 10;
/// Bytes that the file of the write-ahead log is cut back to when it begins anew.
const WAL_FILE: i64 = 64 << 20;

/// Where the database is and how it is opened; what every connection is made from.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: PathBuf,
    vfs: Option<String>,
    durability: Durability,
    pub(crate) schema: &'static Schema,
    /// The database as an operator knows it.
    pub(crate) what: Arc<str>,
}

impl Place {
    pub(crate) fn new(options: &SqliteOptions) -> Self {
        Self {
            path: options.path.clone(),
            vfs: options.vfs.clone(),
            durability: options.durability,
            schema: &schema::STORE,
            what: format!("the database {}", options.path.display()).into(),
        }
    }

    pub(crate) fn of_archive(options: &SqliteArchiveOptions) -> Self {
        Self {
            path: options.path.clone(),
            vfs: options.vfs.clone(),
            durability: options.durability,
            schema: &schema::ARCHIVE,
            what: format!("the archive {}", options.path.display()).into(),
        }
    }

    /// Takes the lock that keeps a second server off the file. Held until the `File` is dropped,
    /// and by nobody once the process has ended.
    pub(crate) fn lock(&self) -> Result<File, StoreError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| self.refused(&path, error.kind(), &error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(self
                    .unavailable("another process has it open; stop that one, or set another path"))
            }
            Err(TryLockError::Error(error)) => {
                let cause = format!("{} cannot be locked: {error}", path.display());
                Err(self.unavailable(&cause))
            }
        }
    }

    fn refused(&self, path: &Path, kind: ErrorKind, error: &str) -> StoreError {
        let directory = self.directory().display();
        match kind {
            ErrorKind::NotFound => self.unavailable(&format!(
                "the directory {directory} does not exist; create it, or set another path"
            )),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                self.unavailable(&format!(
                    "this user cannot write in the directory {directory}; allow it, or set \
                     another path"
                ))
            }
            _ => self.unavailable(&format!("{} cannot be opened: {error}", path.display())),
        }
    }

    fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    fn unavailable(&self, cause: &str) -> StoreError {
        StoreError::unavailable(&self.what, cause)
    }

    /// Opens the file for the first time: looks whether it is ours, brings its schema up to date.
    pub(crate) fn open(&self, incarnation: u64) -> Result<Connection, StoreError> {
        if self.path.is_dir() {
            return Err(self.unavailable("the path is a directory; name a file in it"));
        }
        let conn = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE);
        let mut conn = conn.named(&self.what)?;
        let version = match self.schema.look(&conn).named(&self.what)? {
            Found::Ours(version) => version,
            Found::Other(other) => {
                return Err(self.unavailable(&format!("the file is {other}; set another path")));
            }
        };
        let known = self.schema.version();
        if version > known {
            return Err(self.unavailable(&format!(
                "a newer version of Taskcast wrote the file (its schema is {version}, this \
                 version knows {known}); start the newer version"
            )));
        }
        self.prepare_writer(&conn).named(&self.what)?;
        let migrated = self.schema.migrate(&mut conn, version, incarnation);
        migrated.named(&self.what)?;
        self.sync_directory();
        Ok(conn)
    }

    /// Opens the connection that writes, to a file that was open before.
    pub(crate) fn writer(&self) -> Result<Connection, StoreError> {
        let open = || {
            let conn = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            self.prepare_writer(&conn)?;
            Ok(conn)
        };
        open().named(&self.what)
    }

    /// Opens a connection that reads.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        let open = || {
            let conn = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            conn.pragma_update(None, "cache_size", -READER_CACHE)?;
            Ok(conn)
        };
        open().named(&self.what)
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        // A connection is used by one thread at a time, so it needs no mutex of its own.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(&self.path, flags, vfs.as_str())?,
            None => Connection::open_with_flags(&self.path, flags)?,
        };
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(conn)
    }

    /// WAL with `synchronous=FULL` syncs the log after each transaction
    /// (<https://www.sqlite.org/pragma.html#pragma_synchronous>), and publishes the transaction in
    /// the wal-index, which is where readers find their snapshot
    /// (<https://www.sqlite.org/walformat.html>), only after that sync: nothing is visible that a
    /// power cut could take back.
    fn prepare_writer(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", self.durability.synchronous())?;
        // macOS: without it a sync stops at the cache of the drive.
        conn.pragma_update(None, "fullfsync", "ON")?;
        conn.pragma_update(None, "checkpoint_fullfsync", "ON")?;
        // Checkpoints are made beside the commits, by a thread of their own.
        conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        conn.pragma_update_and_check(None, "journal_size_limit", WAL_FILE, |_| Ok(()))?;
        conn.pragma_update(None, "foreign_keys", "OFF")?;
        conn.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        conn.pragma_update(None, "temp_store", "MEMORY")
    }

    /// Makes the names of new files last. Where a directory cannot be synced nothing is lost that
    /// the file system does not lose by itself.
    fn sync_directory(&self) {
        if let Ok(directory) = File::open(self.directory()) {
            let _ = directory.sync_all();
        }
    }
}
