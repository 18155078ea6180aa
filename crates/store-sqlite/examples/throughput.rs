//! Commits per second, for a look at what a change costs:
//! `cargo run --release -p taskcast-store-sqlite --example throughput [directory]`.

#![expect(clippy::print_stdout, reason = "the numbers are what it is for")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskcast_core::{
    Epoch, EventType, Limits, Millis, NewEvent, NewTask, RawJson, SeriesId, SeriesMode, SeriesTag,
    TaskId,
};
use taskcast_store::{Commit, Create, ShortTermStore, SystemClock, TaskLog};
use taskcast_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// How long each line is measured.
const TIME: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let base = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let directory = tempfile::tempdir_in(base)?;
    println!("durability  publishers  commits/s   p50 ms   p99 ms");
    for durability in [Durability::Full, Durability::Process] {
        for publishers in [1, 16, 256] {
            measure(directory.path(), durability, publishers).await?;
        }
    }
    Ok(())
}

async fn measure(
    directory: &Path,
    durability: Durability,
    publishers: usize,
) -> Result<(), Failure> {
    let options = SqliteOptions {
        path: directory.join(format!("{durability:?}-{publishers}.db")),
        durability,
        limits: Limits::default(),
        incarnation: 1,
        vfs: None,
        readers: 2,
        archived: false,
    };
    let store = Arc::new(SqliteStore::open(options, Arc::new(SystemClock))?);
    let mut running = JoinSet::new();
    for publisher in 0..publishers {
        running.spawn(publish(store.clone(), publisher));
    }
    let mut times = Vec::new();
    while let Some(done) = running.join_next().await {
        times.append(&mut done??);
    }
    store.close().await;
    times.sort_unstable();
    let at = |percent: usize| {
        times
            .get(times.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    let rate = times.len() as f64 / TIME.as_secs_f64();
    let (half, most) = (millis(at(50)), millis(at(99)));
    println!("{durability:<10?}  {publishers:>10}  {rate:>9.0}  {half:>7.2}  {most:>7.2}");
    Ok(())
}

/// Publishes tokens of one task, one after the other; gives how long each took.
async fn publish(store: Arc<SqliteStore>, publisher: usize) -> Result<Vec<Duration>, Failure> {
    let task = TaskId::new(format!("task-{publisher}"))?;
    let record = NewTask::default().into_record(task.clone(), Millis(0));
    let create = Create {
        record,
        epoch: Epoch(1),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    };
    store.create(create).await?;
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < TIME {
        let commit = token(&task)?;
        let begun = Instant::now();
        store.commit(commit).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn token(task: &TaskId) -> Result<Commit, Failure> {
    let data = RawJson::parse(br#"{"delta":"a token of text"}"#, 8)?;
    let tag = SeriesTag {
        id: Some(SeriesId::new("answer")?),
        mode: Some(SeriesMode::Accumulate),
        field: None,
    };
    let event = NewEvent::new(EventType::new("llm.delta")?, Some(data)).in_series(tag);
    Ok(Commit {
        task: task.clone(),
        epoch: None,
        change: None,
        events: vec![event],
        once: None,
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
