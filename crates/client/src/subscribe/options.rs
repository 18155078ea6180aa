//! What a subscriber asks for.

use crate::call::Target;
use crate::pages::words_of;
use crate::{RetryPolicy, SeriesFormat};
use std::time::Duration;
use taskcast_core::{Level, Millis};

/// Where a reader begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// At the first event.
    #[default]
    Start,
    /// After the event with this id.
    Id(String),
    /// After this position: of a stream, the position among the events its filter lets through; of
    /// a history, the index in the log. -1 is before the first event, every event on its own.
    Index(i64),
    /// After this time.
    Timestamp(Millis),
}

impl Since {
    pub(crate) fn write(&self, target: Target) -> Target {
        match self {
            Self::Start => target,
            Self::Id(id) => target.with("since.id", Some(id)),
            Self::Index(index) => target.number("since.index", Some(index)),
            Self::Timestamp(at) => target.number("since.timestamp", Some(at.0)),
        }
    }
}

/// What a subscriber asks for, and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Only types that match one of these patterns (`llm.*`); all when absent.
    pub types: Option<Vec<String>>,
    /// Only these levels; all when absent.
    pub levels: Option<Vec<Level>>,
    /// Whether `taskcast:status` events are wanted.
    pub include_status: bool,
    /// How events of `accumulate` series are shown.
    pub format: SeriesFormat,
    /// Where to begin, when there is no `last_event_id`.
    pub since: Since,
    /// A cursor that an earlier subscriber gave: goes on exactly after it.
    pub last_event_id: Option<String>,
    /// Of what happened before, only the newest so many.
    pub limit: Option<u64>,
    /// After how long a silence the connection counts as dead. Servers send something every 15 s.
    pub silence: Duration,
    /// How cuts are mended. The first wait is the server's once it named one.
    pub retry: RetryPolicy,
    /// The largest frame that is read, in bytes.
    pub max_frame_bytes: usize,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            types: None,
            levels: None,
            include_status: true,
            format: SeriesFormat::Delta,
            since: Since::Start,
            last_event_id: None,
            limit: None,
            silence: Duration::from_secs(45),
            retry: RetryPolicy::subscribers(),
            max_frame_bytes: 256 << 20,
        }
    }
}

impl SubscribeOptions {
    /// The target of a connect. A cursor says all about where to begin: `since` and `limit` would
    /// come before it.
    pub(super) fn target(&self, path: &str, cursor: bool) -> Target {
        let levels = self.levels.as_ref().map(|levels| words_of(levels));
        let target = Target::new(path)
            .list("types", self.types.as_deref())
            .list("levels", levels.as_deref())
            .with("includeStatus", (!self.include_status).then_some("false"))
            .with("seriesFormat", self.format.word());
        if cursor {
            return target;
        }
        self.since.write(target).number("limit", self.limit)
    }
}
