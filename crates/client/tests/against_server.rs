//! The client against the real server, through a proxy that cuts connections at random.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use bytes::Bytes;
use std::time::Duration;
use support::{Draw, Proxy, Server, client_of, eager};
use taskcast_api::{CreateTask, ErrorCode, EventBody, TaskError};
use taskcast_client::{
    Client, HistoryOptions, Item, ListOptions, Once, Producer, ProducerOptions, PublishAnswer,
    SeriesFormat, SeriesText, Since, SubscribeOptions,
};
use taskcast_core::{
    EventType, NewEvent, ProducerId, RawJson, SeriesId, SeriesMode, SeriesTag, Status, TaskId,
    Transition,
};
use tokio::task::JoinSet;

const EVENTS: u64 = 500;

fn numbered(number: u64) -> NewEvent {
    let data = RawJson::from_value(&number).unwrap();
    NewEvent::new(EventType::new("n").unwrap(), Some(data))
}

fn piece(text: &str) -> NewEvent {
    let data = RawJson::from_value(&serde_json::json!({ "delta": text })).unwrap();
    NewEvent::new(EventType::new("llm.delta").unwrap(), Some(data)).in_series(SeriesTag {
        id: Some(SeriesId::new("s").unwrap()),
        mode: Some(SeriesMode::Accumulate),
        field: None,
    })
}

async fn running(client: &Client) -> TaskId {
    let task = client.create_task(&CreateTask::default()).await.unwrap();
    client.start(&task.id).await.unwrap();
    task.id
}

fn options() -> SubscribeOptions {
    SubscribeOptions {
        retry: eager(),
        silence: Duration::from_secs(20),
        ..SubscribeOptions::default()
    }
}

fn eager_producer() -> ProducerOptions {
    ProducerOptions {
        retry: eager(),
        unacknowledged_bytes: 4 << 10,
        ..ProducerOptions::default()
    }
}

