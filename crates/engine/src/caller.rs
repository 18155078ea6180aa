//! The engine as somebody may use it: every access decision is made here.
//!
//! Order: the caller's scope and tasks, before anything is looked up; then the task; then the
//! rules of the task. So a caller learns nothing about tasks it may not touch.

use crate::tasks::request_of;
use crate::{
    CreateAsk, CreatedTask, EngineError, EverythingAsk, EverythingStream, History, HistoryAsk,
    Publish, Published, Subscribe, SubscribeAsk, TaskEngine,
};
use std::sync::Arc;
use taskcast_core::{
    BlockedRequest, Denied, Epoch, Identity, ProducerId, RawJson, Scope, TaskId, TaskScope,
    Transition,
};
use taskcast_store::{ListAsk, ProducerPosition, TaskPage, TaskState};

/// An engine in the hands of one identity.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    pub(crate) engine: &'a TaskEngine,
    pub(crate) identity: &'a Identity,
}

/// Every method asks for the scope named in its first line; all can fail with
/// [`EngineError::Denied`] beside the errors of the engine's method of the same name.
impl Caller<'_> {
    /// `task:create`, and the id, when one is given, among the caller's tasks.
    ///
    /// # Errors
    /// See [`TaskEngine::create`].
    pub async fn create(&self, ask: CreateAsk) -> Result<CreatedTask, EngineError> {
        match &ask.id {
            Some(id) => self.identity.check_task(Scope::TaskCreate, id)?,
            None => self.identity.check(Scope::TaskCreate)?,
        }
        let owner = self.identity.subject.clone();
        self.engine.create(CreateAsk { owner, ..ask }).await
    }

    /// `event:subscribe`. See [`TaskEngine::get`].
    ///
    /// # Errors
    /// See [`TaskEngine::get`].
    pub async fn get(&self, id: &TaskId) -> Result<TaskState, EngineError> {
        self.load(Scope::EventSubscribe, id).await
    }

    /// `event:subscribe`; only tasks the caller may see are listed.
    ///
    /// # Errors
    /// See [`TaskEngine::list`].
    pub async fn list(&self, ask: ListAsk) -> Result<TaskPage, EngineError> {
        self.identity.check(Scope::EventSubscribe)?;
        let mut page = match &self.identity.tasks {
            TaskScope::All => self.engine.list(ask).await?,
            TaskScope::Only(ids) => self.engine.list_only(ids, ask).await?,
        };
        page.tasks
            .retain(|state| self.allowed(Scope::EventSubscribe, state).is_ok());
        Ok(page)
    }

    /// `task:manage`. See [`TaskEngine::transition`].
    ///
    /// # Errors
    /// See [`TaskEngine::transition`].
    pub async fn transition(
        &self,
        id: &TaskId,
        asked: &Transition,
    ) -> Result<TaskState, EngineError> {
        let state = self.load(Scope::TaskManage, id).await?;
        self.engine.transition_from(state, asked).await
    }

    /// `task:resolve`. See [`TaskEngine::resolve`].
    ///
    /// # Errors
    /// See [`TaskEngine::resolve`].
    pub async fn resolve(
        &self,
        id: &TaskId,
        answer: Option<RawJson>,
    ) -> Result<TaskState, EngineError> {
        let state = self.load(Scope::TaskResolve, id).await?;
        self.engine.resolve_from(state, answer).await
    }

    /// `task:resolve`. See [`TaskEngine::request`].
    ///
    /// # Errors
    /// See [`TaskEngine::request`].
    pub async fn request(&self, id: &TaskId) -> Result<Option<BlockedRequest>, EngineError> {
        let state = self.load(Scope::TaskResolve, id).await?;
        Ok(request_of(&state))
    }

    /// `task:manage`. See [`TaskEngine::delete`].
    ///
    /// # Errors
    /// See [`TaskEngine::delete`].
    pub async fn delete(&self, id: &TaskId) -> Result<(), EngineError> {
        let state = self.load(Scope::TaskManage, id).await?;
        self.engine.delete_log(&state).await
    }

    /// `event:publish`, and `task:manage` as well when a transition goes with the events. See
    /// [`TaskEngine::publish`].
    ///
    /// # Errors
    /// See [`TaskEngine::publish`].
    pub async fn publish(&self, id: &TaskId, publish: Publish) -> Result<Published, EngineError> {
        let manages = publish.transition.is_some();
        let scopes = [
            Some(Scope::EventPublish),
            manages.then_some(Scope::TaskManage),
        ];
        for scope in scopes.into_iter().flatten() {
            self.identity.check_task(scope, id)?;
        }
        let (mut access, mut remembered) = self.engine.inner.access(id).await?;
        loop {
            let rules = access.rules.as_deref();
            let mut asked = scopes.into_iter().flatten();
            let allowed = asked.try_for_each(|scope| self.identity.check_rules(scope, rules));
            let outcome = match allowed {
                Ok(()) => {
                    let publish = publish.clone();
                    self.engine
                        .publish_in(Some(access.epoch), id, publish)
                        .await
                }
                Err(denied) => Err(denied.into()),
            };
            match outcome {
                // The rules were remembered, maybe of a log that is gone: read them again.
                Err(EngineError::NotFound(_) | EngineError::Denied(_)) if remembered => {
                    self.engine.inner.access.forget(id);
                    (access, remembered) = self.engine.inner.access(id).await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// `event:publish`. See [`TaskEngine::producer`].
    ///
    /// # Errors
    /// See [`TaskEngine::producer`].
    pub async fn producer(
        &self,
        id: &TaskId,
        producer: &ProducerId,
    ) -> Result<Option<ProducerPosition>, EngineError> {
        self.may(Scope::EventPublish, id).await?;
        self.engine.producer(id, producer).await
    }

    /// `event:subscribe`. See [`TaskEngine::subscribe`].
    ///
    /// # Errors
    /// See [`TaskEngine::subscribe`].
    pub async fn subscribe(
        &self,
        id: &TaskId,
        ask: SubscribeAsk,
    ) -> Result<Subscribe, EngineError> {
        let state = self.load(Scope::EventSubscribe, id).await?;
        let subscribe = self.engine.subscribe(id, ask).await?;
        if let Subscribe::Stream(stream) = &subscribe {
            same_log(&state, stream.opening().epoch)?;
        }
        Ok(subscribe)
    }

    /// `event:history`. See [`TaskEngine::history`].
    ///
    /// # Errors
    /// See [`TaskEngine::history`].
    pub async fn history(&self, id: &TaskId, ask: HistoryAsk) -> Result<History, EngineError> {
        let state = self.load(Scope::EventHistory, id).await?;
        let history = self.engine.history(id, ask).await?;
        same_log(&state, history.epoch())?;
        Ok(history)
    }

    /// `event:subscribe`; only events of tasks the caller may see come. See
    /// [`TaskEngine::everything`].
    ///
    /// # Errors
    /// See [`TaskEngine::everything`].
    pub async fn everything(&self, ask: EverythingAsk) -> Result<EverythingStream, EngineError> {
        self.identity.check(Scope::EventSubscribe)?;
        self.engine
            .everything(Arc::new(self.identity.clone()), ask)
            .await
    }

    /// Whether the caller has a scope on a task: checks as every other method does.
    ///
    /// # Errors
    /// [`EngineError::Denied`], [`EngineError::NotFound`], or the store.
    pub async fn may(&self, scope: Scope, id: &TaskId) -> Result<(), EngineError> {
        self.load(scope, id).await.map(drop)
    }

    /// The task, if the caller has a scope on it.
    pub(crate) async fn load(&self, scope: Scope, id: &TaskId) -> Result<TaskState, EngineError> {
        self.identity.check_task(scope, id)?;
        let state = self.engine.get(id).await?;
        self.allowed(scope, &state)?;
        Ok(state)
    }

    fn allowed(&self, scope: Scope, state: &TaskState) -> Result<(), Denied> {
        self.identity
            .check_rules(scope, state.record.auth_config.as_ref())
    }
}

/// What was read has to be of the log whose rules were asked: a task that took its place meanwhile
/// has its own.
fn same_log(asked: &TaskState, read: Epoch) -> Result<(), EngineError> {
    if asked.epoch == read {
        return Ok(());
    }
    Err(EngineError::NotFound(asked.record.id.clone()))
}
