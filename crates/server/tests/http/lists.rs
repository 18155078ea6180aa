//! Lists of tasks.

use crate::support::*;

async fn listed(world: &World, query: &str) -> Vec<String> {
    let list = world
        .ask(get(&format!("/tasks{query}")))
        .await
        .expect(200)
        .json();
    let tasks = list["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let world = world();
    for (id, kind, tags) in [
        ("1", "llm.chat", json!(["x"])),
        ("2", "llm.image", json!(["x", "y"])),
        ("3", "mail", json!([])),
    ] {
        let body = json!({"id": id, "type": kind, "tags": tags});
        world.ask(post("/tasks").json(&body)).await.expect(201);
        world.clock.advance(1);
    }
    world.to("2", json!({"status": "running"})).await;
    for (query, expected) in [
        ("", &["3", "2", "1"][..]),
        ("?status=", &["3", "2", "1"]),
        ("?status=running", &["2"]),
        ("?status=running,pending,nonsense", &["3", "2", "1"]),
        ("?status=nonsense", &[]),
        ("?type=llm.*", &["2", "1"]),
        ("?type=mail,llm.chat", &["3", "1"]),
        ("?type=llm", &[]),
        ("?tags=x", &["2", "1"]),
        ("?tags=x,y", &["2"]),
        ("?tags=z", &[]),
        ("?type=llm.*&status=pending&tags=x", &["1"]),
        ("?limit=2", &["3", "2"]),
        ("?limit=0", &["3", "2", "1"]),
    ] {
        assert_eq!(listed(&world, query).await, expected, "{query}");
    }
    let list = world.ask(get("/tasks")).await.json();
    assert!(list["tasks"][0]["hot"].is_boolean() && list["tasks"][0]["subscriberCount"].is_u64());
}

#[tokio::test]
async fn pages_show_each_task_once_while_others_are_made() {
    let world = world();
    for n in 0..25 {
        world.pending(&format!("old-{n:02}&#%+ é")).await;
        // Some share their time.
        world.clock.advance(n % 3);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world
            .ask(get(&format!("/tasks?limit=4{cursor}")))
            .await
            .expect(200)
            .json();
        let tasks = page["tasks"].as_array().unwrap();
        seen.extend(
            tasks
                .iter()
                .map(|task| task["id"].as_str().unwrap().to_owned()),
        );
        world.clock.advance(1);
        world.pending(&format!("new-{}", seen.len())).await;
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={}", next);
    }
    let mut old: Vec<_> = seen
        .iter()
        .filter(|id| id.starts_with("old"))
        .cloned()
        .collect();
    assert_eq!(old.len(), 25);
    old.sort_unstable();
    old.dedup();
    assert_eq!(old.len(), 25);
    assert!(seen.iter().all(|id| id.starts_with("old")), "{seen:?}");
}
