//! A viewer: watches a task through any engine, is cut at random, and comes back with a cursor.

use crate::rng::{Rng, hash, hash_text};
use crate::truth::Broken;
use crate::watched::Watched;
use crate::world::World;
use std::time::Duration;
use taskcast_core::{Epoch, EventFilter, Level, TaskId, TypePattern};
use taskcast_engine::{
    EngineError, Frame, SeriesFormat, Since, Subscribe, SubscribeAsk, Subscription,
};
use tokio::time::{sleep, timeout};

/// One viewer.
pub(crate) struct Viewer<'a> {
    world: &'a World,
    rng: Rng,
    number: u64,
    /// Everything seen so far, as one number.
    digest: u64,
}

/// How one connection ended.
enum Cut {
    /// Cut, or broken; there is more.
    Open,
    /// The end was told.
    Ended,
}

impl<'a> Viewer<'a> {
    /// A viewer with numbers of its own.
    #[must_use]
    pub(crate) fn new(world: &'a World, rng: Rng, number: u64) -> Self {
        Self {
            world,
            rng,
            number,
            digest: 0,
        }
    }

    /// Watches one task after another until the run stops and the end of the last was seen. Gives a
    /// digest of everything seen.
    pub(crate) async fn run(mut self) -> u64 {
        loop {
            let id = self.rng.pick(&self.world.ids).clone();
            if let Err(broken) = self.watch(&id).await {
                self.world
                    .broken(format!("viewer {} of {id}: {broken}", self.number));
                return self.digest;
            }
            if self.world.stopping() {
                return self.digest;
            }
        }
    }

    /// Watches a task to its end.
    async fn watch(&mut self, id: &TaskId) -> Result<(), Broken> {
        let mut watched = Watched::new(id.clone(), self.filter(), self.format());
        loop {
            let ask = self.ask(&mut watched);
            let engine = self.world.engine(&mut self.rng);
            match engine.subscribe(id, ask).await {
                Ok(Subscribe::Stream(stream)) => {
                    if let Cut::Ended = self.read(*stream, &mut watched).await? {
                        return Ok(());
                    }
                }
                Ok(Subscribe::Over) => return watched.over(&self.world.store.truth.lock()),
                Err(EngineError::NotFound(_)) if self.world.stopping() => {
                    let exists = self.world.store.truth.lock().current.contains_key(id);
                    return if exists {
                        Err("an existing task was not found".into())
                    } else {
                        Ok(())
                    };
                }
                Err(EngineError::NotFound(_) | EngineError::Store(_) | EngineError::Stopping) => {}
                Err(error) => return Err(error.to_string()),
            }
            sleep(Duration::from_millis(1 + self.rng.below(80))).await;
        }
    }

    /// Reads until the stream is cut, breaks or ends.
    async fn read(
        &mut self,
        mut stream: Subscription,
        watched: &mut Watched,
    ) -> Result<Cut, Broken> {
        let epoch = stream.opening().epoch;
        watched.connected(epoch, &self.world.store.truth.lock())?;
        let mut left = if self.world.stopping() {
            u64::MAX
        } else {
            self.rng.below(30)
        };
        loop {
            // Now and then the wait for frames is given up and begun again: nothing is lost by it.
            let patience = Duration::from_millis(if left % 5 == 0 { 7 } else { 700 });
            let frames = match timeout(patience, stream.next()).await {
                Ok(Ok(Some(frames))) => frames,
                Ok(Ok(None)) => return Err("the stream ended without a done frame".into()),
                Ok(Err(EngineError::Store(_))) if self.rng.once_in(2) => continue,
                Ok(Err(
                    EngineError::Store(_) | EngineError::Stopping | EngineError::AnotherLog(_),
                )) => return Ok(Cut::Open),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) if !self.world.stopping() && self.rng.once_in(20) => return Ok(Cut::Open),
                Err(_) => continue,
            };
            for frame in &frames {
                self.note(frame, epoch);
                watched.take(frame, &self.world.store.truth.lock())?;
                if let Frame::Done(_) = frame {
                    return Ok(Cut::Ended);
                }
                if left == 0 {
                    return Ok(Cut::Open);
                }
                left -= 1;
            }
        }
    }

    fn note(&mut self, frame: &Frame, epoch: Epoch) {
        let text = match frame {
            Frame::Event(event) => {
                let id = event.shared.event.id(epoch);
                format!(
                    "{id} {} {} {}",
                    event.position, event.snapshot, event.folded
                )
            }
            other => format!("{other:?}"),
        };
        self.digest = hash(&[self.digest, hash_text(&text)]);
    }

    fn ask(&mut self, watched: &mut Watched) -> SubscribeAsk {
        let mut ask = SubscribeAsk {
            filter: watched.filter.clone(),
            format: watched.format,
            ..SubscribeAsk::default()
        };
        watched.by_position = false;
        match (self.rng.below(3), &watched.cursor, watched.position) {
            (0, Some(cursor), _) => ask.since.id = Some(cursor.clone()),
            (1, _, Some(position)) => {
                watched.by_position = true;
                ask.since = Since {
                    index: i64::try_from(position).ok(),
                    ..Since::default()
                };
            }
            (_, cursor, _) => ask.last_event_id.clone_from(cursor),
        }
        ask
    }

    fn filter(&mut self) -> EventFilter {
        let types = |patterns: &[&str]| EventFilter {
            types: Some(
                patterns
                    .iter()
                    .map(|text| TypePattern::parse(text))
                    .collect(),
            ),
            ..EventFilter::default()
        };
        match self.rng.below(7) {
            0 => types(&["llm.*"]),
            1 => types(&["llm.text", "progress", "taskcast:status"]),
            2 => EventFilter {
                levels: Some(vec![Level::Warn]),
                ..EventFilter::default()
            },
            3 => EventFilter {
                include_status: false,
                ..EventFilter::default()
            },
            4 => EventFilter {
                types: Some(Vec::new()),
                ..EventFilter::default()
            },
            _ => EventFilter::default(),
        }
    }

    fn format(&mut self) -> SeriesFormat {
        if self.rng.once_in(2) {
            SeriesFormat::Accumulated
        } else {
            SeriesFormat::Delta
        }
    }
}
