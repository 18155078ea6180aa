//! What the process was given besides its arguments.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use taskcast_config::{LoadRequest, Overrides};

/// What settings are loaded from: the environment, the working directory and the home directory.
pub(crate) fn load_request(file: &Option<PathBuf>, overrides: Overrides) -> LoadRequest {
    LoadRequest {
        explicit: file.clone(),
        // Paths stay relative where the working directory is gone.
        cwd: env::current_dir().unwrap_or_default(),
        home: env::home_dir(),
        env: variables(),
        overrides,
    }
}

/// The variables that are text; others cannot be meant for us.
fn variables() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}

/// Whether colours are unwanted everywhere (<https://no-color.org>).
pub(crate) fn no_colour() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|term| term == "dumb")
}
