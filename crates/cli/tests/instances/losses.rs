//! What a Redis may take back, and how readers are told.

use crate::chance::Chance;
use crate::counts::count;
use crate::crowd::{Crowd, complete};
use crate::sse::Stream;
use crate::subscriber::Cuts;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use taskcast_rig::RedisOptions;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_synced_append_only_file_every_acknowledged_event_survives_a_kill_of_redis() {
    let mut chance = Chance::seeded();
    let mut world = World::start(2, &RedisOptions::with_aof("always")).await;
    let kills = count(5, 50);
    let subscribers = (6, Cuts::OneIn(300));
    let events = (kills * 40) as u64;
    let crowd = Crowd::start(
        "always",
        world.ports(),
        (8, events),
        subscribers,
        &mut chance,
    );
    let mut crowd = crowd.await;
    let mut killed = 0;
    while killed < kills || !crowd.is_published() {
        sleep(Duration::from_millis(chance.between(100, 700))).await;
        if killed < kills {
            world.crash_redis();
            killed += 1;
        }
    }
    let sums = crowd.finish().await;
    println!("{killed} kills: {sums:#?}");
}

/// What one reader was given: data by event id, gaps, and the reason of the end.
type Given = (HashMap<String, Value>, Vec<String>, String);

/// Reads a task until it ends, and again after every cut.
async fn read(port: u16, task: String) -> Given {
    let (mut events, mut gaps, mut cursor) = (HashMap::new(), Vec::new(), None::<String>);
    loop {
        let query = if cursor.is_none() {
            "?since.index=-1"
        } else {
            ""
        };
        let path = format!("/tasks/{task}/events{query}");
        let opened = Stream::open(port, &path, cursor.as_deref()).await;
        let Ok(Some(mut stream)) = opened else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        while let Ok(Some(block)) = stream.next().await {
            if let Some(id) = &block.id {
                cursor = Some(id.clone());
            }
            if let Some(event) = block.envelope() {
                let id = event["eventId"].as_str().unwrap().to_owned();
                let before = events.insert(id, event["data"].clone());
                assert!(
                    before.is_none_or(|before| before == event["data"]),
                    "one id, two events"
                );
            }
            if let Some(gap) = block.named("taskcast.gap") {
                gaps.push(gap["reason"].as_str().unwrap().to_owned());
            }
            if let Some(reason) = block.done() {
                return (events, gaps, reason.to_owned());
            }
        }
    }
}

async fn publish(world: &World, task: &str, from: usize, to: usize) {
    let mut caller = world.caller(0);
    for number in from..to {
        let data = json!({ "number": number, "filler": "x".repeat(1000) });
        let event = json!({ "type": "proof.number", "data": data });
        let path = format!("/tasks/{task}/events");
        while !matches!(caller.post(&path, &event).await, Ok(answer) if answer.status == 201) {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_append_only_file_readers_are_told_and_no_position_is_used_twice() {
    let mut world = World::start(2, &RedisOptions::with_aof("everysec")).await;
    let ports: Vec<u16> = world
        .ports()
        .iter()
        .map(|port| port.parse().unwrap())
        .collect();
    world.caller(0).running_task("cut").await;
    let mut readers = JoinSet::new();
    for port in ports.iter().chain(&ports) {
        readers.spawn(read(*port, "cut".to_owned()));
    }
    publish(&world, "cut", 0, 300).await;
    sleep(Duration::from_millis(1_500)).await;
    block_in_place(|| {
        world.redis.kill();
        world.redis.cut_append_only_file(64 << 10);
        world.redis.restart();
    });
    publish(&world, "cut", 300, 400).await;
    complete(&world.ports(), "cut").await;
    let mut given = Vec::new();
    while let Some(one) = readers.join_next().await {
        given.push(one.unwrap());
    }
    let history = world.caller(1).history("cut").await;
    let stored: HashMap<&str, &Value> = history
        .iter()
        .map(|event| (event["id"].as_str().unwrap(), &event["data"]))
        .collect();
    assert!(history.len() < 390, "nothing was cut off");
    for (events, gaps, reason) in &given {
        assert_eq!(reason, "completed");
        assert!(gaps.contains(&"lost".to_owned()), "not told: {gaps:?}");
        for (id, data) in events {
            // What is stored under an id is what was given under it.
            assert!(
                stored.get(id.as_str()).is_none_or(|it| *it == data),
                "{id} is two events"
            );
        }
        assert!(
            stored.keys().all(|id| events.contains_key(*id)),
            "something was never given"
        );
    }
    println!(
        "{} of 400 events left; gaps {:?}",
        history.len(),
        given[0].1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_is_emptied_by_hand_readers_reach_an_end_and_old_cursors_a_gap() {
    let world = World::start(2, &RedisOptions::default()).await;
    let ports: Vec<u16> = world
        .ports()
        .iter()
        .map(|port| port.parse().unwrap())
        .collect();
    world.caller(0).running_task("emptied").await;
    let mut readers = JoinSet::new();
    for port in &ports {
        readers.spawn(read(*port, "emptied".to_owned()));
    }
    publish(&world, "emptied", 0, 20).await;
    let history = world.caller(0).history("emptied").await;
    let cursor = history[10]["id"].as_str().unwrap().to_owned();
    sleep(Duration::from_millis(300)).await;
    world.redis.command(&["FLUSHALL"]);
    while let Some(one) = readers.join_next().await {
        assert_eq!(one.unwrap().2, "deleted");
    }
    assert_eq!(
        world.caller(1).get("/tasks/emptied").await.unwrap().status,
        404
    );
    // Created again, the task is another log: the old cursor is told so.
    world.caller(1).running_task("emptied").await;
    let opened = Stream::open(ports[0], "/tasks/emptied/events", Some(&cursor)).await;
    let mut stream = opened.unwrap().unwrap();
    let gap = stream.until(|block| block.named("taskcast.gap").is_some());
    let gap = gap.await.unwrap();
    assert_eq!(gap.named("taskcast.gap").unwrap()["reason"], "epoch");
    publish(&world, "emptied", 0, 3).await;
    assert_eq!(world.caller(0).history("emptied").await.len(), 4);
}
