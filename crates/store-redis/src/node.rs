//! One Redis server: a connection that many callers share, made anew when it breaks.
//!
//! ```text
//!   up ── an error of the connection, or a ping without answer ──▶ down
//!   ▲                                                               │
//!   └── connected, and shaken hands (see handshake.rs) ◀── waits, with jitter
//! ```
//!
//! Nothing is queued while it is down and nothing is sent twice: a call that may have been carried
//! out, or not, is an error that says so.

use crate::connecting::{Live, establish, look};
use crate::error::{broken, kind, store_error};
use crate::handshake::{self, Found};
use crate::link::Common;
use crate::scripts::FLOOR;
use crate::{address, jitter};
use parking_lot::Mutex;
use redis::aio::ConnectionLike;
use redis::{Cmd, ConnectionInfo, Pipeline, RedisError, Value, cmd, pipe};
use std::sync::Arc;
use std::time::Duration;
use taskcast_store::{Clock, FailureKind, StoreError};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A server. Its connection ends with it.
pub(crate) struct Node {
    shared: Arc<Shared>,
    _stop: DropGuard,
}

struct Shared {
    common: Arc<Common>,
    info: ConnectionInfo,
    /// The server as an operator knows it, without secrets.
    what: String,
    live: watch::Sender<Option<Live>>,
    /// Told when a caller found the connection broken.
    broken: Notify,
    found: Mutex<Found>,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    /// A command.
    Command(&'a Cmd),
    /// A command that changes something in the partition with this tag.
    Write(&'a Cmd, &'a str),
    /// Commands that read.
    Pipeline(&'a Pipeline),
}

impl<'a> Request<'a> {
    /// A command, which changes something in the partition with this tag, if any.
    pub(crate) fn of(command: &'a Cmd, changed: Option<&'a str>) -> Self {
        match changed {
            Some(tag) => Self::Write(command, tag),
            None => Self::Command(command),
        }
    }
}

/// Why a call failed.
pub(crate) enum Failure {
    /// Redis answered with an error.
    Answer(RedisError),
    /// The connection failed.
    Store(StoreError),
}

impl Node {
    /// Connects, or says why that is not possible.
    pub(crate) async fn connect(
        common: Arc<Common>,
        info: ConnectionInfo,
    ) -> Result<Self, StoreError> {
        let shared = Shared::new(common, info);
        shared.establish(1).await.map_err(|(_, error)| error)?;
        Ok(Self::keep(shared))
    }

    /// Begins to connect.
    pub(crate) fn begin(common: Arc<Common>, info: ConnectionInfo) -> Self {
        Self::keep(Shared::new(common, info))
    }

    fn keep(shared: Arc<Shared>) -> Self {
        let stop = shared.common.stop.child_token();
        let kept = shared.clone().keep_alive(stop.clone());
        shared.common.tasks.spawn(kept);
        Self {
            shared,
            _stop: stop.drop_guard(),
        }
    }

    /// What was found out about the server.
    pub(crate) fn found(&self) -> Found {
        self.shared.found.lock().clone()
    }

    pub(crate) fn info(&self) -> &ConnectionInfo {
        &self.shared.info
    }

    pub(crate) fn is_up(&self) -> bool {
        self.shared.live.borrow().is_some()
    }

    /// Sends something and waits for the answer.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Value, Failure> {
        let shared = &self.shared;
        let live = shared.live().await.map_err(Failure::Store)?;
        let mut connection = live.connection.clone();
        let sent = match request {
            Request::Command(command) => connection.req_packed_command(command).await,
            Request::Pipeline(commands) => commands.query_async(&mut connection).await,
            Request::Write(command, tag) => {
                shared.meet(&live, tag).await?;
                match live.waiting() {
                    None => connection.req_packed_command(command).await,
                    Some(connection) => return shared.replicated(&live, connection, command).await,
                }
            }
        };
        let answer = sent.and_then(Value::extract_error);
        answer.map_err(|error| shared.judge(&live, error))
    }

    /// Sends a command about a slot that is on its way to this server.
    pub(crate) async fn send_asking(&self, request: Request<'_>) -> Result<Value, Failure> {
        let (Request::Command(command) | Request::Write(command, _)) = request else {
            return self.send(request).await;
        };
        let live = self.shared.live().await.map_err(Failure::Store)?;
        let mut commands = pipe();
        commands.cmd("ASKING").add_command(command.clone());
        let mut connection = live.connection.clone();
        let sent = connection.req_packed_commands(&commands, 1, 1).await;
        let answer =
            sent.and_then(|mut answers| answers.pop().unwrap_or(Value::Nil).extract_error());
        answer.map_err(|error| self.shared.judge(&live, error))
    }
}

impl Shared {
    fn new(common: Arc<Common>, info: ConnectionInfo) -> Arc<Self> {
        Arc::new(Self {
            common,
            what: address::of(&info),
            info,
            live: watch::Sender::new(None),
            broken: Notify::new(),
            found: Mutex::default(),
        })
    }

    fn down(&self, cause: &str) -> StoreError {
        StoreError::unavailable(&self.what, cause)
    }

