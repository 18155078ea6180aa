//! What the log says of a request: enough to find it, and no secret.

use crate::auth::root;
use crate::support::*;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use taskcast_server::AdminApi;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// Everything that is logged, at every level, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Takes what this thread logs, until the guard is dropped.
    fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_request_is_one_line_with_its_route_status_and_id() {
    let (world, log) = (world(), Log::default());
    let _guard = log.listen();
    world
        .ask(get("/tasks/a%0Ab%1B?x=1").header("x-request-id", "my-id"))
        .await
        .expect(400);
    let text = log.text();
    for part in [
        "method=GET ",
        r#"path="/tasks/a%0Ab%1B" "#,
        r#"route="/tasks/{taskId}" "#,
        "status=400 ",
        r#"request_id="my-id" "#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let mut given = given().authenticator(crate::support::auth::jwt());
    given.admin = Some(AdminApi::new(
        "canary-admin",
        Some(crate::support::auth::signer()),
    ));
    let (world, log) = (given.world(), Log::default());
    let _guard = log.listen();
    let root = root();
    world
        .ask(
            post("/tasks")
                .bearer(&root)
                .text(r#"{"id":"a","params":{"x":"canary-params"}}"#),
        )
        .await
        .expect(201);
    let ticket = world
        .ask(post("/tasks/a/tickets").bearer(&root))
        .await
        .json();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    world
        .follow(&format!("/tasks/a/events?ticket={ticket}"))
        .await;
    world
        .ask(get(&format!("/tasks/a/events?ticket={ticket}x")))
        .await
        .expect(401);
    world
        .ask(get("/tasks").bearer("canary-token"))
        .await
        .expect(401);
    world
        .ask(get("/tasks").header("x-taskcast-service-key", "canary-service"))
        .await
        .expect(401);
    world
        .ask(post("/admin/token").text(r#"{"adminToken":"canary-admin"}"#))
        .await
        .expect(200);
    world
        .ask(post("/admin/token").text(r#"{"adminToken":"canary-wrong"}"#))
        .await
        .expect(401);
    let event = post("/tasks/a/events")
        .bearer(&root)
        .text(r#"{"type":"x","data":"canary-data"}"#);
    world.ask(event).await.expect(201);
    let text = log.text();
    assert!(text.lines().count() >= 9, "{text}");
    for secret in ["canary", &*ticket, &*root, "ticket="] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
