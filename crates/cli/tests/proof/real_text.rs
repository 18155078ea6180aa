//! A real text goes through `taskcast pipe` while the server is killed again and again; viewers
//! join at any time, are cut at any byte and resume in every way. All of them read the same bytes.

mod text;
mod through_client;
mod viewer;

use crate::chance::Chance;
use crate::counts::{count, full};
use crate::http::Caller;
use crate::support::Server;
use std::io::Write;
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, sleep};
use viewer::{Start, Viewer};

/// The task and its series.
const TASK: &str = "real-text";
const SERIES: &str = "answer";

/// More bytes than are written: reached when the pipe has ended.
const END: usize = usize::MAX;

/// What each viewer read: its name, its text, and how often it connected.
type Read = (String, String, usize);

#[tokio::test(flavor = "multi_thread")]
async fn every_viewer_reads_the_bytes_of_the_file_through_kills_and_cuts() {
    let mut chance = Chance::seeded();
    let text = text::generate(&mut chance);
    assert!(text.len() >= 200_000);
    let mut server = block_in_place(|| Server::start(&[]));
    let (progress, watched) = watch::channel(0);
    let mut viewers = JoinSet::new();
    // The task is there before the first viewer comes.
    Caller::new(server.port()).running_task(TASK).await;
    start_viewers(&mut viewers, &server, &mut chance, &watched, text.len());
    write(&mut server, &text, &mut chance, &progress).await;
    let mut connects = 0;
    while let Some(read) = viewers.join_next().await {
        let (name, seen, connected) = read.unwrap();
        assert!(seen == text, "{name} read another text");
        println!("{name}: {connected} connections");
        connects += connected;
    }
    let mut caller = Caller::new(server.port());
    let history = caller.history(TASK).await;
    let stored = |event: &serde_json::Value| event["data"]["delta"].as_str().map(str::to_owned);
    let joined: String = history.iter().filter_map(stored).collect();
    assert!(joined == text, "the history holds another text");
    assert!(history.len() > 500, "{} events", history.len());
    let task = caller.get(&format!("/tasks/{TASK}")).await.unwrap();
    assert_eq!(task.success()["status"], "completed");
    println!(
        "{} bytes, {} events, {connects} connections",
        text.len(),
        history.len()
    );
}

/// Writes the text into `taskcast pipe` in small pieces, which cut characters too, and kills the
/// server at random places.
async fn write(
    server: &mut Server,
    text: &str,
    chance: &mut Chance,
    progress: &watch::Sender<usize>,
) {
    let mut kills: Vec<usize> = (0..count(4, 12))
        .map(|_| chance.size(1, text.len()))
        .collect();
    kills.sort_unstable_by(|one, other| other.cmp(one));
    let mut pipe = server.pipe(&["--task", TASK, "--series", SERIES]);
    let mut input = pipe.stdin();
    let longest = if full() { 40 } else { 120 };
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(chance.size(1, longest).min(rest.len()));
        if block_in_place(|| input.write_all(piece)).is_err() {
            break; // It has ended; what it said is told below.
        }
        rest = after;
        let written = text.len() - rest.len();
        progress.send_replace(written);
        if kills.last().is_some_and(|&at| at <= written) {
            kills.pop();
            block_in_place(|| {
                server.kill();
                server.restart();
            });
        }
        // A piece that is not read at once would be joined to the next.
        sleep(Duration::from_millis(1)).await;
    }
    drop(input);
    let said = pipe.error_lines();
    let status = block_in_place(|| pipe.wait());
    assert!(status.success(), "{:?}", said.collect::<Vec<String>>());
    progress.send_replace(END);
}

/// Viewers of every kind, each with the number of bytes after which it joins.
fn start_viewers(
    viewers: &mut JoinSet<Read>,
    server: &Server,
    chance: &mut Chance,
    progress: &watch::Receiver<usize>,
    length: usize,
) {
    let joins = [0, length / 2, END];
    let filters = [
        "",
        "types=llm.*",
        "includeStatus=false&levels=info",
        "types=*.delta,llm.delta",
    ];
    for join in joins {
        for filter in filters {
            for start in [Start::Folded, Start::EventByEvent] {
                let viewer = Viewer::new(server.port(), filter, start, chance.fork());
                spawn(viewers, progress.clone(), join, viewer.follow());
            }
        }
        for statuses in [true, false] {
            let viewer = through_client::follow(server.url().to_owned(), statuses, chance.fork());
            spawn(viewers, progress.clone(), join, viewer);
        }
    }
    // Running totals cost their length with every event: the last tenth will do.
    let viewer = Viewer::new(server.port(), "", Start::Accumulated, chance.fork());
    spawn(viewers, progress.clone(), length / 10 * 9, viewer.follow());
}

fn spawn(
    viewers: &mut JoinSet<Read>,
    mut progress: watch::Receiver<usize>,
    join: usize,
    viewer: impl Future<Output = Read> + Send + 'static,
) {
    viewers.spawn(async move {
        progress.wait_for(|&written| written >= join).await.unwrap();
        let (name, text, connects) = viewer.await;
        let join = if join == END {
            "the end".to_owned()
        } else {
            join.to_string()
        };
        (format!("from {join}, {name}"), text, connects)
    });
}
