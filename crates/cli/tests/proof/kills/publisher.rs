//! Publishers: each sends numbered events of its own and remembers what was acknowledged.

use crate::chance::Chance;
use crate::http::{Answer, Caller};
use crate::support::Server;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use taskcast_client::{Client, Producer, ProducerOptions, RetryPolicy};
use taskcast_core::{EventType, NewEvent, RawJson, TaskId};
use tokio::time::{Duration, sleep};

/// How a publisher publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One event after the other; what has an unknown outcome is given up.
    Single,
    /// The same with batches.
    Batch,
    /// With a producer's numbers, by hand: what has an unknown outcome is sent again.
    Numbered,
    /// Over the client's stream, which mends itself.
    Stream,
}

/// A publisher and what it knows.
pub(super) struct Publisher {
    pub(super) task: &'static str,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// How many numbers were used, from 0.
    pub(super) sent: u64,
    /// What was acknowledged: numbers with the index, where the answer told it.
    pub(super) acknowledged: Vec<(u64, Option<i64>)>,
    /// The first number and the length of every batch.
    pub(super) batches: Vec<(u64, u64)>,
    /// How many requests had an unknown outcome.
    pub(super) unknown: usize,
    url: String,
    caller: Caller,
    chance: Chance,
}

impl Publisher {
    pub(super) fn new(server: &Server, task: &'static str, kind: Kind, chance: Chance) -> Self {
        Self {
            task,
            kind,
            name: format!("{kind:?}"),
            sent: 0,
            acknowledged: Vec::new(),
            batches: Vec::new(),
            unknown: 0,
            url: server.url().to_owned(),
            caller: Caller::new(server.port()),
            chance,
        }
    }

    /// Publishes until it is told to stop.
    pub(super) async fn publish(mut self, stop: Arc<AtomicBool>) -> Self {
        if self.kind == Kind::Stream {
            self.stream(&stop).await;
            return self;
        }
        for request in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.request(request).await;
            self.breathe().await;
        }
        self
    }

    /// Publishes one request of one or more events.
    async fn request(&mut self, request: u64) {
        let is_batch = match self.kind {
            Kind::Single | Kind::Stream => false,
            Kind::Batch => true,
            Kind::Numbered => self.chance.one_of(&[true, false]),
        };
        let length = if is_batch {
            self.chance.between(1, 20)
        } else {
            1
        };
        let first = self.sent;
        self.sent += length;
        self.batches.push((first, length));
        let events: Vec<Value> = (first..self.sent)
            .map(|number| self.event(number))
            .collect();
        let body = if is_batch {
            Value::Array(events)
        } else {
            events[0].clone()
        };
        let answer = loop {
            let answer = self.send(&body, request).await;
            if answer.is_none() {
                self.unknown += 1;
                sleep(Duration::from_millis(5)).await;
            }
            if answer.is_some() || self.kind != Kind::Numbered {
                break answer;
            }
        };
        if let Some(answer) = answer {
            let indexes = indexes(&answer, length);
            self.acknowledged.extend((first..self.sent).zip(indexes));
        }
    }

    /// The answer, or nothing when the outcome is unknown.
    async fn send(&mut self, body: &Value, request: u64) -> Option<Value> {
        let (path, number) = (format!("/tasks/{}/events", self.task), request.to_string());
        let numbered = [
            ("producer-id", self.name.as_str()),
            ("producer-epoch", "0"),
            ("producer-seq", number.as_str()),
        ];
        let headers = if self.kind == Kind::Numbered {
            &numbered[..]
        } else {
            &[]
        };
        let body = body.to_string();
        match self.caller.send("POST", &path, headers, &body).await {
            Ok(
                answer @ Answer {
                    status: 200..300, ..
                },
            ) => Some(answer.json()),
            Ok(Answer { status: 503, .. }) | Err(_) => None,
            Ok(answer) => panic!("{} {}", answer.status, answer.json()),
        }
    }

    /// Sends over one stream that the client mends; all that was sent is acknowledged at the end.
    async fn stream(&mut self, stop: &AtomicBool) {
        let client = Client::new(&self.url).unwrap();
        let producer = Producer::new(&client, &TaskId::new(self.task).unwrap()).unwrap();
        let options = ProducerOptions {
            retry: RetryPolicy {
                first: Duration::from_millis(10),
                most: Duration::from_millis(100),
                ..RetryPolicy::producers()
            },
            ..ProducerOptions::default()
        };
        let mut stream = producer.with_options(options).stream().await.unwrap();
        while !stop.load(Ordering::Relaxed) {
            let event = self.event(self.sent);
            let data = RawJson::from_value(&event["data"]).unwrap();
            let event_type = EventType::new("proof.number").unwrap();
            stream
                .send(NewEvent::new(event_type, Some(data)))
                .await
                .unwrap();
            self.batches.push((self.sent, 1));
            self.sent += 1;
            self.breathe().await;
        }
        stream.close().await.unwrap();
        self.acknowledged = (0..self.sent).map(|number| (number, None)).collect();
    }

    fn event(&self, number: u64) -> Value {
        json!({ "type": "proof.number", "data": { "by": self.name, "number": number } })
    }

    /// Leaves room for the others, some of the time.
    async fn breathe(&mut self) {
        if self.chance.size(0, 3) == 0 {
            sleep(Duration::from_millis(self.chance.between(1, 8))).await;
        }
    }
}

/// The indexes that an answer tells, one for each event.
fn indexes(answer: &Value, length: u64) -> Vec<Option<i64>> {
    let events = match answer {
        Value::Array(events) => events.as_slice(),
        answer if answer["duplicate"] == true => &[],
        event => std::slice::from_ref(event),
    };
    let length = usize::try_from(length).unwrap();
    if events.is_empty() {
        return vec![None; length];
    }
    assert_eq!(events.len(), length);
    let index = |event: &Value| Some(event["index"].as_i64().unwrap());
    events.iter().map(index).collect()
}
