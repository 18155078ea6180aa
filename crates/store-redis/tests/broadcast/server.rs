//! On a server.

use crate::given::{Instances, channels, until};
use taskcast_rig::{FaultProxy, RedisServer};
use taskcast_store::{DependencyState, StoreError};
use taskcast_store_redis::{RedisBroadcast, RedisOptions, RedisStore};

#[tokio::test]
async fn a_commit_of_one_instance_is_heard_by_another_that_follows_the_task() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    let (a, b) = (instances.followed("a").await, instances.task("b").await);
    for tail in 1..=3 {
        instances.publish(&b).await;
        assert_eq!(instances.publish(&a).await, tail);
        instances.hear(&a, tail).await;
    }
    // Where a task stands is told when it is followed.
    instances.listening.interest.follow(&b);
    instances.hear(&b, 3).await;
}

#[tokio::test]
async fn there_is_one_subscription_for_each_followed_task_and_none_else() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    assert_eq!(channels(&redis), Vec::<String>::new());
    let a = instances.followed("a").await;
    let b = instances.followed("b").await;
    assert_eq!(channels(&redis).len(), 2);
    instances.listening.interest.unfollow(&a);
    // What is asked later is done later.
    let c = instances.followed("c").await;
    let found = channels(&redis);
    assert_eq!(found.len(), 2);
    for task in [b, c] {
        let end = format!(":{task}");
        assert!(found.iter().any(|it| it.ends_with(&end)), "{found:?}");
    }
    drop(instances.listening);
    instances.broadcast.close().await;
    until(|| channels(&redis).is_empty()).await;
}

#[tokio::test]
async fn a_task_that_is_left_and_followed_again_at_once_is_heard() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    let a = instances.followed("a").await;
    for tail in 1..20 {
        instances.listening.interest.unfollow(&a);
        if tail % 2 == 0 {
            tokio::task::yield_now().await;
        }
        instances.listening.interest.follow(&a);
        instances.publish(&a).await;
        instances.hear(&a, tail).await;
    }
}

#[tokio::test]
async fn killed_connections_come_back_with_all_their_subscriptions_and_the_loss_is_told() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    let (a, b) = (instances.followed("a").await, instances.followed("b").await);
    for tail in 1..=2 {
        redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        instances.hear_that_hints_were_lost().await;
        assert_eq!(channels(&redis).len(), 2);
        for task in [&a, &b] {
            instances.publish(task).await;
            instances.hear(task, tail).await;
        }
    }
    let report = instances.broadcast.dependency().report();
    assert_eq!(report.state, DependencyState::Healthy);
    assert_eq!(report.name, "redisPubSub");
}

#[tokio::test]
async fn an_outage_is_reported_and_over_when_redis_is_back() {
    let mut redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    let a = instances.followed("a").await;
    redis.kill();
    let dependency = instances.broadcast.dependency();
    until(|| dependency.report().state == DependencyState::Reconnecting).await;
    redis.restart();
    // The task went with the server's memory; the interest in it did not.
    instances.hear_that_hints_were_lost().await;
    assert_eq!(dependency.report().state, DependencyState::Healthy);
    let again = Instances::on(&redis).await;
    again.task(a.as_str()).await;
    again.publish(&a).await;
    instances.hear(&a, 1).await;
}

#[tokio::test]
async fn dropped_messages_are_missed_and_nothing_else() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let proxy = FaultProxy::start(redis.port()).await;
    let mut instances = Instances::through(&redis, &proxy).await;
    let a = instances.followed("a").await;
    proxy.drop_messages(true);
    for _ in 0..10 {
        instances.publish(&a).await;
    }
    // Subscriptions work meanwhile.
    let b = instances.followed("b").await;
    until(|| proxy.dropped() == 10).await;
    proxy.drop_messages(false);
    instances.publish(&a).await;
    instances.publish(&b).await;
    instances.hear(&a, 11).await;
    instances.hear(&b, 1).await;
    assert_eq!(proxy.opened(), 2);
}

#[tokio::test]
async fn a_connection_that_says_nothing_any_more_is_given_up() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let proxy = FaultProxy::start(redis.port()).await;
    let mut instances = Instances::through(&redis, &proxy).await;
    let a = instances.followed("a").await;
    proxy.stall(true);
    let dependency = instances.broadcast.dependency();
    until(|| dependency.report().state == DependencyState::Reconnecting).await;
    proxy.stall(false);
    instances.hear_that_hints_were_lost().await;
    instances.publish(&a).await;
    instances.hear(&a, 1).await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_or_does_not_let_us_in_is_named_without_secrets() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions {
        password: Some("open-sesame".into()),
        ..taskcast_rig::RedisOptions::default()
    });
    let store = RedisStore::connect(RedisOptions::new(redis.url()))
        .await
        .unwrap();
    let refused = |url: String| {
        let (options, store) = (RedisOptions::new(url), &store);
        async move {
            let refused = RedisBroadcast::connect(&options, store).await;
            match refused.err().unwrap() {
                StoreError::Unavailable { what, cause } => format!("{what}: {cause}"),
                other => panic!("{other}"),
            }
        }
    };
    let port = redis.port();
    let wrong = refused(format!("redis://:friend@127.0.0.1:{port}")).await;
    assert!(
        wrong.contains(&format!("Redis at 127.0.0.1:{port}")),
        "{wrong}"
    );
    assert!(
        !wrong.contains("friend") && !wrong.contains("sesame"),
        "{wrong}"
    );
    let nobody = refused("redis://:friend@127.0.0.1:1".to_owned()).await;
    assert!(
        nobody.contains("Redis at 127.0.0.1:1") && !nobody.contains("friend"),
        "{nobody}"
    );
}

#[tokio::test]
async fn a_user_of_its_own_needs_its_keys_and_its_channels_only() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions {
        config: vec!["user app on >open-sesame ~{mine:* ~mine:* &{mine:* +@all".into()],
        ..taskcast_rig::RedisOptions::default()
    });
    let options = RedisOptions {
        prefix: "mine".into(),
        ..RedisOptions::new(format!(
            "redis://app:open-sesame@127.0.0.1:{}/0",
            redis.port()
        ))
    };
    let mut instances = Instances::start(options.clone(), options).await;
    let a = instances.followed("a").await;
    instances.publish(&a).await;
    instances.hear(&a, 1).await;
}

#[tokio::test]
async fn a_broadcast_that_is_closed_ends_what_is_heard() {
    let redis = RedisServer::start(&taskcast_rig::RedisOptions::default());
    let mut instances = Instances::on(&redis).await;
    instances.followed("a").await;
    instances.broadcast.close().await;
    assert_eq!(instances.listening.hints.next().await, None);
}
