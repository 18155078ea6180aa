//! The router inside a host's application.

use crate::support::*;
use axum::Router;
use axum::routing::get as route_get;

/// A world whose router stands below a path of a host.
fn nested(below: &str) -> World {
    let mut world = world();
    let host = Router::new()
        .route("/", route_get(|| async { "host" }))
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "the host does not know") });
    world.router = host.nest(below, world.router);
    world.documented = false;
    world
}

#[tokio::test]
async fn every_route_works_below_a_path() {
    let world = nested("/taskcast");
    assert_eq!(world.ask(get("/")).await.text(), "host");
    for (ask, status) in [
        (post("/taskcast/tasks").text(r#"{"id":"a"}"#), 201),
        (get("/taskcast/tasks/a"), 200),
        (
            patch("/taskcast/tasks/a/status").text(r#"{"status":"running"}"#),
            200,
        ),
        (
            post("/taskcast/tasks/a/events").text(r#"{"type":"x"}"#),
            201,
        ),
        (get("/taskcast/tasks/a/events/history"), 200),
        (get("/taskcast/tasks/a/producers/p"), 404),
        (get("/taskcast"), 200),
        (get("/taskcast/health/ready"), 200),
        (get("/taskcast/openapi.json"), 200),
        (get("/taskcast/docs"), 200),
        (get("/taskcast/docs/app.js"), 200),
    ] {
        let path = ask.path.clone();
        assert_eq!(world.ask(ask).await.status, status, "{path}");
    }
    let ask = post("/taskcast/tasks/a/events")
        .text(r#"{"events":[],"transition":{"status":"completed"}}"#);
    world.ask(ask).await.expect(201);
    let ask = get("/taskcast/tasks/a/events");
    let response = tower::ServiceExt::oneshot(world.router.clone(), ask.into_request())
        .await
        .unwrap();
    let frames = Stream::of(response).rest().await;
    assert_eq!(frames.last().unwrap().data["reason"], "completed");
}

#[tokio::test]
async fn as_a_service_it_answers_its_bare_address_with_and_without_a_slash() {
    let mut world = world();
    world.router = Router::new().nest_service("/t/{tenant}", world.router);
    world.documented = false;
    for path in ["/t/x", "/t/x/"] {
        let answer = world.ask(get(path)).await.expect(200);
        assert_eq!(answer.json()["name"], "taskcast");
    }
    world
        .ask(post("/t/x/tasks").text(r#"{"id":"a"}"#))
        .await
        .expect(201);
    world.ask(get("/t/x/tasks/a")).await.expect(200);
    world
        .ask(get("/t/x/nothing"))
        .await
        .refused(404, "not_found", "Not found");
}

#[tokio::test]
async fn errors_below_the_path_are_ours_and_others_the_hosts() {
    let world = nested("/taskcast");
    assert_eq!(
        world.ask(get("/nothing")).await.text(),
        "the host does not know"
    );
    let ours = world.ask(get("/taskcast/nothing")).await;
    ours.refused(404, "not_found", "Not found");
    assert_eq!(
        world
            .ask(patch("/taskcast/health"))
            .await
            .expect(405)
            .code(),
        "method_not_allowed"
    );
}

#[tokio::test]
async fn the_path_of_the_host_may_have_parts_of_its_own() {
    let world = nested("/tenants/{tenant}/tasks-of/{name}");
    let base = "/tenants/t/tasks-of/n";
    world
        .ask(post(&format!("{base}/tasks")).text(r#"{"id":"a"}"#))
        .await
        .expect(201);
    world.ask(get(&format!("{base}/tasks/a"))).await.expect(200);
    let producer = world.ask(get(&format!("{base}/tasks/a/producers/p"))).await;
    producer.refused(404, "not_found", "Producer not found: p");
}
