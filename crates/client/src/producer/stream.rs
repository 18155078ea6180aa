//! The sending end of a stream of events.

use super::worker::{Command, Worker};
use super::{ClientError, Producer};
use crate::tasks::Change;
use bytes::Bytes;
use taskcast_api::{EventBody, Task};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Events that may wait for the worker, beside the bytes that it keeps.
const QUEUE: usize = 64;

/// A stream of events: each is appended as it is sent, over one request, through every cut of the
/// connection. What was sent is surely stored after [`flush`](Self::flush),
/// [`close`](Self::close) or [`finish`](Self::finish). Dropping it abandons what is not stored yet.
#[derive(Debug)]
pub struct ProducerStream {
    commands: mpsc::Sender<Command>,
    /// The one task that the client starts: ended with the stream.
    worker: JoinSet<Result<u64, ClientError>>,
    producer: Producer,
    failed: Option<ClientError>,
}

impl ProducerStream {
    pub(super) fn open(producer: Producer) -> Self {
        let (commands, queue) = mpsc::channel(QUEUE);
        let mut worker = JoinSet::new();
        worker.spawn(Worker::new(&producer, queue).run());
        Self {
            commands,
            worker,
            producer,
            failed: None,
        }
    }

    /// The producer's task, id, epoch and options.
    #[must_use]
    pub fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Sends an event; waits while more is unacknowledged than
    /// [`unacknowledged_bytes`](super::ProducerOptions::unacknowledged_bytes). Dropped before it is
    /// ready, the event is not sent.
    ///
    /// # Errors
    /// Why the stream has ended, now and ever after: 400 for an event that the server refuses (the
    /// ones before it are stored) or `task_sealed`, 403 `producer_fenced`, 404 `task_not_found`, or
    /// no progress for too long.
    pub async fn send(&mut self, event: impl Into<EventBody>) -> Result<(), ClientError> {
        let mut line = serde_json::to_vec(&event.into()).map_err(|error| {
            ClientError::invalid(format!("the event has no JSON form: {error}"))
        })?;
        // The number takes the place of the brace.
        line.pop();
        match self.commands.send(Command::Event(Bytes::from(line))).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().await),
        }
    }

    /// Waits until everything that was sent is stored.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        let (done, stored) = oneshot::channel();
        let asked = self.commands.send(Command::Flush(done)).await.is_ok();
        if asked && stored.await.is_ok() {
            return Ok(());
        }
        Err(self.failure().await)
    }

    /// Waits until everything that was sent is stored, and gives the producer back.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn close(mut self) -> Result<Producer, ClientError> {
        self.flush().await?;
        let Self {
            commands,
            mut worker,
            mut producer,
            ..
        } = self;
        drop(commands);
        producer.next = joined(worker.join_next().await)?;
        Ok(producer)
    }

    /// Waits until everything that was sent is stored, then changes the status of the task,
    /// exactly once.
    ///
    /// # Errors
    /// As [`send`](Self::send); 409 when the status does not follow.
    pub async fn finish(self, transition: impl Into<Change>) -> Result<Task, ClientError> {
        self.close()
            .await?
            .finish_with(Vec::new(), transition)
            .await
    }

    /// Why the worker has ended.
    async fn failure(&mut self) -> ClientError {
        if let Some(error) = &self.failed {
            return error.clone();
        }
        let error = match joined(self.worker.join_next().await) {
            Err(error) => error,
            Ok(_) => ClientError::invalid("the stream was closed"),
        };
        self.failed = Some(error.clone());
        error
    }
}

type Joined = Option<Result<Result<u64, ClientError>, tokio::task::JoinError>>;

fn joined(joined: Joined) -> Result<u64, ClientError> {
    match joined {
        Some(Ok(result)) => result,
        Some(Err(_)) | None => Err(ClientError::invalid("the worker of the stream was stopped")),
    }
}
