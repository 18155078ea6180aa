//! Frames that are no events: the end, gaps, and what clients ask for with `control=true`.

use crate::event::{put_number, put_string};
use crate::schema;
use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};
use taskcast_core::{Epoch, EventId, GapReason, Index};
use utoipa::ToSchema;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplayMode {
    /// Each `accumulate` series as one snapshot, then what follows.
    Folded,
    /// Every event after the cursor.
    Unfolded,
}

impl ReplayMode {
    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Unfolded => "unfolded",
        }
    }
}

/// The data of a `taskcast.gap` frame, as clients read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// The cursor that could not be used.
    pub requested: String,
    /// The first index that can be read.
    pub earliest: u64,
    /// Why: `epoch`, `trimmed`, `cleaned`, `lost` or `unknown`.
    #[schema(value_type = schema::StreamGapReason)]
    pub reason: String,
}

/// The first bytes of a stream: when to come back, and something to see at once.
pub fn opening(out: &mut BytesMut, retry_ms: u64) {
    put_retry(out, retry_ms);
    out.put_slice(b": open\n\n");
}

/// Tells the client how long to wait before it comes back.
pub fn retry(out: &mut BytesMut, retry_ms: u64) {
    put_retry(out, retry_ms);
    out.put_slice(b"\n");
}

/// A comment, which no client shows: `hb` as a heartbeat. Control characters become spaces.
pub fn comment(out: &mut BytesMut, text: &str) {
    out.put_slice(b": ");
    for char in text.chars() {
        let char = if char.is_control() { ' ' } else { char };
        out.put_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.put_slice(b"\n\n");
}

/// A block without data that moves the client's cursor to `id`; nothing when the id has control
/// characters. The id may carry the mark of a folded replay.
pub fn progress(out: &mut BytesMut, id: &str) {
    if id.is_empty() || id.chars().any(char::is_control) {
        return;
    }
    out.put_slice(b"id: ");
    out.put_slice(id.as_bytes());
    out.put_slice(b"\n\n");
}

/// The end of a stream. `reason` is the terminal status, or `deleted`. `end` is one position past
/// the last event (the time of the last event, the index of the tail): a reconnect from it gets
/// nothing more.
pub fn done(out: &mut BytesMut, reason: &str, end: Option<EventId>) {
    out.put_slice(b"event: taskcast.done\ndata: {\"reason\":");
    put_string(out, reason);
    out.put_slice(b"}");
    if let Some(end) = end {
        out.put_slice(b"\nid: ");
        out.put_slice(&end.encode());
    }
    out.put_slice(b"\n\n");
}

/// Says that something between the cursor `requested` and what follows cannot be read.
pub fn gap(out: &mut BytesMut, requested: &str, earliest: Index, reason: GapReason) {
    out.put_slice(b"event: taskcast.gap\ndata: {\"requested\":");
    put_string(out, requested);
    out.put_slice(b",\"earliest\":");
    put_number(out, earliest.0);
    out.put_slice(b",\"reason\":");
    put_string(out, reason.as_str());
    out.put_slice(b"}\n\n");
}

/// Tells a client that asked for it where its stream begins.
pub fn ready(out: &mut BytesMut, epoch: Epoch, from: Index, tail: Index, mode: ReplayMode) {
    out.put_slice(b"event: taskcast.ready\ndata: {\"epoch\":");
    put_number(out, u64::from(epoch.0));
    out.put_slice(b",\"from\":");
    put_number(out, from.0);
    out.put_slice(b",\"tail\":");
    put_number(out, tail.0);
    out.put_slice(b",\"mode\":");
    put_string(out, mode.as_str());
    out.put_slice(b"}\n\n");
}

/// Tells a client that asked for it that everything before `index` was delivered.
pub fn caught_up(out: &mut BytesMut, index: Index) {
    out.put_slice(b"event: taskcast.caughtup\ndata: {\"index\":");
    put_number(out, index.0);
    out.put_slice(b"}\n\n");
}

fn put_retry(out: &mut BytesMut, retry_ms: u64) {
    out.put_slice(b"retry: ");
    put_number(out, retry_ms);
    out.put_slice(b"\n");
}
