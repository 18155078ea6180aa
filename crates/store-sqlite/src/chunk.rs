//! The joined text of a run, in chunks that only grow at their end.
//!
//! ```text
//!   run    [ 0 .. 2 KiB )  [ 2 KiB .. 4 KiB )  [ 4 KiB .. end )
//!          full            full                open: UPDATE ... SET text = text || piece
//! ```

use crate::rows;
use rusqlite::{Connection, OptionalExtension};
use taskcast_core::Index;
use taskcast_store::plan::Joined;

/// Bytes that a chunk grows to; a longer piece is a chunk of its own. A chunk of this size lies in
/// one page of the file, so joining to it rewrites one page.
pub(crate) const CHUNK: usize = 2 << 10;

/// The chunk of a run that grows.
#[derive(Debug)]
pub(crate) struct Chunk {
    run: Index,
    /// The offset of its first byte in the run.
    start: u64,
    /// Its row and the bytes in it, when it has one.
    stored: Option<(i64, usize)>,
    /// What was joined since.
    pending: String,
}

impl Chunk {
    /// Joins a piece to the run it belongs to; writes the open chunk if the piece does not fit it.
    pub(crate) fn join(
        open: &mut Option<Self>,
        conn: &Connection,
        series: i64,
        piece: &Joined,
        text: &str,
    ) -> rusqlite::Result<()> {
        if open.is_none() && piece.offset > 0 {
            *open = Self::load(conn, series, piece.run)?;
        }
        match open {
            Some(chunk) if chunk.takes(piece, text) => chunk.pending.push_str(text),
            _ => {
                let next = Self {
                    run: piece.run,
                    start: piece.offset,
                    stored: None,
                    pending: text.to_owned(),
                };
                if let Some(mut full) = open.replace(next) {
                    full.flush(conn, series)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what the file does not have yet.
    pub(crate) fn flush(&mut self, conn: &Connection, series: i64) -> rusqlite::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let len = self.len();
        let row = match self.stored {
            Some((row, _)) => {
                let sql = "UPDATE chunks SET text = text || ?2 WHERE chunk = ?1";
                conn.prepare_cached(sql)?.execute((row, &self.pending))?;
                row
            }
            None => {
                let sql = "INSERT INTO chunks (series, run, start, text) VALUES (?1, ?2, ?3, ?4)";
                let (run, start) = (self.run.0.cast_signed(), self.start.cast_signed());
                conn.prepare_cached(sql)?
                    .insert((series, run, start, &self.pending))?
            }
        };
        self.stored = Some((row, len));
        self.pending.clear();
        Ok(())
    }

    /// An archive may lack text before the piece: then a new chunk begins.
    fn takes(&self, piece: &Joined, text: &str) -> bool {
        let follows = self.run == piece.run && self.start + self.len() as u64 == piece.offset;
        follows && self.len() + text.len() <= CHUNK
    }

    fn len(&self) -> usize {
        self.stored.map_or(0, |(_, bytes)| bytes) + self.pending.len()
    }

    fn load(conn: &Connection, series: i64, run: Index) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT chunk, start, octet_length(text) FROM chunks
                   WHERE series = ?1 AND run = ?2 ORDER BY start DESC LIMIT 1";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_row((series, run.0.cast_signed()), |row| {
            Ok(Self {
                run,
                start: rows::number(row, 1)?,
                stored: Some((row.get(0)?, rows::count(row, 2)?)),
                pending: String::new(),
            })
        });
        found.optional()
    }
}

/// Writes the whole text of a run that has none yet, in chunks.
pub(crate) fn write(
    conn: &Connection,
    series: i64,
    run: Index,
    text: &[u8],
) -> rusqlite::Result<()> {
    let text = std::str::from_utf8(text).map_err(|error| rusqlite::Error::Utf8Error(0, error))?;
    let (mut start, mut rest) = (0, text);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        let sql = "INSERT INTO chunks (series, run, start, text) VALUES (?1, ?2, ?3, ?4)";
        conn.prepare_cached(sql)?
            .execute((series, run.0.cast_signed(), start, chunk))?;
        start += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        rest = after;
    }
    Ok(())
}
