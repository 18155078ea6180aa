//! Event streams, read frame by frame.

use super::Answer;
use axum::body::Body;
use axum::response::Response;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use taskcast_api::sse::{self, Parser};
use tokio::time::timeout;

/// A stream under way.
pub struct Stream {
    pub status: u16,
    pub headers: HeaderMap,
    body: Body,
    parser: Parser,
    frames: VecDeque<Frame>,
    /// Everything that was read, comments included.
    pub raw: Vec<u8>,
    /// The cursor: the newest `id:`.
    pub cursor: Option<String>,
}

/// One frame with its data as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub event: String,
    pub data: Value,
    pub id: Option<String>,
}

impl From<sse::Frame> for Frame {
    fn from(frame: sse::Frame) -> Self {
        let data = frame.data.unwrap_or_else(|| "null".to_owned());
        Self {
            event: frame.event,
            data: serde_json::from_str(&data).expect("the data of every frame is JSON"),
            id: frame.id,
        }
    }
}

impl Stream {
    pub fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            parser: Parser::new(64 << 20),
            frames: VecDeque::new(),
            raw: Vec::new(),
            cursor: None,
        }
    }

    /// Reads one piece; tells whether there was one. Five seconds without is a failure.
    pub async fn piece(&mut self) -> bool {
        let piece = timeout(Duration::from_secs(5), self.body.frame()).await;
        let piece = piece.unwrap_or_else(|_| panic!("five silent seconds after: {}", self.text()));
        let Some(Ok(piece)) = piece else {
            return false;
        };
        let Ok(bytes) = piece.into_data() else {
            return true;
        };
        self.raw.extend_from_slice(&bytes);
        let mut frames = Vec::new();
        self.parser.push(&bytes, &mut frames).expect("small frames");
        let told = frames.into_iter().filter(|frame| {
            self.cursor = frame.id.clone().or(self.cursor.take());
            frame.data.is_some()
        });
        let told: Vec<Frame> = told.map(Into::into).collect();
        self.frames.extend(told);
        true
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The next frame with data; none after the end.
    pub async fn next(&mut self) -> Option<Frame> {
        while self.frames.is_empty() {
            if !self.piece().await {
                return None;
            }
        }
        self.frames.pop_front()
    }

    /// The next `count` frames.
    pub async fn take(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            frames.push(self.next().await.expect("another frame"));
        }
        frames
    }

    /// All frames up to the end.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }

    /// Reads until the bytes hold this text.
    pub async fn until(&mut self, text: &str) {
        while !self.text().contains(text) {
            let was = self.text();
            assert!(
                self.piece().await,
                "the stream ended without {text:?}: {was}"
            );
        }
    }

    /// Reads to the end and returns everything that came.
    pub async fn whole(mut self) -> String {
        while self.piece().await {}
        self.text()
    }

    /// Passes over one piece of what is no event stream; tells whether there was one.
    pub async fn skip_piece(&mut self) -> bool {
        self.body.frame().await.is_some()
    }

    /// Reads what is no stream at all.
    pub async fn answer(self) -> Answer {
        let body = self.body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: self.status,
            headers: self.headers,
            body,
        }
    }
}

impl Frame {
    /// The type of the event in an envelope.
    pub fn kind(&self) -> &str {
        self.data["type"].as_str().unwrap_or_default()
    }
}

/// Event types and reasons, for short comparisons: `llm.delta`, `done completed`.
pub fn told(frames: &[Frame]) -> Vec<String> {
    let one = |frame: &Frame| match &*frame.event {
        "taskcast.event" => frame.kind().to_owned(),
        other => {
            let name = other.trim_start_matches("taskcast.");
            let reason = frame.data["reason"].as_str().unwrap_or_default();
            format!("{name} {reason}").trim().to_owned()
        }
    };
    frames.iter().map(one).collect()
}
