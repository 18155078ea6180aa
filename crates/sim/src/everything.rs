//! A reader of everything: cut at random, it sees every event once and in the order of commits.

use crate::rng::{Rng, hash, hash_text};
use crate::truth::Broken;
use crate::world::World;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use taskcast_core::{CommitNumber, Identity, TaskId};
use taskcast_engine::{EverythingAsk, EverythingFrame};
use tokio::time::{sleep, timeout};

#[derive(Default)]
struct Seen {
    cursor: Option<String>,
    /// The newest commit when it began.
    began: Option<u64>,
    newest: CommitNumber,
    events: BTreeSet<(TaskId, u32, u64)>,
    digest: u64,
}

/// Reads until the run has stopped and nothing more comes. Gives a digest of what was seen.
pub(crate) async fn everything(world: &World, mut rng: Rng) -> u64 {
    let mut seen = Seen::default();
    loop {
        match read(world, &mut rng, &mut seen).await {
            // A fault lasts as long as its moment.
            Ok(false) => sleep(Duration::from_millis(1 + rng.below(20))).await,
            Ok(true) => break,
            Err(broken) => {
                world.broken(format!("everything: {broken}"));
                break;
            }
        }
    }
    complete(world, &seen);
    seen.digest
}

/// One connection; tells whether nothing more comes.
async fn read(world: &World, rng: &mut Rng, seen: &mut Seen) -> Result<bool, Broken> {
    let ask = EverythingAsk {
        cursor: seen.cursor.clone(),
        ..EverythingAsk::default()
    };
    let identity = Arc::new(Identity::anyone());
    let Ok(mut stream) = world.engine(rng).everything(identity, ask).await else {
        return Ok(false);
    };
    let cursor = seen.cursor.get_or_insert_with(|| stream.cursor());
    seen.began = seen.began.or_else(|| commit_of(cursor));
    let mut left = rng.below(60);
    loop {
        // Silence is the end only if it began when all was written.
        let written = world.is_written();
        let frames = match timeout(Duration::from_secs(5), stream.next()).await {
            Ok(Ok(frames)) => frames,
            Ok(Err(_)) => return Ok(false),
            Err(_) if written => return Ok(true),
            Err(_) => continue,
        };
        for frame in frames {
            take(seen, frame)?;
            if left == 0 && !world.stopping() {
                return Ok(false);
            }
            left = left.saturating_sub(1);
        }
    }
}

fn take(seen: &mut Seen, frame: EverythingFrame) -> Result<(), Broken> {
    let EverythingFrame::Event {
        task,
        epoch,
        event,
        cursor,
    } = frame
    else {
        return Err(format!("a gap for nothing: {frame:?}"));
    };
    if event.commit < seen.newest {
        return Err(format!("commit {} after {}", event.commit, seen.newest));
    }
    seen.newest = event.commit;
    seen.digest = hash(&[seen.digest, hash_text(&cursor)]);
    seen.cursor = Some(cursor);
    if !seen.events.insert((task.clone(), epoch.0, event.index.0)) {
        return Err(format!("{} of {task} came twice", event.index));
    }
    Ok(())
}

/// The commit in a cursor of a store with one partition.
fn commit_of(cursor: &str) -> Option<u64> {
    let (_, position) = cursor.split_once('-')?;
    position.split_once('.')?.0.parse().ok()
}

/// Everything that is there at the end, and came after the beginning, was seen.
fn complete(world: &World, seen: &Seen) {
    let truth = world.store.truth.lock();
    for (task, epoch) in &truth.current {
        let Some(log) = truth.logs.get(&(task.clone(), *epoch)) else {
            continue;
        };
        let superseded = log.superseded();
        for event in &log.events {
            let index = event.index.0;
            let gone =
                index < log.trim || superseded.contains(&index) || log.cleaned.contains(&index);
            let before = seen.began.is_none_or(|began| event.commit.0 <= began);
            if !before && !gone && !seen.events.contains(&(task.clone(), *epoch, index)) {
                world.broken(format!("everything: {index} of {task} never came"));
            }
        }
    }
}
