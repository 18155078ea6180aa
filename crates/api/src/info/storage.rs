//! Letting go of a task in the short-term store.

use crate::Invalid;
use crate::read::{object, text_of};
use serde::{Deserialize, Serialize};
use taskcast_core::{Index, Millis};
use utoipa::ToSchema;

/// The body of `POST /tasks/:taskId/storage/release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRequest {
    /// The index of the last event that the caller knows of; -1 when the log has none.
    #[schema(minimum = -1)]
    pub expected_last_event_index: i64,
    /// The task was inactive since then, in milliseconds since 1970.
    #[schema(minimum = 0)]
    pub inactive_since: u64,
}

impl ReleaseRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// `Invalid storage release request`, whatever is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        Self::read(body).ok_or_else(|| Invalid::because("Invalid storage release request"))
    }

    fn read(body: &[u8]) -> Option<Self> {
        let names = ["expectedLastEventIndex", "inactiveSince"];
        let [last, since] = object(text_of(body).ok()?, &names).ok()??;
        let expected_last_event_index = serde_json::from_str(last?.get()).ok()?;
        let inactive_since = serde_json::from_str(since?.get()).ok()?;
        (expected_last_event_index >= -1).then_some(Self {
            expected_last_event_index,
            inactive_since,
        })
    }

    /// The last event that the caller knows of.
    #[must_use]
    pub fn last_index(&self) -> Option<Index> {
        u64::try_from(self.expected_last_event_index)
            .ok()
            .map(Index)
    }

    /// Since when the task was inactive.
    #[must_use]
    pub fn since(&self) -> Millis {
        Millis(self.inactive_since)
    }
}

/// The answer of `POST /tasks/:taskId/storage/release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseAnswer {
    /// The task.
    pub task_id: String,
    /// Where it is now.
    pub storage_state: StorageState,
    /// The index of the last event that is archived; -1 when none is.
    pub archive_watermark: i64,
    /// Whether this request let go of anything.
    pub released: bool,
}

/// Where a task is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageState {
    /// In the short-term store, at least its record.
    Hot,
    /// In the short-term store, and on its way out: ask again in a moment.
    Releasing,
    /// In the long-term store only.
    Cold,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_both_or_is_refused() {
        let good = ReleaseRequest::parse(br#"{"expectedLastEventIndex":-1,"inactiveSince":5}"#);
        let good = good.unwrap();
        assert_eq!((good.last_index(), good.since()), (None, Millis(5)));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"expectedLastEventIndex":-2,"inactiveSince":5}"#,
            r#"{"expectedLastEventIndex":1.5,"inactiveSince":5}"#,
            r#"{"expectedLastEventIndex":1,"inactiveSince":-5}"#,
            r#"{"expectedLastEventIndex":1}"#,
        ] {
            let invalid = ReleaseRequest::parse(bad.as_bytes()).unwrap_err();
            assert_eq!(
                invalid.to_string(),
                "Invalid storage release request",
                "{bad}"
            );
        }
    }
}
