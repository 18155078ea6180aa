//! The archive reads as the store does, and takes back what the store has lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

mod given;

use given::draw::Draw;
use given::tier::{archive, follow, seen, sorted, watermark};
use given::{EPOCH, create, delta, event, id, latest, publish};
use std::sync::Arc;
use taskcast_core::{CommitNumber, Epoch, Index, Limits, Millis};
use taskcast_store::tier::{HotStore, LongTermStore, Place, Restored};
use taskcast_store::{
    BeforeArchive, ListAsk, LogReader, Maintenance, ManualClock, MemoryOptions, MemoryStore,
    Partition, ReadError, ShortTermStore, TaskFilter, TaskIndex, TaskLog,
};
use tempfile::TempDir;

fn memory() -> MemoryStore {
    let options = MemoryOptions {
        max_bytes: 1 << 30,
        limits: Limits::default(),
        incarnation: 1,
        archived: Some(BeforeArchive {
            after: CommitNumber(0),
        }),
    };
    MemoryStore::new(options, Arc::new(ManualClock::at(Millis(1_000))))
}

#[tokio::test]
async fn an_archive_reads_as_the_store_it_follows() {
    let directory = TempDir::new().unwrap();
    for seed in 0..20 {
        let kept = archive(&directory.path().join(format!("{seed}.db"))).unwrap();
        let hot = memory();
        create(&hot, "a").await;
        let mut draw = Draw::new(seed);
        for round in 0..12 {
            for _ in 0..draw.below(4) {
                draw.commit(&hot, "a").await;
            }
            follow(&hot, &kept, 1 + round).await;
            let what = format!("seed {seed}, round {round}");
            let (mine, its) = (seen(&kept, "a").await, seen(&hot, "a").await);
            assert_eq!(mine, its, "{what}");
            let found = kept.find(&id("a")).await.unwrap().unwrap();
            assert_eq!(Some(found.state), hot.load(&id("a")).await.unwrap());
        }
    }
}

#[tokio::test]
async fn maintenance_reads_alike_in_the_store_and_in_the_archive() {
    let directory = TempDir::new().unwrap();
    for seed in 0..20 {
        let kept = archive(&directory.path().join(format!("{seed}.db"))).unwrap();
        let hot = memory();
        create(&hot, "a").await;
        let mut draw = Draw::new(100 + seed);
        for _ in 0..8 {
            for _ in 0..4 {
                draw.commit(&hot, "a").await;
            }
            follow(&hot, &kept, 100).await;
            let tail = hot.load(&id("a")).await.unwrap().unwrap().tail.0;
            let cleaned = [Index(draw.below(tail + 1)), Index(draw.below(tail + 1))];
            let to = Index(draw.below(tail + 1));
            hot.clean(&id("a"), EPOCH, &cleaned).await.unwrap();
            kept.clean(&id("a"), EPOCH, &cleaned).await.unwrap();
            hot.trim(&id("a"), EPOCH, to).await.unwrap();
            kept.trim(&id("a"), EPOCH, to).await.unwrap();
            let (mine, its) = (seen(&kept, "a").await, seen(&hot, "a").await);
            assert_eq!(mine, its, "seed {seed}");
        }
    }
}

/// Two stores do the same for a while; the archive follows the one that goes on longer, and is then
/// taken back to where the other stands.
#[tokio::test]
async fn an_archive_that_was_taken_back_is_as_if_it_had_never_gone_on() {
    let directory = TempDir::new().unwrap();
    for seed in 0..40 {
        let path = |name: &str| directory.path().join(format!("{seed}-{name}.db"));
        let (ahead, control) = (archive(&path("ahead")), archive(&path("control")));
        let (ahead, control) = (ahead.unwrap(), control.unwrap());
        let (longer, shorter) = (memory(), memory());
        let mut draws = (Draw::new(seed), Draw::new(seed));
        create(&longer, "a").await;
        create(&shorter, "a").await;
        for _ in 0..10 {
            draws.0.commit(&longer, "a").await;
            draws.1.commit(&shorter, "a").await;
            follow(&longer, &ahead, 3).await;
            follow(&shorter, &control, 3).await;
            if seed % 2 == 1 {
                maintain(&mut draws.1, &[&longer, &ahead, &shorter, &control]).await;
                draws.0.skip_to(&draws.1);
            }
        }
        for _ in 0..=draws.1.below(10) {
            draws.0.commit(&longer, "a").await;
            follow(&longer, &ahead, 3).await;
        }
        publish(&longer, "a", event("1")).await.unwrap();
        follow(&longer, &ahead, 3).await;
        let tail = shorter.load(&id("a")).await.unwrap().unwrap().tail;
        ahead.rewind(&id("a"), EPOCH, tail).await.unwrap();
        for _ in 0..3 {
            let mark = watermark(&ahead, &id("a"), EPOCH).await.unwrap();
            let held = watermark(&control, &id("a"), EPOCH).await.unwrap();
            assert_eq!((mark.tail, mark.last), (held.tail, held.last));
            follow(&shorter, &ahead, 3).await;
            follow(&shorter, &control, 3).await;
            let (mine, its) = (seen(&ahead, "a").await, seen(&control, "a").await);
            assert_eq!(mine, its, "seed {seed}");
            let image =
                async |kept: &dyn LongTermStore| sorted(kept.image(&id("a"), EPOCH).await.unwrap());
            assert_eq!(image(&ahead).await, image(&control).await, "seed {seed}");
            draws.1.commit(&shorter, "a").await;
        }
    }
}

