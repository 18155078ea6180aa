//! Every request has its method.

use super::support::Server;
use super::{numbered, running};
use bytes::Bytes;
use taskcast_api::{CreateTask, ErrorCode, EventBody, PublishRequest, TaskError};
use taskcast_client::{
    Client, HistoryOptions, ListOptions, Once, PublishAnswer, RetryPolicy, Since,
};
use taskcast_core::{Status, TaskId, Transition};

#[tokio::test]
async fn a_server_says_what_it_is_and_that_it_is_well() {
    let server = Server::start().await;
    let client = server.client();
    assert_eq!(client.server_info().await.unwrap().name, "taskcast");
    assert!(client.health().await.unwrap().ok);
    assert!(client.health_detail().await.unwrap().ok);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let client = Client::builder("http://127.0.0.1:1")
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.health().await.unwrap_err();
    assert!(error.is_retryable());
    assert!(
        error
            .to_string()
            .starts_with("cannot reach http://127.0.0.1:1: Connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_task_of_any_name_is_created_once_and_deleted_once() {
    let server = Server::start().await;
    let client = server.client();
    let id = TaskId::new("a/b ?#%é").unwrap();
    let create = CreateTask {
        id: Some(id.clone()),
        ..CreateTask::default()
    };
    for _ in 0..2 {
        let made = client.create_task_once(&create, "key").await.unwrap();
        assert_eq!(made.id, id);
    }
    let exists = client.create_task(&create).await.unwrap_err();
    assert_eq!(exists.code(), Some(ErrorCode::TaskExists));
    client.delete_task(&id).await.unwrap();
    let gone = client.get_task(&id).await.unwrap_err();
    assert_eq!(
        (gone.status(), gone.code()),
        (Some(404), Some(ErrorCode::TaskNotFound))
    );
    let gone = client.delete_task(&id).await.unwrap_err();
    assert_eq!(gone.status(), Some(404));
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let server = Server::start().await;
    let client = server.client();
    for _ in 0..5 {
        client.create_task(&CreateTask::default()).await.unwrap();
    }
    let mut pages = client.tasks(ListOptions {
        limit: Some(2),
        ..ListOptions::default()
    });
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        sizes.push(page.len());
    }
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn a_batch_is_one_publish_and_a_key_makes_a_publish_happen_once() {
    let server = Server::start().await;
    let client = server.client();
    let id = running(&client).await;
    let batch: Vec<EventBody> = (0..3).map(|n| numbered(n).into()).collect();
    let stored = client.publish_batch(&id, batch).await.unwrap();
    assert_eq!(stored.into_events().len(), 3);
    let once = Once::Key("k".into());
    let request = PublishRequest::Single(numbered(3).into());
    let stored = client.publish_once(&id, &request, &once).await.unwrap();
    let again = client.publish_once(&id, &request, &once).await.unwrap();
    assert_eq!(again, stored);
    let whole = client.history(&id, HistoryOptions::default());
    assert_eq!(whole.collect().await.unwrap().len(), 5, "and the status");
    let since = HistoryOptions {
        since: Since::Index(1),
        limit: Some(2),
        ..HistoryOptions::default()
    };
    assert_eq!(client.history(&id, since).collect().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_last_events_and_the_end_are_one_publish() {
    let server = Server::start().await;
    let client = server.client();
    let id = running(&client).await;
    let end = Transition::to(Status::Completed);
    let answer = client.publish_with(&id, vec![numbered(9).into()], end);
    let PublishAnswer::Stored {
        events,
        task: Some(task),
    } = answer.await.unwrap()
    else {
        panic!("no task")
    };
    assert_eq!((events.len(), task.status), (1, Status::Completed));
    let sealed = client.publish(&id, numbered(1)).await.unwrap_err();
    assert_eq!(sealed.code(), Some(ErrorCode::TaskSealed));
    assert!(!sealed.is_retryable());
}

#[tokio::test]
async fn a_task_changes_its_status_by_the_word() {
    let server = Server::start().await;
    let client = server.client();
    let blocked = running(&client).await;
    let none = client.request(&blocked).await.unwrap_err();
    assert_eq!(none.code(), Some(ErrorCode::NoBlockedRequest));
    let asked = Transition::to(Status::Blocked);
    client.transition(&blocked, asked).await.unwrap();
    let task = client.resolve(&blocked, None).await.unwrap();
    assert_eq!(task.status, Status::Running);
    let error = TaskError {
        code: None,
        message: "m".into(),
        details: None,
    };
    let failed = client.fail(&blocked, error).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    let cancelled = running(&client).await;
    let task = client.cancel(&cancelled).await.unwrap();
    assert_eq!(task.status, Status::Cancelled);
}

#[tokio::test]
async fn a_ticket_is_given_for_a_task() {
    let server = Server::start().await;
    let client = server.client();
    let id = running(&client).await;
    assert!(!client.ticket(&id).await.unwrap().ticket.is_empty());
}

#[tokio::test]
async fn an_archive_that_is_exported_can_be_imported() {
    let server = Server::start().await;
    let client = server.client();
    let id = running(&client).await;
    client.publish(&id, numbered(1)).await.unwrap();
    let mut archive = client.export(&id, true).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = archive.next_chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    let imported = client.import(Bytes::from(bytes), true).await.unwrap();
    assert!(imported.overwritten);
    let events = client.history(&id, HistoryOptions::default());
    assert_eq!(events.collect().await.unwrap().len(), 2);
}
