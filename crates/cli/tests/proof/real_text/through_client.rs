//! A viewer that uses the client: it is dropped at random, and goes on with its cursor.

use super::{SERIES, TASK};
use crate::chance::Chance;
use taskcast_client::{Client, Item, RetryPolicy, SeriesFormat, SeriesText, SubscribeOptions};
use taskcast_core::{SeriesId, TaskId};
use tokio::time::Duration;

/// Follows to the end.
pub(super) async fn follow(url: String, include_status: bool, mut chance: Chance) -> super::Read {
    let client = Client::new(url).unwrap();
    let task = TaskId::new(TASK).unwrap();
    let mut text = SeriesText::new(SeriesId::new(SERIES).unwrap(), SeriesFormat::Delta);
    let (mut cursor, mut newest, mut connects) = (None, None, 0);
    loop {
        let options = SubscribeOptions {
            include_status,
            last_event_id: cursor,
            retry: RetryPolicy {
                first: Duration::from_millis(20),
                most: Duration::from_millis(200),
                give_up: Duration::MAX,
            },
            ..SubscribeOptions::default()
        };
        let mut subscriber = client.subscribe(&task, options);
        connects += 1;
        for _ in 0..chance.size(1, 600) {
            match subscriber.next().await.unwrap().unwrap() {
                Item::Event(event) => {
                    assert!(newest < Some(event.raw_index), "repeated: {event:?}");
                    newest = Some(event.raw_index);
                    text.push(&event);
                }
                Item::Done { reason } => {
                    assert_eq!(reason, "completed");
                    let name = format!("client, statuses {include_status}");
                    return (name, text.to_string(), connects);
                }
                Item::Reconnecting { .. } => connects += 1,
                Item::Gap(gap) => panic!("{gap:?}"),
            }
        }
        cursor = subscriber.last_event_id().map(str::to_owned);
    }
}
