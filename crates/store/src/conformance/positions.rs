//! Rules of leases and positions.

use super::HotSubject;
use super::tiers::GivenHot;
use crate::Partition;
use std::time::Duration;
use taskcast_core::CommitNumber;

const TTL: Duration = Duration::from_secs(10);

pub async fn a_lease_has_one_holder(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let hot = &given.hot;
    assert!(hot.lease("archive", 1, TTL).await.unwrap());
    assert!(!hot.lease("archive", 2, TTL).await.unwrap());
    assert!(
        hot.lease("archive", 1, TTL).await.unwrap(),
        "it is extended"
    );
    assert!(hot.lease("other", 2, TTL).await.unwrap(), "names are apart");
}

pub async fn a_lease_passes_by_the_clock(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let (hot, clock) = (&given.hot, &given.given.clock);
    assert!(hot.lease("archive", 1, TTL).await.unwrap());
    clock.advance(9_000);
    assert!(!hot.lease("archive", 2, TTL).await.unwrap());
    assert!(hot.lease("archive", 1, TTL).await.unwrap());
    clock.advance(9_000);
    assert!(
        !hot.lease("archive", 2, TTL).await.unwrap(),
        "it was extended"
    );
    clock.advance(1_001);
    assert!(hot.lease("archive", 2, TTL).await.unwrap());
    assert!(!hot.lease("archive", 1, TTL).await.unwrap());
}

pub async fn a_lease_is_given_back_by_its_holder_only(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let hot = &given.hot;
    assert!(hot.lease("archive", 1, TTL).await.unwrap());
    hot.unlease("archive", 2).await.unwrap();
    assert!(!hot.lease("archive", 2, TTL).await.unwrap());
    hot.unlease("archive", 1).await.unwrap();
    hot.unlease("archive", 1).await.unwrap();
    assert!(hot.lease("archive", 2, TTL).await.unwrap());
}

pub async fn positions_are_of_a_reader_and_a_partition(subject: &dyn HotSubject) {
    let given = GivenHot::open(subject).await;
    let hot = &given.hot;
    let first = Partition(0);
    let last = Partition(hot.info().partitions - 1);
    assert_eq!(hot.position("a", first).await.unwrap(), None);
    hot.advance("a", first, CommitNumber(7)).await.unwrap();
    assert_eq!(hot.position("b", first).await.unwrap(), None);
    if last != first {
        assert_eq!(hot.position("a", last).await.unwrap(), None);
    }
    hot.advance("b", last, CommitNumber(1 << 40)).await.unwrap();
    hot.advance("a", first, CommitNumber(9)).await.unwrap();
    let found = hot.position("b", last).await.unwrap();
    assert_eq!(found, Some(CommitNumber(1 << 40)));
    let found = hot.position("a", first).await.unwrap();
    assert_eq!(found, Some(CommitNumber(9)));
}
