//! What stands behind the engine's store: its layers, the servers they talk to, the archive.

use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{Index, Millis, TaskId};
use taskcast_store::Dependency;
use taskcast_store::tier::{ReleaseError, Released, TieredStore};

/// What is behind a server, as far as the engine does not tell. The default is one process by
/// itself: hints stay inside it, and there is no long-term store.
#[derive(Clone)]
pub struct Backend {
    /// What carries hints.
    pub broadcast: Layer,
    /// The servers that the short-term store talks to. Without any, the store itself is looked at
    /// when somebody asks for the health of the server, once a second at most.
    pub short_term: Vec<Arc<Dependency>>,
    /// The long-term store, when there is one.
    pub long_term: Option<Layer>,
    /// Tells how far the archive is behind.
    pub archive: Option<Arc<dyn ArchiveReport>>,
    /// Lets go of tasks in the short-term store.
    pub release: Option<Arc<dyn StorageRelease>>,
}

/// A layer of storage: who provides it, and the servers it talks to.
#[derive(Clone)]
pub struct Layer {
    /// As configuration names it: `memory`, `redis`, `postgres`.
    pub provider: &'static str,
    /// The servers; the layer works when all are healthy.
    pub dependencies: Vec<Arc<Dependency>>,
}

/// Tells how far the archive is behind. Asked by requests for the health of the server, so it
/// answers from memory.
pub trait ArchiveReport: Send + Sync {
    /// How far it is behind.
    fn archive(&self) -> ArchiveStatus;
}

/// How far the archive is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveStatus {
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

/// Lets go of tasks in the short-term store, which the long-term store keeps.
#[async_trait]
pub trait StorageRelease: Send + Sync {
    /// Lets go of a task, if its last event is this one (none: it has no event) and nothing has
    /// happened to it since.
    async fn release(
        &self,
        id: &TaskId,
        expected_last: Option<Index>,
        inactive_since: Millis,
    ) -> Result<Released, ReleaseError>;
}

impl Backend {
    /// Every server that a layer talks to, each once.
    pub(crate) fn dependencies(&self) -> Vec<Arc<Dependency>> {
        let layers = [Some(&self.broadcast), self.long_term.as_ref()];
        let of_layers = layers.into_iter().flatten().flat_map(|it| &it.dependencies);
        let mut all: Vec<Arc<Dependency>> = Vec::new();
        for one in self.short_term.iter().chain(of_layers) {
            if !all.iter().any(|other| Arc::ptr_eq(one, other)) {
                all.push(one.clone());
            }
        }
        all
    }
}

impl Default for Backend {
    fn default() -> Self {
        Self {
            broadcast: Layer::new("memory", Vec::new()),
            short_term: Vec::new(),
            long_term: None,
            archive: None,
            release: None,
        }
    }
}

impl Layer {
    /// A layer of this provider, over these servers.
    #[must_use]
    pub fn new(provider: &'static str, dependencies: Vec<Arc<Dependency>>) -> Self {
        Self {
            provider,
            dependencies,
        }
    }
}

impl ArchiveReport for TieredStore {
    fn archive(&self) -> ArchiveStatus {
        let backlog = self.backlog();
        // Commit numbers have holes: their difference counts nothing.
        let behind = backlog
            .partitions
            .iter()
            .filter(|partition| partition.archived < Some(partition.newest));
        ArchiveStatus {
            backlog_bytes: backlog.bytes,
            max_backlog_bytes: backlog.max_bytes,
            partitions_behind: behind.count() as u64,
            full: backlog.full,
            working: backlog.working,
        }
    }
}

#[async_trait]
impl StorageRelease for TieredStore {
    async fn release(
        &self,
        id: &TaskId,
        expected_last: Option<Index>,
        inactive_since: Millis,
    ) -> Result<Released, ReleaseError> {
        Self::release(self, id, expected_last, inactive_since).await
    }
}
