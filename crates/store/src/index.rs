//! What is asked across tasks: lists, deadlines, the change feed.

use crate::TaskState;
use taskcast_core::{
    CommitNumber, Epoch, Event, Index, Millis, Revision, Slot, Status, Tag, TaskId, TypePattern,
};

/// One of the fixed number of partitions of a store, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

impl Partition {
    /// The partition of a task among `count`. Stored data depends on it: it never changes.
    #[must_use]
    pub fn of(id: &TaskId, count: u16) -> Self {
        // FNV-1a, 64 bits, folded: ids that differ in their last bytes have to spread.
        let hash = id
            .as_str()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
        Self(u16::try_from(folded % u64::from(count.max(1))).unwrap_or(0))
    }
}

/// Which tasks a list is about. Conditions are joined; an empty list of a condition means it is
/// not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// One of these statuses.
    pub statuses: Vec<Status>,
    /// A type that one of these patterns matches.
    pub types: Vec<TypePattern>,
    /// All of these tags.
    pub tags: Vec<Tag>,
}

impl TaskFilter {
    /// Whether a task is asked for.
    #[must_use]
    pub fn matches(&self, record: &taskcast_core::TaskRecord) -> bool {
        let status = self.statuses.is_empty() || self.statuses.contains(&record.status);
        let kind = self.types.is_empty()
            || record.task_type.as_ref().is_some_and(|task_type| {
                self.types
                    .iter()
                    .any(|pattern| pattern.matches(task_type.as_str()))
            });
        status && kind && self.tags.iter().all(|tag| record.tags.contains(tag))
    }
}

/// Where a list goes on: after the task created at `created_at` with this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// When the last task of the page before was created.
    pub created_at: Millis,
    /// Its id.
    pub id: TaskId,
}

/// A page of the list of tasks to read, newest first; of tasks created at one moment the greater
/// id first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListAsk {
    /// Which tasks.
    pub filter: TaskFilter,
    /// Where the page before ended.
    pub after: Option<ListCursor>,
    /// The most tasks in the page; at least 1.
    pub limit: usize,
}

/// A page of the list of tasks. May be short, even empty, while `next` says that there is more:
/// the work for one page is bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<TaskState>,
    /// Where to go on; none at the end.
    pub next: Option<ListCursor>,
}

impl TaskPage {
    /// Bytes of records, about, at which a page ends.
    pub const BYTES: usize = 8 << 20;
}

/// A task whose deadline has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTask {
    /// The task.
    pub id: TaskId,
    /// The revision the deadline was set by: firing is a commit that expects it.
    pub revision: Revision,
    /// The deadline.
    pub at: Millis,
}

/// The deadlines that have passed, oldest first, and when the next one comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// Tasks that are due.
    pub due: Vec<DueTask>,
    /// The earliest deadline that is not in `due`, when there is one.
    pub next: Option<Millis>,
}

/// A task in the change feed: each task stands in it once, at its newest commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedTask {
    /// Its newest commit.
    pub commit: CommitNumber,
    /// The task.
    pub id: TaskId,
    /// Its log.
    pub epoch: Epoch,
    /// The tail of the log.
    pub tail: Index,
}

/// A slot and the log it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The task.
    pub id: TaskId,
    /// Its log.
    pub epoch: Epoch,
    /// The slot; its commit number tells the place in the order of the partition.
    pub slot: Slot,
}

/// Events of all tasks of a partition, in the order of their commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendedPage {
    /// Slots of whole commits only: the page ends between two commits.
    pub slots: Vec<Appended>,
    /// Every commit up to this one is in the page, before it, or gone with its task.
    pub upto: CommitNumber,
    /// The newest commit of the partition when the page was read.
    pub newest: CommitNumber,
    /// Slots of commits up to this one may be missing: whoever read less far has a gap.
    pub earliest: CommitNumber,
}

impl AppendedPage {
    /// Payload bytes, about, at which a page ends.
    pub const BYTES: usize = 1 << 20;
}

impl Appended {
    /// Bytes it takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.slot.event().map_or(0, Event::weight)
    }
}
