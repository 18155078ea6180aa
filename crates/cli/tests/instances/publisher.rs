//! Publishers: each numbers its events, sends each to any instance, and sends again what has an
//! unknown outcome. Exactly once is the server's work: a producer's numbers say what is the same.

use crate::chance::Chance;
use crate::http::{Answer, Caller};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A publisher and what it has done.
pub(crate) struct Publisher {
    task: String,
    name: usize,
    callers: Vec<Caller>,
    chance: Chance,
    /// How many events were acknowledged: the numbers below it.
    pub(crate) acknowledged: u64,
    /// How many requests had an unknown outcome, or were refused for the moment.
    pub(crate) retries: usize,
    /// The longest time that one request was repeated.
    pub(crate) longest: Duration,
}

impl Publisher {
    pub(crate) fn new(task: &str, name: usize, ports: &[String], chance: Chance) -> Self {
        Self {
            task: task.to_owned(),
            name,
            callers: ports.iter().map(|port| Caller::new(port)).collect(),
            chance,
            acknowledged: 0,
            retries: 0,
            longest: Duration::ZERO,
        }
    }

    /// Publishes until so many events are acknowledged.
    pub(crate) async fn publish(mut self, count: u64) -> Self {
        for request in 0.. {
            let left = count - self.acknowledged;
            if left == 0 {
                break;
            }
            let length = match self.chance.size(0, 3) {
                0 => self.chance.between(1, 10).min(left),
                _ => 1,
            };
            self.request(request, length).await;
        }
        self
    }

    /// Publishes until it is told to stop.
    pub(crate) async fn publish_until(
        mut self,
        stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
        pace: Duration,
    ) -> Self {
        for request in 0.. {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            self.request(request, 1).await;
            sleep(pace).await;
        }
        self
    }

    /// Sends one request until it is acknowledged.
    async fn request(&mut self, request: u64, length: u64) {
        let numbers = self.acknowledged..self.acknowledged + length;
        let events = numbers.map(|number| {
            let data = json!({ "by": self.name, "number": number });
            json!({ "type": "proof.number", "data": data })
        });
        let body = Value::Array(events.collect()).to_string();
        let began = Instant::now();
        while !self.send(request, &body).await {
            self.retries += 1;
            sleep(Duration::from_millis(self.chance.between(5, 100))).await;
            assert!(
                began.elapsed() < Duration::from_secs(240),
                "a publisher is never answered"
            );
        }
        self.longest = self.longest.max(began.elapsed());
        self.acknowledged += length;
    }

    /// Whether the request is acknowledged now.
    async fn send(&mut self, request: u64, body: &str) -> bool {
        let path = format!("/tasks/{}/events", self.task);
        let (name, number) = (format!("p{}", self.name), request.to_string());
        let headers = [
            ("producer-id", name.as_str()),
            ("producer-epoch", "0"),
            ("producer-seq", number.as_str()),
        ];
        let instance = self.chance.size(0, self.callers.len() - 1);
        let caller = &mut self.callers[instance];
        match caller.send("POST", &path, &headers, body).await {
            Ok(Answer {
                status: 200..300, ..
            }) => true,
            Ok(Answer {
                status: 429 | 503, ..
            })
            | Err(_) => false,
            Ok(answer) => panic!("{} {}", answer.status, answer.json()),
        }
    }
}
