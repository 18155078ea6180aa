//! Ports of the storage layers, the memory store, and the suite that every store has to pass.
//!
//! A short-term store keeps records and logs and changes them by atomic [`Commit`]s; a
//! [`Broadcast`] carries hints that a tail moved. The engine sees nothing else.

mod broadcast;
mod clock;
mod commit;
mod error;
mod index;
mod memory;
pub mod plan;
mod ports;
mod read;

pub use broadcast::{Broadcast, Heard, Hint, Hints, Interest, Listening, MemoryBroadcast};
pub use clock::{Clock, ManualClock, SystemClock};
pub use commit::{
    Change, Commit, CommitError, Committed, Create, CreateError, KeyClaim, Once, Original,
    ProducerClaim, ProducerPosition, TaskState,
};
pub use error::StoreError;
pub use index::{
    Appended, AppendedPage, ChangedTask, DuePage, DueTask, ListAsk, ListCursor, Partition,
    TaskFilter, TaskPage,
};
pub use memory::{MemoryOptions, MemoryStore};
pub use ports::{LogReader, Maintenance, ShortTermStore, StoreInfo, TaskIndex, TaskLog};
pub use read::{Heads, Page, ReadAsk, ReadError, Seek, Tail, Which};
