//! Connections: made when needed, kept while they work, told of to who watches the server.
//!
//! While the server is down a call fails as fast as connecting does, and the first one after it is
//! back succeeds: nothing is remembered of an outage but in the [`Dependency`].

use crate::address::Address;
use crate::error::Fault;
use crate::{PostgresError, PostgresOptions, tls};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, RecyclingMethod, Runtime,
};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::{Clock, Dependency, StoreError};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

/// Connections to one database.
pub(crate) struct Pool {
    pool: deadpool_postgres::Pool,
    /// The database as people may see it.
    pub(crate) shown: Arc<str>,
    pub(crate) dependency: Arc<Dependency>,
    /// How long a whole call may take, beyond getting a connection.
    budget: Duration,
}

impl Pool {
    /// A pool that has no connection yet.
    pub(crate) fn new(
        options: &PostgresOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PostgresError> {
        let mut address = Address::parse(&options.url)?;
        let config = &mut address.config;
        config.application_name(&options.application_name);
        config.connect_timeout(options.connect_timeout);
        config.keepalives_idle(Duration::from_secs(30));
        #[cfg(target_os = "linux")]
        config.tcp_user_timeout(Duration::from_secs(30));
        let tls = tls::connector(&address)?;
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(address.config, tls, ManagerConfig { recycling_method });
        let setup = setup(options.statement_timeout);
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(options.max_connections.max(1))
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(options.connect_timeout))
            .wait_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.connect_timeout))
            .post_create(Hook::async_fn(move |client, _| {
                let setup = setup.clone();
                Box::pin(async move {
                    let done = client.batch_execute(&setup).await;
                    done.map_err(HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| PostgresError::Tls(error.to_string()))?;
        Ok(Self {
            pool,
            shown: address.shown,
            dependency: Arc::new(Dependency::new("postgres", clock)),
            budget: options.statement_timeout.saturating_mul(2),
        })
    }

    /// A connection.
    pub(crate) async fn get(&self) -> Result<Object, Fault> {
        Ok(self.pool.get().await?)
    }

    /// Runs one call within its time, and tells what it says about the server.
    pub(crate) async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        self.attempt(call)
            .await
            .map_err(|fault| fault.into_store(&self.shown))
    }

    /// The same, for who looks at what went wrong.
    pub(crate) async fn attempt<T>(
        &self,
        call: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let done = timeout(self.budget, call).await.unwrap_or(Err(Fault::Slow));
        match &done {
            Ok(_) => self.dependency.answered(),
            Err(fault) if fault.is_answer() => self.dependency.answered(),
            Err(fault) => {
                if let Some(kind) = fault.failure() {
                    self.dependency.reconnecting(kind);
                }
            }
        }
        if done.as_ref().is_err_and(is_stale) {
            self.pool.retain(|_, _| false);
        }
        done
    }

    /// Lets go of all connections; later calls are unavailable.
    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// What each connection is told first. Every statement finds its rows by an index, in the order of
/// the index: other plans look cheaper to a planner that does not know how long logs are, and read
/// all of one for a page of it.
fn setup(statement_timeout: Duration) -> String {
    let timeout = statement_timeout.as_millis();
    format!(
        "SET search_path = taskcast, pg_catalog; SET timezone = 'UTC'; SET synchronous_commit = on;
         SET statement_timeout = {timeout}; SET idle_in_transaction_session_timeout = {timeout};
         SET jit = off; SET max_parallel_workers_per_gather = 0;
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
         SET enable_hashagg = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    )
}

/// Whether connections are of no use any more: one that hangs has neighbours that do, and prepared
/// statements may not fit the schema after a migration.
fn is_stale(fault: &Fault) -> bool {
    let code = fault.state().map(SqlState::code);
    matches!(fault, Fault::Slow) || matches!(code, Some("0A000" | "26000" | "42P05"))
}
