//! The suite that every long-term store has to pass.

#![allow(
    clippy::unwrap_used,
    reason = "a test: it panics when something is wrong"
)]

mod support;

use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::Limits;
use taskcast_rig::PostgresServer;
use taskcast_store::ManualClock;
use taskcast_store::conformance::LongTermSubject;
use taskcast_store::tier::LongTermStore;
use taskcast_store_postgres::{PostgresOptions, PostgresStore, migrations};

/// Stores in databases of their own, on the server that the rules share.
struct Postgres(Arc<PostgresServer>);

#[async_trait]
impl LongTermSubject for Postgres {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn LongTermStore> {
        let database = tokio::task::block_in_place(|| self.0.new_database());
        let url = self.0.url_of(&database, self.0.port());
        migrations::run(&url).await.unwrap();
        let mut options = PostgresOptions::new(&url);
        options.limits = limits;
        options.max_connections = 3;
        Arc::new(PostgresStore::connect(options, clock).await.unwrap())
    }
}

taskcast_store::long_term_conformance_tests!(|| Postgres(support::server()));
