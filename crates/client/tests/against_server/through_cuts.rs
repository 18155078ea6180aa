//! Through a proxy that cuts connections at random: stored once, told once.

use super::support::{Draw, Proxy, Server, client_of};
use super::{eager_producer, numbered, numbers, options, running};
use taskcast_client::{HistoryOptions, Item, Producer, SeriesFormat, SeriesText, SubscribeOptions};
use taskcast_core::{
    EventType, NewEvent, RawJson, SeriesId, SeriesMode, SeriesTag, Status, Transition,
};
use tokio::task::JoinSet;

const EVENTS: u64 = 500;

fn piece(text: &str) -> NewEvent {
    let data = RawJson::from_value(&serde_json::json!({ "delta": text })).unwrap();
    NewEvent::new(EventType::new("llm.delta").unwrap(), Some(data)).in_series(SeriesTag {
        id: Some(SeriesId::new("s").unwrap()),
        mode: Some(SeriesMode::Accumulate),
        field: None,
    })
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
