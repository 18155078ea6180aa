//! Many clients race to end a task: exactly one wins, the others are told, and every subscriber
//! learns of one end.

use crate::chance::Chance;
use crate::counts::count;
use crate::http::Caller;
use crate::sse::Stream;
use crate::support::Server;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::{JoinSet, block_in_place};

const CLIENTS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_racing_ends_wins_in_memory() {
    race("memory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_racing_ends_wins_in_sqlite() {
    race("sqlite").await;
}

async fn race(storage: &str) {
    let mut chance = Chance::seeded();
    let server = block_in_place(|| Server::start(&["-s", storage]));
    let mut referee = Caller::new(server.port());
    let mut clients: Vec<Caller> = (0..CLIENTS).map(|_| Caller::new(server.port())).collect();
    let tasks = count(200, 1_000);
    for number in 0..tasks {
        let task = format!("race-{number}");
        referee.running_task(&task).await;
        let mut subscribers = JoinSet::new();
        for _ in 0..3 {
            let stream = open(&server, &task).await;
            subscribers.spawn(ends(stream));
        }
        let racing = clients.iter_mut().enumerate().map(|(client, caller)| {
            let word = chance.one_of(&["completed", "failed", "cancelled"]);
            end(caller, &task, client, word)
        });
        let answers = join_all(racing).await;
        let winner = only_winner(&answers);
        check_record(&mut referee, &task, winner).await;
        subscribers.spawn(ends(open(&server, &task).await));
        for ends in subscribers.join_all().await {
            assert_eq!(ends, [winner.1], "{task}");
        }
    }
    println!("{storage}: {CLIENTS} clients on {tasks} tasks");
}

async fn open(server: &Server, task: &str) -> Stream {
    let path = format!("/tasks/{task}/events");
    let stream = Stream::open(server.port().parse().unwrap(), &path, None).await;
    stream.unwrap().unwrap()
}

/// The reasons of all done frames until the stream is closed, and that of the end in its events.
async fn ends(mut stream: Stream) -> Vec<String> {
    let (mut ends, mut ending_events) = (Vec::new(), 0);
    while let Some(block) = stream.next().await.unwrap() {
        ends.extend(block.done().map(str::to_owned));
        if let Some(envelope) = block.envelope() {
            assert!(ends.is_empty(), "after the end: {envelope}");
            ending_events += usize::from(envelope["data"]["status"] != "running");
        }
    }
    assert_eq!(ending_events, 1);
    ends
}

/// What a client wanted and was answered.
type Attempt = (usize, &'static str, u16, Value);

async fn end(caller: &mut Caller, task: &str, client: usize, word: &'static str) -> Attempt {
    let mut body = json!({ "status": word });
    match word {
        "completed" => body["result"] = json!({ "by": client }),
        "failed" => body["error"] = json!({ "message": format!("by {client}") }),
        _ => {}
    }
    let path = format!("/tasks/{task}/status");
    let answer = caller.patch(&path, &body).await.unwrap();
    (client, word, answer.status, answer.json())
}

/// The client that won and the status it set. The others have lost the race.
fn only_winner(answers: &[Attempt]) -> (usize, &'static str) {
    let won = |attempt: &&Attempt| attempt.2 == 200;
    let winners: Vec<&Attempt> = answers.iter().filter(won).collect();
    let [(client, word, _, task)] = winners.as_slice() else {
        panic!("not one winner: {answers:?}");
    };
    assert_eq!(task["status"], **word);
    for (_, _, status, error) in answers.iter().filter(|attempt| !won(attempt)) {
        assert_eq!(*status, 409, "{error}");
        assert!(error["error"].is_string(), "{error}");
    }
    (*client, word)
}

/// The record is the winner's, and so is the one event that says so.
async fn check_record(referee: &mut Caller, task: &str, (client, word): (usize, &str)) {
    let record = referee
        .get(&format!("/tasks/{task}"))
        .await
        .unwrap()
        .success();
    assert_eq!(record["status"], word);
    match word {
        "completed" => assert_eq!(record["result"], json!({ "by": client })),
        "failed" => assert_eq!(record["error"]["message"], format!("by {client}")),
        _ => assert!(record.get("result").is_none() && record.get("error").is_none()),
    }
    let history = referee.history(task).await;
    let statuses = history
        .iter()
        .filter(|event| event["type"] == "taskcast:status");
    let statuses: Vec<&Value> = statuses.map(|event| &event["data"]["status"]).collect();
    assert_eq!(statuses, ["running", word], "{task}");
}
