//! How a Redis store is set up.

use std::sync::Arc;
use std::time::Duration;
use taskcast_core::Limits;
use taskcast_store::Clock;

/// How a Redis store is set up.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://` or `rediss://` (TLS), with user and password when the server has them. Any node of
    /// a cluster; further nodes in `nodes`.
    pub url: String,
    /// Further nodes of a cluster, asked when the first does not answer.
    pub nodes: Vec<String>,
    /// What every key begins with. May not contain braces: those mark what has to lie together.
    pub prefix: String,
    /// What a task can hold.
    pub limits: Limits,
    /// How many partitions a new store gets. A store that exists keeps its own number.
    pub partitions: u16,
    /// How many replicas have to have a commit before it is acknowledged; 0 waits for none.
    pub wait_replicas: u32,
    /// Whether an archive stands behind the store, so that deletions are noted for it.
    pub archived: bool,
    /// How many commits of a partition `GET /events` can go back, about. Each takes some 40 bytes.
    pub commits_kept: u64,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take. After that the outcome is unknown, and the connection is made
    /// anew.
    pub response_timeout: Duration,
    /// The clock instead of Redis' own, for tests.
    pub clock: Option<Arc<dyn Clock>>,
}

impl RedisOptions {
    /// The usual store on a server.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            nodes: Vec::new(),
            prefix: "taskcast".to_owned(),
            limits: Limits::default(),
            partitions: 32,
            wait_replicas: 0,
            archived: false,
            commits_kept: 100_000,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(2),
            clock: None,
        }
    }
}
