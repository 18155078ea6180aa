//! What can go wrong, in sentences, and what an error of PostgreSQL says about the server.

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use std::error::Error;
use taskcast_store::{FailureKind, StoreError};
use tokio_postgres::error::SqlState;

/// Why a store was not opened, or a database not migrated. Display is a sentence without secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PostgresError {
    /// The URL is not one.
    #[error("the PostgreSQL URL cannot be used: {0}")]
    Url(String),
    /// Certificates or keys cannot be used.
    #[error("TLS to PostgreSQL cannot be set up: {0}")]
    Tls(String),
    /// The server cannot be reached, does not let us in, or does not do what it is asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database does not keep text as UTF-8.
    #[error("{database} keeps its text as {encoding}; create the database with ENCODING 'UTF8'")]
    Encoding {
        /// The database.
        database: String,
        /// Its encoding.
        encoding: String,
    },
    /// The schema is older than this program.
    #[error(
        "{database} lacks {} that this version needs: run `taskcast migrate`, or set \
         TASKCAST_AUTO_MIGRATE=true",
        counted(pending)
    )]
    Behind {
        /// The database.
        database: String,
        /// The migrations to run, in order.
        pending: Vec<String>,
    },
    /// The schema is newer than this program.
    #[error(
        "{database} was migrated by a newer version, which ran `{migration}`: start that version \
         (`taskcast migrate` and TASKCAST_AUTO_MIGRATE only go forward)"
    )]
    Ahead {
        /// The database.
        database: String,
        /// The first migration that this version does not know.
        migration: String,
    },
    /// A migration that ran is not the one in this program.
    #[error(
        "{database} ran another `{migration}` than the one of this version; `taskcast migrate` \
         cannot go on from there, restore the schema `taskcast` from a backup"
    )]
    Changed {
        /// The database.
        database: String,
        /// The migration.
        migration: String,
    },
}

fn counted(pending: &[String]) -> String {
    match pending {
        [one] => format!("the migration {one}"),
        _ => format!("{} migrations ({})", pending.len(), pending.join(", ")),
    }
}

/// What went wrong inside a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No connection.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// The server, or the connection.
    #[error("{0}")]
    Sql(#[from] tokio_postgres::Error),
    /// The whole call took longer than it may.
    #[error("it did not answer in time")]
    Slow,
    /// What is stored is not what was written.
    #[error("{0}")]
    Damaged(String),
}

impl Fault {
    fn sql(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Self::Sql(error)
            | Self::Pool(
                PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)),
            ) => Some(error),
            Self::Pool(_) | Self::Slow | Self::Damaged(_) => None,
        }
    }

    pub(crate) fn state(&self) -> Option<&SqlState> {
        self.sql()?.code()
    }

    /// What the server said of it.
    pub(crate) fn message(&self) -> String {
        let refused = self.sql().and_then(tokio_postgres::Error::as_db_error);
        refused.map_or_else(|| self.to_string(), |refused| refused.message().to_owned())
    }

    /// Whether PostgreSQL refuses what a row says: trying again does not help.
    pub(crate) fn is_refusal(&self) -> bool {
        let class = self.state().and_then(|state| state.code().get(..2));
        class.is_some_and(|class| ["21", "22", "23", "44", "54", "P0"].contains(&class))
    }

    /// Whether the transaction lost against another one, and may simply be run again.
    pub(crate) fn is_conflict(&self) -> bool {
        let conflict = [
            &SqlState::T_R_DEADLOCK_DETECTED,
            &SqlState::T_R_SERIALIZATION_FAILURE,
            // What made it fail was the answer to another statement.
            &SqlState::IN_FAILED_SQL_TRANSACTION,
        ];
        self.state().is_some_and(|state| conflict.contains(&state))
    }

    /// Whether it comes from the server, which therefore answers.
    pub(crate) fn is_answer(&self) -> bool {
        self.failure().is_none() && self.state().is_some()
    }

    /// What it says about the server; none when the server is well.
    pub(crate) fn failure(&self) -> Option<FailureKind> {
        match (self, self.sql()) {
            (_, Some(error)) => failure(error),
            (Self::Pool(PoolError::Timeout(TimeoutType::Wait) | PoolError::Closed), _)
            | (Self::Damaged(_), _) => None,
            (Self::Pool(PoolError::Timeout(_)) | Self::Slow, _) => Some(FailureKind::Timeout),
            _ => Some(FailureKind::Unavailable),
        }
    }

    /// The same for callers; `what` is the database as people may see it.
    pub(crate) fn into_store(self, what: &str) -> StoreError {
        if let Some(error) = self.sql() {
            return store_error(what, error);
        }
        match &self {
            Self::Damaged(cause) => StoreError::damaged(what, cause),
            Self::Pool(PoolError::Closed) => StoreError::unavailable(what, "the store is closed"),
            Self::Pool(PoolError::Timeout(TimeoutType::Wait)) => {
                StoreError::unavailable(what, "all connections are in use")
            }
            Self::Pool(PoolError::Timeout(_)) => {
                StoreError::unavailable(what, "it did not take the connection in time")
            }
            other => StoreError::unavailable(what, other),
        }
    }
}

fn failure(error: &tokio_postgres::Error) -> Option<FailureKind> {
    if let Some(state) = error.code() {
        return match state.code() {
            "57P01" | "57P02" => Some(FailureKind::ConnectionClosed),
            "57P03" => Some(FailureKind::Unavailable),
            "57014" => Some(FailureKind::Timeout),
            code if code.starts_with("28") => Some(FailureKind::Authentication),
            code if code.starts_with("08") || code.starts_with("53") => {
                Some(FailureKind::Unavailable)
            }
            _ => None,
        };
    }
    match io(error) {
        Some(error) if is_dns(error) => Some(FailureKind::Dns),
        Some(error) => Some(FailureKind::of(error)),
        None if error.is_closed() => Some(FailureKind::ConnectionClosed),
        None => Some(FailureKind::Unavailable),
    }
}

fn io(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        source = error.source();
    }
    None
}

fn is_dns(error: &std::io::Error) -> bool {
    error.to_string().contains("lookup address")
}

fn store_error(what: &str, error: &tokio_postgres::Error) -> StoreError {
    let Some(refused) = error.as_db_error() else {
        return StoreError::unavailable(what, connection_cause(error));
    };
    let code = refused.code().code();
    match code {
        "53100" => StoreError::full(what, "its disk is full"),
        "3D000" => StoreError::unavailable(what, "there is no such database"),
        "57014" => StoreError::unavailable(what, "a statement took longer than it may"),
        // The words of the server name the user.
        _ if code.starts_with("28") => StoreError::unavailable(
            what,
            format!("it refuses the user or the password ({code})"),
        ),
        _ => StoreError::unavailable(what, format!("{} ({code})", refused.message())),
    }
}

fn connection_cause(error: &tokio_postgres::Error) -> String {
    match (io(error), error.source()) {
        (Some(error), _) => error.to_string(),
        (None, Some(source)) => format!("{error}: {source}").replace(": :", ":"),
        (None, None) => error.to_string(),
    }
}
