//! A rolling restart: one instance after the other stops properly and comes back.

use crate::chance::Chance;
use crate::counts::count;
use crate::crowd::Crowd;
use crate::subscriber::Cuts;
use crate::world::World;
use std::time::Duration;
use taskcast_rig::RedisOptions;
use tokio::task::block_in_place;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_nothing() {
    let mut chance = Chance::seeded();
    let mut world = World::start(3, &RedisOptions::default()).await;
    let events = count(150, 600) as u64;
    let subscribers = (count(24, 60), Cuts::Never);
    let crowd = Crowd::start(
        "rolling",
        world.ports(),
        (16, events),
        subscribers,
        &mut chance,
    );
    let crowd = crowd.await;
    for server in &mut world.servers {
        sleep(Duration::from_millis(300)).await;
        block_in_place(|| {
            server.terminate();
            assert!(server.wait().success());
            server.restart();
        });
    }
    let sums = crowd.finish().await;
    println!("{sums:#?}");
    assert!(sums.longest_away < Duration::from_secs(10), "{sums:?}");
}
