//! The memory that all windows share.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes of all windows, so that many busy topics shrink each other.
#[derive(Debug)]
pub(super) struct WindowBudget {
    used: AtomicUsize,
    per_topic: usize,
    together: usize,
}

impl WindowBudget {
    pub(super) fn new(per_topic: usize, together: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            per_topic,
            together,
        }
    }

    /// Counts a window that had `before` bytes and has `after`, and tells how many it may have.
    pub(super) fn replace(&self, before: usize, after: usize) -> usize {
        // Wraps below zero for a window that shrank, and back: only the sum counts.
        let change = after.wrapping_sub(before);
        let used = self
            .used
            .fetch_add(change, Ordering::Relaxed)
            .wrapping_add(change);
        let over = used.saturating_sub(self.together);
        self.per_topic.min(after.saturating_sub(over))
    }
}
