//! A crowd of publishers and subscribers of one task, spread over instances, and what has to be true
//! of what they did.

use crate::chance::Chance;
use crate::http::Caller;
use crate::publisher::Publisher;
use crate::subscriber::{Cuts, Seen, Subscriber, print};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Publishers and subscribers at work.
pub(crate) struct Crowd {
    task: String,
    ports: Vec<String>,
    publishers: JoinSet<Publisher>,
    done: Vec<Publisher>,
    subscribers: JoinSet<Seen>,
}

/// What a crowd did, once all of it is checked.
#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
pub(crate) struct Sums {
    pub(crate) events: usize,
    pub(crate) deliveries: usize,
    pub(crate) connections: usize,
    pub(crate) retries: usize,
    /// The longest time that one publish took with all its repetitions.
    pub(crate) longest_publish: Duration,
    /// The longest time without a connection.
    pub(crate) longest_away: Duration,
    /// From the acknowledged end to the last subscriber's done frame.
    pub(crate) done_after: Duration,
}

impl Crowd {
    /// Creates the task and sets the crowd to work.
    pub(crate) async fn start(
        task: &str,
        ports: Vec<String>,
        (publishers, events): (usize, u64),
        (subscribers, cuts): (usize, Cuts),
        chance: &mut Chance,
    ) -> Self {
        Caller::new(&ports[0]).running_task(task).await;
        let mut crowd = Self {
            task: task.to_owned(),
            ports: ports.clone(),
            publishers: JoinSet::new(),
            done: Vec::new(),
            subscribers: JoinSet::new(),
        };
        for _ in 0..subscribers {
            let subscriber = Subscriber::new(task, &ports, chance.fork(), cuts);
            crowd.subscribers.spawn(subscriber.follow());
        }
        for name in 0..publishers {
            let publisher = Publisher::new(task, name, &ports, chance.fork());
            crowd.publishers.spawn(publisher.publish(events));
        }
        crowd
    }

    /// Whether all publishers are done.
    pub(crate) fn is_published(&mut self) -> bool {
        while let Some(publisher) = self.publishers.try_join_next() {
            self.done.push(publisher.unwrap());
        }
        self.publishers.is_empty()
    }

    /// Waits until every event is acknowledged, ends the task, waits for every subscriber, and checks
    /// everything: all saw the same, which is the history, which is what was published.
    pub(crate) async fn finish(mut self) -> Sums {
        let mut publishers = std::mem::take(&mut self.done);
        while let Some(publisher) = self.publishers.join_next().await {
            publishers.push(publisher.unwrap());
        }
        let completed = complete(&self.ports, &self.task).await;
        let mut seen = Vec::new();
        while let Some(one) = self.subscribers.join_next().await {
            seen.push(one.unwrap());
        }
        let history = Caller::new(&self.ports[0]).history(&self.task).await;
        check_history(&history, &publishers);
        let expected: Vec<u64> = history
            .iter()
            .map(|event| {
                print(
                    event["index"].as_u64().unwrap(),
                    &event["id"],
                    &event["data"],
                )
            })
            .collect();
        for one in &seen {
            assert_eq!(one.gaps, [], "a gap where nothing is missing");
            assert_eq!(one.reason, "completed");
            assert_eq!(
                one.events.len(),
                expected.len(),
                "events are missing or repeated"
            );
            assert!(one.events == expected, "the order or the events differ");
        }
        Sums {
            events: history.len(),
            deliveries: seen.iter().map(|one| one.events.len()).sum(),
            connections: seen.iter().map(|one| one.connections).sum(),
            retries: publishers.iter().map(|one| one.retries).sum(),
            longest_publish: publishers.iter().map(|one| one.longest).max().unwrap(),
            longest_away: seen.iter().map(|one| one.longest_away).max().unwrap(),
            done_after: seen
                .iter()
                .map(|one| one.ended.saturating_duration_since(completed))
                .max()
                .unwrap(),
        }
    }
}

/// Ends the task through any instance that answers. Gives the moment of the acknowledgement.
pub(crate) async fn complete(ports: &[String], task: &str) -> Instant {
    let body = serde_json::json!({ "status": "completed" });
    let path = format!("/tasks/{task}/status");
    for port in ports.iter().cycle().take(1_000) {
        match Caller::new(port).patch(&path, &body).await {
            // A repeated try meets what the first one did.
            Ok(answer) if answer.status == 200 || answer.status == 409 => return Instant::now(),
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.json()),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the task cannot be ended");
}

/// Indexes are dense, and each publisher's events are there once, in order, and no others.
pub(crate) fn check_history(history: &[Value], publishers: &[Publisher]) {
    let mut next: HashMap<u64, u64> = HashMap::new();
    for (index, event) in history.iter().enumerate() {
        assert_eq!(event["index"], index, "indexes are dense");
        if event["type"] == "proof.number" {
            let by = event["data"]["by"].as_u64().unwrap();
            let number = next.entry(by).or_default();
            assert_eq!(event["data"]["number"], *number, "of publisher {by}");
            *number += 1;
        }
    }
    let stored: u64 = next.values().sum();
    let acknowledged: u64 = publishers.iter().map(|one| one.acknowledged).sum();
    assert_eq!(
        stored, acknowledged,
        "everything acknowledged is stored, and nothing else"
    );
}
