//! Starting the threads of a store.

use std::thread::{Builder, JoinHandle};
use taskcast_store::StoreError;

/// Starts a thread under a name that shows in tools.
pub(crate) fn spawn(
    what: &str,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let thread = Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| {
        StoreError::unavailable(what, format!("a thread for it cannot be started: {error}"))
    })
}
