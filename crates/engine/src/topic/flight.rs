//! Commits of this engine on their way to the store and back.

use super::Topic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Counts the commits to one log, so that a reader can wait for those under way instead of asking
/// the store for what is about to come by itself.
#[derive(Default)]
pub(super) struct Flights {
    begun: AtomicU64,
    ended: watch::Sender<u64>,
}

/// A commit under way; has ended when dropped.
pub(crate) struct Flight(Arc<Topic>);

impl Topic {
    /// A commit of this engine begins.
    pub(crate) fn depart(self: Arc<Self>) -> Flight {
        self.flights.begun.fetch_add(1, Ordering::SeqCst);
        Flight(self)
    }

    /// Waits until as many commits have been answered as are under way now, `patience` at most.
    pub(crate) async fn settle(&self, patience: Duration) {
        let begun = self.flights.begun.load(Ordering::SeqCst);
        let mut ended = self.flights.ended.subscribe();
        // The sender lives in the topic; when time is up, the store is read.
        let _ = timeout(patience, ended.wait_for(|ended| *ended >= begun)).await;
    }
}

impl Flight {
    /// The topic of the commit.
    pub(crate) fn topic(&self) -> &Arc<Topic> {
        &self.0
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.flights.ended.send_modify(|ended| *ended += 1);
    }
}
