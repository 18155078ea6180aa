//! The partitions of a log: a month each, made before they are needed.

use crate::error::Fault;
use crate::sql::{self, ordered};
use deadpool_postgres::{GenericClient, Object};
use parking_lot::Mutex;
use std::ops::Range;
use taskcast_core::Millis;

/// A time that is surely in this month or the next.
const AHEAD: u64 = 10 * 24 * 60 * 60 * 1000;

/// The latest time that a log can begin at: it has 42 bits of its number.
const LATEST: u64 = (1 << 42) - 1;

/// Knows which month is open.
#[derive(Default)]
pub(crate) struct Months(Mutex<Range<i64>>);

impl Months {
    /// Makes sure that logs which begin now find their partitions, and soon those of next month.
    pub(crate) async fn open(&self, client: &Object, now: Millis) -> Result<(), Fault> {
        if self.0.lock().contains(&ordered(now.0)) {
            return Ok(());
        }
        let sql = "SELECT first, past FROM taskcast.open_month($1)";
        for at in [now.0.min(LATEST), now.plus_millis(AHEAD).0.min(LATEST)] {
            let opened = sql::row(client, sql, &[&ordered(at)]).await?;
            if at == now.0
                && let Some(month) = opened
            {
                *self.0.lock() = month.try_get(0)?..month.try_get(1)?;
            }
        }
        Ok(())
    }

    /// Makes sure that the month of a log is there, though somebody dropped it by hand.
    pub(crate) async fn open_again(client: &impl GenericClient, log: i64) -> Result<(), Fault> {
        sql::row(
            client,
            "SELECT FROM taskcast.open_month($1)",
            &[&(log >> 20)],
        )
        .await?;
        Ok(())
    }

    /// Looks again the next time: partitions may be gone.
    pub(crate) fn forget(&self) {
        *self.0.lock() = 0..0;
    }
}
