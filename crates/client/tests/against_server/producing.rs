//! A producer: refused, fenced off, resumed, idle.

use super::support::Server;
use super::{eager_producer, numbered, running};
use std::time::Duration;
use taskcast_api::ErrorCode;
use taskcast_client::{HistoryOptions, Producer, ProducerOptions};
use taskcast_core::{EventType, NewEvent, ProducerId, TaskId};

#[tokio::test]
async fn a_refused_line_ends_the_stream_with_the_reason_and_keeps_what_was_before() {
    let server = Server::start().await;
    let client = server.client();
    let task = running(&client).await;
    let mut stream = Producer::new(&client, &task)
        .unwrap()
        .stream()
        .await
        .unwrap();
    stream.send(numbered(1)).await.unwrap();
    stream
        .send(NewEvent::new(EventType::new("taskcast:no").unwrap(), None))
        .await
        .unwrap();
    let error = stream.flush().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidRequest), "{error}");
    assert_eq!(
        stream.send(numbered(2)).await.unwrap_err().to_string(),
        error.to_string()
    );
    let stored = client
        .history(&task, HistoryOptions::default())
        .collect()
        .await
        .unwrap();
    assert_eq!(stored.last().unwrap().event_type.as_str(), "n");

    let missing = TaskId::new("missing").unwrap();
    let mut stream = Producer::new(&client, &missing)
        .unwrap()
        .stream()
        .await
        .unwrap();
    stream.send(numbered(1)).await.unwrap();
    assert_eq!(
        stream.flush().await.unwrap_err().code(),
        Some(ErrorCode::TaskNotFound)
    );
}

#[tokio::test]
async fn a_newer_epoch_fences_the_older_one_and_a_producer_resumes_where_it_stood() {
    let server = Server::start().await;
    let client = server.client();
    let task = running(&client).await;
    let id = ProducerId::new("p/1").unwrap();
    let mut first = Producer::take_over(&client, &task, id.clone())
        .await
        .unwrap();
    first.publish(numbered(0)).await.unwrap();
    let resumed = Producer::resume(&client, &task, id.clone(), 0)
        .await
        .unwrap();
    assert_eq!((resumed.epoch(), resumed.next_seq()), (0, 1));
    let mut second = Producer::take_over(&client, &task, id.clone())
        .await
        .unwrap();
    second.publish(numbered(1)).await.unwrap();
    let fenced = first.publish(numbered(2)).await.unwrap_err();
    assert_eq!(fenced.code(), Some(ErrorCode::ProducerFenced));
    let fenced = Producer::resume(&client, &task, id, 0).await.unwrap_err();
    assert_eq!(fenced.code(), Some(ErrorCode::ProducerFenced));
    let mut stream = resumed.stream().await.unwrap();
    stream.send(numbered(3)).await.unwrap();
    assert_eq!(
        stream.flush().await.unwrap_err().code(),
        Some(ErrorCode::ProducerFenced)
    );
}

#[tokio::test]
async fn an_idle_stream_ends_its_request_by_itself_and_goes_on() {
    let server = Server::start().await;
    let client = server.client();
    let task = running(&client).await;
    let options = ProducerOptions {
        idle: Duration::from_millis(5),
        ..eager_producer()
    };
    let producer = Producer::new(&client, &task).unwrap().with_options(options);
    let id = producer.id().clone();
    let mut stream = producer.stream().await.unwrap();
    for number in 0..3 {
        stream.send(numbered(number)).await.unwrap();
        // Stored although nobody asked for it.
        while client
            .producer_state(&task, &id)
            .await
            .unwrap()
            .map(|at| at.seq)
            != Some(number)
        {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(stream.close().await.unwrap().next_seq(), 3);
}
