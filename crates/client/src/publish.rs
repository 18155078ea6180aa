//! Publishing: one event, a batch, the last events with the end of the task. Each exactly once.

use crate::call::{Call, read_json};
use crate::client::Client;
use crate::retry::random_name;
use crate::tasks::{Change, path};
use crate::{ClientError, RetryPolicy};
use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use taskcast_api::{EventBody, EventsWithTransition, PublishRequest, Task, TaskEvent};
use taskcast_core::{ProducerId, TaskId};

/// What makes a publish happen once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// A name of the request, 1 to 256 bytes, remembered for a day.
    Key(String),
    /// The number of the request within an epoch of a producer.
    Producer {
        /// The producer.
        id: ProducerId,
        /// Its epoch.
        epoch: u64,
        /// The number, from 0 and without gaps.
        seq: u64,
    },
}

impl Once {
    pub(crate) const KEY_HEADER: &'static str = "idempotency-key";

    fn mark(&self, call: Call) -> Result<Call, ClientError> {
        match self {
            Self::Key(key) => call.header(Self::KEY_HEADER, key),
            Self::Producer { id, epoch, seq } => {
                producer_headers(call, id, *epoch)?.header("producer-seq", &seq.to_string())
            }
        }
    }
}

pub(crate) fn producer_headers(
    call: Call,
    id: &ProducerId,
    epoch: u64,
) -> Result<Call, ClientError> {
    call.header("producer-id", id.as_str())?
        .header("producer-epoch", &epoch.to_string())
}

/// What became of a publish. Either way it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishAnswer {
    /// The events as they stand in the log.
    Stored {
        /// The events, in order; those of a transition are not among them.
        events: Vec<TaskEvent>,
        /// The task after the transition, if there was one.
        task: Option<Box<Task>>,
    },
    /// It was stored by an earlier try, and the server does not remember the answer.
    Duplicate,
}

impl PublishAnswer {
    /// The events, when the server told them.
    #[must_use]
    pub fn into_events(self) -> Vec<TaskEvent> {
        match self {
            Self::Stored { events, .. } => events,
            Self::Duplicate => Vec::new(),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, ClientError> {
        let stored = |events| Self::Stored { events, task: None };
        if bytes.first() == Some(&b'[') {
            return read_json(bytes).map(stored);
        }
        let shape: Shape = read_json(bytes)?;
        if shape.duplicate {
            return Ok(Self::Duplicate);
        }
        if shape.events.is_none() {
            return read_json(bytes).map(|event| stored(vec![event]));
        }
        let WithTask { events, task } = read_json(bytes)?;
        Ok(Self::Stored { events, task })
    }
}

/// Which of the answers it is. (An untagged choice would lose the bytes of payloads.)
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    duplicate: bool,
    events: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct WithTask {
    events: Vec<TaskEvent>,
    #[serde(default)]
    task: Option<Box<Task>>,
}

impl Client {
    /// Appends one event. An idempotency key is made up, so that repetitions append it once.
    ///
    /// # Errors
    /// 400 `task_sealed` when the task has ended; 404 when there is none.
    pub async fn publish(
        &self,
        task: &TaskId,
        event: impl Into<EventBody>,
    ) -> Result<PublishAnswer, ClientError> {
        let request = PublishRequest::Single(event.into());
        self.publish_once(task, &request, &Once::Key(random_name()?))
            .await
    }

    /// Appends events, all or none, in order.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_batch(
        &self,
        task: &TaskId,
        events: Vec<EventBody>,
    ) -> Result<PublishAnswer, ClientError> {
        let request = PublishRequest::Batch(events);
        self.publish_once(task, &request, &Once::Key(random_name()?))
            .await
    }

    /// Appends events and changes the status of the task, all of it or nothing.
    ///
    /// # Errors
    /// As [`publish`](Self::publish); 409 when the status does not follow.
    pub async fn publish_with(
        &self,
        task: &TaskId,
        events: Vec<EventBody>,
        transition: impl Into<Change>,
    ) -> Result<PublishAnswer, ClientError> {
        let request = with_transition(events, transition);
        self.publish_once(task, &request, &Once::Key(random_name()?))
            .await
    }

    /// Publishes what the caller made, named or numbered by the caller.
    ///
    /// # Errors
    /// As [`publish`](Self::publish); 422 when the key was used for another body; what the server
    /// says of a producer out of order.
    pub async fn publish_once(
        &self,
        task: &TaskId,
        request: &PublishRequest,
        once: &Once,
    ) -> Result<PublishAnswer, ClientError> {
        self.publish_within(self.shared.retry, task, request, once)
            .await
    }

    pub(crate) async fn publish_within(
        &self,
        policy: RetryPolicy,
        task: &TaskId,
        request: &PublishRequest,
        once: &Once,
    ) -> Result<PublishAnswer, ClientError> {
        let call = once.mark(Call::new(Method::POST, path(task, "/events"), true))?;
        let bytes = self.bytes(&call.json(request)?, policy).await?;
        PublishAnswer::read(&bytes)
    }
}

pub(crate) fn with_transition(
    events: Vec<EventBody>,
    transition: impl Into<Change>,
) -> PublishRequest {
    PublishRequest::WithTransition(EventsWithTransition {
        events,
        transition: Some(transition.into().0),
    })
}
