//! Event streams: frames on their way into an HTTP body.

mod body;
mod encode;

pub(crate) use body::{Ending, Source, StreamBody};
pub(crate) use encode::TaskFrames;
