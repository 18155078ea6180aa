//! Making a connection: what has to be true of a server before a command goes to it.

use crate::error::{kind, store_error, was_refused};
use crate::handshake::{Found, shake_hands};
use crate::identity::{Identity, Look};
use crate::link::Common;
use parking_lot::Mutex;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskcast_store::{FailureKind, StoreError};

/// Connections on which changes wait for replicas. While one waits, what follows on it waits too.
const WAITING: usize = 8;

/// A connection that works, as far as is known.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) number: u64,
    /// The server process at the other end.
    pub(crate) run: Arc<str>,
    /// Tags of partitions that know this process.
    pub(crate) met: Arc<Mutex<HashSet<String>>>,
    waiting: Arc<[MultiplexedConnection]>,
    turn: Arc<AtomicUsize>,
}

impl Live {
    /// The connection for a change that waits for replicas; none when no change does.
    pub(crate) fn waiting(&self) -> Option<MultiplexedConnection> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.waiting.len().max(1);
        self.waiting.get(turn % count).cloned()
    }
}

/// Connects and shakes hands.
pub(crate) async fn establish(
    common: &Common,
    info: &ConnectionInfo,
    what: &str,
    number: u64,
) -> Result<(Live, Found), (FailureKind, StoreError)> {
    let down = |error: RedisError| (kind(&error), store_error(what, &error));
    let options = &common.options;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(Some(options.response_timeout));
    let client = Client::open(info.clone()).map_err(down)?;
    let connect = || client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connect().await.map_err(down)?;
    let found = shake_hands(&mut connection).await.map_err(down)?;
    let refused = |cause| {
        (
            FailureKind::Unavailable,
            StoreError::unavailable(what, cause),
        )
    };
    found.check().map_err(refused)?;
    look(&common.identity, &mut connection, what)
        .await
        .map_err(down)?;
    let waiting = match options.wait_replicas {
        0 => Vec::new(),
        _ => {
            let connections = (0..WAITING).map(|_| connect());
            futures_util::future::try_join_all(connections)
                .await
                .map_err(down)?
        }
    };
    let live = Live {
        connection,
        number,
        run: found.run.as_str().into(),
        met: Arc::default(),
        waiting: waiting.into(),
        turn: Arc::default(),
    };
    Ok((live, found))
}

/// Whether the server answers, and has the store that is known. The nodes of a cluster that do not
/// have it say so, which is an answer too.
pub(crate) async fn look(
    identity: &Identity,
    connection: &mut MultiplexedConnection,
    what: &str,
) -> RedisResult<()> {
    let answer = connection.req_packed_command(&identity.question()).await;
    let look = match answer.and_then(Value::extract_error) {
        Ok(answer) => identity.compare(answer),
        Err(error) if was_refused(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    match look {
        Look::Same => Ok(()),
        Look::Empty => {
            tracing::warn!(store = what, "the store is empty: somebody removed it");
            identity.writing().exec_async(connection).await
        }
        Look::Other(partitions) => Err(RedisError::from((
            ErrorKind::Client,
            "the store was replaced by another one",
            format!("it has {partitions} partitions; start this instance anew"),
        ))),
    }
}
