//! Subscriptions: one loop over a position.

mod ask;
mod replay;
mod start;
mod subscription;

pub use ask::{
    Done, EventFrame, Frame, Gap, Opening, SeriesFormat, Since, Subscribe, SubscribeAsk,
};
pub(crate) use replay::{Next, Replay};
pub(crate) use start::{Reader, Start};
pub use subscription::Subscription;