/// The numbers a subscriber is told, until the end.
async fn numbers(client: Client, task: TaskId, options: SubscribeOptions) -> Vec<u64> {
    let mut subscriber = client.subscribe(&task, options);
    let mut numbers = Vec::new();
    while let Some(item) = subscriber.next().await {
        match item.unwrap() {
            Item::Event(event) if event.event_type.as_str() == "n" => {
                numbers.push(event.data.unwrap().read().unwrap());
            }
            Item::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_stored_once_and_told_once_through_cuts() {
    let server = Server::start().await;
    let direct = server.client();
    let task = running(&direct).await;
    let to_readers = Proxy::start(server.address, 11, 20_000).await;
    let to_writer = Proxy::start(server.address, 12, 6_000).await;

    let mut readers = JoinSet::new();
    for reader in 0..20 {
        let filter = (reader % 2 == 0).then(|| vec!["n".to_owned()]);
        let options = SubscribeOptions {
            types: filter,
            ..options()
        };
        readers.spawn(numbers(
            client_of(to_readers.address),
            task.clone(),
            options,
        ));
    }
    let producer = Producer::new(&client_of(to_writer.address), &task).unwrap();
    let mut stream = producer
        .with_options(eager_producer())
        .stream()
        .await
        .unwrap();
    for number in 0..EVENTS {
        stream.send(numbered(number)).await.unwrap();
        if number % 100 == 99 {
            stream.flush().await.unwrap();
            let stored = direct
                .history(&task, HistoryOptions::default())
                .collect()
                .await
                .unwrap();
            assert!(stored.len() as u64 > number, "flush is a promise");
        }
    }
    let ended = stream
        .finish(Transition::to(Status::Completed))
        .await
        .unwrap();
    assert_eq!(ended.status, Status::Completed);

    let expected: Vec<u64> = (0..EVENTS).collect();
    while let Some(told) = readers.join_next().await {
        assert_eq!(told.unwrap(), expected);
    }
    let types = HistoryOptions {
        types: Some(vec!["n".into()]),
        ..HistoryOptions::default()
    };
    let stored = direct.history(&task, types).collect().await.unwrap();
    let stored: Vec<u64> = stored
        .iter()
        .map(|e| e.data.as_ref().unwrap().read().unwrap())
        .collect();
    assert_eq!(stored, expected);
    assert!(
        to_writer.cuts() > 5 && to_readers.cuts() > 20,
        "{} {}",
        to_writer.cuts(),
        to_readers.cuts()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_publishes_through_cuts_are_stored_once() {
    let server = Server::start().await;
    let direct = server.client();
    let task = running(&direct).await;
    let proxy = Proxy::start(server.address, 21, 1_500).await;
    let client = client_of(proxy.address);
    let mut producer = Producer::new(&client, &task)
        .unwrap()
        .with_options(eager_producer());
    for number in 0..40 {
        producer.publish(numbered(2 * number)).await.unwrap();
        client
            .publish(&task, numbered(2 * number + 1))
            .await
            .unwrap();
    }
    direct.complete(&task, None).await.unwrap();
    let told = numbers(direct, task, options()).await;
    assert_eq!(told, (0..80).collect::<Vec<u64>>());
    assert!(proxy.cuts() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_of_a_series_is_the_same_for_early_late_and_accumulated_readers() {
    let server = Server::start().await;
    let direct = server.client();
    let task = running(&direct).await;
    let proxy = Proxy::start(server.address, 31, 9_000).await;
    let read = |format: SeriesFormat| {
        let (client, task) = (client_of(proxy.address), task.clone());
        async move {
            let mut text = SeriesText::new(SeriesId::new("s").unwrap(), format);
            let mut subscriber = client.subscribe(
                &task,
                SubscribeOptions {
                    format,
                    ..options()
                },
            );
            while let Some(item) = subscriber.next().await {
                if let Item::Event(event) = item.unwrap() {
                    text.push(&event);
                }
            }
            text.to_string()
        }
    };
    let mut readers = JoinSet::new();
    readers.spawn(read(SeriesFormat::Delta));
    let (mut draw, mut expected) = (Draw(5), String::new());
    let mut stream = Producer::new(&direct, &task)
        .unwrap()
        .stream()
        .await
        .unwrap();
    for number in 0..400 {
        let words = ["a", "é", "😀", " 中 ", "\"\\\n"];
        let word = words[usize::try_from(draw.below(5) - 1).unwrap()];
        expected.push_str(word);
        stream.send(piece(word)).await.unwrap();
        if number == 200 {
            stream.flush().await.unwrap();
            readers.spawn(read(SeriesFormat::Delta));
            readers.spawn(read(SeriesFormat::Accumulated));
        }
    }
    stream
        .finish(Transition::to(Status::Completed))
        .await
        .unwrap();
    readers.spawn(read(SeriesFormat::Delta));
    while let Some(text) = readers.join_next().await {
        assert_eq!(text.unwrap(), expected);
    }
}

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

#[tokio::test]
async fn every_request_has_its_method() {
    let server = Server::start().await;
    let client = server.client();
    assert_eq!(client.server_info().await.unwrap().name, "taskcast");
    assert!(client.health().await.unwrap().ok);
    assert!(client.health_detail().await.unwrap().ok);
    let id = TaskId::new("a/b ?#%é").unwrap();
    let create = CreateTask {
        id: Some(id.clone()),
        ..CreateTask::default()
    };
    client.create_task_once(&create, "key").await.unwrap();
    assert_eq!(
        client.create_task_once(&create, "key").await.unwrap().id,
        id
    );
    let exists = client.create_task(&create).await.unwrap_err();
    assert_eq!(exists.code(), Some(ErrorCode::TaskExists));
    client.start(&id).await.unwrap();

    let batch: Vec<EventBody> = (0..3).map(|n| numbered(n).into()).collect();
    assert_eq!(
        client
            .publish_batch(&id, batch)
            .await
            .unwrap()
            .into_events()
            .len(),
        3
    );
    let once = Once::Key("k".into());
    let request = taskcast_api::PublishRequest::Single(numbered(3).into());
    let stored = client.publish_once(&id, &request, &once).await.unwrap();
    assert_eq!(
        client.publish_once(&id, &request, &once).await.unwrap(),
        stored
    );
    let since = HistoryOptions {
        since: Since::Index(1),
        limit: Some(2),
        ..HistoryOptions::default()
    };
    assert_eq!(client.history(&id, since).collect().await.unwrap().len(), 2);

    assert_eq!(
        client.request(&id).await.unwrap_err().code(),
        Some(ErrorCode::NoBlockedRequest)
    );
    client
        .transition(&id, Transition::to(Status::Blocked))
        .await
        .unwrap();
    client.resolve(&id, None).await.unwrap();
    assert!(!client.ticket(&id).await.unwrap().ticket.is_empty());

    let mut archive = client.export(&id, true).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = archive.next_chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    let imported = client.import(Bytes::from(bytes), true).await.unwrap();
    assert!(imported.overwritten);
    let answer = client.publish_with(
        &id,
        vec![numbered(9).into()],
        Transition::to(Status::Completed),
    );
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

    for _ in 0..4 {
        client.create_task(&CreateTask::default()).await.unwrap();
    }
    let mut pages = client.tasks(ListOptions {
        limit: Some(2),
        ..ListOptions::default()
    });
    let mut count = 0;
    while let Some(page) = pages.next_page().await.unwrap() {
        count += page.len();
    }
    assert_eq!(count, 5);
    let failing = running(&client).await;
    let error = TaskError {
        code: None,
        message: "m".into(),
        details: None,
    };
    assert_eq!(
        client.fail(&failing, error).await.unwrap().status,
        Status::Failed
    );
    let cancelled = running(&client).await;
    client.cancel(&cancelled).await.unwrap();
    client.delete_task(&id).await.unwrap();
    let gone = client.get_task(&id).await.unwrap_err();
    assert_eq!(
        (gone.status(), gone.code()),
        (Some(404), Some(ErrorCode::TaskNotFound))
    );
    assert_eq!(
        client.delete_task(&id).await.unwrap_err().status(),
        Some(404)
    );
}

#[tokio::test]
async fn the_stream_of_all_tasks_resumes_too() {
    let server = Server::start().await;
    let client = server.client();
    let task = running(&client).await;
    let filter = || SubscribeOptions {
        types: Some(vec!["n".into()]),
        ..options()
    };
    let mut subscriber = client.subscribe_all(filter());
    let (mut told, mut number) = (Vec::new(), 0);
    // The stream begins when it is connected: publish until it tells something.
    while told.is_empty() {
        client.publish(&task, numbered(number)).await.unwrap();
        number += 1;
        tokio::select! {
            item = subscriber.next() => {
                if let Item::Event(event) = item.unwrap().unwrap() {
                    told.push(event.data.unwrap().read::<u64>().unwrap());
                }
            }
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
    let cursor = subscriber.last_event_id().map(str::to_owned);
    drop(subscriber);
    client.publish(&task, numbered(number)).await.unwrap();
    let mut later = client.subscribe_all(SubscribeOptions {
        last_event_id: cursor,
        ..filter()
    });
    while told.last() != Some(&number) {
        if let Item::Event(event) = later.next().await.unwrap().unwrap() {
            told.push(event.data.unwrap().read().unwrap());
        }
    }
    let first = told[0];
    assert_eq!(told, (first..=number).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let client = Client::builder("http://127.0.0.1:1")
        .retry(taskcast_client::RetryPolicy::never())
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
