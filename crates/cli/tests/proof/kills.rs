//! Publishers of every kind while the server is killed again and again: what was acknowledged is
//! in the history, at its index, in order, once, and nothing is there that nobody sent.

mod finisher;
mod follower;
mod publisher;
mod verdict;

use crate::chance::Chance;
use crate::counts::count;
use crate::http::Caller;
use crate::support::{Process, Server};
use publisher::{Kind, Publisher};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant, sleep};

/// Each has publishers of every kind.
const TASKS: [&str; 4] = ["kills-0", "kills-1", "kills-2", "kills-3"];

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_kills_once_and_in_order() {
    let mut chance = Chance::seeded();
    let started = Instant::now();
    let mut server = block_in_place(|| Server::start(&["-s", "sqlite"]));
    let mut caller = Caller::new(server.port());
    let mut followers = JoinSet::new();
    for task in TASKS {
        caller.running_task(task).await;
        followers.spawn(follower::follow(server.url().to_owned(), task));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut publishers = JoinSet::new();
    for task in TASKS {
        for kind in [Kind::Single, Kind::Batch, Kind::Numbered, Kind::Stream] {
            let publisher = Publisher::new(&server, task, kind, chance.fork());
            publishers.spawn(publisher.publish(stop.clone()));
        }
    }
    assert_eq!(publishers.len(), 16);
    let mut finishers = JoinSet::new();
    for name in 0..2 {
        finishers.spawn(finisher::finish(
            server.port().to_owned(),
            name,
            stop.clone(),
        ));
    }
    let kills = count(20, 200);
    for _ in 0..kills {
        sleep(Duration::from_millis(chance.between(1, 250))).await;
        block_in_place(|| server.kill());
        if chance.one_of(&[true, false]) {
            crash_while_starting(&server, &mut chance).await;
        }
        block_in_place(|| server.restart());
    }
    stop.store(true, Ordering::Relaxed);
    let published = publishers.join_all().await;
    let mut caller = Caller::new(server.port());
    let mut histories = Vec::new();
    for task in TASKS {
        caller.change(task, "completed").await.success();
        histories.push((task, caller.history(task).await));
    }
    let followed = followers.join_all().await;
    let mut sums = verdict::Sums::default();
    for (task, history) in &histories {
        let publishers = published.iter().filter(|publisher| publisher.task == *task);
        sums += verdict::check(history, publishers);
        let seen = followed.iter().find(|(name, _)| name == task).unwrap();
        verdict::check_follower(history, seen);
    }
    let short = finishers.join_all().await.concat();
    let ended = finisher::check(&server, &short).await;
    println!(
        "{kills} kills in {:?}: {sums:?}; {ended} of {} short tasks ended",
        started.elapsed(),
        short.len()
    );
    assert!(sums.unknown > 0 || kills < 20, "no kill met a publish");
}

/// A crash can hit a server that repairs what the last one left.
async fn crash_while_starting(server: &Server, chance: &mut Chance) {
    let mut command = server.command(&["start", "-s", "sqlite", "--port", "0"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut starting = Process::spawn(&mut command);
    sleep(Duration::from_millis(chance.between(0, 40))).await;
    block_in_place(|| starting.kill());
}
