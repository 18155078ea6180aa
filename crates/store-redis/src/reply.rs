//! Replies of scripts as values.

use bytes::Bytes;
use redis::{FromRedisValue, Value};
use std::str::FromStr;
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, Millis, Revision, Slot, TaskId};
use taskcast_store::{StoreError, TaskState};

/// The fields of a task, in the order in which scripts answer them.
pub(crate) const STATE: [&str; 8] = [
    "epoch", "revision", "tail", "trim", "at", "commit", "base", "record",
];

/// A reply that is read from the front.
pub(crate) struct Reply<'a> {
    what: &'a str,
    values: std::vec::IntoIter<Value>,
}

impl<'a> Reply<'a> {
    /// The elements of an array; none for a reply that is no array.
    pub(crate) fn of(what: &'a str, value: Value) -> Option<Self> {
        let values = match value {
            Value::Array(values) => values.into_iter(),
            _ => return None,
        };
        Some(Self { what, values })
    }

    /// The elements of an array, which the reply has to be.
    pub(crate) fn array(what: &'a str, value: Value) -> Result<Self, StoreError> {
        Self::of(what, value).ok_or_else(|| odd(what))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.len() == 0
    }

    /// The next element as it is.
    pub(crate) fn value(&mut self) -> Result<Value, StoreError> {
        self.values.next().ok_or_else(|| odd(self.what))
    }

    /// The next element as an array.
    pub(crate) fn nested(&mut self) -> Result<Reply<'a>, StoreError> {
        let value = self.value()?;
        Self::array(self.what, value)
    }

    /// The next element as text.
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let value = self.value()?;
        String::from_redis_value(value).map_err(|_| odd(self.what))
    }

    /// The next element as bytes.
    pub(crate) fn bytes(&mut self) -> Result<Bytes, StoreError> {
        match self.value()? {
            Value::BulkString(bytes) => Ok(bytes.into()),
            Value::SimpleString(text) => Ok(text.into()),
            _ => Err(odd(self.what)),
        }
    }

    /// The next element as a number.
    pub(crate) fn number<T: FromStr>(&mut self) -> Result<T, StoreError> {
        let value = self.value()?;
        let text = String::from_redis_value(value).map_err(|_| odd(self.what))?;
        text.parse().map_err(|_| odd(self.what))
    }

    pub(crate) fn index(&mut self) -> Result<Index, StoreError> {
        self.number().map(Index)
    }

    pub(crate) fn commit(&mut self) -> Result<CommitNumber, StoreError> {
        self.number().map(CommitNumber)
    }

    /// Two elements: an index and the slot at it.
    pub(crate) fn slot(&mut self) -> Result<Slot, StoreError> {
        let index = self.index()?;
        let blob = self.bytes()?;
        crate::slot::read(index, &blob).ok_or_else(|| {
            StoreError::damaged(
                self.what,
                format!("the slot at index {index} is unreadable"),
            )
        })
    }
}

/// A task and its base from the fields [`STATE`]; none when there is no task.
pub(crate) fn state(what: &str, value: Value) -> Result<Option<(TaskState, Index)>, StoreError> {
    let mut fields = Reply::array(what, value)?;
    let epoch = match fields.value()? {
        Value::Nil => return Ok(None),
        value => u32::from_redis_value(value).map_err(|_| odd(what))?,
    };
    let (revision, tail, trim) = (fields.number()?, fields.index()?, fields.index()?);
    let (last_at, commit, base) = (fields.number()?, fields.commit()?, fields.index()?);
    let record = fields.bytes()?;
    let record = serde_json::from_slice(&record).map_err(|error| {
        StoreError::damaged(what, format!("the record of a task is unreadable: {error}"))
    })?;
    let state = TaskState {
        record: Arc::new(record),
        revision: Revision(revision),
        epoch: Epoch(epoch),
        tail,
        trim,
        last_at: Millis(last_at),
        commit,
    };
    Ok(Some((state, base)))
}

/// The id of a task that is stored.
pub(crate) fn task_id(what: &str, text: &str) -> Result<TaskId, StoreError> {
    TaskId::new(text).map_err(|_| odd(what))
}

/// A reply that no script of this version gives.
pub(crate) fn odd(what: &str) -> StoreError {
    StoreError::damaged(
        what,
        "its answer is not what was expected; do other programs write below the same prefix?",
    )
}
