//! Which store this is: an incarnation and a number of partitions, kept below the prefix.

use crate::jitter;
use crate::keys::Keys;
use parking_lot::Mutex;
use redis::{Cmd, FromRedisValue, Pipeline, Value, cmd, pipe};

/// What an instance knows of its store. Somebody may empty Redis: then the instances write down
/// again what they know, so that they go on with one store and not each with its own.
pub(crate) struct Identity {
    key: String,
    known: Mutex<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    incarnation: u64,
    partitions: u16,
    /// Whether this is what Redis has, and not yet what is wished for.
    found: bool,
}

/// What a look at Redis told.
pub(crate) enum Look {
    /// It is the store that is known.
    Same,
    /// Nothing is there.
    Empty,
    /// The store there has another number of partitions: nothing of this instance fits it.
    Other(u16),
}

impl Identity {
    /// What a store below a prefix is to be when there is none yet.
    pub(crate) fn new(prefix: &str, partitions: u16) -> Self {
        let known = Known {
            incarnation: jitter::number(),
            partitions,
            found: false,
        };
        Self {
            key: Keys::store(prefix),
            known: Mutex::new(known),
        }
    }

    pub(crate) fn incarnation(&self) -> u64 {
        self.known.lock().incarnation
    }

    pub(crate) fn partitions(&self) -> u16 {
        self.known.lock().partitions
    }

    /// Asks what is there.
    pub(crate) fn question(&self) -> Cmd {
        let mut command = cmd("HMGET");
        command.arg(&self.key).arg("incarnation").arg("partitions");
        command
    }

    /// Writes down what is known, where nothing is there, and asks.
    pub(crate) fn writing(&self) -> Pipeline {
        let known = *self.known.lock();
        let mut commands = pipe();
        commands.hset_nx(&self.key, "incarnation", known.incarnation);
        commands.hset_nx(&self.key, "partitions", known.partitions);
        commands.add_command(self.question());
        commands
    }

    /// Takes over what is there, before anything is known.
    pub(crate) fn adopt(&self, incarnation: u64, partitions: u16) {
        *self.known.lock() = Known {
            incarnation,
            partitions: partitions.max(1),
            found: true,
        };
    }

    /// Compares an answer to [`question`](Self::question) with what is known.
    pub(crate) fn compare(&self, answer: Value) -> Look {
        let mut known = self.known.lock();
        if !known.found {
            return Look::Same;
        }
        let found = <(Option<u64>, Option<u16>)>::from_redis_value(answer);
        let Ok((Some(incarnation), Some(partitions))) = found else {
            return Look::Empty;
        };
        if partitions != known.partitions {
            return Look::Other(partitions);
        }
        known.incarnation = incarnation;
        Look::Same
    }
}
