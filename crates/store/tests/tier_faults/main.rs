//! Two tiers when one of them fails: an archive that is down, a short-term store that lost something,
//! stragglers, instances that come and go.

#![expect(
    clippy::unwrap_used,
    reason = "test helpers panic like the tests they serve"
)]

mod lost;
mod outages;
mod stragglers;
mod support;
mod together;
mod worker;
