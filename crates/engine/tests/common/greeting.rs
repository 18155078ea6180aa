//! One log that many stories are told about, and what a viewer sees of it.

use super::*;

/// `0 status  1 a  2 d"He"  3 b  4 d"llo"  5 c`
pub async fn greeting(world: &World) -> TaskId {
    let id = world.running("t").await;
    let events = [
        plain("a", 0),
        delta("s", "He"),
        plain("b", 1),
        delta("s", "llo"),
        plain("c", 2),
    ];
    for event in events {
        world.clock.advance(10);
        world.publish(&id, vec![event]).await;
    }
    id
}

pub async fn seen(world: &World, id: &TaskId, ask: SubscribeAsk) -> Vec<String> {
    told(&world.watch(id, ask).await.catch_up().await)
}

pub async fn id_at(world: &World, id: &TaskId, index: usize) -> String {
    let epoch = world.epoch(id).await;
    world.slots(id).await[index]
        .event()
        .unwrap()
        .id(epoch)
        .to_string()
}
