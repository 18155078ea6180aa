//! Keys under `adapters`: where tasks and events are kept and how instances hear of each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where tasks and events are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AdaptersConfig {
    /// How subscribers hear of new events.
    pub broadcast: BroadcastConfig,
    /// The store that answers requests.
    #[schemars(extend("x-aliases" = ["shortTermStore"]))]
    pub short_term: ShortTermConfig,
}

/// How subscribers hear of new events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BroadcastConfig {
    /// What carries the news: `memory` serves one instance.
    #[schemars(extend("x-later" = ["redis"]))]
    pub provider: BroadcastProvider,
}

/// What carries news of events between writers and subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BroadcastProvider {
    /// Within one process.
    #[default]
    Memory,
}

/// The store that answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ShortTermConfig {
    /// The kind of store: `sqlite` survives restarts, `memory` does not.
    #[schemars(extend(
        "x-later" = ["redis", "postgres"],
        "x-variables" = ["TASKCAST_STORAGE"],
    ))]
    pub provider: ShortTermProvider,
    /// The database file of `sqlite`. In a file: relative to that file; in a variable, on the
    /// command line and by default: relative to the working directory.
    #[schemars(extend("x-variables" = ["TASKCAST_SQLITE_PATH"]))]
    pub path: PathBuf,
    /// When `sqlite` answers a write: `full` after it is on disk (survives power loss),
    /// `process` before (survives the end of the process only).
    pub durability: Durability,
    /// The bytes `memory` may hold; the oldest finished tasks give way first.
    #[schemars(range(min = 1_048_576_u64, max = 1_099_511_627_776_u64))]
    pub max_bytes: u64,
}

impl Default for ShortTermConfig {
    fn default() -> Self {
        Self {
            provider: ShortTermProvider::default(),
            path: PathBuf::from("./taskcast.db"),
            durability: Durability::default(),
            max_bytes: 512 << 20,
        }
    }
}

/// The kind of store that answers requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShortTermProvider {
    /// In this process; gone when it ends.
    Memory,
    /// In a file of this machine.
    #[default]
    Sqlite,
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Power loss: the write is on disk before it is acknowledged.
    #[default]
    Full,
    /// The end of the process, not of the operating system.
    Process,
}
