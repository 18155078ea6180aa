//! How a store is set up.

use std::fmt;
use std::time::Duration;
use taskcast_core::Limits;

/// How a [`PostgresStore`](crate::PostgresStore) is set up. `Debug` does not show the URL.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where the database is: `postgres://user:password@host:5432/database`, with the parameters
    /// `sslmode` (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`) and `sslrootcert`
    /// (a PEM file; else the certificates of the host are trusted) and those of `libpq` that
    /// concern the connection.
    pub url: String,
    /// The most connections; one is used by each call.
    pub max_connections: usize,
    /// How long a call waits for a connection, and how long making one may take.
    pub connect_timeout: Duration,
    /// How long one statement may run; a whole call may take twice as long.
    pub statement_timeout: Duration,
    /// What the connections are called in `pg_stat_activity`.
    pub application_name: String,
    /// What a task can hold: older producers and idempotency keys beyond it are forgotten.
    pub limits: Limits,
}

impl PostgresOptions {
    /// The defaults: 10 connections, 5 s to connect, 10 s per statement.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 10,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            application_name: "taskcast".into(),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("max_connections", &self.max_connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}
