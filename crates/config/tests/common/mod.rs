//! A folder with a configuration file, and what loading it says.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "these helpers are part of tests")]

use std::path::{Path, PathBuf};
use taskcast_config::{LoadRequest, Loaded, Overrides, load};
use tempfile::TempDir;

/// A secret long enough to raise no warning, recognisable when it leaks.
pub(crate) const SECRET: &str = "SECRET-0123456789-0123456789-0123456789";

/// A public key as PEM text; nothing here checks its numbers.
pub(crate) const PEM: &str =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n";

/// What a server would be started with.
pub(crate) struct Start {
    pub(crate) folder: TempDir,
    pub(crate) request: LoadRequest,
}

impl Start {
    /// An empty working directory and environment.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let request = LoadRequest {
            cwd: folder.path().to_owned(),
            ..LoadRequest::default()
        };
        Self { folder, request }
    }

    pub(crate) fn yaml(self, text: &str) -> Self {
        self.file("taskcast.config.yaml", text)
    }

    pub(crate) fn json(self, text: &str) -> Self {
        self.file("taskcast.config.json", text)
    }

    pub(crate) fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.request.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn explicit(mut self, path: impl Into<PathBuf>) -> Self {
        self.request.explicit = Some(path.into());
        self
    }

    pub(crate) fn home(mut self, name: &str) -> Self {
        self.request.home = Some(self.path(name));
        self
    }

    pub(crate) fn flags(mut self, overrides: Overrides) -> Self {
        self.request.overrides = overrides;
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    pub(crate) fn loads(&self) -> Loaded {
        match load(&self.request) {
            Ok(loaded) => loaded,
            Err(errors) => panic!("refused:\n{errors}"),
        }
    }

    /// Every refusal, with the folder's name taken out.
    #[track_caller]
    pub(crate) fn refusals(&self) -> Vec<String> {
        let errors = match load(&self.request) {
            Ok(loaded) => panic!("accepted: {loaded:#?}"),
            Err(errors) => errors,
        };
        let folder = format!("{}/", self.folder.path().display());
        errors
            .0
            .iter()
            .map(|problem| problem.to_string().replace(&folder, ""))
            .collect()
    }

    /// The one refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let all = self.refusals();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.into_iter().next().unwrap()
    }
}

/// A path below the folder of `start`.
pub(crate) fn below(start: &Start, path: &Path) -> String {
    path.strip_prefix(start.folder.path())
        .unwrap()
        .display()
        .to_string()
}
