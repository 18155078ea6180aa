//! What the writer is asked: a question, how to answer it within a transaction, and who waits.

use crate::transaction::Transaction;
use taskcast_store::{CommitError, CreateError, ReadError, StoreError};
use tokio::sync::oneshot;

/// A job of the writer.
pub(crate) trait Job: Send {
    /// Payload bytes it writes, about.
    fn bytes(&self) -> usize;

    /// Does the work within a transaction, anew each time. A refusal is a result like any other;
    /// the error says that the transaction cannot go on.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), StoreError>;

    /// Answers with the result, or with why the transaction failed.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

/// An error that may be that of the store.
pub(crate) trait Outcome: From<StoreError> + Send + 'static {
    /// Why the store cannot, unless the error is a refusal.
    fn broken(&self) -> Option<&StoreError>;
}

/// A question with the one who waits for its answer.
pub(crate) struct Asked<Q, T, E> {
    ask: Q,
    bytes: usize,
    work: fn(&mut Transaction<'_>, &Q) -> Result<T, E>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<Q, T, E> Asked<Q, T, E>
where
    Q: Send + 'static,
    T: Send + 'static,
    E: Outcome,
{
    /// A job, and where its answer will come.
    pub(crate) fn job(
        ask: Q,
        bytes: usize,
        work: fn(&mut Transaction<'_>, &Q) -> Result<T, E>,
    ) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        let job = Self {
            ask,
            bytes,
            work,
            result: None,
            reply,
        };
        (Box::new(job), answer)
    }
}

impl<Q, T, E> Job for Asked<Q, T, E>
where
    Q: Send,
    T: Send,
    E: Outcome,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        let result = (self.work)(transaction, &self.ask);
        let broken = result.as_ref().err().and_then(Outcome::broken).cloned();
        self.result = Some(result);
        broken.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let result = match (failed, self.result) {
            (Some(error), _) => Err(error.clone().into()),
            (None, Some(result)) => result,
            // Without a result the sender is dropped, which the other side hears.
            (None, None) => return,
        };
        // Nobody listens when the caller went away: the commit happened all the same.
        let _ = self.reply.send(result);
    }
}

impl Outcome for StoreError {
    fn broken(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Outcome for CommitError {
    fn broken(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Outcome for CreateError {
    fn broken(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl Outcome for ReadError {
    fn broken(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Gone => None,
        }
    }
}
