//! The library that hosts embed: tasks, their events, and streams of them that resume exactly.
//!
//! ```
//! use std::sync::Arc;
//! use taskcast_core::{EventType, Limits, NewEvent, RawJson, Status, Transition};
//! use taskcast_engine::{
//!     CreateAsk, EngineOptions, Frame, Publish, Subscribe, SubscribeAsk, TaskEngine,
//! };
//! use taskcast_store::{MemoryOptions, MemoryStore, SystemClock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let options = MemoryOptions { max_bytes: 1 << 20, limits: Limits::default(), incarnation: 1, archived: None };
//! let store = Arc::new(MemoryStore::new(options, Arc::new(SystemClock)));
//! let engine = TaskEngine::start(EngineOptions::new(store));
//!
//! let task = engine.create(CreateAsk::default()).await?.state.record.id.clone();
//! engine.transition(&task, &Transition::to(Status::Running)).await?;
//! let hello = NewEvent::new(EventType::new("greeting")?, Some(RawJson::from_value("hello")?));
//! engine.publish(&task, Publish::events(vec![hello])).await?;
//! engine.transition(&task, &Transition::to(Status::Completed)).await?;
//!
//! // A reader that comes now, or came before, or comes back, sees the same.
//! let Subscribe::Stream(mut stream) = engine.subscribe(&task, SubscribeAsk::default()).await?
//! else { unreachable!("nothing was seen before") };
//! let mut seen = Vec::new();
//! while let Some(frames) = stream.next().await? {
//!     for frame in frames {
//!         match frame {
//!             Frame::Event(event) => seen.push(event.shared.event.event_type.to_string()),
//!             Frame::Done(done) => seen.push(done.reason.to_owned()),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(seen, ["taskcast:status", "greeting", "taskcast:status", "completed"]);
//! engine.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod background;
mod caller;
mod deadlines;
mod engine;
mod error;
mod everything;
mod feed;
mod fetch;
mod history;
mod import;
mod options;
mod outage;
mod publish;
mod random;
mod subscribe;
mod tasks;
mod topic;

pub use caller::Caller;
pub use engine::TaskEngine;
pub use error::EngineError;
pub use everything::{EverythingAsk, EverythingFrame, EverythingStream};
pub use history::{History, HistoryAsk, HistoryItem};
pub use import::ImportedTask;
pub use options::EngineOptions;
pub use publish::{Publish, Published};
pub use random::{Random, SystemRandom};
pub use subscribe::{
    Done, EventFrame, Frame, Gap, Opening, SeriesFormat, Since, Subscribe, SubscribeAsk,
    Subscription,
};
pub use tasks::{CreateAsk, CreatedTask};
pub use topic::{EncodedForm, SharedEvent, Total};