    /// The connection; waits a little for one that is being made anew.
    async fn live(&self) -> Result<Live, StoreError> {
        const PATIENCE: Duration = Duration::from_millis(500);
        if let Some(live) = &*self.live.borrow() {
            return Ok(live.clone());
        }
        let stop = &self.common.stop;
        let mut live = self.live.subscribe();
        let coming = stop.run_until_cancelled(live.wait_for(Option::is_some));
        match timeout(PATIENCE, coming).await {
            Ok(Some(Ok(live))) => live.clone().ok_or_else(|| self.down("it is closed")),
            Ok(_) => Err(self.down("it is closed")),
            Err(_) => Err(self.down("the connection is lost; connecting anew")),
        }
    }

    /// Before the first change of a partition on a connection: a server process that the partition
    /// does not know may have lost what it acknowledged.
    async fn meet(&self, live: &Live, tag: &str) -> Result<(), Failure> {
        if live.met.lock().contains(tag) {
            return Ok(());
        }
        let now = self.common.now();
        let call = FLOOR.with(vec![crate::keys::part_of(tag)]);
        let call = call.arg(&*live.run).arg(now.0).in_full();
        let sent = live.connection.clone().req_packed_command(&call).await;
        let answer = sent.and_then(Value::extract_error);
        answer.map_err(|error| self.judge(live, error))?;
        live.met.lock().insert(tag.to_owned());
        Ok(())
    }

    /// Sends a command, and waits until enough replicas have what it did.
    async fn replicated(
        &self,
        live: &Live,
        mut connection: redis::aio::MultiplexedConnection,
        command: &Cmd,
    ) -> Result<Value, Failure> {
        let replicas = self.common.options.wait_replicas;
        let patience = self.common.options.response_timeout / 2;
        let mut wait = cmd("WAIT");
        let ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        wait.arg(replicas).arg(ms.max(1));
        let mut commands = pipe();
        commands.add_command(command.clone()).add_command(wait);
        let sent = connection.req_packed_commands(&commands, 0, 2).await;
        let judge = |error| self.judge(live, error);
        let mut answers = sent.map_err(judge)?.into_iter();
        let mut next = || answers.next().unwrap_or(Value::Nil).extract_error();
        let answer = next().map_err(judge)?;
        let having: u32 = next()
            .and_then(|value| Ok(redis::from_redis_value(value)?))
            .map_err(judge)?;
        if having >= replicas {
            return Ok(answer);
        }
        let cause = format!("{having} of {replicas} replicas have the change; it may be lost");
        Err(Failure::Store(self.down(&cause)))
    }

    /// Tells an answer from a connection that is broken.
    fn judge(&self, live: &Live, error: RedisError) -> Failure {
        if !broken(&error) {
            return Failure::Answer(error);
        }
        let lost = self.live.send_if_modified(|current| {
            let same = current.as_ref().is_some_and(|it| it.number == live.number);
            if same {
                *current = None;
            }
            same
        });
        if lost {
            self.common.node_down(&self.what, kind(&error));
            self.broken.notify_one();
        }
        Failure::Store(store_error(&self.what, &error))
    }

    /// Watches the connection and makes it anew when it breaks.
    async fn keep_alive(self: Arc<Self>, stop: CancellationToken) {
        let watching = async {
            for number in 2.. {
                self.watch().await;
                self.reconnect(number).await;
            }
        };
        stop.run_until_cancelled(watching).await;
        self.live.send_replace(None);
        self.common.node_gone(&self.what);
    }

    /// Returns when the connection is broken. A ping now and then finds out what no caller does.
    async fn watch(&self) {
        const PING: Duration = Duration::from_secs(1);
        const MEASURE: Duration = Duration::from_secs(60);
        let mut measured = Instant::now();
        loop {
            let told = timeout(PING, self.broken.notified()).await;
            let live = self.live.borrow().clone();
            let Some(live) = live else { return };
            if told.is_ok() {
                continue;
            }
            let mut connection = live.connection.clone();
            let looked = look(&self.common.identity, &mut connection, &self.what);
            if let Err(error) = looked.await {
                self.common.node_down(&self.what, kind(&error));
                let _ = self.judge(&live, error);
                continue;
            }
            self.common.node_up(&self.what);
            if measured.elapsed() > MEASURE
                && let Ok(offset) = handshake::measure(&mut connection).await
            {
                self.common.set_offset(offset);
                measured = Instant::now();
            }
        }
    }

    async fn reconnect(&self, number: u64) {
        const FIRST: Duration = Duration::from_millis(500);
        const MOST: Duration = Duration::from_secs(5);
        // The first try at once: most breaks are short.
        let mut wait = Duration::ZERO;
        loop {
            sleep(wait / 2 + wait.mul_f64(jitter::part() / 2.0)).await;
            match self.establish(number).await {
                Ok(()) => return,
                Err((kind, error)) => {
                    self.common.node_down(&self.what, kind);
                    tracing::debug!(%error, "Redis is not there yet");
                }
            }
            wait = (wait * 2).clamp(FIRST, MOST);
        }
    }

    /// Connects and shakes hands; the server is up then.
    async fn establish(&self, number: u64) -> Result<(), (FailureKind, StoreError)> {
        let limit = self.common.options.connect_timeout * 2;
        let made = establish(&self.common, &self.info, &self.what, number);
        let late = |_| {
            let error = self.down("it does not answer in time");
            (FailureKind::Timeout, error)
        };
        let (live, found) = timeout(limit, made).await.map_err(late)??;
        self.common.set_offset(found.offset_ms);
        *self.found.lock() = found;
        self.live.send_replace(Some(live));
        self.common.node_up(&self.what);
        Ok(())
    }
}
