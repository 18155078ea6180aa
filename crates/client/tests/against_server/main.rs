//! The client against the real server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod all_tasks;
mod producing;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod through_cuts;

use std::time::Duration;
use support::eager;
use taskcast_api::CreateTask;
use taskcast_client::{Client, Item, ProducerOptions, SubscribeOptions};
use taskcast_core::{EventType, NewEvent, RawJson, TaskId};

fn numbered(number: u64) -> NewEvent {
    let data = RawJson::from_value(&number).unwrap();
    NewEvent::new(EventType::new("n").unwrap(), Some(data))
}

async fn running(client: &Client) -> TaskId {
    let task = client.create_task(&CreateTask::default()).await.unwrap();
    client.start(&task.id).await.unwrap();
    task.id
}

fn options() -> SubscribeOptions {
    SubscribeOptions {
        retry: eager(),
        silence: Duration::from_secs(20),
        ..SubscribeOptions::default()
    }
}

fn eager_producer() -> ProducerOptions {
    ProducerOptions {
        retry: eager(),
        unacknowledged_bytes: 4 << 10,
        ..ProducerOptions::default()
    }
}

/// The numbers a subscriber is told, until the end.
async fn numbers(client: Client, task: TaskId, options: SubscribeOptions) -> Vec<u64> {
    let mut subscriber = client.subscribe(&task, options);
    let mut numbers = Vec::new();
    while let Some(item) = subscriber.next().await {
        match item.unwrap() {
            Item::Event(event) if event.event_type.as_str() == "n" => {
                numbers.push(event.data.unwrap().read().unwrap());
            }
            Item::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
    numbers
}
