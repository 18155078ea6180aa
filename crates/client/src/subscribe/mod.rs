//! Subscribers: a loop over a cursor. Each event once, in order, through every cut.
//!
//! ```text
//!   Connecting ──> Open ──> Over        done, 204, or an error that no retry mends
//!       ^            │
//!       └─ Waiting <─┘                  cut: go on after the cursor
//! ```
//!
//! Exactness is the cursor's: an `id:` promises that everything up to it was delivered. So the
//! cursor moves when an item is handed out, the rest of a cut frame is thrown away, and nothing
//! that was seen has to be remembered.

mod connection;
mod options;

pub use options::{Since, SubscribeOptions};

use crate::ClientError;
use crate::call::Call;
use crate::client::Client;
use crate::retry::Backoff;
use crate::tasks::path;
use connection::{Connection, End};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use taskcast_api::Envelope;
use taskcast_api::sse::{Frame, Gap};
use taskcast_core::TaskId;
use tokio::time::{Instant, sleep_until, timeout};

/// What a subscriber delivers.
#[derive(Clone, Debug)]
pub enum Item {
    /// An event.
    Event(Box<Envelope>),
    /// Something between the cursor and what follows cannot be read.
    Gap(Gap),
    /// The stream is over, and this is the last item.
    Done {
        /// The status in which the task ended, or `deleted`.
        reason: String,
    },
    /// The connection was lost; the subscriber mends it. Nothing has to be done about it.
    Reconnecting {
        /// How long it waits first.
        wait: Duration,
        /// Why.
        cause: ClientError,
    },
}

/// A reader of one task, or of all. Connects when it is first asked for an item.
pub struct Subscriber {
    client: Client,
    path: String,
    options: SubscribeOptions,
    cursor: Option<String>,
    /// Frames that arrived and were not handed out.
    frames: VecDeque<Frame>,
    state: State,
    backoff: Backoff,
    /// The gap that was told since the cursor last moved: a reconnect from it tells it again.
    told: Option<Gap>,
}

enum State {
    Waiting(Instant),
    Connecting(BoxFuture<'static, Result<Response<Incoming>, ClientError>>),
    Open(Box<Connection>),
    Failed(ClientError),
    Over,
}

impl Client {
    /// Follows a task.
    #[must_use]
    pub fn subscribe(&self, task: &TaskId, options: SubscribeOptions) -> Subscriber {
        Subscriber::new(self, path(task, "/events"), options)
    }

    /// Follows all tasks the caller may see: from now, or after `last_event_id`. Takes `types` and
    /// `levels`; there is no end.
    #[must_use]
    pub fn subscribe_all(&self, options: SubscribeOptions) -> Subscriber {
        Subscriber::new(self, "/events".to_owned(), options)
    }
}

impl Subscriber {
    fn new(client: &Client, path: String, options: SubscribeOptions) -> Self {
        Self {
            client: client.clone(),
            path,
            cursor: options.last_event_id.clone(),
            frames: VecDeque::new(),
            state: State::Waiting(Instant::now()),
            backoff: Backoff::new(options.retry),
            told: None,
            options,
        }
    }

    /// The cursor after the items that were handed out: give it to a later subscriber as
    /// [`SubscribeOptions::last_event_id`].
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The next item; none after the end or an error. May be dropped while it waits, without
    /// losing anything.
    ///
    /// # Errors
    /// What no retry mends: no such task, no permission, a token that is refused twice, answers
    /// that are none of Taskcast's, or the retry policy gave up.
    pub async fn next(&mut self) -> Option<Result<Item, ClientError>> {
        loop {
            while let Some(frame) = self.frames.pop_front() {
                match self.take(frame) {
                    Ok(Some(item)) => return Some(Ok(item)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(self.fail(error))),
                }
            }
            match self.step().await {
                Ok(None) if matches!(self.state, State::Over) => return None,
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => return Some(Err(self.fail(error))),
            }
        }
    }

    /// The items as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Item, ClientError>> + Send {
        stream::unfold(self, |mut subscriber| async move {
            let item = subscriber.next().await?;
            Some((item, subscriber))
        })
    }

