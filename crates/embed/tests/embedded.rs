//! The embedded example works as it stands: two applications over one Redis and one PostgreSQL.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

#[path = "../examples/embedded.rs"]
#[allow(dead_code, reason = "its `main` is not run here")]
mod embedded;

use serde_json::json;
use std::time::Duration;
use taskcast_client::{Client, Item, SubscribeOptions, TokenSource};
use taskcast_core::{EventType, NewEvent, RawJson, Status, Transition};
use taskcast_embed::auth::{Algorithm, SharedKey, mint};
use taskcast_embed::store::{Clock, SystemClock};
use taskcast_rig::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const SECRET: &[u8] = b"0123456789-0123456789-0123456789";

/// The servers that both applications share.
struct World {
    redis: RedisServer,
    postgres: PostgresServer,
    running: JoinSet<()>,
    stop: CancellationToken,
}

impl World {
    fn start() -> Self {
        Self {
            redis: RedisServer::start(&RedisOptions::default()),
            postgres: PostgresServer::start(&PostgresOptions::default()),
            running: JoinSet::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Runs an application; gives its address.
    async fn application(&mut self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (redis, postgres) = (self.redis.url(), self.postgres.url());
        let stop = self.stop.clone();
        self.running.spawn(async move {
            let ran = embedded::run(listener, &redis, &postgres, SECRET, stop).await;
            ran.map_err(|error| error.to_string()).unwrap();
        });
        format!("http://{address}")
    }

    /// Ends both applications, which lets go of everything in order.
    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

fn client(url: &str) -> Client {
    let key = SharedKey::new(Algorithm::HS256, SECRET).unwrap();
    let claims = json!({ "scope": ["*"], "taskIds": "*" });
    let (claims, now) = (claims.as_object().unwrap(), SystemClock.now());
    let token = mint(claims, &key, now, Duration::from_secs(600)).unwrap();
    let builder = Client::builder(format!("{url}/taskcast"));
    builder.token(TokenSource::fixed(token)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_applications_share_their_tasks_and_let_in_who_has_a_token() {
    let mut world = World::start();
    let (one, other) = (world.application().await, world.application().await);
    let stranger = Client::new(format!("{one}/taskcast")).unwrap();
    let refused = stranger.create_task(&Default::default()).await.unwrap_err();
    assert_eq!(refused.status(), Some(401));

    let (producer, reader) = (client(&one), client(&other));
    let task = producer.create_task(&Default::default()).await.unwrap();
    producer.start(&task.id).await.unwrap();
    let mut subscriber = reader.subscribe(&task.id, SubscribeOptions::default());
    for word in ["Hello", "world"] {
        let data = Some(RawJson::from_value(&word).unwrap());
        let event = NewEvent::new(EventType::new("word").unwrap(), data);
        producer.publish(&task.id, event).await.unwrap();
    }
    let end = Transition::to(Status::Completed);
    producer.transition(&task.id, end).await.unwrap();

    let mut words = Vec::new();
    while let Some(item) = subscriber.next().await {
        match item.unwrap() {
            Item::Event(event) if event.event_type.as_str() == "word" => words.extend(event.data),
            Item::Event(_) | Item::Done { .. } | Item::Reconnecting { .. } => {}
            Item::Gap(gap) => panic!("{gap:?}"),
        }
    }
    let words: Vec<&str> = words.iter().map(RawJson::as_str).collect();
    assert_eq!(words, [r#""Hello""#, r#""world""#]);

    let detail = reader.health_detail().await.unwrap();
    let detail = serde_json::to_value(detail).unwrap();
    assert_eq!(detail["auth"]["mode"], "jwt", "{detail}");
    assert_eq!(detail["adapters"]["longTermStore"]["provider"], "postgres");
    world.end().await;
}
