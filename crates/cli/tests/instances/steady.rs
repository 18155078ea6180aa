//! Three instances without a fault: everybody sees the same, wherever they are.

use crate::chance::Chance;
use crate::counts::count;
use crate::crowd::Crowd;
use crate::subscriber::Cuts;
use crate::world::World;
use taskcast_rig::RedisOptions;

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_sees_the_same_load_on_any_instance() {
    let mut chance = Chance::seeded();
    let world = World::start(3, &RedisOptions::default()).await;
    // 60 subscribers: 1 000 000 deliveries in full.
    let events = count(25, 525) as u64;
    let subscribers = (60, Cuts::OneIn(200));
    let crowd = Crowd::start(
        "crowd",
        world.ports(),
        (32, events),
        subscribers,
        &mut chance,
    );
    let sums = crowd.await.finish().await;
    println!("{sums:#?}");
}
