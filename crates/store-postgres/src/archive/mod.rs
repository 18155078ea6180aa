//! Taking what logs have gained: one transaction, a few statements for all logs together.
//!
//! ```text
//!   lock the logs ─▶ what fits the watermarks? ─▶ COPY slots ─▶ series, texts, once ─▶ logs
//! ```
//!
//! When PostgreSQL refuses a row (a type, a constraint, a trigger), nothing is written; then each
//! entry is taken by itself, around the rows that are refused.

mod gain;
mod logs;
mod slots;
mod write;

use crate::count;
use crate::error::Fault;
use crate::months::Months;
use crate::{PostgresStore, trim};
use deadpool_postgres::Transaction;
use gain::{Gain, Locked};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use taskcast_core::{Epoch, Index, TaskId};
use taskcast_store::StoreError;
use taskcast_store::tier::{ArchiveEntry, Archived, OnceImage};

/// How often a transaction that lost against another one is run again.
const ATTEMPTS: usize = 5;

/// How slots are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// In one go.
    None,
    /// Around those that PostgreSQL refuses.
    Each,
}

impl PostgresStore {
    pub(crate) async fn take(&self, entries: &[ArchiveEntry]) -> Result<Vec<Archived>, StoreError> {
        match self.try_take(entries, Care::None).await {
            Err(fault) if fault.is_refusal() => {}
            taken => return self.decode(taken),
        }
        let mut archived = Vec::with_capacity(entries.len());
        for entry in entries {
            let entry = std::slice::from_ref(entry);
            let mut taken = self.try_take(entry, Care::None).await;
            if taken.as_ref().is_err_and(Fault::is_refusal) {
                taken = self.try_take(entry, Care::Each).await;
            }
            archived.extend(self.decode(taken)?);
        }
        Ok(archived)
    }

    async fn try_take(&self, entries: &[ArchiveEntry], care: Care) -> Result<Vec<Archived>, Fault> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut attempts = 1;
        loop {
            match self.pool.attempt(self.transact(entries, care)).await {
                Err(fault) if fault.is_conflict() && attempts < ATTEMPTS => attempts += 1,
                taken => return taken,
            }
        }
    }

    async fn transact(&self, entries: &[ArchiveEntry], care: Care) -> Result<Vec<Archived>, Fault> {
        let mut client = self.pool.get().await?;
        let now = self.clock.now();
        self.months.open(&client, now).await?;
        let mut transaction = client.transaction().await?;
        let mut kept = logs::lock(&transaction, entries).await?;
        let new: Vec<&ArchiveEntry> = new(entries, &kept);
        if !new.is_empty() {
            logs::insert(&transaction, &new, now).await?;
            for (name, mut locked) in logs::lock(&transaction, entries).await? {
                // Somebody else may have been faster.
                locked.new = !kept.contains_key(&name) && locked.watermark.commit.0 == 0;
                kept.insert(name, locked);
            }
        }
        if care == Care::Each {
            for locked in kept.values() {
                Months::open_again(&transaction, locked.log).await?;
            }
        }
        let mut gains: BTreeMap<i64, Gain<'_>> = BTreeMap::new();
        let mut archived = Vec::with_capacity(entries.len());
        for entry in entries {
            archived.push(match kept.get(&name(entry)) {
                None => Archived::Elsewhere(None),
                Some(locked) => {
                    let gain = gains.entry(locked.log);
                    gain.or_insert_with(|| Gain::new(locked.clone()))
                        .take(entry)
                }
            });
        }
        let gains: Vec<Gain<'_>> = gains
            .into_values()
            .filter(|gain| !gain.once.is_empty())
            .collect();
        self.write(&mut transaction, &gains, care).await?;
        transaction.commit().await?;
        Ok(archived)
    }

    async fn write(
        &self,
        transaction: &mut Transaction<'_>,
        gains: &[Gain<'_>],
        care: Care,
    ) -> Result<(), Fault> {
        if gains.is_empty() {
            return Ok(());
        }
        let entries = slots::entries(gains);
        match care {
            Care::None => slots::copy(transaction, &entries).await?,
            Care::Each => slots::copy_around(transaction, &entries).await?,
        }
        let transaction = &*transaction;
        let producers = newest(gains, |once| {
            let producers = once.producers.iter();
            producers.map(|(id, kept)| (id.as_str(), kept))
        });
        let keys = newest(gains, |once| {
            once.keys.iter().map(|(key, kept)| (&**key, kept))
        });
        let limits = &self.limits;
        // Sent at once, not one after the answer to the other: the server may be far away.
        tokio::try_join!(
            write::series(transaction, gains),
            write::texts(transaction, gains),
            write::producers(transaction, &producers, limits.producers_per_task),
            write::keys(transaction, &keys, limits.idempotency_keys_per_task),
            logs::update(transaction, gains),
        )?;
        for gain in gains {
            keep_counts(transaction, gain).await?;
            if let Some(to) = gain.trim {
                trim::mark(transaction, gain.locked.log, gain.before.trim, to).await?;
                trim::remove(transaction, gain.locked.log, to).await?;
            }
        }
        Ok(())
    }
}

/// A log as callers name it.
type Name = (TaskId, Epoch);

fn name(entry: &ArchiveEntry) -> Name {
    (entry.state.record.id.clone(), entry.state.epoch)
}

/// Entries that begin logs which are not kept, one for each log.
fn new<'e>(entries: &'e [ArchiveEntry], logs: &HashMap<Name, Locked>) -> Vec<&'e ArchiveEntry> {
    let mut new: BTreeMap<Name, &ArchiveEntry> = BTreeMap::new();
    for entry in entries {
        if entry.from == Index::START && !logs.contains_key(&name(entry)) {
            new.entry(name(entry)).or_insert(entry);
        }
    }
    new.into_values().collect()
}

/// What logs remember so that commits happen once: of each name the newest, in the order of use.
fn newest<'g, 'e: 'g, K: Eq + Hash + Copy, V, I: Iterator<Item = (K, &'e V)>>(
    gains: &'g [Gain<'e>],
    of: impl Fn(&'e OnceImage) -> I,
) -> Vec<(i64, K, &'e V)> {
    let mut newest: HashMap<(i64, K), (usize, &V)> = HashMap::new();
    let mut line = 0;
    for gain in gains {
        for (name, kept) in gain.once.iter().flat_map(|once| of(once)) {
            newest.insert((gain.locked.log, name), (line, kept));
            line += 1;
        }
    }
    let mut rows: Vec<_> = newest.into_iter().collect();
    rows.sort_unstable_by_key(|(_, (line, _))| *line);
    rows.into_iter()
        .map(|((log, name), (_, kept))| (log, name, kept))
        .collect()
}

/// Keeps the counts at every step that the log has passed.
async fn keep_counts(client: &Transaction<'_>, gain: &Gain<'_>) -> Result<(), Fault> {
    let (before, after) = (gain.before.watermark.tail.0, gain.locked.watermark.tail.0);
    for step in before / count::STEP + 1..=after / count::STEP {
        let at = Index(step * count::STEP);
        count::keep(client, gain.locked.log, at, gain.before.trim).await?;
    }
    Ok(())
}
