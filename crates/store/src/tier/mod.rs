//! Two tiers: a short-term store that holds what is worked with, and a long-term store that keeps
//! everything.
//!
//! ```text
//!   log      0 ............ trim ............ base ............ watermark ............ tail
//!   archive                 |<---------------- kept ----------->|
//!   hot                                       |<------------- held ------------------->|
//! ```
//!
//! The *archive* follows the change feed of the *hot* store and keeps each log up to its watermark.
//! What it keeps may be *released* from the hot store: slots below a base, or whole logs. Reads find
//! what they ask for in either. The ports here are what the two tiers need of each other's stores;
//! the engine sees one store.

mod across;
mod archive;
mod archiver;
mod backlog;
mod hot;
mod log_reader;
mod maintain;
mod memory_archive;
mod options;
mod release;
mod restore;
mod task_log;
mod tiered;
mod whereabouts;

pub use archive::{ArchiveEntry, Archived, Kept, KeptPage, LongTermInfo, LongTermStore, Watermark};
pub use archiver::{Archiver, Step};
pub use backlog::{Backlog, PartitionBacklog};
pub use hot::{HotStore, LogImage, Note, NoteKind, OnceImage, Place, Restored, SeriesImage, Usage};
pub use memory_archive::MemoryArchive;
pub use options::{Random, ReleaseOptions, TierOptions};
pub use release::{ReleaseError, Released, StorageState};
pub use tiered::TieredStore;
