//! What no file may contain, and what every link has to reach.

use crate::masked::masked;
use crate::repository::{Findings, files, files_ending, line_of, root};
use std::path::Path;

/// Written by a tool, which names its registry.
const GENERATED: &[&str] = &["Cargo.lock"];

// The words are put together here, so that this file does not break its own law.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("yarnpkg", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
];
const MACHINE_FOLDERS: &[&str] = &[concat!("/wo", "rk"), concat!("/ro", "ot")];
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const UNFINISHED_CODE: &[&str] = &[concat!("to", "do!"), concat!("unimplemented", "!")];

#[test]
fn no_file_names_a_package_registry() {
    let mut findings = Findings::remedied_by(
        "Leave the registry to the configuration of the machine that builds.",
    );
    for file in files() {
        if GENERATED.contains(&file.name()) {
            continue;
        }
        for (number, line) in file.lines() {
            for host in REGISTRIES.iter().filter(|host| line.contains(**host)) {
                findings.add(&file.path, number, format!("names `{host}`"));
            }
        }
    }
    findings.report();
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let mut findings =
        Findings::remedied_by("Use a path relative to the repository, or a variable.");
    for file in files() {
        for (number, line) in file.lines() {
            for folder in MACHINE_FOLDERS {
                if line
                    .match_indices(folder)
                    .any(|(at, _)| is_path(line, at, folder))
                {
                    findings.add(&file.path, number, format!("names `{folder}`"));
                }
            }
        }
    }
    findings.report();
}

/// Whether the folder found at `at` starts an absolute path and is a whole name.
fn is_path(line: &str, at: usize, folder: &str) -> bool {
    let part = |found: char| found.is_alphanumeric() || "_-.~/*}".contains(found);
    let before = line[..at].ends_with(part);
    let after = line[at + folder.len()..].starts_with(|next: char| next.is_alphanumeric());
    !before && !after
}

#[test]
fn nothing_is_left_for_later() {
    let mut findings =
        Findings::remedied_by("Finish it, or file an issue and say in the docs what is missing.");
    for file in files() {
        for (number, line) in file.lines() {
            let words = line.split(|found: char| !found.is_alphanumeric());
            for word in words.filter(|word| UNFINISHED.contains(word)) {
                findings.add(&file.path, number, word);
            }
        }
        if file.path.ends_with(".rs") {
            let masked = masked(&file.text);
            for word in UNFINISHED_CODE {
                for (at, _) in masked.match_indices(word) {
                    findings.add(&file.path, line_of(&masked, at), word);
                }
            }
        }
    }
    findings.report();
}

#[test]
fn text_ends_cleanly() {
    let mut findings = Findings::remedied_by("Set up your editor for .editorconfig.");
    for file in files_ending(".rs").into_iter().chain(files_ending(".md")) {
        for (number, line) in file.lines() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.add(&file.path, number, "ends with a space");
            }
        }
        if !file.text.ends_with('\n') {
            let last = file.text.lines().count();
            findings.add(&file.path, last, "does not end with a line end");
        }
    }
    findings.report();
}

#[test]
fn links_between_files_lead_somewhere() {
    let mut findings = Findings::remedied_by("Correct the link, or add the file it promises.");
    for file in files_ending(".md") {
        let folder = root().join(&file.path);
        let folder = folder.parent().expect("a file is in a folder");
        let mut in_code = false;
        for (number, line) in file.lines() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            for link in links(line).filter(|link| !leads_somewhere(folder, link)) {
                findings.add(&file.path, number, format!("`{link}` does not exist"));
            }
        }
    }
    findings.report();
}

/// The targets of `[text](target)` and `[name]: target` outside inline code.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    let prose = line.split('`').step_by(2);
    prose
        .flat_map(|prose| prose.split("](").skip(1))
        .filter_map(|rest| rest.split([')', ' ']).next())
        // A link whose text is inline code closes in the next piece.
        .chain(definition.map(|(_, target)| target.trim()))
}

fn leads_somewhere(folder: &Path, link: &str) -> bool {
    let path = link.split('#').next().unwrap_or_default();
    let elsewhere = link.contains("://") || link.starts_with("mailto:");
    elsewhere || path.is_empty() || folder.join(path).exists()
}

#[test]
fn links_are_found_in_prose_only() {
    for (line, expected) in [
        ("see [a](b.md) and [`c`](d.md#e)", vec!["b.md", "d.md#e"]),
        ("`[a](b.md)` is how", vec![]),
        ("[name]: docs/x.md", vec!["docs/x.md"]),
    ] {
        assert_eq!(links(line).collect::<Vec<_>>(), expected, "{line}");
    }
}

#[test]
fn a_machine_folder_is_a_whole_name_at_the_start_of_a_path() {
    let folder = MACHINE_FOLDERS[0];
    for (before, after, expected) in [
        ("in ", "/main", true),
        ("\"", "\"", true),
        ("frame", "/x", false),
        ("", "ers", false),
    ] {
        let line = format!("{before}{folder}{after}");
        assert_eq!(is_path(&line, before.len(), folder), expected, "{line}");
    }
}
