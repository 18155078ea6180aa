//! The shape of Rust files: small, documented, read from the top.

use crate::masked::{functions, masked};
use crate::repository::{Exceptions, File, Findings, files_ending, line_of};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

/// Files that may be longer than [`FILE_LINES`].
const LONG_FILES: Exceptions = Exceptions(&[]);

/// Files with functions that may be longer than [`FUNCTION_LINES`].
const LONG_FUNCTIONS: Exceptions = Exceptions(&[]);

#[test]
fn a_file_says_first_what_it_is_for() {
    let mut findings =
        Findings::remedied_by("Open the file with `//!` and the one reason it exists.");
    for file in files_ending(".rs") {
        if !file.text.starts_with("//!") {
            findings.add(&file.path, 1, "does not open with `//!`");
        }
    }
    findings.report();
}

#[test]
fn a_file_is_short() {
    let mut findings = Findings::remedied_by(
        "Split the file where it has a second reason to exist, or add it with a reason to \
         LONG_FILES in crates/tidy/tests/tidy/source.rs.",
    );
    let (mut lengths, mut excepted) = (Vec::new(), Vec::new());
    for file in files_ending(".rs") {
        let length = lines_before_tests(&file);
        lengths.push(length);
        if length <= FILE_LINES {
            continue;
        }
        if LONG_FILES.has(&file.path) {
            excepted.push(file.path);
        } else {
            let what = format!("has {length} lines, {FILE_LINES} are allowed");
            findings.add(&file.path, length, what);
        }
    }
    println!("lines of a file: {}", spread(lengths));
    LONG_FILES.must_all_be_in(&excepted, &mut findings);
    findings.report();
}

#[test]
fn a_function_fits_a_screen() {
    let mut findings = Findings::remedied_by(
        "Give its parts names and move them below, or add the file with a reason to \
         LONG_FUNCTIONS in crates/tidy/tests/tidy/source.rs.",
    );
    let (mut lengths, mut excepted) = (Vec::new(), Vec::new());
    for file in files_ending(".rs") {
        for function in functions(&masked(&file.text)) {
            lengths.push(function.lines);
            if function.lines <= FUNCTION_LINES {
                continue;
            }
            if LONG_FUNCTIONS.has(&file.path) {
                excepted.push(file.path.clone());
                continue;
            }
            let (name, lines) = (function.name, function.lines);
            let what = format!("`{name}` has {lines} lines, {FUNCTION_LINES} are allowed");
            findings.add(&file.path, function.line, what);
        }
    }
    println!("lines of a function: {}", spread(lengths));
    LONG_FUNCTIONS.must_all_be_in(&excepted, &mut findings);
    findings.report();
}

#[test]
fn exports_are_named() {
    let mut findings = Findings::remedied_by(
        "Name what is exported, so that a reader finds it and nothing slips out.",
    );
    for file in files_ending(".rs") {
        let masked = masked(&file.text);
        for (at, _) in masked.match_indices("pub use ") {
            let used = masked[at..].split(';').next().unwrap_or_default();
            if used.contains('*') {
                findings.add(&file.path, line_of(&masked, at), used.trim());
            }
        }
    }
    findings.report();
}

#[test]
fn the_core_is_pure() {
    const IMPURE: [&str; 10] = [
        "std::fs",
        "std::net",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "Instant::now",
        "SystemTime::now",
        "async fn",
        "static mut",
    ];
    let mut findings = Findings::remedied_by(
        "The core does no input or output, reads no clock and draws no random number: pass the \
         value in.",
    );
    for file in files_ending(".rs") {
        if !file.path.starts_with("crates/core/src/") {
            continue;
        }
        let masked = masked(&file.text);
        for word in IMPURE {
            for (at, _) in masked.match_indices(word) {
                findings.add(&file.path, line_of(&masked, at), format!("`{word}`"));
            }
        }
    }
    findings.report();
}

/// Tests at the end of a file do not count.
fn lines_before_tests(file: &File) -> usize {
    let mut lines = file.text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let opens = |next: &&str| next.contains("mod ") && next.ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            break;
        }
        count += 1;
    }
    count
}

fn spread(mut lengths: Vec<usize>) -> String {
    lengths.sort_unstable();
    let at = |percent: usize| lengths[(lengths.len() - 1) * percent / 100];
    let (median, p90, most) = (at(50), at(90), at(100));
    format!("median {median}, p90 {p90}, most {most}")
}
