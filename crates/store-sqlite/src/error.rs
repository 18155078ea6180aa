//! What SQLite says went wrong, in the words of the port.

use rusqlite::{Error, ErrorCode};
use taskcast_store::StoreError;

/// Tells which database a SQLite error is about.
pub(crate) trait Named<T> {
    /// The error as the store's; `what` names the database.
    fn named(self, what: &str) -> Result<T, StoreError>;
}

impl<T> Named<T> for rusqlite::Result<T> {
    fn named(self, what: &str) -> Result<T, StoreError> {
        self.map_err(|error| store_error(what, &error))
    }
}

fn store_error(what: &str, error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::full(
            what,
            "no space is left on its disk; free some, and publishing goes on by itself",
        ),
        Some(ErrorCode::NotADatabase) => StoreError::damaged(
            what,
            "the file is not a SQLite database; move it away, or set another path",
        ),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::damaged(
            what,
            format!("{error}; restore a backup, or move the file away to begin anew"),
        ),
        Some(ErrorCode::ConstraintViolation) => StoreError::damaged(what, error),
        Some(ErrorCode::SystemIoFailure) => StoreError::unavailable(
            what,
            format!("{error}; see whether its disk works and the file is still there"),
        ),
        Some(ErrorCode::ReadOnly) => StoreError::unavailable(
            what,
            format!("{error}; let this user write the file and its directory"),
        ),
        Some(_) => StoreError::unavailable(what, error),
        None => StoreError::damaged(what, error),
    }
}

/// A call on a store that was closed.
pub(crate) fn closed(what: &str) -> StoreError {
    StoreError::unavailable(what, "it is closed")
}
