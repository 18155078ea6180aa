//! Which crate may know which, and how their manifests look.

use crate::repository::{Findings, files_ending, root};
use serde_json::Value;
use std::env;
use std::process::Command;

/// Each crate and the crates of ours that it may build on; tests may use others.
/// Only programs name a concrete store.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("store", &["core"]),
    ("store-sqlite", &["core", "store"]),
    ("store-redis", &["core", "store"]),
    ("store-postgres", &["core", "store"]),
    ("rig", &[]),
    ("engine", &["core", "store"]),
    ("api", &["core"]),
    ("auth", &["core"]),
    ("config", &["core"]),
    ("server", &["api", "auth", "core", "engine", "store"]),
    ("client", &["api", "core"]),
    ("sim", &["core", "engine", "store", "store-sqlite"]),
    ("embed", ANY),
    ("bench", ANY),
    ("cli", ANY),
    ("tidy", &[]),
];

const ANY: &[&str] = &["*"];

#[test]
fn dependencies_point_inwards() {
    let mut findings = Findings::remedied_by(
        "Move the code to the crate that may know both, or pass it in behind a port. A new crate \
         is added to MAY_KNOW in crates/tidy/tests/tidy/crates.rs and to ARCHITECTURE.md.",
    );
    for package in packages() {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == package.name) else {
            findings.add(&manifest, 1, "is a crate that the law does not know");
            continue;
        };
        for other in &package.builds_on {
            if *allowed != ANY && !allowed.contains(&other.as_str()) {
                let what = format!("`{}` may not know `{other}`", package.name);
                findings.add(&manifest, 1, what);
            }
        }
    }
    findings.report();
}

#[test]
fn dependencies_are_sorted() {
    let mut findings = Findings::remedied_by("Sort the names between two empty lines.");
    for file in files_ending("Cargo.toml") {
        let (mut listing, mut last) = (false, "");
        for (number, line) in file.lines() {
            if line.starts_with('[') {
                listing = line.ends_with("dependencies]");
            }
            if line.is_empty() || line.starts_with('[') {
                last = "";
            } else if listing && line.starts_with(|first: char| first.is_alphanumeric()) {
                let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
                if name < last {
                    let what = format!("`{name}` stands after `{last}`");
                    findings.add(&file.path, number, what);
                }
                last = name;
            }
        }
    }
    findings.report();
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let mut findings = Findings::remedied_by("Add `[lints]` with `workspace = true`.");
    for file in files_ending("Cargo.toml") {
        if file.path.starts_with("crates/") && !file.text.contains("[lints]\nworkspace = true") {
            findings.add(&file.path, 1, "has lints of its own");
        }
    }
    findings.report();
}

struct Package {
    /// Without the common prefix.
    name: String,
    /// The crates of ours that its own code uses.
    builds_on: Vec<String>,
}

fn packages() -> Vec<Package> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(package).collect()
}

fn package(package: &Value) -> Package {
    let ours = |value: &Value| {
        let name = value["name"].as_str()?;
        name.strip_prefix("taskcast-").map(str::to_owned)
    };
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    let own_code = dependencies.iter().filter(|found| found["kind"] != "dev");
    Package {
        name: ours(package).expect("crates are named taskcast-something"),
        builds_on: own_code.filter_map(ours).collect(),
    }
}
