//! The memory store passes the suite; and what is its own: the budget of bytes.

#![expect(
    clippy::unwrap_used,
    reason = "test helpers panic like the tests they serve"
)]

use async_trait::async_trait;
use std::sync::Arc;
use taskcast_core::{
    Epoch, EventType, Limits, Millis, NewEvent, NewTask, RawJson, Status, TaskId, Transition,
    transition,
};
use taskcast_store::conformance::Subject;
use taskcast_store::{
    Change, Commit, CommitError, Committed, Create, CreateError, ListAsk, ManualClock,
    MemoryOptions, MemoryStore, ShortTermStore, StoreError, TaskFilter, TaskIndex, TaskLog,
    TaskState,
};

/// The memory store as it is: it keeps nothing.
struct Memory;

#[async_trait]
impl Subject for Memory {
    async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
        Arc::new(store(1 << 30, limits, clock))
    }

    async fn reopen(
        &self,
        _: Arc<dyn ShortTermStore>,
        _: Arc<ManualClock>,
        _: Limits,
    ) -> Option<Arc<dyn ShortTermStore>> {
        None
    }
}

taskcast_store::conformance_tests!(|| Memory);

/// As if the process had never ended, so that the rules of restarts are tried on the reference.
mod kept {
    use super::*;

    struct Kept;

    #[async_trait]
    impl Subject for Kept {
        async fn open(&self, clock: Arc<ManualClock>, limits: Limits) -> Arc<dyn ShortTermStore> {
            Memory.open(clock, limits).await
        }

        async fn reopen(
            &self,
            store: Arc<dyn ShortTermStore>,
            _: Arc<ManualClock>,
            _: Limits,
        ) -> Option<Arc<dyn ShortTermStore>> {
            Some(store)
        }
    }

    taskcast_store::conformance_tests!(|| Kept);
}

fn store(max_bytes: u64, limits: Limits, clock: Arc<ManualClock>) -> MemoryStore {
    let options = MemoryOptions {
        max_bytes,
        limits,
        incarnation: 7,
        archived: None,
    };
    MemoryStore::new(options, clock)
}

/// A store of 100 kB.
struct Small {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl Small {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Millis(1_000)));
        Self {
            store: store(100_000, Limits::default(), clock.clone()),
            clock,
        }
    }

    async fn create(&self, id: &str) -> Result<TaskState, CreateError> {
        let create = Create {
            record: NewTask::default().into_record(TaskId::new(id).unwrap(), Millis(1_000)),
            epoch: Epoch(1),
            events: Vec::new(),
            replace: false,
            key: None,
            drawn: false,
        };
        self.store.create(create).await
    }

    async fn publish(&self, id: &str, bytes: usize) -> Result<Committed, CommitError> {
        let data = RawJson::from_value(&"x".repeat(bytes)).unwrap();
        let event = NewEvent::new(EventType::new("blob").unwrap(), Some(data));
        let commit = Commit {
            task: TaskId::new(id).unwrap(),
            epoch: None,
            change: None,
            events: vec![event],
            once: None,
        };
        self.store.commit(commit).await
    }

    async fn finish(&self, id: &str) {
        self.clock.advance(1);
        let now = taskcast_store::Clock::now(&*self.clock);
        let before = self.store.load(&TaskId::new(id).unwrap()).await;
        let before = before.unwrap().unwrap();
        let step = transition(&before.record, &Transition::to(Status::Cancelled), now).unwrap();
        let commit = Commit {
            task: before.record.id.clone(),
            epoch: None,
            change: Some(Change {
                expected: before.revision,
                record: step.record,
            }),
            events: step.events,
            once: None,
        };
        self.store.commit(commit).await.unwrap();
    }

    async fn ids(&self) -> Vec<String> {
        let ask = ListAsk {
            filter: TaskFilter::default(),
            after: None,
            limit: 100,
        };
        let tasks = self.store.list(ask).await.unwrap().tasks;
        tasks
            .iter()
            .map(|task| task.record.id.to_string())
            .collect()
    }
}

fn is_full(error: &CommitError) -> bool {
    matches!(error, CommitError::Store(StoreError::Full { .. }))
}

