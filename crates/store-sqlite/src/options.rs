//! How a store is set up.

use std::path::PathBuf;
use taskcast_core::Limits;

/// How a SQLite store is set up.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The database file. Created when it is missing; its directory has to exist. Beside it lie
    /// `<path>-wal` and `<path>-shm`, which belong to the data, and `<path>.lock`.
    pub path: PathBuf,
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// What a task can hold.
    pub limits: Limits,
    /// The identity of the data, written into a new file. A file that exists keeps its own.
    pub incarnation: u64,
    /// The name of a registered VFS to go through instead of the system's, for tests.
    pub vfs: Option<String>,
    /// How many reads go on at once: threads with a connection each; at least 1.
    pub readers: usize,
    /// Whether an archive stands behind the store (see [`taskcast_store::tier`]): then deletions are
    /// noted until the archive has settled them.
    pub archived: bool,
}

/// How a SQLite archive is set up.
#[derive(Clone, Debug)]
pub struct SqliteArchiveOptions {
    /// The file of the archive. Created when it is missing; its directory has to exist. Beside it
    /// lie `<path>-wal` and `<path>-shm`, which belong to the data, and `<path>.lock`.
    pub path: PathBuf,
    /// What survives that was said to be archived. A short-term store lets go of it then, so less
    /// than [`Durability::Full`] is for tests.
    pub durability: Durability,
    /// What a task can hold.
    pub limits: Limits,
    /// The name of a registered VFS to go through instead of the system's, for tests.
    pub vfs: Option<String>,
    /// How many reads go on at once: threads with a connection each; at least 1.
    pub readers: usize,
}

/// What an acknowledged commit survives.
///
/// | | kill -9 of the process | crash of the machine, power cut |
/// |---|---|---|
/// | `Full` | yes | yes |
/// | `Process` | yes | the newest commits may be lost, in order; the file stays sound |
///
/// In `Full` one `fsync` of the write-ahead log comes before the answers to a group of commits, and
/// before any reader sees them. What a power cut may take in `Process` is what the system has not
/// written by itself yet, at most what came since the last checkpoint. A disk that fails to write is
/// like a power cut in this: after an I/O error in `Process` the same commits are in doubt, in `Full`
/// only those that were not acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// On disk before the answer.
    #[default]
    Full,
    /// With the operating system before the answer.
    Process,
}

impl Durability {
    /// The sentence for operators.
    pub(crate) fn acknowledgement(self) -> &'static str {
        match self {
            Self::Full => {
                "on disk: synced by group commit before the answer and before any reader sees it"
            }
            Self::Process => "survives the end of the process, not a power cut",
        }
    }

    /// The value of `PRAGMA synchronous` (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
    pub(crate) fn synchronous(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Process => "NORMAL",
        }
    }
}
