//! The status machine, in one table.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Created, nobody works on it.
    Pending,
    /// Handed to a worker that has not started.
    Assigned,
    /// Being worked on.
    Running,
    /// Suspended by choice; its `ttl` stands still.
    Paused,
    /// Suspended until an answer comes or a time passes.
    Blocked,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended because its `ttl` passed.
    Timeout,
    /// Ended by request.
    Cancelled,
}

use Status::{Assigned, Blocked, Cancelled, Completed, Failed, Paused, Pending, Running, Timeout};

/// Which status follows which. A status that is not listed has no successor: it is terminal.
const TABLE: [(Status, &[Status]); 5] = [
    (Pending, &[Assigned, Running, Paused, Timeout, Cancelled]),
    (Assigned, &[Pending, Running, Paused, Timeout, Cancelled]),
    (
        Running,
        &[Paused, Blocked, Completed, Failed, Timeout, Cancelled],
    ),
    (Paused, &[Assigned, Running, Blocked, Timeout, Cancelled]),
    (
        Blocked,
        &[Assigned, Running, Paused, Failed, Timeout, Cancelled],
    ),
];

/// A word that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status")]
pub struct UnknownStatus(pub String);

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Pending, Assigned, Running, Paused, Blocked, Completed, Failed, Timeout, Cancelled,
    ];

    /// The statuses a task may go to from this one; empty when this one is terminal.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        TABLE
            .iter()
            .find(|(from, _)| *from == self)
            .map_or(&[], |(_, to)| to)
    }

    /// Whether a task may go from this status to `to`.
    #[must_use]
    pub fn can_become(self, to: Self) -> bool {
        self.successors().contains(&to)
    }

    /// Whether the task has ended: its log is sealed.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }

    /// Whether the task waits (`paused` or `blocked`).
    #[must_use]
    pub fn is_suspended(self) -> bool {
        matches!(self, Paused | Blocked)
    }

    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Pending => "pending",
            Assigned => "assigned",
            Running => "running",
            Paused => "paused",
            Blocked => "blocked",
            Completed => "completed",
            Failed => "failed",
            Timeout => "timeout",
            Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_allows_just_what_the_surface_allows() {
        let allowed: Vec<String> = Status::ALL
            .into_iter()
            .map(|from| {
                let to: Vec<&str> = Status::ALL
                    .into_iter()
                    .filter(|to| from.can_become(*to))
                    .map(Status::as_str)
                    .collect();
                format!("{from}: {}", to.join(" "))
            })
            .collect();
        assert_eq!(
            allowed,
            [
                "pending: assigned running paused timeout cancelled",
                "assigned: pending running paused timeout cancelled",
                "running: paused blocked completed failed timeout cancelled",
                "paused: assigned running blocked timeout cancelled",
                "blocked: assigned running paused failed timeout cancelled",
                "completed: ",
                "failed: ",
                "timeout: ",
                "cancelled: ",
            ]
        );
    }

    #[test]
    fn words_read_back() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("suspended".parse::<Status>().is_err());
    }
}
