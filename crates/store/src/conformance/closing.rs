//! Rules of the store as a whole.

use super::Subject;
use super::given::{Given, event, publish, task_id};
use crate::{
    Clock, CommitError, CreateError, ListAsk, Partition, ReadError, StoreError, TaskFilter,
};
use taskcast_core::{CommitNumber, Millis};

pub async fn a_closed_store_is_unavailable(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let (state, id) = (given.task("a").await, task_id("a"));
    let store = &given.store;
    store.check().await.unwrap();
    store.close().await;
    store.close().await;
    let list = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 1,
    };
    let start = CommitNumber(0);
    let outcomes = [
        store.check().await.err(),
        store.load(&id).await.err(),
        store.tails(std::slice::from_ref(&id)).await.err(),
        store.delete(&id, state.epoch).await.err(),
        store.list(list).await.err(),
        store.due(Millis(0), 1).await.err(),
        store.changed(Partition(0), start, 1).await.err(),
        store.appended(Partition(0), start, 1).await.err(),
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Some(StoreError::Unavailable { .. })),
            "{outcome:?}"
        );
    }
    let committed = store.commit(publish("a", vec![event("b")])).await;
    let unavailable = matches!(
        committed,
        Err(CommitError::Store(StoreError::Unavailable { .. }))
    );
    assert!(unavailable, "{committed:?}");
    let created = store.create(given.new_task("b")).await;
    let unavailable = matches!(
        created,
        Err(CreateError::Store(StoreError::Unavailable { .. }))
    );
    assert!(unavailable, "{created:?}");
    let heads = store.heads(&id, state.epoch).await;
    let unavailable = matches!(heads, Err(ReadError::Store(StoreError::Unavailable { .. })));
    assert!(unavailable, "{heads:?}");
}

pub async fn an_open_store_tells_what_it_is(subject: &dyn Subject) {
    let given = Given::open(subject).await;
    let info = given.store.info();
    assert!(info.partitions >= 1);
    assert!(!info.provider.is_empty() && !info.acknowledgement.is_empty());
    assert_eq!(given.store.clock().now(), given.clock.now());
    given.clock.advance(5);
    assert_eq!(given.store.clock().now(), given.clock.now());
}
