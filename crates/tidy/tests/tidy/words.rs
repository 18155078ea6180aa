//! One word for one thing, in everything that people read.

use crate::repository::{File, Findings, files};

/// What is not said, and the word of this project for it.
const SYNONYMS: &[(&str, &str)] = &[
    ("seqno", "index"),
    ("event number", "index"),
    ("end offset", "tail"),
    ("log end", "tail"),
    ("high watermark", "tail"),
    ("high-water mark", "tail"),
    ("low watermark", "trim point"),
    ("low-water mark", "trim point"),
    ("truncation point", "trim point"),
    ("start offset", "trim point"),
    ("resume token", "cursor"),
    ("continuation token", "cursor"),
    ("page token", "cursor"),
    ("version token", "revision"),
    ("etag", "revision"),
    ("log incarnation", "epoch"),
    ("log generation", "epoch"),
    ("job status", "task status"),
    ("job id", "task id"),
    ("job state", "task status"),
    ("task state", "task status"),
    ("state transition", "transition"),
    ("close the log", "seal"),
    ("closed log", "sealed log"),
    ("event stream key", "series"),
];

#[test]
fn things_are_called_by_one_name() {
    let mut findings = Findings::remedied_by("Use the word that ARCHITECTURE.md defines.");
    for file in files() {
        for (number, line) in prose(&file) {
            let line = line.to_lowercase();
            for (synonym, word) in SYNONYMS {
                if has_words(&line, synonym) {
                    let what = format!("says \"{synonym}\"; here it is called \"{word}\"");
                    findings.add(&file.path, number, what);
                }
            }
        }
    }
    findings.report();
}

/// The lines of a document, or the documentation comments of a Rust file.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let (is_document, is_source) = (file.path.ends_with(".md"), file.path.ends_with(".rs"));
    file.lines().filter(move |(_, line)| {
        let line = line.trim_start();
        let is_comment = line.starts_with("///") || line.starts_with("//!");
        is_document || is_source && is_comment
    })
}

/// Whether `line` has `phrase` as whole words, or their plural.
fn has_words(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let after = &line[at + phrase.len()..];
        let after = after.strip_prefix('s').unwrap_or(after);
        !line[..at].ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    })
}

#[test]
fn a_synonym_is_found_as_whole_words() {
    for (line, expected) in [
        ("the etag of a task", true),
        ("etags are sent", true),
        ("a stretag", false),
        ("etagged", false),
    ] {
        assert_eq!(has_words(line, "etag"), expected, "{line}");
    }
}
