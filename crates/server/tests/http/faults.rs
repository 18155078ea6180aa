//! Faults of what the server is made of: each is an answer, and none tells more than it should.

use crate::support::*;
use async_trait::async_trait;
use http::request::Parts;
use taskcast_auth::{AuthError, Authenticator};
use taskcast_core::{Identity, Millis};

/// An authenticator that has a bad day.
struct Broken(fn() -> Result<Identity, AuthError>);

#[async_trait]
impl Authenticator for Broken {
    async fn authenticate(&self, _: &Parts, _: Millis) -> Result<Identity, AuthError> {
        (self.0)()
    }
}

#[tokio::test]
async fn a_panic_is_one_answer_with_an_id_and_the_server_lives() {
    let mut given = given().authenticator(Broken(|| panic!("the secret is 42")));
    // A fault of ours is not promised in the document.
    given.documented = false;
    let world = given.world();
    let ask = get("/tasks").header("x-request-id", "my-request");
    let answer = world.ask(ask).await;
    let answer = answer.refused(500, "internal", "Internal server error");
    assert_eq!(answer.header("x-request-id"), Some("my-request"));
    assert!(!answer.text().contains("42"));
    world.ask(get("/health")).await.expect(200);
}

#[tokio::test]
async fn an_authenticator_that_cannot_tell_lets_nobody_in() {
    let cannot = || Err(AuthError::Unavailable("ldap://user:secret@host".to_owned()));
    let world = given().authenticator(Broken(cannot)).world();
    let answer = world.ask(get("/tasks")).await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert!(!answer.text().contains("secret"));
}

#[tokio::test]
async fn while_the_store_is_away_every_route_says_so_and_the_process_lives() {
    let world = world();
    world.running("a").await;
    world.engine.store().close().await;
    let event = r#"{"type":"x"}"#;
    for ask in [
        post("/tasks").text("{}"),
        get("/tasks"),
        get("/tasks/a"),
        delete("/tasks/a"),
        patch("/tasks/a/status").text(r#"{"status":"completed"}"#),
        post("/tasks/a/resolve").text("{}"),
        get("/tasks/a/request"),
        post("/tasks/a/events").text(event),
        post("/tasks/a/events").lines(event),
        get("/tasks/a/events"),
        get("/tasks/a/events/history"),
        get("/tasks/a/archive"),
        post("/tasks/a/tickets"),
        post("/tasks/a/storage/release").text("{}"),
        get("/tasks/a/producers/p"),
        get("/events"),
    ] {
        let answer = world.ask(ask).await;
        let answer = answer.refused(503, "store_unavailable", "the memory store is unavailable");
        assert_eq!(answer.header("retry-after"), Some("2"));
    }
    let ready = world.ask(get("/health/ready")).await.expect(503).json();
    assert_eq!(
        ready["dependencies"]["memory"],
        json!({"state": "unhealthy", "errorKind": "unavailable"})
    );
    let detail = world.ask(get("/health/detail")).await.expect(200).json();
    assert_eq!(
        (
            &detail["ok"],
            &detail["adapters"]["shortTermStore"]["status"]
        ),
        (&json!(false), &json!("error"))
    );
    world.ask(get("/health")).await.expect(200);
}