    /// One step of the loop. Every state can be waited for again after a drop.
    async fn step(&mut self) -> Result<Option<Item>, ClientError> {
        match &mut self.state {
            State::Over => Ok(None),
            State::Failed(error) => Err(error.clone()),
            State::Waiting(until) => {
                sleep_until(*until).await;
                self.state = State::Connecting(self.connect()?);
                Ok(None)
            }
            State::Connecting(answer) => {
                let answer = answer.await;
                self.connected(answer)
            }
            State::Open(connection) => match connection.read(&mut self.frames).await {
                Ok(()) => Ok(None),
                Err(End::Closed) => {
                    // Also how a stream ends whose token has expired.
                    self.client.shared.credentials.renew().await;
                    self.lost(Connection::closed(&self.client.shared.origin))
                }
                Err(End::Cut(error)) => self.lost(error),
                Err(End::Unreadable(error)) => {
                    // Told after the frames before it.
                    self.state = State::Failed(error);
                    Ok(None)
                }
            },
        }
    }

    fn connect(
        &self,
    ) -> Result<BoxFuture<'static, Result<Response<Incoming>, ClientError>>, ClientError> {
        let target = self.options.target(&self.path, self.cursor.is_some());
        let call = Call::get(target).header("accept", "text/event-stream")?;
        let call = match &self.cursor {
            Some(cursor) => call.header("last-event-id", cursor)?,
            None => call,
        };
        let client = self.client.clone();
        Ok(Box::pin(async move {
            let head = timeout(client.shared.timeout, client.head_once(&call));
            head.await.map_err(|_| client.late())?
        }))
    }

    fn connected(
        &mut self,
        answer: Result<Response<Incoming>, ClientError>,
    ) -> Result<Option<Item>, ClientError> {
        match answer {
            Ok(response) if response.status() == StatusCode::NO_CONTENT => {
                self.state = State::Over;
                Ok(None)
            }
            Ok(response) => {
                let SubscribeOptions {
                    silence,
                    max_frame_bytes,
                    ..
                } = self.options;
                let connection = Connection::of(&self.client, response, silence, max_frame_bytes)?;
                self.state = State::Open(Box::new(connection));
                Ok(None)
            }
            Err(error) if error.is_retryable() => self.lost(error),
            Err(error) => Err(error),
        }
    }

    fn lost(&mut self, cause: ClientError) -> Result<Option<Item>, ClientError> {
        let Some(wait) = self.backoff.wait(&cause) else {
            return Err(cause);
        };
        self.state = State::Waiting(Instant::now() + wait);
        Ok(Some(Item::Reconnecting { wait, cause }))
    }

    fn fail(&mut self, error: ClientError) -> ClientError {
        self.state = State::Over;
        self.frames.clear();
        error
    }

    /// Hands out a frame, and moves the cursor with it.
    fn take(&mut self, frame: Frame) -> Result<Option<Item>, ClientError> {
        if let Some(retry) = frame.retry {
            self.backoff.set_first(retry);
        }
        let item = match &frame.data {
            None => None,
            Some(data) => self.item(&frame.event, data)?,
        };
        if let Some(id) = frame.id {
            self.told = None;
            self.backoff.reset();
            self.cursor = Some(id).filter(|id| !id.is_empty());
        }
        Ok(item)
    }

    fn item(&mut self, event: &str, data: &str) -> Result<Option<Item>, ClientError> {
        self.backoff.reset();
        match event {
            "taskcast.event" => read(event, data).map(|event| Some(Item::Event(event))),
            "taskcast.gap" => {
                let gap: Gap = read(event, data)?;
                if self.told.as_ref() == Some(&gap) {
                    return Ok(None);
                }
                self.told = Some(gap.clone());
                Ok(Some(Item::Gap(gap)))
            }
            "taskcast.done" => {
                let Ending { reason } = read(event, data)?;
                self.state = State::Over;
                Ok(Some(Item::Done { reason }))
            }
            // Frames that are newer than this client.
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("path", &self.path)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Ending {
    reason: String,
}

fn read<T: DeserializeOwned>(event: &str, data: &str) -> Result<T, ClientError> {
    serde_json::from_str(data).map_err(|error| {
        ClientError::protocol(format!(
            "a frame `{event}` of the stream cannot be read: {error}"
        ))
    })
}