/// Cleans something, and now and then trims, everywhere alike.
async fn maintain(draw: &mut Draw, stores: &[&dyn Maintenance]) {
    let cleaned = [Index(draw.below(20)), Index(draw.below(20))];
    let to = Index(draw.below(3));
    for store in stores {
        store.clean(&id("a"), EPOCH, &cleaned).await.unwrap();
        store.trim(&id("a"), EPOCH, to).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_log_is_gone_and_leaves_no_row() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("archive.db");
    let kept = archive(&path).unwrap();
    let hot = memory();
    create(&hot, "a").await;
    let mut draw = Draw::new(3);
    for _ in 0..200 {
        draw.commit(&hot, "a").await;
    }
    follow(&hot, &kept, 1_000).await;
    kept.trim(&id("a"), EPOCH, Index(20)).await.unwrap();
    assert!(kept.delete(&id("a"), EPOCH).await.unwrap());
    assert!(!kept.delete(&id("a"), EPOCH).await.unwrap());
    assert_eq!(kept.find(&id("a")).await.unwrap(), None);
    let read = kept.heads(&id("a"), EPOCH).await;
    assert!(matches!(read, Err(ReadError::Gone)));
    for _ in 0..20 {
        kept.check().await.unwrap();
    }
    kept.close().await;
    let conn = rusqlite::Connection::open(&path).unwrap();
    for table in [
        "tasks",
        "records",
        "slots",
        "kinds",
        "trimmed",
        "commits",
        "series",
        "heads",
        "chunks",
        "producers",
        "keys",
        "garbage",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = conn.query_row(&sql, (), |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn the_newest_log_of_a_task_is_listed_and_the_events_of_all_come_in_order() {
    let directory = TempDir::new().unwrap();
    let kept = archive(&directory.path().join("archive.db")).unwrap();
    let hot = memory();
    for name in ["a", "b"] {
        create(&hot, name).await;
        publish(&hot, name, event("1")).await.unwrap();
    }
    follow(&hot, &kept, 10).await;
    hot.delete(&id("a"), EPOCH).await.unwrap();
    let mut again = given::creation("a");
    again.epoch = Epoch(8);
    hot.create(again).await.unwrap();
    for name in ["b", "a", "b"] {
        publish(&hot, name, event("2")).await.unwrap();
    }
    follow(&hot, &kept, 10).await;
    let ask = ListAsk {
        filter: TaskFilter::default(),
        after: None,
        limit: 10,
    };
    let listed = kept.list(ask).await.unwrap().tasks;
    let listed: Vec<_> = listed
        .iter()
        .map(|kept| (kept.state.record.id.as_str(), kept.state.epoch.0))
        .collect();
    assert_eq!(listed, [("b", 7), ("a", 8)]);
    assert!(kept.delete(&id("a"), EPOCH).await.unwrap());
    assert_eq!(
        kept.find(&id("a")).await.unwrap().unwrap().state.epoch,
        Epoch(8)
    );
    let newest = hot.newest().await.unwrap()[0];
    for limit in 1..6 {
        let (mut mine, mut after) = (Vec::new(), CommitNumber(0));
        while after < newest {
            let page = kept.appended(Partition(0), after, newest, limit).await;
            let page = page.unwrap();
            assert!(page.upto > after && page.newest == newest, "{page:?}");
            mine.extend(page.slots);
            after = page.upto;
        }
        let all = hot.appended(Partition(0), CommitNumber(0), 100).await;
        assert_eq!(mine, all.unwrap().slots, "{limit} at a time");
    }
}

#[tokio::test]
async fn a_log_is_marked_as_released_at_its_newest_commit_and_revived_once() {
    let directory = TempDir::new().unwrap();
    let kept = archive(&directory.path().join("archive.db")).unwrap();
    let hot = memory();
    create(&hot, "a").await;
    let commit = publish(&hot, "a", event("1")).await.unwrap().commit;
    follow(&hot, &kept, 10).await;
    let found = kept.find(&id("a")).await.unwrap().unwrap();
    assert!(found.hot);
    assert!(!kept.cool(&id("a"), EPOCH, commit.next()).await.unwrap());
    assert!(kept.cool(&id("a"), EPOCH, commit).await.unwrap());
    assert!(!kept.revive(&found, Epoch(8)).await.unwrap());
    // An entry that repeats what is kept may come late.
    follow(&hot, &kept, 10).await;
    let found = kept.find(&id("a")).await.unwrap().unwrap();
    assert!(!found.hot);
    assert!(kept.revive(&found, Epoch(8)).await.unwrap());
    assert!(!kept.revive(&found, Epoch(9)).await.unwrap());
    let revived = kept.find(&id("a")).await.unwrap().unwrap();
    assert_eq!((revived.state.epoch, revived.hot), (Epoch(8), false));
    assert!(revived.version > found.version);
    assert!(matches!(
        kept.image(&id("a"), EPOCH).await,
        Err(ReadError::Gone)
    ));
}

#[tokio::test]
async fn a_released_log_comes_back_with_all_but_its_slots() {
    let directory = TempDir::new().unwrap();
    for seed in 0..20 {
        let kept = archive(&directory.path().join(format!("{seed}-archive.db"))).unwrap();
        let mut options = given::options(&directory.path().join(format!("{seed}.db")));
        options.archived = true;
        let hot = given::open_with(options).unwrap();
        create(&hot, "a").await;
        let mut draw = Draw::new(200 + seed);
        for _ in 0..20 {
            draw.commit(&hot, "a").await;
        }
        let half = Index(draw.below(20));
        follow(&hot, &kept, 7).await;
        hot.release_below(&id("a"), EPOCH, half).await.unwrap();
        for _ in 0..5 {
            draw.commit(&hot, "a").await;
        }
        follow(&hot, &kept, 7).await;
        let before = hot.load(&id("a")).await.unwrap().unwrap();
        let image = kept.image(&id("a"), EPOCH).await.unwrap();
        let heads = hot.heads(&id("a"), EPOCH).await.unwrap();
        assert!(hot.release(&id("a"), EPOCH, before.commit).await.unwrap());
        assert_eq!(hot.load(&id("a")).await.unwrap(), None);
        let restored = hot.restore(image.clone(), Millis(u64::MAX)).await.unwrap();
        assert_eq!(restored, Restored::Done);
        assert_eq!(hot.heads(&id("a"), EPOCH).await.unwrap(), heads);
        let after = hot.load(&id("a")).await.unwrap().unwrap();
        assert!(after.commit > before.commit);
        let places = hot.places(&[id("a")]).await.unwrap();
        assert!(
            matches!(&places[..], [Place::Here { base, .. }] if *base == before.tail),
            "{places:?}"
        );
        // What goes on is archived as if nothing had moved.
        for _ in 0..10 {
            draw.commit(&hot, "a").await;
        }
        follow(&hot, &kept, 7).await;
        let whole = draw.replay().await;
        let (mine, its) = (seen(&kept, "a").await, seen(&whole, "a").await);
        let ranks = |text: String| given::draw::without_commits(&text);
        assert_eq!(ranks(mine), ranks(its), "seed {seed}");
    }
}

#[tokio::test]
async fn a_newer_event_of_a_series_replaces_the_one_that_is_in_the_archive_only() {
    let directory = TempDir::new().unwrap();
    let kept = archive(&directory.path().join("archive.db")).unwrap();
    let hot = memory();
    create(&hot, "a").await;
    publish(&hot, "a", latest("l", "1")).await.unwrap();
    publish(&hot, "a", delta("s", "x")).await.unwrap();
    follow(&hot, &kept, 10).await;
    hot.release_below(&id("a"), EPOCH, Index(2)).await.unwrap();
    publish(&hot, "a", latest("l", "2")).await.unwrap();
    follow(&hot, &kept, 10).await;
    let page = kept.read(&id("a"), EPOCH, given::all()).await.unwrap();
    assert!(page.slots[0].event().is_none());
    kept.rewind(&id("a"), EPOCH, Index(2)).await.unwrap();
    let page = kept.read(&id("a"), EPOCH, given::all()).await.unwrap();
    assert!(page.slots[0].event().is_some());
    hot.close().await;
}
