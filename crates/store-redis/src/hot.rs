//! The store before an archive: what it lets go of, takes back, and still has to tell.

use crate::RedisStore;
use crate::append::{pack_key, pack_producer, unpack_key, unpack_producer};
use crate::keys::{In, Of};
use crate::read::pack_kind;
use crate::reply::{self, Reply, odd};
use crate::scripts::{Call, NOTES, ONCE, PLACE, RELEASE, RESTORE};
use crate::slot::{mode_number, whole};
use async_trait::async_trait;
use redis::{Value, cmd};
use taskcast_core::{CommitNumber, Epoch, Index, Millis, ProducerId, SeriesState, TaskId};
use taskcast_store::plan::deadline;
use taskcast_store::tier::{
    HotStore, LogImage, Note, NoteKind, OnceImage, Place, Restored, SeriesImage, Usage,
};
use taskcast_store::{Partition, ReadError, StoreError};

#[async_trait]
impl HotStore for RedisStore {
    async fn places(&self, ids: &[TaskId]) -> Result<Vec<Place>, StoreError> {
        let places = ids.iter().map(|id| self.place(id));
        futures_util::future::try_join_all(places).await
    }

    async fn once_since(
        &self,
        id: &TaskId,
        epoch: Epoch,
        after: CommitNumber,
    ) -> Result<OnceImage, ReadError> {
        let keys = [In::Meta, In::Once, In::Producers, In::Claims];
        let keys = keys.map(|what| self.keys.task(id, what));
        let call = ONCE.with(keys.into()).arg(epoch.0).arg(after.0);
        let value: Value = self.link.run(&call).await?;
        let mut reply = Reply::of(self.what(), value).ok_or(ReadError::Gone)?;
        let mut image = OnceImage::default();
        let mut producers = reply.nested()?;
        while !producers.is_empty() {
            let id = ProducerId::new(producers.text()?).map_err(|_| odd(self.what()))?;
            let kept = unpack_producer(&producers.text()?).ok_or_else(|| odd(self.what()))?;
            image.producers.push((id, kept));
        }
        let mut keys = reply.nested()?;
        while !keys.is_empty() {
            let key = keys.text()?.into();
            let kept = unpack_key(&keys.text()?).ok_or_else(|| odd(self.what()))?;
            image.keys.push((key, kept));
        }
        Ok(image)
    }

    async fn release_below(&self, id: &TaskId, epoch: Epoch, to: Index) -> Result<(), ReadError> {
        self.let_go(id, epoch, "release", to).await
    }

    async fn release(
        &self,
        id: &TaskId,
        epoch: Epoch,
        commit: CommitNumber,
    ) -> Result<bool, StoreError> {
        let call = RELEASE.with(self.keys.everything(id));
        let call = call.arg(id.as_str()).arg(epoch.0).arg(commit.0);
        let released: u8 = self.write(&call).await?;
        Ok(released == 1)
    }

    async fn restore(&self, image: LogImage, until: Millis) -> Result<Restored, StoreError> {
        let word: String = self.write(&self.restore_call(&image, until)?).await?;
        match word.as_str() {
            "done" => Ok(Restored::Done),
            "late" => Ok(Restored::TooLate),
            _ => Ok(Restored::Overtaken),
        }
    }

    async fn note_deleted(&self, id: &TaskId, epoch: Epoch) -> Result<(), StoreError> {
        let call = NOTES.with(self.keys.everything(id));
        let call = call.arg(id.as_str()).arg("deleted").arg(epoch.0);
        let _: Value = self.write(&call).await?;
        Ok(())
    }

    async fn notes(&self, partition: Partition, limit: usize) -> Result<Vec<Note>, StoreError> {
        const AT_ONCE: usize = 100;
        let (mut notes, mut cursor) = (Vec::new(), 0_u64);
        if partition.0 >= self.keys.partitions {
            return Ok(notes);
        }
        loop {
            let mut command = cmd("HSCAN");
            let key = self.keys.of(partition, Of::Notes);
            command.arg(key).arg(cursor).arg("COUNT").arg(AT_ONCE);
            let (next, pairs): (u64, Vec<(String, String)>) = self.link.ask(&command).await?;
            for (id, words) in pairs {
                let id = reply::task_id(self.what(), &id)?;
                let of = unpack_notes(&id, &words).ok_or_else(|| odd(self.what()))?;
                notes.extend(of);
            }
            cursor = next;
            if cursor == 0 || notes.len() >= limit {
                notes.truncate(limit);
                return Ok(notes);
            }
        }
    }

