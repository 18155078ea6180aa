//! The files the laws are about, and how a broken law is reported.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// One text file of the repository.
pub(crate) struct File {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The number of the line that the byte `at` of `text` is in, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("a root").to_owned()
}

/// Every text file that Git does not ignore, except what others wrote and is kept as it came,
/// in folders named `vendor`.
pub(crate) fn files() -> Vec<File> {
    let ignored = fs::read_to_string(root().join(".gitignore")).expect("a .gitignore");
    let ignored: Vec<&str> = ignored.lines().filter(|line| !line.is_empty()).collect();
    let mut found = Vec::new();
    collect(&root(), "", &ignored, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    let has_root = found.iter().any(|file| file.path == "Cargo.toml");
    assert!(has_root, "the files of the workspace were not found");
    found
}

/// The files whose names end so, such as `.rs`.
pub(crate) fn files_ending(end: &str) -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.path.ends_with(end));
    files
}

fn collect(folder: &Path, prefix: &str, ignored: &[&str], found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if name == ".git" || name == "vendor" || is_ignored(&path, &name, ignored) {
            continue;
        }
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), ignored, found);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            found.push(File { path, text });
        }
    }
}

/// The part of Git's patterns that our `.gitignore` uses: a name or, from the root, a path;
/// with one `*` at most.
fn is_ignored(path: &str, name: &str, ignored: &[&str]) -> bool {
    ignored.iter().any(|pattern| {
        let (subject, pattern) = match pattern.strip_prefix('/') {
            Some(from_root) => (path, from_root),
            None => (name, *pattern),
        };
        match pattern.split_once('*') {
            Some((start, end)) => subject.starts_with(start) && subject.ends_with(end),
            None => subject == pattern,
        }
    })
}

/// What breaks one law.
pub(crate) struct Findings {
    remedy: &'static str,
    found: Vec<String>,
}

impl Findings {
    /// No findings yet, of a law that is kept by doing `remedy`.
    pub(crate) fn remedied_by(remedy: &'static str) -> Self {
        let found = Vec::new();
        Self { remedy, found }
    }

    pub(crate) fn add(&mut self, path: &str, line: usize, what: impl Display) {
        self.found.push(format!("{path}:{line}: {what}"));
    }

    /// Fails the test when there is a finding.
    pub(crate) fn report(self) {
        let Self { remedy, found } = self;
        let count = found.len();
        assert!(
            found.is_empty(),
            "\n{}\n{count} found. {remedy}\n",
            found.join("\n")
        );
    }
}

/// Files that may break a law, each with the reason.
pub(crate) struct Exceptions(pub(crate) &'static [(&'static str, &'static str)]);

impl Exceptions {
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.iter().any(|(excepted, _)| *excepted == path)
    }

    /// An exception that is no longer needed is itself a finding.
    pub(crate) fn must_all_be_in(&self, used: &[String], findings: &mut Findings) {
        for (path, reason) in self.0 {
            if !used.iter().any(|used| used == path) {
                findings.add(path, 1, format!("needs no exception any more ({reason})"));
            }
        }
    }
}

#[test]
fn git_ignores_by_name_or_from_the_root() {
    let ignored = ["/target", "/target-*", "*.db", "dist"];
    for (path, expected) in [
        ("target", true),
        ("target-quick", true),
        ("crates/target", false),
        ("a/b/tasks.db", true),
        ("a/dist", true),
        ("a/distance", false),
    ] {
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(is_ignored(path, name, &ignored), expected, "{path}");
    }
}
