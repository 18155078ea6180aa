//! How far it has got: one line that is rewritten on a terminal, and nothing in a pipe.

use crate::output::note;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Counts what was sent, and shows it.
pub(super) struct Progress {
    pub(super) bytes: u64,
    pub(super) events: u64,
    started: Instant,
    ticks: Interval,
    on_terminal: bool,
}

impl Progress {
    /// Nothing was sent yet.
    pub(super) fn new() -> Self {
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            bytes: 0,
            events: 0,
            started: Instant::now(),
            ticks,
            on_terminal: io::stderr().is_terminal(),
        }
    }

    /// A piece was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.events += 1;
    }

    /// Shows the progress from time to time, without end.
    pub(super) async fn tick(&mut self) {
        self.ticks.tick().await;
        if self.on_terminal {
            let line = format!("\r\x1b[2K{}", self.text());
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    /// Shows the last line: what became of it all.
    pub(super) fn end(&self, outcome: &str) {
        if self.on_terminal {
            let _ = io::stderr().lock().write_all(b"\r\x1b[2K");
        }
        note(format_args!("{outcome}: {}", self.text()));
    }

    fn text(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.bytes as f64 / seconds / 1024.0;
        let (bytes, events) = (self.bytes, self.events);
        let plural = if events == 1 { "" } else { "s" };
        format!("{bytes} bytes in {events} event{plural}, {rate:.1} KiB/s")
    }
}
