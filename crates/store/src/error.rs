//! What can go wrong in any store, apart from the outcomes that a caller matches on.

use std::sync::Arc;

/// A store that cannot do what it was asked.
///
/// Display is one sentence for an operator, without secrets. Cheap to clone, because one failed
/// group commit fails every commit in the group.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reachable, or closed. A later try may succeed; whether this one did is not known.
    #[error("{what} is unavailable: {cause}")]
    Unavailable {
        /// Which store, as an operator knows it (`the database tasks.db`).
        what: Arc<str>,
        /// Why, in the words of the backend.
        cause: Arc<str>,
    },
    /// No room is left, and nothing may be removed to make some. Nothing was written.
    #[error("{what} is full: {cause}")]
    Full {
        /// Which store.
        what: Arc<str>,
        /// Which bound was met.
        cause: Arc<str>,
    },
    /// Something stored cannot be read back. No retry helps.
    #[error("{what} is damaged: {cause}")]
    Damaged {
        /// Which store.
        what: Arc<str>,
        /// Where (task, index) and how.
        cause: Arc<str>,
    },
}

impl StoreError {
    /// An [`Unavailable`](Self::Unavailable) store.
    pub fn unavailable(what: impl AsRef<str>, cause: impl ToString) -> Self {
        Self::Unavailable {
            what: what.as_ref().into(),
            cause: cause.to_string().into(),
        }
    }

    /// A [`Full`](Self::Full) store.
    pub fn full(what: impl AsRef<str>, cause: impl ToString) -> Self {
        Self::Full {
            what: what.as_ref().into(),
            cause: cause.to_string().into(),
        }
    }

    /// A [`Damaged`](Self::Damaged) store.
    pub fn damaged(what: impl AsRef<str>, cause: impl ToString) -> Self {
        Self::Damaged {
            what: what.as_ref().into(),
            cause: cause.to_string().into(),
        }
    }
}
