//! A recorded stream, cut at every byte: what is delivered is what an uncut stream delivers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{client_of, eager, scripted};
use taskcast_client::{Client, Item, SubscribeOptions, Subscriber, TokenSource};
use taskcast_core::TaskId;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n";

fn event(index: u64, id: &str) -> (Option<String>, String) {
    let frame = format!(
        "event: taskcast.event\ndata: {{\"filteredIndex\":{index},\"rawIndex\":{index},\
         \"eventId\":\"e{index}\",\"taskId\":\"t\",\"type\":\"x\",\"timestamp\":1,\
         \"level\":\"info\",\"data\":\"\u{e9}\"}}\nid: {id}\n\n"
    );
    (Some(id.to_owned()), frame)
}

/// Frames with the cursor after each: a gap, a folded replay, plain ones, a block without data.
fn recorded() -> Vec<(Option<String>, String)> {
    vec![
        (None, "retry: 1\n: open\n\n".into()),
        (None, "event: taskcast.gap\ndata: {\"requested\":\"q\",\"earliest\":2,\"reason\":\"trimmed\"}\n\n".into()),
        event(2, "e2~"),
        event(4, "e4~"),
        event(5, "e5"),
        (Some("e7".into()), "id: e7\n\n".into()),
        (None, ": hb\n\n".into()),
        event(8, "e8"),
        (Some("e9".into()), "event: taskcast.done\ndata: {\"reason\":\"completed\"}\nid: e9\n\n".into()),
    ]
}

/// The rest of the recorded stream after a cursor.
fn after(cursor: Option<&str>) -> String {
    let frames = recorded();
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            1 + frames
                .iter()
                .position(|(id, _)| id.as_deref() == Some(cursor))
                .unwrap()
        }
    };
    frames[start..]
        .iter()
        .map(|(_, frame)| frame.as_str())
        .collect()
}

async fn told(subscriber: &mut Subscriber) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(item) = subscriber.next().await {
        match item.unwrap() {
            Item::Event(event) => told.push(event.raw_index.0.to_string()),
            Item::Gap(gap) => told.push(gap.reason),
            Item::Done { reason } => told.push(reason),
            Item::Reconnecting { .. } => {}
        }
    }
    told
}

fn options() -> SubscribeOptions {
    SubscribeOptions {
        retry: eager(),
        ..SubscribeOptions::default()
    }
}

fn task() -> TaskId {
    TaskId::new("t").unwrap()
}

#[tokio::test]
async fn a_cut_at_any_byte_repeats_nothing_and_misses_nothing() {
    let length = after(None).len();
    let (cut, served) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at, count) = (cut.clone(), served.clone());
    let (address, _tasks) = scripted(move |cursor| {
        let mut stream = after(cursor.as_deref()).into_bytes();
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            stream.truncate(at.load(Ordering::Relaxed));
        }
        [HEAD.as_bytes(), &stream].concat()
    })
    .await;
    let client = client_of(address);
    for position in 0..length {
        cut.store(position, Ordering::Relaxed);
        served.store(0, Ordering::Relaxed);
        let mut subscriber = client.subscribe(&task(), options());
        let told = told(&mut subscriber).await;
        assert_eq!(
            told,
            ["trimmed", "2", "4", "5", "8", "completed"],
            "cut at {position}"
        );
        assert_eq!(subscriber.last_event_id(), Some("e9"));
    }
}

#[tokio::test]
async fn waiting_can_be_given_up_at_any_moment_without_losing_an_item() {
    let (address, _tasks) = scripted(|cursor| {
        let mut stream = after(cursor.as_deref()).into_bytes();
        stream.truncate(400);
        [HEAD.as_bytes(), &stream].concat()
    })
    .await;
    let mut subscriber = client_of(address).subscribe(&task(), options());
    let mut told = Vec::new();
    loop {
        // Polled once at a time: dropped whenever it is not ready at once.
        let next = tokio::select! {
            biased;
            item = subscriber.next() => item,
            () = tokio::task::yield_now() => continue,
        };
        match next.map(Result::unwrap) {
            Some(Item::Event(event)) => told.push(event.raw_index.0),
            Some(_) => {}
            None => break,
        }
    }
    assert_eq!(told, [2, 4, 5, 8]);
}

#[tokio::test]
async fn nothing_left_is_an_end_and_refusals_are_final() {
    for (answer, outcome) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", None),
        (
            "HTTP/1.1 404 N\r\ncontent-length: 40\r\n\r\n{\"error\":\"gone\",\"code\":\"task_not_found\"}",
            Some("gone (HTTP 404)"),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            Some("the answer is no event stream; is this the address of a Taskcast server?"),
        ),
    ] {
        let (address, _tasks) = scripted(move |_| answer.into()).await;
        let mut subscriber = client_of(address).subscribe(&task(), options());
        let error = subscriber
            .next()
            .await
            .map(|item| item.unwrap_err().to_string());
        assert_eq!(error.as_deref(), outcome);
        assert!(subscriber.next().await.is_none());
    }
}

#[tokio::test]
async fn overload_is_waited_for_and_a_dead_connection_is_noticed() {
    let tries = AtomicUsize::new(0);
    let (address, _tasks) = scripted(move |cursor| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => b"HTTP/1.1 503 S\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n".to_vec(),
        _ => [HEAD.as_bytes(), after(cursor.as_deref()).as_bytes()].concat(),
    })
    .await;
    let mut subscriber = client_of(address).subscribe(&task(), options());
    assert_eq!(told(&mut subscriber).await.len(), 6);

    // Taken by the kernel, answered by nobody after the head.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let mut hold = tokio::task::JoinSet::new();
    hold.spawn(async move {
        let (mut stream, _) = silent.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, HEAD.as_bytes())
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    let options = SubscribeOptions {
        silence: Duration::from_millis(20),
        ..options()
    };
    let mut subscriber = client_of(address).subscribe(&task(), options);
    let item = subscriber.next().await.unwrap().unwrap();
    assert!(matches!(item, Item::Reconnecting { .. }), "{item:?}");
}

#[tokio::test]
async fn a_refused_token_is_asked_for_again_once() {
    let (address, _tasks) = scripted(|_| {
        b"HTTP/1.1 401 U\r\nconnection: close\r\ncontent-length: 29\r\n\r\n{\"error\":\"no\",\"code\":\"other\"}".to_vec()
    })
    .await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let source = TokenSource::asked(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, std::io::Error>(format!("s3cret{number}")) }
    });
    let client = Client::builder(format!("http://{address}"))
        .token(source)
        .build()
        .unwrap();
    let error = client
        .subscribe(&task(), options())
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (error.status(), asked.load(Ordering::Relaxed)),
        (Some(401), 2)
    );
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}
