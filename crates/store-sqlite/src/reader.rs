//! The readers: a few threads, each with a read-only connection.
//!
//! Every read is one transaction, so it sees one moment of the file: the newest commit that was
//! acknowledged when it began, or a later one. Readers and the writer never wait for each other.

use crate::connect::Place;
use crate::error::Named;
use parking_lot::Mutex;
use rusqlite::Connection;
use std::sync::Arc;
use std::thread::JoinHandle;
use taskcast_store::StoreError;
use tokio::sync::{mpsc, oneshot};

/// Reads that wait for a thread; whoever comes when it is full waits to get in.
pub(crate) const QUEUE: usize = 1_024;

/// A read: does its work on a connection, answers, and tells whether the connection is sound.
pub(crate) type Read = Box<dyn FnOnce(&Connection) -> bool + Send>;

type Queue = Arc<Mutex<mpsc::Receiver<Read>>>;

/// Starts the threads. They end when the queue is closed and empty.
pub(crate) fn start(
    place: &Place,
    threads: usize,
    queue: mpsc::Receiver<Read>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    // Held by the one idle thread that waits for the next read; the others wait for the lock.
    let queue: Queue = Arc::new(Mutex::new(queue));
    let start = |_| {
        let (queue, place, conn) = (queue.clone(), place.clone(), place.reader()?);
        crate::thread::spawn(&place.what.clone(), "taskcast-reader", move || {
            serve(&place, conn, &queue);
        })
    };
    (0..threads.max(1)).map(start).collect()
}

fn serve(place: &Place, conn: Connection, queue: &Queue) {
    let mut conn = Some(conn);
    loop {
        let Some(read) = queue.lock().blocking_recv() else {
            return;
        };
        if conn.is_none() {
            conn = place.reader().ok();
        }
        let Some(open) = &conn else {
            // The read is dropped, which its caller hears; the next one tries again.
            continue;
        };
        if !read(open) {
            conn = None;
        }
    }
}

/// A read with the one who waits for it.
pub(crate) fn read<T: Send + 'static>(
    what: &Arc<str>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> (Read, oneshot::Receiver<Result<T, StoreError>>) {
    let (reply, answer) = oneshot::channel();
    let what = what.clone();
    let read = move |conn: &Connection| {
        if reply.is_closed() {
            return true;
        }
        let result = within(conn, work).named(&what);
        let sound = !matches!(result, Err(StoreError::Unavailable { .. }));
        let _ = reply.send(result);
        sound
    };
    (Box::new(read), answer)
}

fn within<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    conn.prepare_cached("BEGIN")?.execute(())?;
    let result = work(conn);
    conn.prepare_cached("ROLLBACK")?.execute(())?;
    result
}

/// What a caller hears whose read was dropped.
pub(crate) fn dropped(what: &str) -> StoreError {
    let cause = "a connection to it could not be opened; see whether its disk works";
    StoreError::unavailable(what, cause)
}
