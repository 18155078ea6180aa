//! The wire: bodies, error codes and event-stream frames of the Taskcast protocol.
//!
//! Servers read requests with `parse` functions, which tell everything that is wrong at once and
//! keep payloads as the bytes that were sent; clients write the same requests and read the answers
//! with serde. [`sse`] writes and reads event streams. No async, no I/O, no HTTP library: a status
//! is a number, a body is bytes.
//!
//! ```
//! use bytes::BytesMut;
//! use taskcast_api::sse::{self, Parser};
//! use taskcast_api::{CreateTask, ErrorBody, PublishBody};
//! use taskcast_core::Limits;
//!
//! let limits = Limits::default();
//! let body = br#"{"type":"llm.delta","data":{"delta":"Hi"}}"#;
//! assert!(matches!(PublishBody::parse(body, &limits)?, PublishBody::Single(_)));
//!
//! let invalid = CreateTask::parse(br#"{"ttl":0,"tags":7}"#, &limits).unwrap_err();
//! let answer = ErrorBody::from(&invalid);
//! assert_eq!((invalid.code().status(), &*answer.code), (400, "invalid_request"));
//!
//! let mut stream = BytesMut::new();
//! sse::done(&mut stream, "completed", None);
//! let mut frames = Vec::new();
//! Parser::new(1 << 20).push(&stream, &mut frames)?;
//! assert_eq!(frames[0].event, "taskcast.done");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod error;
mod event;
mod info;
mod invalid;
mod present;
mod read;
pub mod schema;
pub mod sse;
mod task;
#[cfg(test)]
mod testing;

pub use archive::{Archive, ArchiveWriter, ImportAnswer, ImportBody, ImportRequest};
pub use error::{ErrorBody, ErrorCode, UnknownCode};
pub use event::{
    Envelope, EventBody, EventView, EventsWithTransition, NdjsonLine, PublishBody, PublishRequest,
    TaskEvent, write_event,
};
pub use info::{
    Adapter, Adapters, AdminTokenRequest, AdminTokenResponse, ArchiveDetail, AuthMode, Dependency,
    DependencyDetail, DependencyState, DuplicateAnswer, Health, HealthDetail, Links, ManagedState,
    NdjsonSummary, ProducerState, Readiness, ReleaseAnswer, ReleaseRequest, ServerInfo,
    StorageState, TicketResponse,
};
pub use invalid::{Invalid, Issue};
pub use task::{
    BlockedRequest, CreateTask, ResolveTask, Task, TaskError, TaskList, TaskView, TransitionTask,
};
