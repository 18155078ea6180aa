//! A deployment of one's own: Redis, perhaps PostgreSQL, and several instances, each behind a network
//! that fails on demand.

use crate::http::Caller;
use crate::support::Server;
use taskcast_rig::{FaultProxy, PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use tokio::task::block_in_place;

/// Instances over one Redis.
pub(crate) struct World {
    pub(crate) servers: Vec<Server>,
    /// Between each instance and Redis.
    pub(crate) networks: Vec<FaultProxy>,
    pub(crate) redis: RedisServer,
    pub(crate) postgres: Option<Archive>,
}

/// PostgreSQL, and the network before it.
pub(crate) struct Archive {
    pub(crate) server: PostgresServer,
    pub(crate) database: String,
    pub(crate) network: FaultProxy,
}

impl World {
    /// So many instances over a Redis.
    pub(crate) async fn start(instances: usize, redis: &RedisOptions) -> Self {
        Self::build(instances, redis, None).await
    }

    /// The same with PostgreSQL behind it.
    pub(crate) async fn with_postgres(instances: usize) -> Self {
        let server = block_in_place(|| PostgresServer::start(&PostgresOptions::default()));
        let database = block_in_place(|| server.new_database());
        let network = FaultProxy::start(server.port()).await;
        let archive = Archive {
            server,
            database,
            network,
        };
        Self::build(instances, &RedisOptions::default(), Some(archive)).await
    }

    async fn build(instances: usize, redis: &RedisOptions, postgres: Option<Archive>) -> Self {
        let redis = block_in_place(|| RedisServer::start(redis));
        let mut world = Self {
            servers: Vec::new(),
            networks: Vec::new(),
            redis,
            postgres,
        };
        for _ in 0..instances {
            let network = FaultProxy::start(world.redis.port()).await;
            let redis_url = world.redis.url_through(network.port());
            let mut variables = vec![("TASKCAST_REDIS_URL", redis_url.as_str())];
            let archive = world.postgres.as_ref();
            let postgres_url = archive.map(|it| it.server.url_of(&it.database, it.network.port()));
            if let Some(url) = &postgres_url {
                variables.push(("TASKCAST_POSTGRES_URL", url));
                variables.push(("TASKCAST_AUTO_MIGRATE", "true"));
            }
            let server = block_in_place(|| Server::start_with(&[], &variables, |_| {}));
            world.servers.push(server);
            world.networks.push(network);
        }
        world
    }

    /// The ports of the instances.
    pub(crate) fn ports(&self) -> Vec<String> {
        let ports = self.servers.iter().map(|server| server.port().to_owned());
        ports.collect()
    }

    /// A caller of one instance.
    pub(crate) fn caller(&self, instance: usize) -> Caller {
        Caller::new(self.servers[instance].port())
    }

    /// Ends an instance without warning and starts it again.
    pub(crate) fn crash(&mut self, instance: usize) {
        block_in_place(|| {
            self.servers[instance].kill();
            self.servers[instance].restart();
        });
    }

    /// Ends Redis without warning and starts it again.
    pub(crate) fn crash_redis(&mut self) {
        block_in_place(|| {
            self.redis.kill();
            self.redis.restart();
        });
    }

    /// What the archive answers to a question in SQL.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let archive = self.postgres.as_ref().unwrap();
        block_in_place(|| archive.server.psql(&archive.database, sql))
    }
}
