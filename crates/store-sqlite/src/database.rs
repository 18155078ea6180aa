//! An open file: its threads and the queues to them.

use crate::checkpoint::Checkpoints;
use crate::connect::Place;
use crate::error::{Named, closed};
use crate::job::{Asked, Job, Outcome};
use crate::reader::{self, Read};
use crate::schema;
use crate::transaction::{Rules, Transaction};
use crate::writer::{self, Open, Writer};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::sync::Arc;
use std::thread::JoinHandle;
use taskcast_store::StoreError;
use tokio::sync::{mpsc, oneshot};

/// A file that this process has for itself.
///
/// Dropping it finishes the jobs that wait, like [`close`](Self::close), but blocks the thread
/// meanwhile.
pub(crate) struct Database {
    /// None once closed. Locked to clone a sender, never across an await.
    queues: Mutex<Option<Queues>>,
    /// Held by the one who closes, until the threads have ended.
    threads: tokio::sync::Mutex<Option<Threads>>,
    /// The identity of the data in the file.
    pub(crate) incarnation: u64,
    what: Arc<str>,
}

struct Queues {
    writer: mpsc::Sender<Box<dyn Job>>,
    readers: mpsc::Sender<Read>,
}

struct Threads {
    writer: JoinHandle<()>,
    readers: Vec<JoinHandle<()>>,
}

impl Database {
    /// Opens the file, or makes a new one with this incarnation, and starts the threads.
    pub(crate) fn open(
        place: Place,
        readers: usize,
        incarnation: u64,
        rules: Rules,
    ) -> Result<Self, StoreError> {
        let what = place.what.clone();
        let lock = place.lock()?;
        let conn = place.open(incarnation)?;
        let incarnation = schema::incarnation(&conn).named(&what)?;
        let (read_queue, reads) = mpsc::channel(reader::QUEUE);
        let (write_queue, jobs) = mpsc::channel(writer::QUEUE);
        let readers = reader::start(&place, readers, reads)?;
        let writer = Writer {
            open: Some(Open::new(conn, &place)?),
            checkpoints: Checkpoints::start(&place)?,
            rules,
            place,
            lock,
        };
        let writer = crate::thread::spawn(&what, "taskcast-writer", move || writer.run(jobs))?;
        Ok(Self {
            queues: Mutex::new(Some(Queues {
                writer: write_queue,
                readers: read_queue,
            })),
            threads: tokio::sync::Mutex::new(Some(Threads { writer, readers })),
            incarnation,
            what,
        })
    }

    /// Asks the writer. Once the job is in its queue, it is done whether or not anybody waits.
    pub(crate) async fn write<Q, T, E>(
        &self,
        ask: Q,
        bytes: usize,
        work: fn(&mut Transaction<'_>, &Q) -> Result<T, E>,
    ) -> Result<T, E>
    where
        Q: Send + 'static,
        T: Send + 'static,
        E: Outcome,
    {
        let queue = self.queue(|queues| queues.writer.clone())?;
        let (job, answer) = Asked::job(ask, bytes, work);
        let sent = queue.send(job).await;
        drop(queue);
        sent.map_err(|_| closed(&self.what))?;
        answer.await.map_err(|_| closed(&self.what))?
    }

    /// Runs `work` in one transaction of a reader.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queue = self.queue(|queues| queues.readers.clone())?;
        let (read, answer) = reader::read(&self.what, work);
        let sent = queue.send(read).await;
        drop(queue);
        sent.map_err(|_| closed(&self.what))?;
        answer.await.map_err(|_| reader::dropped(&self.what))?
    }

    fn queue<T>(&self, pick: impl FnOnce(&Queues) -> T) -> Result<T, StoreError> {
        let queues = self.queues.lock();
        queues.as_ref().map(pick).ok_or_else(|| closed(&self.what))
    }

    /// Whether a reader and the writer answer.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.read(|conn| schema::incarnation(conn).map(|_| ()))
            .await?;
        // An empty transaction: the writer is alive, and has the file open.
        self.write((), 0, |_, ()| Ok::<_, StoreError>(())).await
    }

    /// Finishes what was begun and closes the file.
    pub(crate) async fn close(&self) {
        let mut threads = self.threads.lock().await;
        let (queues, ended) = (self.queues.lock().take(), threads.take());
        if let Some(ended) = ended {
            let (done, waited) = oneshot::channel();
            let closer = crate::thread::spawn(&self.what, "taskcast-close", move || {
                end(queues, ended);
                let _ = done.send(());
            });
            // Without a thread to wait in, the others end by themselves.
            if closer.is_ok() {
                let _ = waited.await;
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.get_mut().take() {
            end(self.queues.get_mut().take(), threads);
        }
    }
}

/// Lets the threads finish what waits for them: first the readers, so that the writer closes the
/// last connection, which leaves all in one file.
fn end(queues: Option<Queues>, threads: Threads) {
    let Some(Queues { writer, readers }) = queues else {
        return;
    };
    drop(readers);
    for reader in threads.readers {
        let _ = reader.join();
    }
    drop(writer);
    let _ = threads.writer.join();
}
