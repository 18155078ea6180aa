//! Many actors as one task, polled in one order.
//!
//! The runtime wakes those who wait for one thing in an order of its own choosing. Here a wake of
//! one is a look at all of them, in the order in which they came, so that a seed is a whole run.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One actor; it says what it came to.
pub(crate) type Actor<'a> = Pin<Box<dyn Future<Output = u64> + Send + 'a>>;

/// Actors that go on together until all have come to their end.
pub(crate) struct Lockstep<'a> {
    actors: Vec<Result<u64, Actor<'a>>>,
}

impl<'a> Lockstep<'a> {
    pub(crate) fn new(actors: Vec<Actor<'a>>) -> Self {
        let actors = actors.into_iter().map(Err).collect();
        Self { actors }
    }

    /// What each came to, in order; none for those who have not come to their end.
    pub(crate) fn results(&self) -> Vec<Option<u64>> {
        let results = self.actors.iter();
        results.map(|actor| actor.as_ref().ok().copied()).collect()
    }
}

impl Future for Lockstep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = false;
        for actor in &mut self.actors {
            if let Err(future) = actor {
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => *actor = Ok(result),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}
