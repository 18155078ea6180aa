//! What the commands cost that Redis has to carry out, as `MONITOR` shows them.

use crate::given::{connect, count, new_task, number, task_id};
use std::collections::BTreeMap;
use taskcast_core::{CommitNumber, Millis};
use taskcast_rig::{RedisOptions, RedisServer};
use taskcast_store::{ListAsk, Partition, TaskFilter, TaskIndex, TaskLog};
use taskcast_store_redis::RedisStore;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

/// What a server carries out.
struct Monitor {
    lines: Lines<BufReader<TcpStream>>,
    asker: TcpStream,
}

/// What was carried out between two looks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Work {
    /// Commands of clients, by name.
    sent: BTreeMap<String, usize>,
    /// Commands of scripts.
    in_scripts: usize,
}

impl Monitor {
    async fn start(server: &RedisServer) -> Self {
        let connect = || TcpStream::connect(("127.0.0.1", server.port()));
        let mut stream = connect().await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("+OK"));
        let asker = connect().await.unwrap();
        Self { lines, asker }
    }

    /// What was carried out since the last look.
    async fn work(&mut self) -> Work {
        self.asker.write_all(b"ECHO end\r\n").await.unwrap();
        let mut work = Work::default();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            let Some((from, command)) = line.split_once("] ") else {
                continue;
            };
            let mut words = command.split('"').filter(|word| !word.trim().is_empty());
            let name = words.next().unwrap_or_default().to_uppercase();
            let key = words.next().unwrap_or_default();
            match () {
                () if name == "ECHO" => break,
                // The look at the store once a second.
                () if key == "taskcast:store" => {}
                () if from.ends_with("lua") => work.in_scripts += 1,
                () => *work.sent.entry(name).or_default() += 1,
            }
        }
        work
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_publish_is_one_command_of_the_client() {
    let server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    store.create(new_task("a")).await.unwrap();
    store.commit(number("a", 0)).await.unwrap();
    let mut monitor = Monitor::start(&server).await;
    for next in 0..20 {
        store.commit(number("a", next)).await.unwrap();
    }
    let mut batch = number("a", 20);
    batch.events = vec![batch.events[0].clone(); 50];
    store.commit(batch).await.unwrap();
    let work = monitor.work().await;
    assert_eq!(work.sent, BTreeMap::from([("EVALSHA".to_owned(), 21)]));
}

/// The work of one of each kind of call.
async fn costs(store: &RedisStore, monitor: &mut Monitor, id: &str) -> Vec<(&'static str, Work)> {
    let newest = store.newest().await.unwrap()[0];
    monitor.work().await;
    let mut costs = Vec::new();
    store.create(new_task(id)).await.unwrap();
    costs.push(("create", monitor.work().await));
    store.commit(number(id, 1)).await.unwrap();
    costs.push(("publish", monitor.work().await));
    store.load(&task_id(id)).await.unwrap().unwrap();
    costs.push(("get", monitor.work().await));
    let ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 20,
    };
    assert_eq!(store.list(ask).await.unwrap().tasks.len(), 20);
    costs.push(("list", monitor.work().await));
    store.due(Millis(u64::MAX >> 12), 10).await.unwrap();
    costs.push(("due", monitor.work().await));
    store.newest().await.unwrap();
    costs.push(("newest", monitor.work().await));
    let feed = store.changed(Partition(0), newest, 10).await.unwrap();
    assert_eq!(feed.len(), 1);
    costs.push(("changed", monitor.work().await));
    let after = CommitNumber(newest.0);
    let page = store.appended(Partition(0), after, 10).await.unwrap();
    assert_eq!(page.slots.len(), 1);
    costs.push(("appended", monitor.work().await));
    store.tails(&[task_id(id), task_id("t1")]).await.unwrap();
    costs.push(("tails", monitor.work().await));
    let state = store.load(&task_id(id)).await.unwrap().unwrap();
    monitor.work().await;
    store.delete(&task_id(id), state.epoch).await.unwrap();
    costs.push(("delete", monitor.work().await));
    costs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_call_does_not_grow_with_the_number_of_tasks() {
    let server = RedisServer::start(&RedisOptions::default());
    let store = connect(server.url()).await;
    let fill = async |upto: std::ops::Range<usize>| {
        let creates: Vec<usize> = upto.collect();
        for some in creates.chunks(100) {
            let names: Vec<String> = some.iter().map(|number| format!("t{number}")).collect();
            let creates = names.iter().map(|name| store.create(new_task(name)));
            for created in futures_util::future::join_all(creates).await {
                created.unwrap();
            }
        }
    };
    fill(0..100).await;
    let mut monitor = Monitor::start(&server).await;
    // Once, so that the server knows the scripts.
    costs(&store, &mut monitor, "warm").await;
    let few = costs(&store, &mut monitor, "few").await;
    drop(monitor);
    fill(100..count(3_000, 100_000)).await;
    let mut monitor = Monitor::start(&server).await;
    let many = costs(&store, &mut monitor, "many").await;
    assert_eq!(few, many);
}
