//! What an instance asks of Redis, as Redis itself tells it.

use crate::sse::Stream;
use crate::world::World;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use taskcast_rig::RedisOptions;
use tokio::task::block_in_place;
use tokio::time::sleep;

/// Every command that clients send, scripts' own aside.
struct Monitor(TcpStream);

impl Monitor {
    fn start(world: &World) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", world.redis.port())).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut ok = [0; 5];
        stream.read_exact(&mut ok).unwrap();
        Self(stream)
    }

    /// What was sent so far.
    fn commands(mut self) -> Vec<String> {
        let timeout = Some(Duration::from_millis(300));
        self.0.set_read_timeout(timeout).unwrap();
        let (mut text, mut piece) = (Vec::new(), [0; 64 << 10]);
        while let Ok(read @ 1..) = self.0.read(&mut piece) {
            text.extend_from_slice(&piece[..read]);
            if text.len() > 64 << 20 {
                break;
            }
        }
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !line.contains(" lua] "));
        lines.map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_is_one_command_and_an_instance_without_readers_sends_none_for_the_task() {
    const TOKENS: usize = 50;
    let world = World::start(2, &RedisOptions::default()).await;
    world.caller(0).running_task("monitored").await;
    let port = world.servers[0].port().parse().unwrap();
    let mut stream = Stream::open(port, "/tasks/monitored/events", None)
        .await
        .unwrap()
        .unwrap();
    stream
        .until(|block| block.envelope().is_some())
        .await
        .unwrap();
    sleep(Duration::from_millis(500)).await;
    let monitor = block_in_place(|| Monitor::start(&world));
    let mut caller = world.caller(0);
    for number in 0..TOKENS {
        let event = json!({ "type": "llm.delta", "data": { "delta": format!("t{number}") },
                            "seriesId": "s", "seriesMode": "accumulate" });
        let published = caller.post("/tasks/monitored/events", &event).await;
        published.unwrap().success();
        stream
            .until(|block| block.envelope().is_some())
            .await
            .unwrap();
    }
    let commands = block_in_place(|| monitor.commands());
    let about = |line: &&String| line.contains("monitored");
    let scripts = commands
        .iter()
        .filter(about)
        .filter(|line| line.contains("EVALSHA"));
    let scripts = scripts.count();
    println!(
        "{TOKENS} tokens: {scripts} scripts about the task, {} commands",
        commands.len()
    );
    assert_eq!(
        scripts, TOKENS,
        "one command per publish, and no reads: the reader is here"
    );
}
