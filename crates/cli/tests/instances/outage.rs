//! PostgreSQL stops, is killed, is slow: publishing goes on, and the archive misses nothing.

use crate::chance::Chance;
use crate::counts::count;
use crate::crowd::Crowd;
use crate::http::Answer;
use crate::subscriber::Cuts;
use crate::world::World;
use serde_json::json;
use std::time::Duration;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

#[tokio::test(flavor = "multi_thread")]
async fn outages_of_postgres_under_load_delay_the_archive_and_lose_nothing() {
    let mut chance = Chance::seeded();
    let mut world = World::with_postgres(2).await;
    let events = count(150, 2_000) as u64;
    let subscribers = (count(6, 20), Cuts::OneIn(400));
    let crowd = Crowd::start(
        "outage",
        world.ports(),
        (8, events),
        subscribers,
        &mut chance,
    );
    let mut crowd = crowd.await;
    sleep(Duration::from_millis(500)).await;
    let archive = world.postgres.as_mut().unwrap();
    block_in_place(|| archive.server.stop());
    sleep(Duration::from_secs(count(4, 120) as u64)).await;
    block_in_place(|| archive.server.restart());
    sleep(Duration::from_millis(500)).await;
    block_in_place(|| archive.server.kill());
    block_in_place(|| archive.server.restart());
    archive
        .network
        .delay(Duration::from_millis(count(100, 500) as u64));
    sleep(Duration::from_secs(count(2, 20) as u64)).await;
    archive.network.delay(Duration::ZERO);
    let published = crowd.is_published();
    let sums = crowd.finish().await;
    println!("published before the end of the outages: {published}; {sums:#?}");
    let history = world.caller(0).history("outage").await;
    let since = Instant::now();
    let rows = "SELECT count(*) FROM taskcast.events JOIN taskcast.logs USING (log_id) \
                WHERE task_id = 'outage'";
    while world.sql(rows) != history.len().to_string() {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "{}",
            world.sql(rows)
        );
        sleep(Duration::from_millis(100)).await;
    }
    println!("archived {:?} after the end", since.elapsed());
    let archived = world.sql(
        "SELECT idx || ' ' || (data->>'by') || ' ' || (data->>'number') FROM taskcast.events \
         JOIN taskcast.logs USING (log_id) WHERE task_id = 'outage' AND events.type = 'proof.number' \
         ORDER BY idx",
    );
    let numbers = history
        .iter()
        .filter(|event| event["type"] == "proof.number");
    let expected: Vec<String> = numbers
        .map(|event| {
            let data = &event["data"];
            format!("{} {} {}", event["index"], data["by"], data["number"])
        })
        .collect();
    assert!(
        archived == expected.join("\n"),
        "the archive holds something else"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_deleted_and_created_again_while_postgres_is_down_never_shows_the_old_log() {
    let mut world = World::with_postgres(2).await;
    let mut caller = world.caller(0);
    caller.running_task("twice").await;
    let event = json!({ "type": "old", "data": 1 });
    for _ in 0..10 {
        let published = caller.post("/tasks/twice/events", &event).await;
        published.unwrap().success();
    }
    let rows = "SELECT count(*) FROM taskcast.events JOIN taskcast.logs USING (log_id) \
                WHERE task_id = 'twice'";
    while world.sql(rows) != "11" {
        sleep(Duration::from_millis(50)).await;
    }
    let archive = world.postgres.as_mut().unwrap();
    block_in_place(|| archive.server.stop());
    let deleted = caller.send("DELETE", "/tasks/twice", &[], "").await;
    assert_eq!(deleted.unwrap().status, 204);
    let again = create_again(&world).await;
    assert!(
        again.status == 201 || again.status == 503,
        "{}",
        again.status
    );
    // Nothing of the old log is seen while the archive is away.
    let seen = world
        .caller(1)
        .get("/tasks/twice/events/history")
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&seen.body).contains("old"));
    let archive = world.postgres.as_mut().unwrap();
    block_in_place(|| archive.server.restart());
    let mut again = again;
    while again.status == 503 {
        sleep(Duration::from_millis(100)).await;
        again = create_again(&world).await;
    }
    again.success();
    let since = Instant::now();
    loop {
        for instance in 0..2 {
            let history = world.caller(instance).history("twice").await;
            assert!(history.iter().all(|event| event["type"] != "old"));
        }
        if world.sql(rows) == "0" {
            break; // The old log has left the archive; the new one has no event.
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "the old log stays"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

async fn create_again(world: &World) -> Answer {
    let create = json!({ "id": "twice", "type": "proof" });
    world.caller(1).post("/tasks", &create).await.unwrap()
}
