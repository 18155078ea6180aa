//! What a server says about itself, and the small answers of the rest of the routes.

mod dependency;
mod health;
mod secret;
mod storage;

pub use dependency::{ArchiveDetail, Dependency, DependencyDetail, DependencyState, ManagedState};
pub use health::{Adapter, Adapters, AuthMode, Health, HealthDetail, Links, Readiness, ServerInfo};
pub use secret::{AdminTokenRequest, AdminTokenResponse, TicketResponse};
pub use storage::{ReleaseAnswer, ReleaseRequest, StorageState};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an exactly-once producer stands: it goes on at `seq + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProducerState {
    /// The newest epoch of the producer.
    pub epoch: u64,
    /// The last sequence number stored in that epoch.
    pub seq: u64,
}

/// The answer to a request that an exactly-once producer had already made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateAnswer {
    /// True.
    pub duplicate: bool,
}

/// The answer to a streamed publish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NdjsonSummary {
    /// Lines that were appended.
    pub published: u64,
    /// Lines that were stored before.
    pub skipped: u64,
    /// The index of the last event appended; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub last_index: Option<u64>,
}
