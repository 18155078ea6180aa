//! Storage that instances share: Redis, and PostgreSQL behind it, beside what these servers reach by
//! themselves.

use crate::fan_out::delays;
use crate::http::Connection;
use crate::process::Process;
use crate::publish::{lines, single};
use crate::readers::open_many;
use crate::report::Report;
use crate::stats::rate;
use crate::{Bench, Storage};
use std::io;
use std::time::{Duration, Instant};
use taskcast_rig::{PostgresOptions, PostgresServer, RedisOptions, RedisServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// A script that does the least a commit can be: number an event, store it, tell it.
const LEAST: &str = "local n = redis.call('HINCRBY', KEYS[1], 'n', 1) \
                     redis.call('HSET', KEYS[2], n, ARGV[1]) \
                     redis.call('PUBLISH', KEYS[3], n) return n";

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let redis = block_in_place(|| RedisServer::start(&RedisOptions::default()));
    let scripts = script_rate(&redis, 200_000 / bench.divisor).await?;
    report.add("floor: pipelined scripts of that Redis", scripts, "1/s");
    let redis_url = ("TASKCAST_REDIS_URL", redis.url());
    let alone = Storage::Shared {
        name: "redis",
        variables: vec![redis_url.clone()],
    };
    for connections in CONNECTIONS {
        // Every run makes the same tasks.
        redis.command(&["FLUSHALL"]);
        single(bench, report, &alone, connections, scripts).await?;
    }
    lines(bench, report, &alone).await?;
    latency(bench, report, &alone).await?;
    drop(redis);
    with_archive(bench, report).await
}

async fn with_archive(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let redis = block_in_place(|| RedisServer::start(&RedisOptions::default()));
    let postgres = block_in_place(|| PostgresServer::start(&PostgresOptions::default()));
    let scripts = script_rate(&redis, 100_000 / bench.divisor).await?;
    let copied = block_in_place(|| copy_rate(&postgres, 400_000 / bench.divisor))?;
    report.add("floor: COPY of that PostgreSQL", copied, "rows/s");
    let database = block_in_place(|| postgres.new_database());
    let storage = Storage::Shared {
        name: "redis and postgres",
        variables: vec![
            ("TASKCAST_REDIS_URL", redis.url()),
            (
                "TASKCAST_POSTGRES_URL",
                postgres.url_of(&database, postgres.port()),
            ),
            ("TASKCAST_AUTO_MIGRATE", "true".to_owned()),
        ],
    };
    single(bench, report, &storage, 64, scripts).await?;
    lines(bench, report, &storage).await?;
    archive_rate(bench, report, &storage, copied, || {
        let rows = "SELECT count(*) FROM taskcast.events";
        block_in_place(|| postgres.psql(&database, rows))
            .parse()
            .unwrap_or(0)
    })
    .await
}

/// Scripts a second over one connection that never waits for one answer before the next question.
async fn script_rate(redis: &RedisServer, count: usize) -> io::Result<f64> {
    const AT_ONCE: usize = 64;
    let mut connection = TcpStream::connect(("127.0.0.1", redis.port())).await?;
    connection.set_nodelay(true)?;
    let loaded = redis.command(&["SCRIPT", "LOAD", LEAST]);
    let digest = loaded.lines().nth(1).unwrap_or_default().to_owned();
    let payload = r#"{"delta":" token"}"#;
    let words = [
        "EVALSHA", &digest, "3", "floor:m", "floor:l", "floor:c", payload,
    ];
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    let questions = command.repeat(AT_ONCE);
    let (start, mut answer) = (Instant::now(), vec![0; 64 << 10]);
    for _ in 0..count / AT_ONCE {
        connection.write_all(questions.as_bytes()).await?;
        let mut answered = 0;
        while answered < AT_ONCE {
            let read = connection.read(&mut answer).await?;
            let some = answer.get(..read).unwrap_or_default();
            answered += some.iter().filter(|byte| **byte == b'\n').count();
        }
    }
    Ok(rate(count / AT_ONCE * AT_ONCE, start.elapsed()))
}

/// Rows a second that COPY puts into a table with the columns and the key of an archived event.
fn copy_rate(postgres: &PostgresServer, rows: usize) -> io::Result<f64> {
    let database = postgres.new_database();
    let table = "CREATE TABLE e (log bigint, idx bigint, at bigint, no bigint, part smallint, \
                 type text, level smallint, data json, PRIMARY KEY (log, idx))";
    postgres.psql(&database, table);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows");
    let lines = (0..rows).map(|row| {
        let data = r#"{"delta":" token"}"#;
        format!("1\t{row}\t1764000000000\t{row}\t0\tllm.delta\t1\t{data}\n")
    });
    std::fs::write(&path, lines.collect::<String>())?;
    let start = Instant::now();
    postgres.psql(&database, &format!("\\copy e FROM '{}'", path.display()));
    Ok(rate(rows, start.elapsed()))
}

/// From the start of a stream of lines to the last row in the archive.
async fn archive_rate(
    bench: &Bench,
    report: &mut Report,
    storage: &Storage,
    floor: f64,
    rows: impl Fn() -> usize,
) -> io::Result<()> {
    let server = Process::taskcast(&bench.binary, storage).await?;
    let mut connection = Connection::open(server.address).await?;
    connection.running_task("archived").await?;
    let before = rows();
    let events = 200_000 / bench.divisor;
    let body = format!(
        "[{}]",
        vec![r#"{"type":"t","data":{"delta":" token"}}"#; 500].join(",")
    );
    let start = Instant::now();
    for _ in 0..events / 500 {
        let body = body.clone().into();
        connection.post("/tasks/archived/events", body).await?;
    }
    while rows() < before + events {
        sleep(Duration::from_millis(50)).await;
    }
    let archived = rate(events, start.elapsed());
    report.compare("archive in batches, rate", archived, "rows/s", floor);
    server.stop().await
}

/// From the publisher's send on one instance to a subscriber's read on another, at 20 events a second.
async fn latency(bench: &Bench, report: &mut Report, storage: &Storage) -> io::Result<()> {
    let (here, there) = (
        Process::taskcast(&bench.binary, storage).await?,
        Process::taskcast(&bench.binary, storage).await?,
    );
    let mut publisher = Connection::open(here.address).await?;
    publisher.running_task("across").await?;
    let mut readers = open_many(there.address, "across", "includeStatus=false", 1).await?;
    let events = 100 / bench.divisor.min(3);
    let (start, mut reading) = (Instant::now(), JoinSet::new());
    if let Some(reader) = readers.pop() {
        reading.spawn(delays(reader, start, events));
    }
    for _ in 0..events {
        let sent = start.elapsed().as_nanos();
        let body = format!(r#"{{"type":"llm.delta","data":{{"delta":" token","sent":{sent}}}}}"#);
        publisher.post("/tasks/across/events", body.into()).await?;
        sleep(Duration::from_millis(50)).await;
    }
    while let Some(times) = reading.join_next().await {
        let mut times = times??;
        let what = "delivery across instances at 20 events/s, redis";
        report.add(format!("{what}, p50"), times.quantile(0.5), "ms");
        report.add(format!("{what}, p99"), times.quantile(0.99), "ms");
    }
    here.stop().await?;
    there.stop().await
}
