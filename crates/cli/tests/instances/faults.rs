//! The same crowd while everything breaks: nothing is lost, repeated or out of order.

use crate::chance::Chance;
use crate::counts::{count, full};
use crate::crowd::Crowd;
use crate::subscriber::Cuts;
use crate::world::World;
use std::time::Duration;
use taskcast_rig::RedisOptions;
use tokio::task::block_in_place;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn load_survives_cut_connections_lost_messages_a_paused_redis_and_kill() {
    let mut chance = Chance::seeded();
    let mut world = World::start(3, &RedisOptions::default()).await;
    let events = count(100, 525) as u64;
    let subscribers = (count(24, 60), Cuts::OneIn(400));
    let crowd = Crowd::start(
        "faults",
        world.ports(),
        (32, events),
        subscribers,
        &mut chance,
    );
    let mut crowd = crowd.await;
    let mut faults = 0;
    while !crowd.is_published() || faults < 5 {
        match faults % 5 {
            0 => {
                for _ in 0..count(1, 4) {
                    world.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                    sleep(Duration::from_secs(1)).await;
                }
            }
            1 => lose_messages(&world).await,
            2 => pause_redis(&world).await,
            3 => world.crash(chance.size(0, 2)),
            _ => {
                for network in &world.networks {
                    network.cut();
                }
            }
        }
        faults += 1;
        sleep(Duration::from_millis(chance.between(50, 500))).await;
    }
    let sums = crowd.finish().await;
    println!("{faults} faults: {sums:#?}");
    let lost: usize = world.networks.iter().map(|network| network.dropped()).sum();
    assert!(lost > 0, "no message was lost");
}

async fn lose_messages(world: &World) {
    let all = |lose| world.networks.iter().for_each(|it| it.drop_messages(lose));
    all(true);
    sleep(Duration::from_secs(2)).await;
    all(false);
}

async fn pause_redis(world: &World) {
    block_in_place(|| world.redis.pause());
    let pause = if full() { 5_000 } else { 1_500 };
    sleep(Duration::from_millis(pause)).await;
    block_in_place(|| world.redis.resume());
}
