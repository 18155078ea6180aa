//! Tasks: create, get, list, transition, resolve, delete.

use crate::random::{epoch, task_id, ulid};
use crate::topic::End;
use crate::{EngineError, TaskEngine};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use taskcast_core::{
    BlockedRequest, Millis, NewTask, RawJson, Status, Step, TaskId, Transition, transition,
};
use taskcast_store::{
    Change, Commit, CommitError, Create, CreateError, KeyClaim, ListAsk, ListCursor, TaskPage,
    TaskState,
};

/// How often a transition is tried again after another change came first. Each try means that
/// somebody else got further.
pub(crate) const MAX_TRIES: usize = 32;

/// What a caller asks for to create a task.
#[derive(Clone, Debug, Default)]
pub struct CreateAsk {
    /// The id; generated when absent.
    pub id: Option<TaskId>,
    /// The task.
    pub task: NewTask,
    /// The idempotency key: the same key and body is the same task.
    pub key: Option<KeyClaim>,
    /// Who sends the key: equal keys of different owners are different keys.
    pub owner: Option<Box<str>>,
}

/// A task that was created, now or by the same request before.
#[derive(Clone, Debug)]
pub struct CreatedTask {
    /// The task.
    pub state: TaskState,
    /// Whether the same request had created it before.
    pub repeated: bool,
}

impl TaskEngine {
    /// Creates a task. It is durable, as the store states, on return.
    ///
    /// # Errors
    /// [`EngineError::Exists`], [`EngineError::KeyReused`], or the store.
    pub async fn create(&self, ask: CreateAsk) -> Result<CreatedTask, EngineError> {
        let inner = &self.inner;
        let now = inner.now();
        let drawn = ask.id.is_none() && ask.key.is_none();
        let id = ask.id.unwrap_or_else(|| match &ask.key {
            // The key names the task, so that a repeated request meets the task it made before.
            Some(key) => id_of_key(key, ask.owner.as_deref()),
            None => task_id(inner.random.as_ref(), now),
        });
        let record = ask.task.into_record(id, now);
        let epoch = epoch(inner.random.as_ref());
        let create = Create {
            record,
            epoch,
            events: Vec::new(),
            replace: false,
            key: ask.key,
            drawn,
        };
        let created = match inner.store.create(create).await {
            Ok(state) => CreatedTask {
                state,
                repeated: false,
            },
            Err(CreateError::Duplicate(state)) => CreatedTask {
                state: *state,
                repeated: true,
            },
            Err(error) => return Err(EngineError::from_create(error)),
        };
        inner.was_created(&created.state);
        Ok(created)
    }

    /// The task as it is now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or the store.
    pub async fn get(&self, id: &TaskId) -> Result<TaskState, EngineError> {
        self.inner.load(id).await
    }

    /// A page of the list of tasks, newest first.
    ///
    /// # Errors
    /// The store.
    pub async fn list(&self, ask: ListAsk) -> Result<TaskPage, EngineError> {
        Ok(self.inner.store.list(ask).await?)
    }

    /// A page of a list that is limited to some tasks.
    ///
    /// Their records are read twice, first for their places and then for the page, so that only a
    /// page of them is in memory.
    pub(crate) async fn list_only(
        &self,
        only: &HashSet<TaskId>,
        ask: ListAsk,
    ) -> Result<TaskPage, EngineError> {
        let place = |cursor: &ListCursor| (cursor.created_at, cursor.id.clone());
        let mut places = Vec::new();
        for id in only {
            let state = self.inner.store.load(id).await?;
            let state = state.filter(|state| ask.filter.matches(&state.record));
            places.extend(state.as_ref().map(place_of));
        }
        places.retain(|cursor| {
            ask.after
                .as_ref()
                .is_none_or(|after| place(cursor) < place(after))
        });
        places.sort_by_cached_key(|cursor| std::cmp::Reverse(place(cursor)));
        let (mut tasks, mut bytes, mut next) = (Vec::new(), 0, None);
        let mut left = places.into_iter().peekable();
        while let Some(cursor) = left.next() {
            if let Some(state) = self.inner.store.load(&cursor.id).await? {
                bytes += state.record.weight();
                tasks.push(state);
            }
            let full = tasks.len() >= ask.limit || bytes >= TaskPage::BYTES;
            if full && left.peek().is_some() {
                next = Some(cursor);
                break;
            }
        }
        Ok(TaskPage { tasks, next })
    }

    /// Changes the status of a task, with the events that tell of it, as one commit.
    ///
    /// # Errors
    /// [`EngineError::InvalidTransition`] when the status machine does not allow it, also when
    /// another transition was faster; [`EngineError::NotFound`]; or the store.
    pub async fn transition(
        &self,
        id: &TaskId,
        asked: &Transition,
    ) -> Result<TaskState, EngineError> {
        let state = self.inner.load(id).await?;
        self.transition_from(state, asked).await
    }

    /// As [`transition`](Self::transition), of the log that was seen in this state and no other.
    pub(crate) async fn transition_from(
        &self,
        mut state: TaskState,
        asked: &Transition,
    ) -> Result<TaskState, EngineError> {
        for _ in 0..MAX_TRIES {
            match self.try_transition(&state, asked).await? {
                Tried::Done(after) => return Ok(after),
                Tried::Changed(now) => state = *now,
            }
        }
        Err(EngineError::Contended)
    }

