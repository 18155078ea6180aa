//! Letting go of a task in the short-term store by hand.

use crate::support::*;
use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{Index, Millis, TaskId};
use taskcast_server::{Backend, StorageRelease};
use taskcast_store::StoreError;
use taskcast_store::tier::{ReleaseError, Released, StorageState};

/// Answers every request in the same way, after a look at what was asked.
struct Answers(fn() -> Result<Released, ReleaseError>);

#[async_trait]
impl StorageRelease for Answers {
    async fn release(
        &self,
        id: &TaskId,
        expected_last: Option<Index>,
        inactive_since: Millis,
    ) -> Result<Released, ReleaseError> {
        assert_eq!(id.as_str(), "a");
        assert_eq!((expected_last, inactive_since), (Some(Index(0)), Millis(5)));
        (self.0)()
    }
}

fn answering(release: fn() -> Result<Released, ReleaseError>) -> World {
    let mut given = given();
    given.backend = Backend {
        release: Some(Arc::new(Answers(release))),
        ..Backend::default()
    };
    given.world()
}

fn ask() -> Ask {
    let body = json!({"expectedLastEventIndex": 0, "inactiveSince": 5});
    post("/tasks/a/storage/release").json(&body)
}

#[tokio::test]
async fn without_a_long_term_store_nothing_can_be_released() {
    let world = world();
    world.running("a").await;
    let text = "there is no long-term store that could keep the task";
    let answer = world.ask(ask()).await;
    answer.refused(503, "storage_release_unsupported", text);
    let missing = post("/tasks/b/storage/release").text("{}");
    world
        .ask(missing)
        .await
        .refused(404, "task_not_found", "Task not found: b");
    let bad = post("/tasks/a/storage/release").text(r#"{"expectedLastEventIndex":-2}"#);
    let text = "Invalid storage release request";
    world.ask(bad).await.refused(400, "invalid_request", text);
}

#[tokio::test]
async fn what_was_released_is_told() {
    let world = answering(|| {
        Ok(Released {
            state: StorageState::Cold,
            watermark: Index(1),
            released: true,
        })
    });
    world.running("a").await;
    assert_eq!(
        world.ask(ask()).await.expect(200).json(),
        json!({"taskId": "a", "storageState": "cold", "archiveWatermark": 0, "released": true})
    );
}

#[tokio::test]
async fn every_reason_not_to_release_has_its_code() {
    let unavailable = || Err(StoreError::unavailable("PostgreSQL", "secret").into());
    let damaged = || Err(StoreError::damaged("PostgreSQL", "secret").into());
    type Outcome = fn() -> Result<Released, ReleaseError>;
    let cases: [(Outcome, u16, &str); 4] = [
        (
            || Err(ReleaseError::Precondition),
            409,
            "storage_precondition_failed",
        ),
        (|| Err(ReleaseError::Busy), 409, "storage_busy"),
        (damaged, 500, "storage_integrity_error"),
        (unavailable, 503, "storage_unavailable"),
    ];
    for (release, status, code) in cases {
        let mut world = answering(release);
        // A fault is not promised in the document; here it is what is asked for.
        world.documented = status != 500;
        world.running("a").await;
        let answer = world.ask(ask()).await.expect(status);
        assert_eq!(answer.json()["code"], code);
        assert!(!answer.text().contains("secret"));
    }
}
