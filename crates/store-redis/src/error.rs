//! What Redis says, in the words of a store.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::io;
use taskcast_store::{FailureKind, StoreError};

/// Whether a connection cannot be used any longer; else the error is an answer.
pub(crate) fn broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || matches!(
            error.kind(),
            // A server that was made a replica: the name may lead to another one now.
            ErrorKind::Parse | ErrorKind::Client | ErrorKind::Server(ServerErrorKind::ReadOnly)
        )
}

/// The kind of a failure, for operators.
pub(crate) fn kind(error: &RedisError) -> FailureKind {
    if error.is_timeout() {
        return FailureKind::Timeout;
    }
    if error.is_connection_refusal() {
        return FailureKind::ConnectionRefused;
    }
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS" | "NOPERM")) => {
            FailureKind::Authentication
        }
        (ErrorKind::Io, _) => {
            let source = std::error::Error::source(error);
            let io = source.and_then(|source| source.downcast_ref::<io::Error>());
            match io {
                Some(io) => FailureKind::of(io),
                None if error.is_connection_dropped() => FailureKind::ConnectionClosed,
                None if error.to_string().contains("lookup") => FailureKind::Dns,
                None => FailureKind::Unavailable,
            }
        }
        _ => FailureKind::Unavailable,
    }
}

/// An error of a call as one of the store.
pub(crate) fn store_error(what: &str, error: &RedisError) -> StoreError {
    let damaged = matches!(
        error.kind(),
        ErrorKind::UnexpectedReturnType | ErrorKind::Server(ServerErrorKind::CrossSlot)
    ) || error.code() == Some("WRONGTYPE");
    if damaged {
        return StoreError::damaged(what, error);
    }
    match error.code() {
        Some("OOM") => StoreError::full(what, "Redis has reached its maxmemory"),
        _ => StoreError::unavailable(what, error),
    }
}

/// Whether a cluster refused a command without running it, so that it may be sent again.
pub(crate) fn was_refused(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, ClusterDown, ExecAbort, MasterDown, Moved, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Server(Moved | Ask | TryAgain | ClusterDown | MasterDown | ExecAbort)
    )
}
