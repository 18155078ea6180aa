//! A world: a clock, a memory store, an engine over it, and the router.

use super::{Answer, Ask, Stream, documented, get, patch, post};
use axum::Router;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use taskcast_auth::{Anyone, Authenticator, TicketKey};
use taskcast_core::{Limits, Millis};
use taskcast_engine::{EngineOptions, SystemRandom, TaskEngine};
use taskcast_server::{AdminApi, Backend, ServerParts, ServerSettings, router};
use taskcast_store::{ManualClock, MemoryOptions, MemoryStore};
use tower::ServiceExt;

/// When every story begins.
pub const START: Millis = Millis(1_700_000_000_000);

/// What a world is made of.
pub struct Given {
    pub limits: Limits,
    pub settings: ServerSettings,
    pub authenticator: Arc<dyn Authenticator>,
    pub admin: Option<AdminApi>,
    pub backend: Backend,
    pub store_bytes: u64,
    /// Whether answers have to be as the OpenAPI document says.
    pub documented: bool,
}

pub fn given() -> Given {
    Given {
        limits: Limits::default(),
        settings: ServerSettings::default(),
        authenticator: Arc::new(Anyone),
        admin: None,
        backend: Backend::default(),
        store_bytes: 1 << 30,
        documented: true,
    }
}

/// The usual world, in which everybody may do everything.
pub fn world() -> World {
    given().world()
}

impl Given {
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut ServerSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.authenticator = Arc::new(authenticator);
        self
    }

    /// Needs a runtime.
    pub fn world(self) -> World {
        let clock = Arc::new(ManualClock::at(START));
        let options = MemoryOptions {
            max_bytes: self.store_bytes,
            limits: self.limits.clone(),
            incarnation: 7,
            archived: None,
        };
        let store = Arc::new(MemoryStore::new(options, clock.clone()));
        let engine = TaskEngine::start(EngineOptions {
            limits: self.limits,
            ..EngineOptions::new(store)
        });
        let router = router(ServerParts {
            engine: engine.clone(),
            authenticator: self.authenticator,
            tickets: TicketKey::new(&[7; 32]),
            admin: self.admin,
            backend: self.backend,
            random: Arc::new(SystemRandom),
            settings: self.settings,
        });
        World {
            clock,
            engine,
            router,
            documented: self.documented,
        }
    }
}

/// A clock, an engine over a store dated by it, and the router.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<ManualClock>,
    pub engine: TaskEngine,
    pub router: Router,
    pub documented: bool,
}

impl World {
    /// Sends a request and reads the whole answer, which has to be as the document says and of
    /// the one shape when it is an error.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let (method, path) = (ask.method.clone(), ask.path.clone());
        let response = self.router.clone().oneshot(ask.into_request()).await;
        let answer = Answer::read(response.expect("routers do not fail")).await;
        if self.documented {
            documented::check(&method, &path, &answer);
        }
        answer
    }

    /// Opens a stream without a socket.
    pub async fn stream(&self, ask: Ask) -> Stream {
        let (method, path) = (ask.method.clone(), ask.path.clone());
        let response = self.router.clone().oneshot(ask.into_request()).await;
        let response = response.expect("routers do not fail");
        documented::check_status(&method, &path, response.status().as_u16());
        Stream::of(response)
    }

    pub async fn follow(&self, path: &str) -> Stream {
        self.stream(get(path)).await
    }

    /// A task with this id.
    pub async fn pending(&self, id: &str) {
        let body = json!({"id": id});
        self.ask(post("/tasks").json(&body)).await.expect(201);
    }

    /// A task that runs: its log has one `taskcast:status` event.
    pub async fn running(&self, id: &str) {
        self.pending(id).await;
        self.to(id, json!({"status": "running"})).await;
    }

    pub async fn to(&self, id: &str, body: Value) -> Value {
        let ask = patch(&format!("/tasks/{id}/status")).json(&body);
        self.ask(ask).await.expect(200).json()
    }

    pub async fn complete(&self, id: &str) {
        self.to(id, json!({"status": "completed"})).await;
    }

    /// Publishes one event or an array of them.
    pub async fn publish(&self, id: &str, body: Value) -> Value {
        let ask = post(&format!("/tasks/{id}/events")).json(&body);
        self.ask(ask).await.expect(201).json()
    }

    /// Publishes deltas of an `accumulate` series.
    pub async fn deltas(&self, id: &str, series: &str, texts: &[&str]) {
        for text in texts {
            self.publish(id, delta(series, text)).await;
        }
    }

    pub async fn history(&self, id: &str, query: &str) -> Vec<Value> {
        let ask = get(&format!("/tasks/{id}/events/history{query}"));
        let json = self.ask(ask).await.expect(200).json();
        json.as_array().expect("an array").clone()
    }

    /// Waits until something is true; five seconds at most.
    pub async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..2_500 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("five seconds passed, and still not: {what}");
    }
}

pub fn delta(series: &str, text: &str) -> Value {
    json!({"type": "llm.delta", "level": "info", "data": {"delta": text},
        "seriesId": series, "seriesMode": "accumulate"})
}
