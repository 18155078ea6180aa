//! A disk that can lose power: what was written since the last sync of a file is then lost.
//!
//! A VFS of SQLite around the system's own (<https://www.sqlite.org/vfs.html>). Every write and cut
//! of a file is remembered with what was there before, until the file is synced. After the power is
//! gone every call fails; then the writes are taken back, newest first, down to a random place, so
//! that a random beginning of what was not synced survives, file by file.

mod disk;
mod shim;

pub(crate) use disk::Disk;
pub(crate) use shim::install;
