//! The stream of the events of all tasks.

use super::support::Server;
use super::{numbered, options, running};
use std::time::Duration;
use taskcast_client::{Item, SubscribeOptions};

#[tokio::test]
async fn the_stream_of_all_tasks_resumes_too() {
    let server = Server::start().await;
    let client = server.client();
    let task = running(&client).await;
    let filter = || SubscribeOptions {
        types: Some(vec!["n".into()]),
        ..options()
    };
    let mut subscriber = client.subscribe_all(filter());
    let (mut told, mut number) = (Vec::new(), 0);
    // The stream begins when it is connected: publish until it tells something.
    while told.is_empty() {
        client.publish(&task, numbered(number)).await.unwrap();
        number += 1;
        tokio::select! {
            item = subscriber.next() => {
                if let Item::Event(event) = item.unwrap().unwrap() {
                    told.push(event.data.unwrap().read::<u64>().unwrap());
                }
            }
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
    let cursor = subscriber.last_event_id().map(str::to_owned);
    drop(subscriber);
    client.publish(&task, numbered(number)).await.unwrap();
    let mut later = client.subscribe_all(SubscribeOptions {
        last_event_id: cursor,
        ..filter()
    });
    while told.last() != Some(&number) {
        if let Item::Event(event) = later.next().await.unwrap().unwrap() {
            told.push(event.data.unwrap().read().unwrap());
        }
    }
    let first = told[0];
    assert_eq!(told, (first..=number).collect::<Vec<_>>());
}
