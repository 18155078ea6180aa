//! Client of a Taskcast server: a producer whose events are stored exactly once, and a subscriber
//! that resumes exactly where it was.
//!
//! ```no_run
//! use taskcast_client::{Client, Item, Producer, SubscribeOptions};
//! use taskcast_api::{CreateTask, TransitionTask};
//! use taskcast_core::{EventType, NewEvent, RawJson, Status, Transition};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("http://localhost:3721")?;
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
//! while let Some(item) = subscriber.next().await {
//!     match item? {
//!         Item::Event(event) => println!("{} {:?}", event.event_type, event.data),
//!         Item::Gap(gap) => println!("events before {} are gone: {}", gap.earliest, gap.reason),
//!         Item::Done { reason } => println!("{reason}"),
//!         Item::Reconnecting { .. } => {}
//!     }
//! }
//! # Ok(())
//! # }
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
