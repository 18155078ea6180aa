//! Secrets given in place or in a file of their own.

use super::{Context, problem_at};
use crate::draft::Draft;
use crate::locate::read_bounded;
use crate::model::Secret;
use std::path::{Path, PathBuf};

/// The largest key file, in bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// A secret that may be given in two ways.
pub(super) struct Either<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a Option<Secret>,
    pub(super) file_key: &'a str,
    pub(super) file: &'a Option<PathBuf>,
}

impl Either<'_> {
    /// Whether it was given at all.
    pub(super) fn is_given(&self) -> bool {
        self.value.is_some() || self.file.is_some()
    }

    /// The key under which it was given.
    pub(super) fn given_key(&self) -> &str {
        if self.value.is_some() {
            self.key
        } else {
            self.file_key
        }
    }

    /// The secret. `Ok(None)` when it was not given; `Err` when a problem went to the draft.
    pub(super) fn read(
        &self,
        context: &Context<'_>,
        draft: &mut Draft,
    ) -> Result<Option<Secret>, ()> {
        match (self.value, self.file) {
            (None, None) => Ok(None),
            (Some(secret), None) => Ok(Some(secret.clone())),
            (None, Some(file)) => self.read_file(file, context, draft).map(Some),
            (Some(_), Some(_)) => {
                let message = format!("`{}` is given too", last(self.key));
                draft.problem(problem_at(draft, self.file_key, message).hint("keep one of them"));
                Err(())
            }
        }
    }

    fn read_file(
        &self,
        file: &Path,
        context: &Context<'_>,
        draft: &mut Draft,
    ) -> Result<Secret, ()> {
        if file.to_string_lossy().contains(char::is_control) {
            let problem = problem_at(draft, self.file_key, "this is not the path of a file");
            draft.problem(problem.hint("give the path of a file that holds the key"));
            return Err(());
        }
        let path = context.absolute(file, draft.place(self.file_key));
        read_secret(&path).map_err(|reason| {
            let message = format!("cannot use {}: {reason}", path.display());
            draft.problem(problem_at(draft, self.file_key, message));
        })
    }
}

/// The text of a key file without the line end that editors and `echo` leave behind.
fn read_secret(path: &Path) -> Result<Secret, String> {
    let bytes = read_bounded(path, MAX_KEY_BYTES)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("it is empty".into());
    }
    Ok(Secret::new(text))
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
