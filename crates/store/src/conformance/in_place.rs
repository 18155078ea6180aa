//! Rules that see where a task is: one that was released stands in the change feed no more, and has a
//! new commit number when it comes back.

pub use super::across::each_task_stands_once_in_the_change_feed_at_its_newest_commit;
pub use super::committing::{
    a_refused_commit_leaves_nothing,
    the_seal_goes_before_the_revision_and_the_revision_before_the_series,
};
