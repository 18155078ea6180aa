//! A writer: publishes, repeats what was not answered, moves tasks on.

use crate::rng::Rng;
use crate::world::World;
use std::collections::HashMap;
use std::time::Duration;
use taskcast_core::{
    BlockedRequest, Epoch, EventType, Level, NewEvent, ProducerId, RawJson, SeriesId, SeriesMode,
    SeriesTag, Status, TaskId, Transition,
};
use taskcast_engine::{EngineError, Publish, Published};
use taskcast_store::{KeyClaim, Once, ProducerClaim};
use tokio::time::{sleep, timeout};

/// One writer.
pub(crate) struct Writer<'a> {
    world: &'a World,
    rng: Rng,
    number: u64,
    /// Counts what it says, so that everything said is said once.
    said: u64,
    /// The next sequence number in each log it knows.
    sequences: HashMap<TaskId, u64>,
    /// How many publishes were acknowledged.
    acknowledged: u64,
}

const STATUSES: [Status; 9] = [
    Status::Pending,
    Status::Assigned,
    Status::Running,
    Status::Running,
    Status::Paused,
    Status::Blocked,
    Status::Running,
    Status::Completed,
    Status::Failed,
];

impl<'a> Writer<'a> {
    /// A writer with numbers of its own.
    #[must_use]
    pub(crate) fn new(world: &'a World, rng: Rng, number: u64) -> Self {
        Self {
            world,
            rng,
            number,
            said: 0,
            sequences: HashMap::new(),
            acknowledged: 0,
        }
    }

    /// Writes until the run stops; tells how many publishes were acknowledged.
    pub(crate) async fn run(mut self) -> u64 {
        while !self.world.stopping() {
            sleep(Duration::from_millis(self.rng.below(60))).await;
            let id = self.rng.pick(&self.world.ids).clone();
            match self.rng.below(20) {
                0 => self.transition(&id).await,
                1..4 => self.once(&id).await,
                4 => self.keyed(&id).await,
                5 => self.abandon(&id).await,
                _ => self.publish(&id).await,
            }
        }
        self.acknowledged
    }

    async fn publish(&mut self, id: &TaskId) {
        let publish = Publish::events(self.batch());
        let engine = self.world.engine(&mut self.rng);
        let outcome = engine.publish(id, publish).await;
        self.check(id, &outcome);
    }

    /// Publishes and goes away in the middle.
    async fn abandon(&mut self, id: &TaskId) {
        let publish = Publish::events(self.batch());
        let engine = self.world.engine(&mut self.rng);
        let patience = Duration::from_millis(self.rng.below(10));
        if let Ok(outcome) = timeout(patience, engine.publish(id, publish)).await {
            self.check(id, &outcome);
        }
    }

    /// Publishes with a sequence number, again and again until there is an answer.
    async fn once(&mut self, id: &TaskId) {
        let seq = self.sequences.get(id).copied().unwrap_or(0);
        let Ok(producer) = ProducerId::new(format!("writer-{}", self.number)) else {
            return;
        };
        let claim = ProducerClaim {
            id: producer,
            epoch: 1,
            first: seq,
            last: seq,
        };
        let publish = Publish {
            events: self.batch(),
            transition: None,
            once: Some(Once::Producer(claim)),
        };
        let next = match self.until_answered(id, &publish).await {
            Ok(_) => seq + 1,
            // The task was created anew, so nobody knows the producer.
            Err(EngineError::ProducerStart { .. }) if seq > 0 => 0,
            Err(EngineError::ProducerGap { expected, .. }) if expected < seq => expected,
            Err(EngineError::NotFound(_) | EngineError::Sealed(_)) => seq,
            Err(error) => return self.surprise(id, &error),
        };
        self.sequences.insert(id.clone(), next);
    }

    /// Publishes under a key, with a transition now and then, until there is an answer.
    async fn keyed(&mut self, id: &TaskId) {
        let events = self.batch();
        let key = KeyClaim {
            key: format!("key-{}-{}", self.number, self.said).into(),
            body: [0; 32],
        };
        let to = self.rng.once_in(3).then(|| *self.rng.pick(&STATUSES));
        let publish = Publish {
            events,
            transition: to.map(Transition::to),
            once: Some(Once::Key(key)),
        };
        match self.until_answered(id, &publish).await {
            Ok(_)
            | Err(
                EngineError::NotFound(_)
                | EngineError::Sealed(_)
                | EngineError::InvalidTransition { .. },
            ) => {}
            Err(error) => self.surprise(id, &error),
        }
    }