    /// One try, made from `state`.
    pub(crate) async fn try_transition(
        &self,
        state: &TaskState,
        asked: &Transition,
    ) -> Result<Tried, EngineError> {
        let Step { record, events } = transition(&state.record, asked, self.inner.now())?;
        let commit = Commit {
            task: state.record.id.clone(),
            epoch: Some(state.epoch),
            change: Some(Change {
                expected: state.revision,
                record: record.clone(),
            }),
            events,
            once: None,
        };
        match self.inner.commit(commit).await {
            Ok(committed) => Ok(Tried::Done(after_commit(state, record, &committed))),
            Err(CommitError::Conflict(now)) => Ok(Tried::Changed(now)),
            // Sealed by somebody else: the machine says so, from the status the task has now.
            Err(CommitError::Sealed(from)) => {
                Err(EngineError::InvalidTransition { from, to: asked.to })
            }
            Err(error) => Err(EngineError::from_commit(error)),
        }
    }

    /// Answers what a blocked task asks: it goes on running, with the answer as its result. An
    /// answer that is an object or an array is the result itself, any other becomes
    /// `{"resolution": answer}`.
    ///
    /// # Errors
    /// [`EngineError::NotBlocked`], [`EngineError::NotFound`], or the store.
    pub async fn resolve(
        &self,
        id: &TaskId,
        answer: Option<RawJson>,
    ) -> Result<TaskState, EngineError> {
        let state = self.inner.load(id).await?;
        self.resolve_from(state, answer).await
    }

    /// As [`resolve`](Self::resolve), of the log that was seen in this state and no other.
    pub(crate) async fn resolve_from(
        &self,
        mut state: TaskState,
        answer: Option<RawJson>,
    ) -> Result<TaskState, EngineError> {
        let asked = Transition {
            result: Some(resolution(answer)?),
            ..Transition::to(Status::Running)
        };
        for _ in 0..MAX_TRIES {
            if state.record.status != Status::Blocked {
                return Err(EngineError::NotBlocked);
            }
            match self.try_transition(&state, &asked).await? {
                Tried::Done(after) => return Ok(after),
                Tried::Changed(now) => state = *now,
            }
        }
        Err(EngineError::Contended)
    }

    /// What a blocked task asks for; none when it asks for nothing.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or the store.
    pub async fn request(&self, id: &TaskId) -> Result<Option<BlockedRequest>, EngineError> {
        Ok(request_of(&self.inner.load(id).await?))
    }

    /// Deletes a task with its events; its subscribers are told.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or the store.
    pub async fn delete(&self, id: &TaskId) -> Result<(), EngineError> {
        let state = self.inner.load(id).await?;
        self.delete_log(&state).await
    }

    pub(crate) async fn delete_log(&self, state: &TaskState) -> Result<(), EngineError> {
        let id = &state.record.id;
        if !self.inner.store.delete(id, state.epoch).await? {
            return Err(EngineError::NotFound(id.clone()));
        }
        self.inner.access.forget(id);
        if let Some(topic) = self.inner.topics.get(id)
            && topic.epoch == state.epoch
        {
            topic.end(End::Deleted);
        }
        Ok(())
    }
}

/// What a blocked task asks for.
pub(crate) fn request_of(state: &TaskState) -> Option<BlockedRequest> {
    let blocked = state.record.status == Status::Blocked;
    state.record.blocked_request.clone().filter(|_| blocked)
}

/// How a try to change a record ended.
pub(crate) enum Tried {
    /// It was changed.
    Done(TaskState),
    /// Somebody else was faster; this is the task now.
    Changed(Box<TaskState>),
}

/// The state after a commit that changed the record.
pub(crate) fn after_commit(
    before: &TaskState,
    record: taskcast_core::TaskRecord,
    committed: &taskcast_store::Committed,
) -> TaskState {
    TaskState {
        record: record.into(),
        revision: committed.revision,
        epoch: committed.epoch,
        tail: committed.tail,
        trim: before.trim,
        last_at: committed
            .events
            .last()
            .map_or(before.last_at, |event| event.at),
        commit: committed.commit,
    }
}

fn resolution(answer: Option<RawJson>) -> Result<RawJson, EngineError> {
    let wrapped = match answer {
        Some(answer) if matches!(answer.kind(), b'{' | b'[') => return Ok(answer),
        Some(answer) => {
            RawJson::from_value(&std::collections::BTreeMap::from([("resolution", answer)]))
        }
        None => RawJson::from_value(&serde_json::Map::new()),
    };
    wrapped.map_err(|error| EngineError::Json(error.to_string()))
}

/// The id of a task that was created with a key and without an id: a digest of the key and of who
/// sent it, so nobody meets the task of somebody else.
fn id_of_key(key: &KeyClaim, owner: Option<&str>) -> TaskId {
    let mut hash = Sha256::new();
    hash.update(owner.unwrap_or_default());
    hash.update([0]);
    hash.update(key.key.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let part = |n: usize| {
        digest[n * 8..][..8]
            .iter()
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    };
    ulid(Millis(part(0) >> 16), part(1), part(2))
}

/// Where a task stands in the list.
fn place_of(state: &TaskState) -> ListCursor {
    ListCursor {
        created_at: state.record.created_at,
        id: state.record.id.clone(),
    }
}
