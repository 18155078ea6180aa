//! Who may do what.

use crate::support::auth::{jwt, token_until};
use crate::support::world::delta;
use crate::support::*;
use std::time::Duration;
use taskcast_auth::{
    Algorithm, JwtAuthenticator, JwtSettings, ServiceKey, SharedKey, WithServiceKeys,
};
use taskcast_core::{Millis, Scope, Scopes, TaskId, TaskScope};

pub(crate) fn locked() -> World {
    given().authenticator(jwt()).world()
}

/// Somebody who may do everything.
pub(crate) fn root() -> String {
    token(&claims(&["*"], None))
}

#[tokio::test]
async fn lists_and_the_stream_of_all_tasks_show_only_the_tasks_of_the_token() {
    let world = locked();
    for id in ["a", "b", "c"] {
        world
            .ask(post("/tasks").bearer(&root()).json(&json!({"id": id})))
            .await
            .expect(201);
    }
    let token = token(&claims(&["event:subscribe"], Some(&["a", "c", "gone"])));
    let list = world
        .ask(get("/tasks").bearer(&token))
        .await
        .expect(200)
        .json();
    let mut ids: Vec<_> = list["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["a", "c"]);
    let page = world
        .ask(get("/tasks?limit=1").bearer(&token))
        .await
        .expect(200)
        .json();
    assert_eq!(page["tasks"].as_array().unwrap().len(), 1);
    assert!(page["nextCursor"].is_string());

    let mut stream = world.stream(get("/events").bearer(&token)).await;
    stream.until(": open").await;
    for id in ["b", "a", "b", "c"] {
        let ask = post(&format!("/tasks/{id}/events"))
            .bearer(&root())
            .json(&json!({"type": "x"}));
        world.ask(ask).await.expect(201);
    }
    let seen: Vec<_> = stream
        .take(2)
        .await
        .iter()
        .map(|f| f.data["taskId"].clone())
        .collect();
    assert_eq!(seen, ["a", "c"]);
}

#[tokio::test]
async fn rules_of_a_task_narrow_what_tokens_allow() {
    let world = locked();
    let rules = json!({"rules": [
        {"match": {"scope": ["event:subscribe", "event:publish"]}, "require": {"sub": ["ann"]}},
        {"match": {"scope": ["*"]}, "require": {"claims": {"org": 7}}},
    ]});
    let body = json!({"id": "a", "authConfig": rules});
    world
        .ask(post("/tasks").bearer(&root()).json(&body))
        .await
        .expect(201);
    let seen = |who: Value| {
        let (world, token) = (world.clone(), token(&who));
        async move {
            let one = world.ask(get("/tasks/a").bearer(&token)).await.status;
            let list = world.ask(get("/tasks").bearer(&token)).await.json();
            let publish = post("/tasks/a/events")
                .bearer(&token)
                .json(&delta("s", "x"));
            let publish = world.ask(publish).await.status;
            let history = world
                .ask(get("/tasks/a/events/history").bearer(&token))
                .await
                .status;
            (
                one,
                list["tasks"].as_array().unwrap().len(),
                publish,
                history,
            )
        }
    };
    let who = |sub: &str, org: Value| json!({"sub": sub, "org": org, "scope": ["*"]});
    assert_eq!(seen(who("ann", json!(7))).await, (200, 1, 201, 200));
    assert_eq!(seen(who("bob", json!(7))).await, (403, 0, 403, 200));
    assert_eq!(seen(who("ann", json!("7"))).await, (403, 0, 403, 403));
    assert_eq!(
        seen(json!({"sub": "ann", "scope": ["*"]})).await,
        (403, 0, 403, 403)
    );
}

#[tokio::test]
async fn who_is_not_known_is_told_so_and_nothing_else() {
    let world = locked();
    let now = Millis(START.0 - 7_200_000);
    let everything = claims(&["*"], None);
    let expired = token_until(&everything, now, 3_600);
    let foreign = {
        let key = SharedKey::new(Algorithm::HS256, b"another secret of thirty-two byte").unwrap();
        let claims = everything.as_object().unwrap();
        taskcast_auth::mint(claims, &key, START, Duration::from_secs(60)).unwrap()
    };
    let good = root();
    for (headers, error) in [
        (vec![], "Missing Bearer token"),
        (
            vec![("authorization", "Basic x".to_owned())],
            "Missing Bearer token",
        ),
        (
            vec![("authorization", format!("bearer {good}"))],
            "Missing Bearer token",
        ),
        (
            vec![
                ("authorization", format!("Bearer {good}")),
                ("authorization", format!("Bearer {good}")),
            ],
            "Missing Bearer token",
        ),
        (
            vec![("authorization", "Bearer ".to_owned())],
            "Invalid or expired token",
        ),
        (
            vec![("authorization", "Bearer x".to_owned())],
            "Invalid or expired token",
        ),
        (
            vec![("authorization", format!("Bearer {good}x"))],
            "Invalid or expired token",
        ),
        (
            vec![("authorization", format!("Bearer {expired}"))],
            "Invalid or expired token",
        ),
        (
            vec![("authorization", format!("Bearer {foreign}"))],
            "Invalid or expired token",
        ),
    ] {
        let ask = headers
            .into_iter()
            .fold(get("/tasks"), |ask, (name, value)| ask.header(name, value));
        let answer = world.ask(ask).await.refused(401, "unauthorized", error);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert!(!answer.text().contains(&good));
    }
    // Public routes ask nobody.
    for path in [
        "/",
        "/health",
        "/health/ready",
        "/health/detail",
        "/openapi.json",
        "/docs",
    ] {
        world.ask(get(path)).await.expect(200);
    }
}

#[tokio::test]
async fn claims_of_a_wrong_type_never_widen() {
    let world = locked();
    for wrong in [
        json!({"taskIds": "a"}),
        json!({"taskIds": null}),
        json!({"taskIds": 7}),
        json!({"taskIds": {"a": 1}}),
        json!({"taskIds": ["a", 7]}),
        json!({"scope": "*"}),
        json!({"scope": null}),
        json!({"scope": [7]}),
        json!({"sub": 7}),
        json!({"nbf": "0"}),
        json!({"nbf": null}),
        json!({"nbf": -1}),
        json!({"jti": 7}),
        json!({"nbf": START.0}),
        json!({"iat": []}),
    ] {
        let mut all = claims(&["*"], None);
        let iat = wrong.get("iat").is_some();
        all.as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        // Minting sets `iat` itself.
        let answer = world.ask(get("/tasks").bearer(&token(&all))).await;
        assert_eq!(answer.status, if iat { 200 } else { 401 }, "{wrong}");
    }
}

#[tokio::test]
async fn services_have_keys_of_their_own() {
    let only = TaskScope::Only([TaskId::new("a").unwrap()].into());
    let publisher = ServiceKey::new(
        "robot",
        b"a key of 16 bytes",
        only,
        Scopes::NONE.with(Scope::EventPublish),
    )
    .unwrap();
    let world = given()
        .authenticator(WithServiceKeys::new(vec![publisher], jwt()))
        .world();
    world
        .ask(post("/tasks").bearer(&root()).text(r#"{"id":"a"}"#))
        .await
        .expect(201);
    let robot = |ask: Ask, key: &str| ask.header("x-taskcast-service-key", key);
    let publish = || post("/tasks/a/events").text(r#"{"type":"x"}"#);
    world
        .ask(robot(publish(), "a key of 16 bytes"))
        .await
        .expect(201);
    world
        .ask(robot(get("/tasks/a"), "a key of 16 bytes"))
        .await
        .expect(403);
    // A wrong key is refused, whatever else is shown.
    let wrong = robot(publish(), "a key of 16 byteX").bearer(&root());
    world
        .ask(wrong)
        .await
        .refused(401, "unauthorized", "Invalid service key");
    world.ask(publish().bearer(&root())).await.expect(201);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let world = locked();
    world
        .ask(post("/tasks").bearer(&root()).text(r#"{"id":"a"}"#))
        .await
        .expect(201);
    // The token lasts a second and 950 ms of it are over.
    let short = token_until(&claims(&["event:subscribe"], None), START, 1);
    world.clock.advance(950);
    for path in ["/tasks/a/events", "/events"] {
        let stream = world.stream(get(path).bearer(&short)).await;
        let text = stream.whole().await;
        assert!(
            text.ends_with(": the token has expired; come back with a new one\n\n"),
            "{text}"
        );
        assert!(!text.contains("event:"), "{text}");
    }
    world.clock.advance(50);
    world
        .ask(get("/tasks/a/events").bearer(&short))
        .await
        .expect(401);
}

#[tokio::test]
async fn leeway_counts_for_streams_as_for_requests() {
    let settings = JwtSettings {
        key: crate::support::auth::key().into(),
        issuer: None,
        audience: None,
        leeway: Duration::from_secs(60),
    };
    let world = given()
        .authenticator(JwtAuthenticator::new(settings))
        .world();
    let short = token_until(&claims(&["*"], None), START, 1);
    world
        .ask(post("/tasks").bearer(&short).text(r#"{"id":"a"}"#))
        .await
        .expect(201);
    world.clock.advance(60_950);
    let stream = world.stream(get("/tasks/a/events").bearer(&short)).await;
    assert!(stream.whole().await.contains("the token has expired"));
}
