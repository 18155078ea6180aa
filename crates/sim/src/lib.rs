//! Seeded simulation of writers, readers, restarts and crashes over a Taskcast engine.
//!
//! A run in memory is one thread in virtual time: its seed decides everything, so a seed that fails
//! is a bug report. Writers, viewers, engines and a store with faults act on each other for some
//! seconds; what really happened is written down below the engines, and everything that anybody is
//! told is checked against it.
//!
//! A run over SQLite has real threads and a disk that loses power: what was not synced is gone, and
//! the store has to come back with what it promised.
//!
//! ```
//! let outcome = taskcast_sim::run_memory(1)?;
//! assert_eq!(outcome.broken, Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```

mod archive;
mod audit;
mod broadcast;
mod chaos;
mod clock;
mod crash;
mod everything;
mod fate;
mod faults;
mod lockstep;
mod rng;
mod run;
mod tiers;
mod truth;
mod vfs;
mod viewer;
mod watched;
mod world;
mod writer;

pub use crash::run_sqlite;
pub use run::{Outcome, run_memory, run_tiered};