#[tokio::test]
async fn terminal_tasks_give_way_in_the_order_of_their_completion() {
    let small = Small::new();
    for id in ["a", "b", "c", "live"] {
        small.create(id).await.unwrap();
        small.publish(id, 20_000).await.unwrap();
    }
    for id in ["b", "a", "c"] {
        small.finish(id).await;
    }
    small.publish("live", 15_000).await.unwrap();
    assert_eq!(small.ids().await, ["live", "c", "a"]);
    small.publish("live", 25_000).await.unwrap();
    assert_eq!(small.ids().await, ["live", "c"]);
    small.create("new").await.unwrap();
    assert!(small.store.bytes() <= 100_000);
}

#[tokio::test]
async fn a_full_store_refuses_and_writes_nothing() {
    let small = Small::new();
    for id in ["live", "done"] {
        small.create(id).await.unwrap();
        small.publish(id, 40_000).await.unwrap();
    }
    small.finish("done").await;
    let bytes = small.store.bytes();
    let refused = small.publish("live", 70_000).await.unwrap_err();
    assert!(is_full(&refused), "{refused}");
    // Nothing was dropped for a commit that does not fit in the end.
    assert_eq!(small.store.bytes(), bytes);
    assert_eq!(small.ids().await, ["live", "done"]);
    small.publish("live", 50_000).await.unwrap();
    assert!(is_full(&small.publish("live", 10_000).await.unwrap_err()));
    for n in 0..100 {
        if let Err(refused) = small.create(&format!("t{n}")).await {
            return assert!(matches!(
                refused,
                CreateError::Store(StoreError::Full { .. })
            ));
        }
    }
    panic!("the records of tasks count as well");
}

#[tokio::test]
async fn a_task_of_a_full_store_can_end_and_its_room_is_free_then() {
    let small = Small::new();
    small.create("a").await.unwrap();
    small.create("b").await.unwrap();
    for bytes in [10_000, 100, 1] {
        while small.publish("a", bytes).await.is_ok() {}
    }
    assert!(is_full(&small.publish("b", 1).await.unwrap_err()));
    small.finish("a").await;
    assert_eq!(small.ids().await, ["b", "a"]);
    small.publish("b", 50_000).await.unwrap();
    assert_eq!(small.ids().await, ["b"]);
    assert!(small.store.bytes() <= 100_000);
}

#[tokio::test]
async fn the_rules_of_a_task_count_as_well() {
    let small = Small::new();
    let rules = format!(
        r#"{{"rules":[{{"match":{{"scope":["*"]}},"require":{{"sub":["{}"]}}}}]}}"#,
        "x".repeat(120_000)
    );
    let new = NewTask {
        auth_config: Some(serde_json::from_str(&rules).unwrap()),
        ..NewTask::default()
    };
    let create = Create {
        record: new.into_record(TaskId::new("a").unwrap(), Millis(1_000)),
        epoch: Epoch(1),
        events: Vec::new(),
        replace: false,
        key: None,
        drawn: false,
    };
    let refused = small.store.create(create).await.unwrap_err();
    assert!(matches!(
        refused,
        CreateError::Store(StoreError::Full { .. })
    ));
}

#[tokio::test]
async fn what_is_removed_makes_room() {
    use taskcast_core::Index;
    use taskcast_store::Maintenance;
    let small = Small::new();
    small.create("a").await.unwrap();
    let (id, empty) = (TaskId::new("a").unwrap(), small.store.bytes());
    for round in 0..20 {
        small.publish("a", 60_000).await.unwrap();
        let index = Index(round);
        if round % 2 == 0 {
            small.store.clean(&id, Epoch(1), &[index]).await.unwrap();
        } else {
            small.store.trim(&id, Epoch(1), index.next()).await.unwrap();
        }
    }
    assert_eq!(small.store.bytes(), empty);
    small.store.delete(&id, Epoch(1)).await.unwrap();
    assert_eq!(small.store.bytes(), 0);
}

#[tokio::test]
async fn a_page_of_a_list_looks_at_a_bounded_number_of_tasks() {
    let clock = Arc::new(ManualClock::at(Millis(1_000)));
    let small = Small {
        store: store(1 << 30, Limits::default(), clock.clone()),
        clock,
    };
    for n in 0..2_500 {
        small.create(&format!("t{n}")).await.unwrap();
    }
    let filter = TaskFilter {
        statuses: vec![Status::Failed],
        ..TaskFilter::default()
    };
    let (mut pages, mut after) = (0, None);
    loop {
        let ask = ListAsk {
            filter: filter.clone(),
            after,
            limit: 10,
        };
        let page = small.store.list(ask).await.unwrap();
        assert!(page.tasks.is_empty());
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
}
