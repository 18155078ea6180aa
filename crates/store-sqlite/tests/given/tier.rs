//! An archive behind a store, and somebody who archives.

use super::EPOCH;
use std::collections::BTreeMap;
use std::path::Path;
use taskcast_core::{CommitNumber, Epoch, EventFilter, Index, Limits, Slot, TaskId, TypePattern};
use taskcast_store::tier::{
    ArchiveEntry, Archived, HotStore, LogImage, LongTermStore, OnceImage, Watermark,
};
use taskcast_store::{LogReader, Partition, ReadAsk, StoreError, Which};
use taskcast_store_sqlite::{Durability, SqliteArchive, SqliteArchiveOptions};

pub(crate) fn archive(path: &Path) -> Result<SqliteArchive, StoreError> {
    SqliteArchive::open(SqliteArchiveOptions {
        path: path.to_owned(),
        durability: Durability::Process,
        limits: Limits::default(),
        vfs: None,
        readers: 1,
    })
}

/// Archives what the store has and the archive has not, in entries of so many slots.
pub(crate) async fn follow(hot: &dyn HotStore, archive: &dyn LongTermStore, slots: usize) {
    for task in hot
        .changed(Partition(0), CommitNumber(0), 10_000)
        .await
        .unwrap()
    {
        while !step(hot, archive, &task.id, task.epoch, slots).await {}
    }
}

/// Archives an entry of a log. Tells whether it reached the tail.
async fn step(
    hot: &dyn HotStore,
    archive: &dyn LongTermStore,
    id: &TaskId,
    epoch: Epoch,
    slots: usize,
) -> bool {
    let mark = watermark(archive, id, epoch).await;
    let (from, after) = mark.map_or((Index::START, CommitNumber(0)), |it| (it.tail, it.commit));
    let ask = ReadAsk {
        from,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: slots,
        max_bytes: usize::MAX,
    };
    let page = hot.read(id, epoch, ask).await.unwrap();
    let entry = ArchiveEntry {
        partition: Partition(0),
        state: hot.load(id).await.unwrap().unwrap(),
        from,
        slots: page.slots,
        once: hot.once_since(id, epoch, after).await.unwrap(),
    };
    let tail = entry.state.tail;
    let taken = archive.archive(vec![entry.clone()]).await.unwrap();
    let [Archived::Done(mark)] = taken[..] else {
        panic!("{taken:?}");
    };
    // Sent again, it is taken nowhere else, and changes nothing.
    let again = archive.archive(vec![entry]).await.unwrap();
    assert!(
        matches!(again[..], [Archived::Elsewhere(Some(it)) | Archived::Done(it)] if it == mark),
        "{again:?}"
    );
    mark.tail == tail
}

pub(crate) async fn watermark(
    archive: &dyn LongTermStore,
    id: &TaskId,
    epoch: Epoch,
) -> Option<Watermark> {
    let marks = archive.watermarks(&[(id.clone(), epoch)]).await.unwrap();
    marks[0]
}

/// All that a reader finds in a log, as one text to compare.
pub(crate) async fn seen<R: LogReader + ?Sized>(store: &R, name: &str) -> String {
    let (id, epoch) = (&super::id(name), EPOCH);
    let mut ask = ReadAsk {
        from: Index::START,
        to: Index::LIMIT,
        which: Which::All,
        max_slots: usize::MAX,
        max_bytes: usize::MAX,
    };
    let all = store.read(id, epoch, ask).await.unwrap();
    ask.which = Which::Unfolded;
    let unfolded = store.read(id, epoch, ask).await.unwrap();
    let heads = store.heads(id, epoch).await.unwrap();
    let mut texts = BTreeMap::new();
    let newest = heads.heads.iter().map(|head| &head.newest);
    for event in all.slots.iter().filter_map(Slot::event).chain(newest) {
        if let (Some(fold), Some(series)) = (event.fold, &event.series.id) {
            let text = store.text(id, epoch, series, fold.run, 0..fold.end()).await;
            texts.insert((series.clone(), fold.run, fold.end()), text.unwrap());
        }
    }
    let mut counts = Vec::new();
    for pattern in ["note", "*", "t.*"] {
        let filter = EventFilter {
            types: Some(vec![TypePattern::parse(pattern)]),
            ..EventFilter::default()
        };
        for upto in [0, all.tail.0 / 2, all.tail.0] {
            counts.push(store.count(id, epoch, &filter, Index(upto)).await.unwrap());
        }
    }
    format!("{all:#?} {unfolded:#?} {heads:#?} {texts:#?} {counts:?}")
}

/// An image whose parts stand in an order that can be compared.
pub(crate) fn sorted(mut image: LogImage) -> LogImage {
    let counts = |count: &(_, _, u64)| format!("{count:?}");
    image.counts.sort_by_key(counts);
    image
        .series
        .sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    image.once = once_sorted(image.once);
    image
}

fn once_sorted(mut once: OnceImage) -> OnceImage {
    once.producers
        .sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
    once.keys.sort_by(|a, b| a.0.cmp(&b.0));
    once
}
