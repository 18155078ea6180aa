//! Ports of the storage layers, the memory store, and the suite that every store has to pass.
//!
//! A short-term store keeps records and logs and changes them by atomic [`Commit`]s; a
//! [`Broadcast`] carries hints that a tail moved. The engine sees nothing else.
//!
//! ```
//! use std::sync::Arc;
//! use taskcast_core::{Epoch, EventType, Index, Limits, Millis, NewEvent, NewTask, TaskId};
//! use taskcast_store::{
//!     Commit, Create, LogReader, MemoryOptions, MemoryStore, ReadAsk, SystemClock, TaskLog, Which,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = MemoryOptions { max_bytes: 64 << 20, limits: Limits::default(), incarnation: 1, archived: None };
//! let store = MemoryStore::new(options, Arc::new(SystemClock));
//!
//! let task = TaskId::new("report-7")?;
//! let record = NewTask::default().into_record(task.clone(), Millis(1_000));
//! let epoch = Epoch(1);
//! let create = Create { record, epoch, events: vec![], replace: false, key: None, drawn: false };
//! store.create(create).await?;
//!
//! let events = vec![NewEvent::new(EventType::new("progress")?, None); 3];
//! let commit = Commit { task: task.clone(), epoch: None, change: None, events, once: None };
//! let committed = store.commit(commit).await?;
//! assert_eq!(committed.tail, Index(3));
//!
//! let ask = ReadAsk {
//!     from: Index(1),
//!     to: committed.tail,
//!     which: Which::All,
//!     max_slots: 100,
//!     max_bytes: 1 << 20,
//! };
//! let page = store.read(&task, epoch, ask).await?;
//! assert_eq!(page.slots.len(), 2);
//! # Ok(())
//! # }
//! ```

mod broadcast;
mod clock;
mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dependency;
mod error;
mod index;
mod memory;
pub mod plan;
mod ports;
mod read;
pub mod tier;

pub use broadcast::{Broadcast, Heard, Hint, Hints, Interest, Listening, MemoryBroadcast};
pub use clock::{Clock, ManualClock, SystemClock};
pub use commit::{
    Change, Commit, CommitError, Committed, Create, CreateError, KeyClaim, Once, Original,
    ProducerClaim, ProducerPosition, TaskState,
};
pub use dependency::{Dependency, DependencyReport, DependencyState, FailureKind};
pub use error::StoreError;
pub use index::{
    Appended, AppendedPage, ChangedTask, DuePage, DueTask, ListAsk, ListCursor, Partition,
    TaskFilter, TaskPage,
};
pub use memory::{BeforeArchive, MemoryOptions, MemoryStore};
pub use ports::{LogReader, Maintenance, Positions, ShortTermStore, StoreInfo, TaskIndex, TaskLog};
pub use read::{Heads, Page, ReadAsk, ReadError, Seek, Tail, Which};
