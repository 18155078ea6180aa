//! From checked values to settings: what they mean together, and the files they name.

mod auth;
mod bind;
mod cors;
mod idle;
mod long_term;
mod redis;
mod secrets;
mod services;
mod storage;

use crate::draft::Draft;
use crate::model::Config;
use crate::problem::{Place, Problem};
use crate::settings::{Log, Settings};
use std::path::{Path, PathBuf};

/// What paths are relative to.
pub(crate) struct Context<'a> {
    pub(crate) cwd: &'a Path,
    pub(crate) file: Option<&'a Path>,
}

impl Context<'_> {
    /// A path from the file is relative to the file, one from elsewhere to the working directory.
    fn absolute(&self, path: &Path, place: Option<&Place>) -> PathBuf {
        let base = match (place, self.file.and_then(Path::parent)) {
            (Some(Place::File { .. }), Some(folder)) => folder,
            _ => self.cwd,
        };
        // Without `.` in the middle: people read these paths.
        base.join(path).components().collect()
    }
}

/// Makes the settings; `None` when a problem was found, which is then in the draft.
///
/// A part with a problem of its own is not judged as a whole: that would only add confusion.
pub(crate) fn resolve(
    config: Config,
    context: &Context<'_>,
    draft: &mut Draft,
) -> Option<Settings> {
    let bind = bind::resolve(&config, draft);
    let auth = auth::resolve(&config, context, draft);
    let admin = auth::admin(&config, context, draft);
    let trusted_services = services::resolve(&config, context, draft);
    let storage = storage::resolve(&config, context, draft);
    let long_term = long_term::resolve(&config, storage.as_ref(), context, draft);
    let cors = cors::resolve(&config, draft);
    Some(Settings {
        bind: bind?,
        log: Log {
            level: config.log_level,
            format: config.log_format,
        },
        admin: admin?,
        auth: auth?,
        trusted_services: trusted_services?,
        storage: storage?,
        long_term: long_term?,
        cors: cors?,
        limits: config.limits,
        sse: config.sse,
        shutdown: config.shutdown,
    })
}

/// A problem at the place where `key` was given.
fn problem_at(draft: &Draft, key: &str, message: impl Into<String>) -> Problem {
    let nowhere = || Place::File {
        path: PathBuf::new(),
        at: None,
    };
    Problem::new(
        draft.place(key).cloned().unwrap_or_else(nowhere),
        key,
        message,
    )
}
