//! Client of a Taskcast server: a producer whose events are stored exactly once, and a subscriber
//! that resumes exactly where it was.
//!
//! ```
//! use taskcast_client::{Client, Item, Producer, SubscribeOptions};
//! use taskcast_api::{CreateTask, TransitionTask};
//! use taskcast_core::{EventType, NewEvent, RawJson, Status, Transition};
//!
//! # use std::sync::Arc;
//! # use taskcast_engine::{EngineOptions, SystemRandom, TaskEngine};
//! # use taskcast_server::{ConnectionSettings, ServerParts, ServerSettings, router, serve};
//! # use taskcast_store::{MemoryOptions, MemoryStore, SystemClock};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let limits = taskcast_core::Limits::default();
//! # let options = MemoryOptions { max_bytes: 1 << 20, limits, incarnation: 1, archived: None };
//! # let store = Arc::new(MemoryStore::new(options, Arc::new(SystemClock)));
//! # let engine = TaskEngine::start(EngineOptions::new(store));
//! # let routes = router(ServerParts {
//! #     engine: engine.clone(),
//! #     authenticator: Arc::new(taskcast_auth::Anyone),
//! #     tickets: taskcast_auth::TicketKey::new(&[7; 32]),
//! #     admin: None,
//! #     random: Arc::new(SystemRandom),
//! #     settings: ServerSettings::default(),
//! #     backend: taskcast_server::Backend::default(),
//! # });
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}", listener.local_addr()?);
//! # let (stop, settings) = (tokio_util::sync::CancellationToken::new(), ConnectionSettings::default());
//! # let mut server = tokio::task::JoinSet::new();
//! # server.spawn(serve(listener, routes, engine, settings, stop));
//! let client = Client::new(url)?; // such as http://localhost:3721
//! let task = client.create_task(&CreateTask::default()).await?;
//! client.start(&task.id).await?;
//!
//! // Events over one request, through every cut of the connection.
//! let mut events = Producer::new(&client, &task.id)?.stream().await?;
//! for word in ["Hello", "world"] {
//!     let data = RawJson::from_value(&word)?;
//!     events.send(NewEvent::new(EventType::new("word")?, Some(data))).await?;
//! }
//! events.finish(Transition::to(Status::Completed)).await?;
//!
//! // Every event once, in order, through every cut of the connection.
//! let mut subscriber = client.subscribe(&task.id, SubscribeOptions::default());
//! let mut words = Vec::new();
//! while let Some(item) = subscriber.next().await {
//!     match item? {
//!         Item::Event(event) => words.extend(event.data),
//!         Item::Gap(gap) => println!("events before {} are gone: {}", gap.earliest, gap.reason),
//!         Item::Done { reason } => println!("{reason}"),
//!         Item::Reconnecting { .. } => {}
//!     }
//! }
//! assert_eq!(words[1].as_str(), "\"Hello\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requests are repeated by themselves only where a repetition cannot duplicate anything: reads,
//! deletes, and creates and publishes, which carry an idempotency key or a producer's number. The
//! client starts no task of its own but the one a [`ProducerStream`] owns and ends.

mod call;
mod client;
mod error;
mod info;
mod pages;
mod producer;
mod publish;
mod retry;
mod series;
mod subscribe;
mod tasks;
mod token;
mod transport;

pub use client::{Client, ClientBuilder};
pub use error::ClientError;
pub use pages::{Export, HistoryOptions, HistoryPages, ListOptions, TaskPages};
pub use producer::{Producer, ProducerOptions, ProducerStream};
pub use publish::{Once, PublishAnswer};
pub use retry::RetryPolicy;
pub use series::{SeriesFormat, SeriesText, TextChange};
pub use subscribe::{Item, Since, SubscribeOptions, Subscriber};
pub use tasks::Change;
pub use token::TokenSource;
