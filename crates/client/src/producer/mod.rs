//! Exactly-once producers: everything they publish has a number, and the server stores each once.

mod pending;
mod stream;
mod worker;

pub use stream::ProducerStream;

use crate::client::Client;
use crate::publish::with_transition;
use crate::retry::random_name;
use crate::tasks::Change;
use crate::{ClientError, Once, PublishAnswer, RetryPolicy};
use std::time::Duration;
use taskcast_api::{ErrorBody, ErrorCode, EventBody, ProducerState, PublishRequest, Task};
use taskcast_core::{ProducerId, TaskId};

/// How a producer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerOptions {
    /// How cuts are mended, and after how long without progress it gives up.
    pub retry: RetryPolicy,
    /// Bytes of events that a stream keeps until they are known to be stored. Who sends more has
    /// to wait.
    pub unacknowledged_bytes: usize,
    /// After how long without an event a stream ends its request, so that what was sent is
    /// acknowledged. Servers do not wait for ever either (30 s).
    pub idle: Duration,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::producers(),
            unacknowledged_bytes: 4 << 20,
            idle: Duration::from_secs(5),
        }
    }
}

/// An exactly-once producer of one task.
///
/// What it publishes is numbered within its epoch. A number is used for one request only: a
/// publish that failed or was dropped with an unknown outcome is settled before the next one.
#[derive(Debug)]
pub struct Producer {
    client: Client,
    task: TaskId,
    id: ProducerId,
    epoch: u64,
    /// The number of what comes next.
    next: u64,
    /// The request that has the number `next` and may be stored.
    unsettled: Option<PublishRequest>,
    options: ProducerOptions,
}

impl Producer {
    /// A new producer, with an id that nobody else has.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(client: &Client, task: &TaskId) -> Result<Self, ClientError> {
        let id = ProducerId::new(random_name()?)
            .map_err(|error| ClientError::invalid(error.to_string()))?;
        Ok(Self::at(client, task, id, 0, 0))
    }

    /// The producer with this id under a new epoch: whatever still runs under an older one is
    /// fenced off.
    ///
    /// # Errors
    /// 404 when there is no such task; others as [`ClientError`] says.
    pub async fn take_over(
        client: &Client,
        task: &TaskId,
        id: ProducerId,
    ) -> Result<Self, ClientError> {
        let state = client.producer_state(task, &id).await?;
        let epoch = state.map_or(0, |state| state.epoch.saturating_add(1));
        Ok(Self::at(client, task, id, epoch, 0))
    }

    /// The producer with this id and epoch, going on after what is stored of it.
    ///
    /// # Errors
    /// 403 `producer_fenced` when a newer epoch has published; 404 when there is no such task.
    pub async fn resume(
        client: &Client,
        task: &TaskId,
        id: ProducerId,
        epoch: u64,
    ) -> Result<Self, ClientError> {
        let state = client.producer_state(task, &id).await?;
        let next = stored(state, epoch)?.map_or(0, |seq| seq + 1);
        Ok(Self::at(client, task, id, epoch, next))
    }

    fn at(client: &Client, task: &TaskId, id: ProducerId, epoch: u64, next: u64) -> Self {
        Self {
            client: client.clone(),
            task: task.clone(),
            id,
            epoch,
            next,
            unsettled: None,
            options: ProducerOptions::default(),
        }
    }

    /// The same producer with other options.
    #[must_use]
    pub fn with_options(mut self, options: ProducerOptions) -> Self {
        self.options = options;
        self
    }

    /// Its task.
    #[must_use]
    pub fn task(&self) -> &TaskId {
        &self.task
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ProducerId {
        &self.id
    }

    /// Its epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number of what it publishes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// Appends one event. Dropped before it is ready, the event may be stored or not yet; the next
    /// call stores it first.
    ///
    /// # Errors
    /// 400 `task_sealed`, 403 `producer_fenced`, 404 `task_not_found`; others as [`ClientError`]
    /// says. Unless the event itself was refused (400, 409, 413), the next call stores it first.
    pub async fn publish(
        &mut self,
        event: impl Into<EventBody>,
    ) -> Result<PublishAnswer, ClientError> {
        self.send(PublishRequest::Single(event.into())).await
    }

    /// Appends events, all or none, in order. Otherwise as [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_batch(
        &mut self,
        events: Vec<EventBody>,
    ) -> Result<PublishAnswer, ClientError> {
        self.send(PublishRequest::Batch(events)).await
    }

    /// Appends the last events and changes the status of the task, all of it or nothing.
    ///
    /// # Errors
    /// As [`publish`](Self::publish); 409 when the status does not follow.
    pub async fn finish_with(
        &mut self,
        events: Vec<EventBody>,
        transition: impl Into<Change>,
    ) -> Result<Task, ClientError> {
        match self.send(with_transition(events, transition)).await? {
            PublishAnswer::Stored {
                task: Some(task), ..
            } => Ok(*task),
            _ => Ok(self.client.get_task(&self.task).await?.task),
        }
    }

    /// Opens a stream of events over one request, each appended as it is sent.
    ///
    /// # Errors
    /// When an earlier publish with an unknown outcome cannot be settled.
    pub async fn stream(mut self) -> Result<ProducerStream, ClientError> {
        self.settle().await?;
        Ok(ProducerStream::open(self))
    }

    async fn send(&mut self, request: PublishRequest) -> Result<PublishAnswer, ClientError> {
        self.settle().await?;
        self.unsettled = Some(request);
        self.settle()
            .await
            .map(|answer| answer.unwrap_or(PublishAnswer::Duplicate))
    }

    /// Sends the request whose outcome is not known until it is.
    async fn settle(&mut self) -> Result<Option<PublishAnswer>, ClientError> {
        let Some(request) = &self.unsettled else {
            return Ok(None);
        };
        let once = Once::Producer {
            id: self.id.clone(),
            epoch: self.epoch,
            seq: self.next,
        };
        let retry = self.options.retry;
        let answer = self
            .client
            .publish_within(retry, &self.task, request, &once)
            .await;
        match &answer {
            Ok(_) => {
                self.unsettled = None;
                self.next += 1;
            }
            // What was asked is refused: its number is free.
            Err(error) if is_definite(error) => self.unsettled = None,
            Err(_) => {}
        }
        answer.map(Some)
    }
}

/// Whether an error says that the request is not stored. Others may hide that an earlier try was:
/// a token can expire between two tries, and who used the number again would lose an event.
fn is_definite(error: &ClientError) -> bool {
    matches!(error.status(), Some(400 | 409 | 413 | 415))
}

/// The last number that a server has of an epoch.
fn stored(state: Option<ProducerState>, epoch: u64) -> Result<Option<u64>, ClientError> {
    match state {
        Some(state) if state.epoch > epoch => Err(ClientError::Server {
            status: ErrorCode::ProducerFenced.status(),
            body: Box::new(ErrorBody::new(
                ErrorCode::ProducerFenced,
                format!(
                    "epoch {} of this producer has taken over from epoch {epoch}",
                    state.epoch
                ),
            )),
            retry_after: None,
        }),
        Some(state) if state.epoch == epoch => Ok(Some(state.seq)),
        _ => Ok(None),
    }
}
