//! The library that hosts embed: tasks, their events, and streams of them that resume exactly.

mod access;
mod background;
mod caller;
mod engine;
mod error;
mod everything;
mod history;
mod import;
mod options;
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
