//! Somebody who watches a task.

use std::time::Duration;
use taskcast_core::*;
use taskcast_engine::*;
use tokio::time::timeout;

/// A subscription, one frame at a time.
pub struct Viewer {
    stream: Subscription,
    frames: std::collections::VecDeque<Frame>,
}

/// The cursor that a frame leaves its reader with, if it leaves one.
pub fn cursor_of(frame: &Frame, epoch: Epoch) -> Option<String> {
    match frame {
        Frame::Event(event) => {
            let id = event.shared.event.id(epoch);
            Some(if event.folded {
                format!("{id}~")
            } else {
                id.to_string()
            })
        }
        Frame::Progress(id) => Some(id.to_string()),
        Frame::Done(done) => done.cursor.map(|id| id.to_string()),
        Frame::Gap(_) | Frame::CaughtUp(_) => None,
    }
}

impl Viewer {
    pub async fn open(engine: &TaskEngine, id: &TaskId, ask: SubscribeAsk) -> Self {
        match engine.subscribe(id, ask).await.unwrap() {
            Subscribe::Stream(stream) => Self {
                stream: *stream,
                frames: Default::default(),
            },
            Subscribe::Over => panic!("there is nothing to come back for"),
        }
    }

    pub fn opening(&self) -> Opening {
        self.stream.opening()
    }

    /// The next frame; none after the end. A minute without one is a failure.
    pub async fn next(&mut self) -> Option<Frame> {
        while self.frames.is_empty() {
            let next = timeout(Duration::from_secs(60), self.stream.next()).await;
            self.frames
                .extend(next.expect("a frame within a minute").unwrap()?);
        }
        self.frames.pop_front()
    }

    /// The next error.
    pub async fn error(&mut self) -> EngineError {
        loop {
            if let Err(error) = self.stream.next().await {
                return error;
            }
        }
    }

    /// The frames up to the tail, and the end if the log is sealed there.
    pub async fn catch_up(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            if matches!(frame, Frame::CaughtUp(_)) {
                frames.extend(self.frames.pop_front());
                break;
            }
            frames.push(frame);
        }
        frames
    }

    /// The next event; what comes before it is not looked at.
    pub async fn event(&mut self) -> EventFrame {
        loop {
            match self.next().await {
                Some(Frame::Event(event)) => return event,
                Some(_) => {}
                None => panic!("the stream ended before another event"),
            }
        }
    }

    pub async fn gap(&mut self) -> Gap {
        loop {
            match self.next().await {
                Some(Frame::Gap(gap)) => return gap,
                Some(Frame::CaughtUp(_) | Frame::Done(_)) | None => panic!("no gap came"),
                Some(_) => {}
            }
        }
    }

    /// The end; what comes before it is not looked at.
    pub async fn done(&mut self) -> Done {
        loop {
            match self.next().await {
                Some(Frame::Done(done)) => {
                    assert!(self.next().await.is_none(), "done is the last frame");
                    return done;
                }
                Some(_) => {}
                None => panic!("the stream ended without a done frame"),
            }
        }
    }
}

/// Frames in a short form: `3` an event, `3~` in a folded replay, `S3~=text` a snapshot with the
/// joined text, `3=text` a running total, `p3` progress, `gap trimmed 3`, `done completed`.
pub fn told(frames: &[Frame]) -> Vec<String> {
    frames.iter().map(tell).collect()
}

fn tell(frame: &Frame) -> String {
    match frame {
        Frame::Event(event) => {
            let snapshot = if event.snapshot { "S" } else { "" };
            let folded = if event.folded { "~" } else { "" };
            let total = event.total.as_ref().map_or(String::new(), |total| {
                format!(
                    "={}",
                    total.with(|text| String::from_utf8_lossy(text).into_owned())
                )
            });
            format!("{snapshot}{}{folded}{total}", event.shared.event.index)
        }
        Frame::Progress(id) => format!("p{}", id.index),
        Frame::Gap(gap) => format!("gap {} {}", gap.reason.as_str(), gap.earliest),
        Frame::CaughtUp(index) => format!("tail {index}"),
        Frame::Done(done) => format!("done {}", done.reason),
    }
}
