//! What carries a stream of events to the server, through every cut.
//!
//! Lines are kept until they are known to be stored, which the answer at the end of a request
//! tells, or after a cut the server's state of the producer. So a request ends when enough is
//! unacknowledged, when somebody wants to know, and when nothing comes for a while. After a cut the
//! next request carries what is kept and ends: a refusal then arrives whole instead of as a cut.

use super::pending::Pending;
use super::{Producer, ProducerOptions, stored};
use crate::ClientError;
use crate::call::{Call, read_json};
use crate::client::Client;
use crate::publish::producer_headers;
use crate::retry::Backoff;
use crate::tasks::path;
use crate::transport::written;
use bytes::Bytes;
use http::Method;
use std::pin::pin;
use std::time::Duration;
use taskcast_api::{ErrorCode, NdjsonSummary};
use taskcast_core::{ProducerId, TaskId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

/// What the sending end asks for.
#[derive(Debug)]
pub(super) enum Command {
    /// An event, as a JSON object without its closing brace.
    Event(Bytes),
    /// To be told when everything before is stored.
    Flush(oneshot::Sender<()>),
}

pub(super) struct Worker {
    client: Client,
    task: TaskId,
    id: ProducerId,
    epoch: u64,
    options: ProducerOptions,
    commands: mpsc::Receiver<Command>,
    pending: Pending,
    /// Who waits for everything to be stored: nothing is taken until then.
    flush: Option<oneshot::Sender<()>>,
    /// Whether the sending end is gone.
    closed: bool,
    /// Whether the last request was cut.
    cut: bool,
    backoff: Backoff,
}

impl Worker {
    pub(super) fn new(producer: &Producer, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            client: producer.client.clone(),
            task: producer.task.clone(),
            id: producer.id.clone(),
            epoch: producer.epoch,
            options: producer.options,
            commands,
            pending: Pending::new(producer.next),
            flush: None,
            closed: false,
            cut: false,
            backoff: Backoff::new(producer.options.retry),
        }
    }

    /// Works until the sending end is gone and everything is stored; then tells the next number.
    pub(super) async fn run(mut self) -> Result<u64, ClientError> {
        loop {
            if !self.pending.is_empty() {
                match self.request().await {
                    Ok(()) => self.progress(),
                    Err(error) => self.mend(error).await?,
                }
                continue;
            }
            if let Some(done) = self.flush.take() {
                // Who asked may have gone away.
                let _ = done.send(());
            }
            if self.closed {
                return Ok(self.pending.next());
            }
            let command = self.commands.recv().await;
            self.take(command);
        }
    }

    fn progress(&mut self) {
        self.pending.sent_are_stored();
        self.cut = false;
        self.backoff.reset();
    }

    fn take(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Event(event)) => self.pending.push(&event),
            Some(Command::Flush(done)) => self.flush = Some(done),
            None => self.closed = true,
        }
    }

    /// Whether the request under way may carry more than what is kept.
    fn takes_more(&self) -> bool {
        let full = self.pending.bytes() >= self.options.unacknowledged_bytes;
        !(full || self.cut || self.closed || self.flush.is_some())
    }

    /// One request: sends what is kept and what comes, and waits for the answer.
    async fn request(&mut self) -> Result<(), ClientError> {
        self.pending.rewind();
        let (body, request_body) = written();
        let mut body = Some(body);
        let (client, call) = (self.client.clone(), self.call()?);
        let mut answer = pin!(client.send_written(&call, request_body));
        let (mut moved, mut enough) = (Instant::now(), false);
        loop {
            if enough || self.pending.all_sent() && !self.takes_more() {
                body = None;
            }
            let unsent = !self.pending.all_sent();
            let takes_more = body.is_some() && self.takes_more();
            let (patience, idle) = self.patience(body.is_some() && !unsent);
            tokio::select! {
                biased;
                answer = &mut answer => return self.answered(&answer?, body.is_none()),
                room = room(body.as_ref()), if unsent && body.is_some() => match room {
                    Some(room) => room.send(self.pending.chunk()),
                    // The body is not read any more: the answer or an error is about to come.
                    None => enough = true,
                },
                command = self.commands.recv(), if takes_more => self.take(command),
                () = sleep_until(moved + patience) => match idle {
                    true => enough = true,
                    false => return Err(self.client.late()),
                },
            }
            moved = Instant::now();
        }
    }

    /// How long nothing may happen, and whether that is only the pause of an idle sender.
    fn patience(&self, idle: bool) -> (Duration, bool) {
        match idle {
            true => (self.options.idle, true),
            false => (self.client.shared.timeout, false),
        }
    }

    fn call(&self) -> Result<Call, ClientError> {
        let call = Call::new(Method::POST, path(&self.task, "/events"), false);
        producer_headers(call, &self.id, self.epoch)?.header("content-type", "application/x-ndjson")
    }

    fn answered(&self, answer: &[u8], ended: bool) -> Result<(), ClientError> {
        let summary: NdjsonSummary = read_json(answer)?;
        let lines = summary.published + summary.skipped;
        if ended && lines == self.pending.sent() {
            return Ok(());
        }
        let sent = self.pending.sent();
        Err(ClientError::protocol(format!(
            "the server counted {lines} of {sent} lines"
        )))
    }

    /// Finds out what is stored, after a cut. Then the next request goes on exactly there.
    async fn mend(&mut self, mut error: ClientError) -> Result<(), ClientError> {
        self.cut = true;
        loop {
            if !self.may_mend(&error) {
                return Err(error);
            }
            let Some(wait) = self.backoff.wait(&error) else {
                return Err(error);
            };
            sleep(wait).await;
            match self.client.producer_state(&self.task, &self.id).await {
                Ok(state) => return self.go_on_after(stored(state, self.epoch)?),
                Err(later) => error = later,
            }
        }
    }

    fn may_mend(&self, error: &ClientError) -> bool {
        // A gap: an earlier request of this producer was still being stored.
        error.is_retryable()
            || error.code() == Some(ErrorCode::ProducerGap)
            || error.status() == Some(401) && self.client.shared.credentials.can_renew()
            || matches!(error, ClientError::Protocol(_))
    }

    fn go_on_after(&mut self, last: Option<u64>) -> Result<(), ClientError> {
        let next = last.map_or(0, |seq| seq.saturating_add(1));
        if next < self.pending.first() || next > self.pending.next() {
            let acknowledged = self.pending.first();
            return Err(ClientError::protocol(format!(
                "the server has {next} events of this producer and had acknowledged {acknowledged}; \
                 it lost some, or somebody else uses the producer's id"
            )));
        }
        if last.is_some_and(|seq| self.pending.stored_up_to(seq) > 0) {
            self.backoff.reset();
        }
        Ok(())
    }
}

/// Room for a chunk in the body; none when nobody reads the body.
async fn room(body: Option<&mpsc::Sender<Bytes>>) -> Option<mpsc::Permit<'_, Bytes>> {
    match body {
        Some(body) => body.reserve().await.ok(),
        None => std::future::pending().await,
    }
}
