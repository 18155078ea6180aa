//! One connection of a subscriber: bytes become frames, silence becomes an error.

use crate::ClientError;
use crate::client::Client;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use taskcast_api::sse::{Frame, Parser};
use tokio::time::{Instant, timeout_at};

/// An open stream.
pub(super) struct Connection {
    body: Incoming,
    parser: Parser,
    origin: Arc<str>,
    silence: Duration,
    /// When something last arrived.
    heard: Instant,
}

/// How a connection ended.
pub(super) enum End {
    /// The server closed it in good order, without saying that the stream is over.
    Closed,
    /// It broke, or went silent.
    Cut(ClientError),
    /// It cannot be read.
    Unreadable(ClientError),
}

impl Connection {
    /// Takes an answer as a stream.
    pub(super) fn of(
        client: &Client,
        response: Response<Incoming>,
        silence: Duration,
        max_frame_bytes: usize,
    ) -> Result<Self, ClientError> {
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |value| value.as_bytes());
        if !kind.starts_with(b"text/event-stream") {
            return Err(ClientError::protocol(
                "the answer is no event stream; is this the address of a Taskcast server?",
            ));
        }
        Ok(Self {
            body: response.into_body(),
            parser: Parser::new(max_frame_bytes),
            origin: client.shared.origin.clone(),
            silence,
            heard: Instant::now(),
        })
    }

    /// Waits for bytes and appends the frames they complete. May be dropped while it waits.
    pub(super) async fn read(&mut self, frames: &mut VecDeque<Frame>) -> Result<(), End> {
        let frame = timeout_at(self.heard + self.silence, self.body.frame()).await;
        let frame = frame.map_err(|_| End::Cut(self.silent()))?;
        self.heard = Instant::now();
        let frame = match frame {
            None => return Err(End::Closed),
            Some(Err(error)) => return Err(End::Cut(ClientError::broke(&self.origin, &error))),
            Some(Ok(frame)) => frame,
        };
        let Some(bytes) = frame.data_ref() else {
            return Ok(());
        };
        let mut complete = Vec::new();
        let parsed = self.parser.push(bytes, &mut complete);
        frames.extend(complete);
        parsed.map_err(|error| End::Unreadable(ClientError::protocol(error.to_string())))
    }

    /// What a connection that ended too early is reported as.
    pub(super) fn closed(origin: &Arc<str>) -> ClientError {
        ClientError::Network {
            what: "the stream was closed by",
            origin: origin.clone(),
            cause: "it is not over and goes on elsewhere or later".into(),
            sent: true,
        }
    }

    fn silent(&self) -> ClientError {
        ClientError::Timeout {
            origin: self.origin.clone(),
            after: self.silence,
        }
    }
}
