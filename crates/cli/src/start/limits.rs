//! Open files, and how many subscribers they allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are left for the database, for other requests and for listeners.
const RESERVE: u64 = 256;
/// More than this no single process serves.
const MOST_SUBSCRIBERS: u64 = 1_000_000;

/// Raises the limit of open files as far as this process may, and tells how many it may open now.
pub(super) fn raise_open_files() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if before.current == before.maximum {
        return count(before.current);
    }
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => {
            let (was, now) = (count(before.current), count(wanted.current));
            tracing::info!(was, now, "raised the limit of open files");
            now
        }
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            count(before.current)
        }
    }
}

/// No limit is a very high one.
fn count(limit: Option<u64>) -> u64 {
    limit.unwrap_or(u64::MAX)
}

/// How many subscribers one instance takes: as configured, or else as many as the files allow.
/// With a warning when more are configured than that.
pub(super) fn subscribers(configured: Option<usize>, files: u64) -> (usize, Option<String>) {
    let allowed = files
        .saturating_sub(RESERVE)
        .max(files / 2)
        .clamp(1, MOST_SUBSCRIBERS);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    match configured {
        None => (allowed, None),
        Some(count) => {
            let warning = format!(
                "limits.subscribers is {count}, but this process may open {files} files only; \
                 raise the limit of open files (ulimit -n)"
            );
            (count, (count > allowed).then_some(warning))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_follow_the_files_unless_they_are_configured() {
        assert_eq!(subscribers(None, 1_024).0, 768);
        assert_eq!(subscribers(None, 100).0, 50);
        assert_eq!(subscribers(None, 0).0, 1);
        assert_eq!(subscribers(None, u64::MAX).0, 1_000_000);
        assert_eq!(subscribers(Some(10), 1_024), (10, None));
        let (count, warning) = subscribers(Some(5_000), 1_024);
        assert_eq!(count, 5_000);
        assert!(warning.is_some_and(|text| text.contains("1024 files")));
    }
}
