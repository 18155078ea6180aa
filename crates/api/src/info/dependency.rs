//! How the servers behind a store are, and how far the archive is behind.

use serde::{Deserialize, Serialize};
use taskcast_core::Millis;
use utoipa::ToSchema;

/// Whether a dependency answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// Whether it answers.
    pub state: DependencyState,
    /// Why it does not, in one word: `timeout`, `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub error_kind: Option<String>,
}

/// Whether a dependency answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DependencyState {
    /// It answers.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// How a dependency is, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependencyDetail {
    /// True.
    pub configured: bool,
    /// How it is.
    pub state: ManagedState,
    /// Since when, as `2026-01-31T12:00:00.000Z`.
    pub last_transition_at: String,
    /// Failures since it last answered.
    pub consecutive_failures: u64,
    /// The last failure in one word, also after it answers again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub last_error_kind: Option<String>,
    /// How often the connection was tried anew since it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub reconnect_attempts: Option<u64>,
}

/// How a dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ManagedState {
    /// It was not reached yet.
    Starting,
    /// It answers.
    Healthy,
    /// The connection is lost and is being made anew.
    Reconnecting,
    /// It does not answer.
    Unhealthy,
}

impl DependencyDetail {
    /// A dependency in this state since then, of which nothing else is known.
    #[must_use]
    pub fn new(state: ManagedState, since: Millis) -> Self {
        Self {
            configured: true,
            state,
            last_transition_at: iso(since),
            consecutive_failures: 0,
            last_error_kind: None,
            reconnect_attempts: None,
        }
    }
}

/// How far the archive is behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveDetail {
    /// Bytes that wait to be archived, about.
    pub backlog_bytes: u64,
    /// Bytes at which publishing is refused.
    pub max_backlog_bytes: u64,
    /// Partitions of the short-term store with commits that wait to be archived.
    pub partitions_behind: u64,
    /// Whether publishing is refused now.
    pub full: bool,
    /// Whether this instance is the one that archives.
    pub working: bool,
}

/// A time as ISO 8601 in UTC, with milliseconds.
fn iso(at: Millis) -> String {
    const DAY: u64 = 86_400_000;
    let (year, month, day) = date(at.0 / DAY);
    let ms = at.0 % DAY;
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day last; 719468 days lie before 1970 in them.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_clients_of_the_web_read_them() {
        let times = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_005, "2023-11-14T22:13:20.005Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in times {
            assert_eq!(iso(Millis(ms)), text);
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let healthy = DependencyDetail::new(ManagedState::Healthy, Millis(0));
        assert_eq!(
            serde_json::to_string(&healthy).unwrap(),
            concat!(
                r#"{"configured":true,"state":"healthy","#,
                r#""lastTransitionAt":"1970-01-01T00:00:00.000Z","consecutiveFailures":0}"#
            )
        );
    }
}
