//! What is on the disk, and what is only on its way there.

use crate::rng::Rng;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A disk with power, until it is cut.
#[derive(Default)]
pub(crate) struct Disk(Mutex<State>);

#[derive(Default)]
struct State {
    dead: bool,
    /// Changes that were not synced, oldest first.
    unsynced: BTreeMap<PathBuf, Vec<Undo>>,
}

/// How to take one change back.
pub(crate) struct Undo {
    /// The length of the file before.
    pub(crate) length: u64,
    /// Where the change began.
    pub(crate) offset: u64,
    /// What was there.
    pub(crate) before: Vec<u8>,
}

impl Disk {
    /// Makes a change, unless the power is gone; the disk stands still meanwhile.
    pub(crate) fn change(
        &self,
        path: &Path,
        undo: impl FnOnce() -> Option<Undo>,
        change: impl FnOnce() -> i32,
    ) -> Option<i32> {
        let mut state = self.0.lock();
        if state.dead {
            return None;
        }
        let undo = undo()?;
        state
            .unsynced
            .entry(path.to_owned())
            .or_default()
            .push(undo);
        Some(change())
    }

    /// Syncs a file, unless the power is gone.
    pub(crate) fn sync(&self, path: &Path) -> bool {
        let mut state = self.0.lock();
        if !state.dead {
            state.unsynced.remove(path);
        }
        !state.dead
    }

    /// Whether the power is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().dead
    }

    /// Cuts the power.
    pub(crate) fn cut(&self) {
        self.0.lock().dead = true;
    }

    /// Takes back what was not synced, but for a random beginning of it, and turns the power on.
    /// Nobody may have a file open. Tells how many changes were lost.
    pub(crate) fn restore(&self, rng: &mut Rng) -> io::Result<u64> {
        let mut state = self.0.lock();
        let mut lost = 0;
        for (path, undos) in std::mem::take(&mut state.unsynced) {
            let all = undos.len() as u64;
            let kept = if rng.once_in(3) {
                0
            } else {
                rng.below(all + 1)
            };
            lost += all - kept;
            if let Ok(file) = OpenOptions::new().write(true).open(&path) {
                for undo in undos.iter().skip(usize::try_from(kept).unwrap_or(0)).rev() {
                    file.write_all_at(&undo.before, undo.offset)?;
                    file.set_len(undo.length)?;
                }
            }
        }
        state.dead = false;
        Ok(lost)
    }
}