    async fn until_answered(
        &mut self,
        id: &TaskId,
        publish: &Publish,
    ) -> Result<Published, EngineError> {
        loop {
            let engine = self.world.engine(&mut self.rng);
            let outcome = engine.publish(id, publish.clone()).await;
            self.check(id, &outcome);
            match outcome {
                Err(EngineError::Store(_) | EngineError::Contended) => {
                    sleep(Duration::from_millis(1 + self.rng.below(20))).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn transition(&mut self, id: &TaskId) {
        let to = *self.rng.pick(&STATUSES);
        let asked = Transition {
            ttl: self.rng.once_in(6).then(|| 1 + self.rng.below(8)),
            resume_after_ms: self.rng.once_in(2).then(|| 1 + self.rng.below(3_000)),
            blocked_request: Some(BlockedRequest {
                kind: "approval".into(),
                data: None,
            }),
            ..Transition::to(to)
        };
        let engine = self.world.engine(&mut self.rng);
        match engine.transition(id, &asked).await {
            Ok(state) if state.record.status != to => {
                self.world
                    .broken(format!("{id}: became {}, not {to}", state.record.status));
            }
            Ok(_)
            | Err(
                EngineError::NotFound(_)
                | EngineError::InvalidTransition { .. }
                | EngineError::Store(_)
                | EngineError::Contended,
            ) => {}
            Err(error) => self.surprise(id, &error),
        }
    }

    /// What is acknowledged stands in the log, where the answer says.
    fn check(&mut self, id: &TaskId, outcome: &Result<Published, EngineError>) {
        let (epoch, events) = match outcome {
            Ok(Published::Now { epoch, events, .. }) => (*epoch, events),
            Ok(Published::Before {
                epoch,
                events: Some(events),
                ..
            }) => (*epoch, events),
            Ok(Published::Before { .. }) => return,
            Err(
                EngineError::Store(_)
                | EngineError::NotFound(_)
                | EngineError::Sealed(_)
                | EngineError::InvalidTransition { .. }
                | EngineError::ProducerStart { .. }
                | EngineError::ProducerGap { .. }
                | EngineError::Contended,
            ) => return,
            Err(error) => return self.surprise(id, error),
        };
        self.acknowledged += 1;
        self.stands(id, epoch, events);
    }

    fn stands(&self, id: &TaskId, epoch: Epoch, events: &[taskcast_core::Event]) {
        let truth = self.world.store.truth.lock();
        let Ok(log) = truth.log(id, epoch) else {
            return self
                .world
                .broken(format!("{id}: acknowledged in an unknown log"));
        };
        for event in events {
            let stored = usize::try_from(event.index.0).ok();
            if stored.and_then(|at| log.events.get(at)) != Some(event) {
                self.world.broken(format!(
                    "{id}: {} is not what was acknowledged",
                    event.index
                ));
            }
        }
    }

    fn surprise(&self, id: &TaskId, error: &EngineError) {
        self.world
            .broken(format!("{id}: writer {}: {error}", self.number));
    }

    fn batch(&mut self) -> Vec<NewEvent> {
        let count = if self.rng.once_in(4) {
            1 + self.rng.below(6)
        } else {
            1
        };
        (0..count).filter_map(|_| self.event()).collect()
    }

    fn event(&mut self) -> Option<NewEvent> {
        self.said += 1;
        let (kind, series, mode) = match self.rng.below(8) {
            0 => ("note", None, SeriesMode::KeepAll),
            1 => ("log.line", None, SeriesMode::KeepAll),
            2 => ("log.line", Some("kept"), SeriesMode::KeepAll),
            3 => ("progress", Some("bar"), SeriesMode::Latest),
            4 => ("llm.thought", Some("thought"), SeriesMode::Accumulate),
            _ => ("llm.text", Some("text"), SeriesMode::Accumulate),
        };
        let piece = self
            .rng
            .pick(&["a", "\"q\"", "\u{1f600}", "\n", "\\", "wort "]);
        let said = format!("{}-{}", self.number, self.said);
        let data = serde_json::json!({ "delta": piece, "said": said });
        let event = NewEvent::new(EventType::new(kind).ok()?, RawJson::from_value(&data).ok());
        let tag = SeriesTag {
            id: series.and_then(|name| SeriesId::new(name).ok()),
            mode: series.map(|_| mode),
            field: None,
        };
        let level = if kind == "note" {
            Level::Warn
        } else {
            Level::Info
        };
        Some(NewEvent { level, ..event }.in_series(tag))
    }
}
