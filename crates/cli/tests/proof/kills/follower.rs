//! A subscriber that follows a task from its first event, through all kills, to its end.

use taskcast_client::{Client, Item, RetryPolicy, Since, SubscribeOptions};
use taskcast_core::TaskId;
use tokio::time::Duration;

/// What a subscriber saw of a task: ids in order.
pub(super) type Seen = (&'static str, Vec<String>);

pub(super) async fn follow(url: String, task: &'static str) -> Seen {
    let client = Client::new(url).unwrap();
    let options = SubscribeOptions {
        since: Since::Index(-1),
        retry: RetryPolicy {
            first: Duration::from_millis(20),
            most: Duration::from_millis(200),
            give_up: Duration::MAX,
        },
        ..SubscribeOptions::default()
    };
    let mut subscriber = client.subscribe(&TaskId::new(task).unwrap(), options);
    let mut seen = Vec::new();
    loop {
        match subscriber.next().await.unwrap().unwrap() {
            Item::Event(event) => seen.push(event.event_id.to_string()),
            Item::Reconnecting { .. } => {}
            Item::Gap(gap) => panic!("{gap:?}"),
            Item::Done { reason } => {
                assert_eq!(reason, "completed");
                return (task, seen);
            }
        }
    }
}
