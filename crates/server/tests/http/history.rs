//! What has happened, read at once.

use crate::support::world::delta;
use crate::support::*;

#[tokio::test]
async fn a_history_is_read_from_anywhere() {
    let world = world();
    world.running("a").await;
    for n in 1..=6 {
        world.clock.advance(10);
        let level = if n % 2 == 0 { "warn" } else { "info" };
        world
            .publish(
                "a",
                json!({"type": format!("t.{n}"), "level": level, "data": n}),
            )
            .await;
    }
    let all = world.history("a", "").await;
    let id = all[3]["id"].as_str().unwrap();
    for (query, indexes) in [
        (String::new(), &[0, 1, 2, 3, 4, 5, 6][..]),
        ("?limit=2".into(), &[0, 1]),
        ("?limit=x".into(), &[0, 1, 2, 3, 4, 5, 6]),
        ("?since.index=4".into(), &[5, 6]),
        ("?since.index=-1".into(), &[0, 1, 2, 3, 4, 5, 6]),
        ("?since.index=99".into(), &[]),
        (format!("?since.id={id}"), &[4, 5, 6]),
        (format!("?since.id={id}&limit=1"), &[4]),
        (format!("?since.id={id}&since.index=5"), &[6]),
        ("?since.id=unknown".into(), &[0, 1, 2, 3, 4, 5, 6]),
        ("?since.id=".into(), &[0, 1, 2, 3, 4, 5, 6]),
        (format!("?since.timestamp={}", START.0 + 40), &[5, 6]),
        ("?types=t.*".into(), &[1, 2, 3, 4, 5, 6]),
        ("?types=t.1,t.4".into(), &[1, 4]),
        ("?types=".into(), &[]),
        ("?levels=warn".into(), &[2, 4, 6]),
        ("?types=t.*&levels=warn&limit=2".into(), &[2, 4]),
        ("?includeStatus=false&limit=1".into(), &[1]),
    ] {
        let seen = world.history("a", &query).await;
        let seen: Vec<u64> = seen
            .iter()
            .map(|event| event["index"].as_u64().unwrap())
            .collect();
        assert_eq!(seen, indexes, "{query}");
    }
}

#[tokio::test]
async fn a_long_history_comes_in_pieces_and_whole() {
    let world = world();
    world.running("a").await;
    let batch: Vec<Value> = (0..500)
        .map(|n| json!({"type": "x", "data": format!("{n:01000}")}))
        .collect();
    for _ in 0..6 {
        world.publish("a", Value::Array(batch.clone())).await;
    }
    let mut stream = world.follow("/tasks/a/events/history").await;
    let mut pieces = 0;
    while stream.skip_piece().await {
        pieces += 1;
    }
    assert!(pieces > 5, "{pieces}");
    assert_eq!(world.history("a", "").await.len(), 3_001);
}

#[tokio::test]
async fn totals_stand_at_the_newest_delta() {
    let world = world();
    world.running("a").await;
    world
        .publish(
            "a",
            json!([delta("s", "a"), delta("t", "x"), {"type": "y"}, delta("s", "b")]),
        )
        .await;
    let folded = world.history("a", "?seriesFormat=accumulated").await;
    let seen: Vec<_> = folded
        .iter()
        .map(|e| (e["index"].as_u64().unwrap(), e["data"]["delta"].clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (0, Value::Null),
            (2, json!("x")),
            (3, Value::Null),
            (4, json!("ab"))
        ]
    );
    assert_eq!(folded[1]["seriesSnapshot"], true);
}