    async fn settle(&self, note: &Note) -> Result<(), StoreError> {
        let word = match note.kind {
            NoteKind::Deleted => format!("D{}", note.epoch),
            NoteKind::Released(commit) => format!("R{}:{commit}", note.epoch),
        };
        let call = NOTES.with(self.keys.everything(&note.id));
        let call = call.arg(note.id.as_str()).arg("settle").arg(word);
        let _: Value = self.write(&call).await?;
        Ok(())
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let written = self.numbers("written").await?;
        let capacity = self.link.capacity();
        Ok(Usage { written, capacity })
    }
}

impl RedisStore {
    async fn place(&self, id: &TaskId) -> Result<Place, StoreError> {
        let notes = self.keys.of(self.keys.partition(id), Of::Notes);
        let call = PLACE.with(vec![self.keys.task(id, In::Meta), notes]);
        let value: Value = self.link.run(&call.arg(id.as_str())).await?;
        let mut reply = Reply::array(self.what(), value)?;
        let found = reply::state(self.what(), reply.value()?)?;
        let notes = unpack_notes(id, &reply.text()?).ok_or_else(|| odd(self.what()))?;
        let of = |wanted: fn(NoteKind) -> bool| {
            let notes = notes.iter().filter(move |note| wanted(note.kind));
            notes.map(|note| note.epoch)
        };
        let dead = of(|kind| kind == NoteKind::Deleted).collect();
        Ok(match found {
            Some((state, base)) => Place::Here { state, base, dead },
            None => Place::Away {
                released: of(|kind| kind != NoteKind::Deleted).next(),
                dead,
            },
        })
    }

    fn restore_call(&self, image: &LogImage, until: Millis) -> Result<Call, StoreError> {
        let (state, record) = (&image.state, &image.state.record);
        let json = serde_json::to_vec(&**record).map_err(|error| {
            StoreError::unavailable(
                self.what(),
                format!("the record cannot be written: {error}"),
            )
        })?;
        let call = RESTORE
            .with(self.keys.everything(&record.id))
            .arg(record.id.as_str())
            .arg(state.epoch.0)
            .arg(self.now().0)
            .arg(until.0)
            .arg(state.revision.0)
            .arg(json)
            .arg(u8::from(state.is_sealed()))
            .arg(deadline(record).map_or(String::new(), |at| at.to_string()))
            .arg(record.created_at.0)
            .arg(state.tail.0)
            .arg(state.trim.0)
            .arg(state.last_at.0)
            .arg(image.counts.len())
            .arg(image.series.len())
            .arg(image.once.producers.len())
            .arg(image.once.keys.len());
        let counts = image.counts.iter();
        let call = counts.fold(call, |call, (event_type, level, count)| {
            call.arg(pack_kind(event_type, *level)).arg(*count)
        });
        let call = image.series.iter().fold(call, series_args);
        let once = &image.once;
        let call = once.producers.iter().fold(call, |call, (id, kept)| {
            call.arg(id.as_str()).arg(pack_producer(kept))
        });
        Ok(once.keys.iter().fold(call, |call, (key, kept)| {
            call.arg(&**key).arg(pack_key(kept))
        }))
    }
}

fn series_args(call: Call, image: &SeriesImage) -> Call {
    let blob = image.newest.as_ref().map_or(Vec::new(), whole);
    call.arg(image.id.as_str())
        .arg(pack_series(&image.state))
        .arg(blob)
        .arg(&image.text[..])
}

/// A series as `common.lua` packs it.
fn pack_series(state: &SeriesState) -> String {
    let (run, offset, start, end) = match state.fold {
        None => Default::default(),
        Some(fold) => (
            fold.run.to_string(),
            fold.offset.to_string(),
            fold.text
                .map_or(String::new(), |span| span.start.to_string()),
            fold.text.map_or(String::new(), |span| span.end.to_string()),
        ),
    };
    let (mode, newest) = (mode_number(state.mode), state.newest);
    format!(
        "{mode};{newest};{run};{offset};{start};{end};{}",
        state.field
    )
}

/// Notes of a task: `D<epoch>` for a deleted log, `R<epoch>:<commit>` for the released one.
fn unpack_notes(id: &TaskId, words: &str) -> Option<Vec<Note>> {
    let words = words.split(',').filter(|word| !word.is_empty());
    let notes = words.map(|word| {
        let (epoch, kind) = match word.split_at_checked(1)? {
            ("D", epoch) => (epoch, NoteKind::Deleted),
            ("R", rest) => {
                let (epoch, commit) = rest.split_once(':')?;
                let commit = CommitNumber(commit.parse().ok()?);
                (epoch, NoteKind::Released(commit))
            }
            _ => return None,
        };
        Some(Note {
            id: id.clone(),
            epoch: Epoch(epoch.parse().ok()?),
            kind,
        })
    });
    notes.collect()
}
