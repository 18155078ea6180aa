//! Tickets: streams for those who cannot send headers.

use crate::auth::{locked, root};
use crate::support::*;

#[tokio::test]
async fn a_ticket_opens_one_stream_and_its_resumption() {
    let world = locked();
    for id in ["a", "b"] {
        world
            .ask(post("/tasks").bearer(&root()).json(&json!({"id": id})))
            .await
            .expect(201);
    }
    let ask = post("/tasks/a/tickets").bearer(&token(&claims(&["event:subscribe"], Some(&["a"]))));
    let answer = world.ask(ask).await.expect(201).json();
    assert_eq!(answer["expiresAt"], START.0 + 3_600_000);
    let ticket = answer["ticket"].as_str().unwrap();
    let path = format!("/tasks/a/events?ticket={ticket}");

    let mut stream = world.follow(&path).await;
    world
        .ask(
            post("/tasks/a/events")
                .bearer(&root())
                .text(r#"{"type":"x"}"#),
        )
        .await
        .expect(201);
    let cursor = stream.next().await.unwrap().id.unwrap();
    let refused = |ask: Ask| {
        let world = world.clone();
        async move {
            world
                .ask(ask)
                .await
                .refused(401, "unauthorized", "Invalid or expired ticket")
        }
    };
    refused(get(&format!("/tasks/b/events?ticket={ticket}"))).await;
    refused(get(&format!("{path}x"))).await;
    refused(get("/tasks/a/events?ticket=x")).await;
    // It is for streams only.
    world
        .ask(get(&format!("/tasks/a?ticket={ticket}")))
        .await
        .expect(401);
    world
        .ask(get(&format!("/events?ticket={ticket}")))
        .await
        .expect(401);

    world.clock.advance(60_001);
    refused(get(&path)).await;
    assert_eq!(
        world
            .stream(get(&path).header("last-event-id", &cursor))
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .follow(&format!("{path}&lastEventId={cursor}"))
            .await
            .status,
        200
    );
    world.clock.advance(3_600_000);
    refused(get(&path).header("last-event-id", &cursor)).await;
}

#[tokio::test]
async fn rules_hold_for_tickets_too() {
    let world = locked();
    let rules =
        json!({"rules": [{"match": {"scope": ["event:subscribe"]}, "require": {"sub": ["ann"]}}]});
    let body = json!({"id": "a", "authConfig": rules});
    world
        .ask(post("/tasks").bearer(&root()).json(&body))
        .await
        .expect(201);
    let bob = token(&json!({"sub": "bob", "scope": ["event:subscribe"]}));
    world
        .ask(post("/tasks/a/tickets").bearer(&bob))
        .await
        .expect(403);
    let ann = token(&claims(&["event:subscribe"], None));
    let ticket = world
        .ask(post("/tasks/a/tickets").bearer(&ann))
        .await
        .expect(201)
        .json();
    let path = format!(
        "/tasks/a/events?ticket={}",
        ticket["ticket"].as_str().unwrap()
    );
    assert_eq!(world.follow(&path).await.status, 200);
}
