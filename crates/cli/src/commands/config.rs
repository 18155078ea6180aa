//! `taskcast config`: what the configuration comes to, and what it could hold.

use crate::args::{CheckArgs, ConfigCommand, ReferenceArgs};
use crate::output::{Output, printable};
use crate::start::access::access;
use crate::{Failure, environment};
use serde_json::{Value, json};
use taskcast_config::{KeyReference, Loaded, describe, load};

/// Does what is asked about the configuration.
pub(super) fn config(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Reference(args) => reference(args),
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let request = environment::load_request(&args.start.config, args.start.overrides());
    let mut loaded = load(&request).map_err(|errors| {
        if args.json.json {
            let _ = Output::new().json(&json!({ "problems": errors }));
            return Failure::Silent(2);
        }
        Failure::usage(errors)
    })?;
    loaded.warnings.extend(access(&loaded.settings)?.warning);
    match args.json.json {
        true => Output::new().json(&loaded),
        false => show(&loaded),
    }
}

fn show(loaded: &Loaded) -> Result<(), Failure> {
    let mut out = Output::new();
    match &loaded.file {
        Some(file) => out.line(format_args!("file: {}", file.display()))?,
        None => out.line("file: (none)")?,
    }
    out.line("given:")?;
    for given in &loaded.given {
        let value = printable(&given.value.to_string());
        out.line(format_args!(
            "  {} = {value}  ({})",
            given.path, given.place
        ))?;
    }
    out.line("effective:")?;
    let settings = serde_json::to_value(&loaded.settings).map_err(Failure::failed)?;
    for (path, value) in leaves("", &settings) {
        out.line(format_args!("  {path} = {}", printable(&value.to_string())))?;
    }
    for warning in &loaded.warnings {
        out.line(format_args!("warning: {}", printable(warning)))?;
    }
    Ok(())
}

/// Every value that is no section, with its path.
fn leaves(path: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields
            .iter()
            .flat_map(|(name, value)| {
                let separator = if path.is_empty() { "" } else { "." };
                leaves(&format!("{path}{separator}{name}"), value)
            })
            .collect(),
        other => vec![(path.to_owned(), other.clone())],
    }
}

fn reference(args: &ReferenceArgs) -> Result<(), Failure> {
    let keys = describe();
    let mut out = Output::new();
    if args.json.json {
        return out.json(&keys);
    }
    out.line("| key | takes | default | variables | what it does |")?;
    out.line("|---|---|---|---|---|")?;
    for key in &keys {
        out.line(row(key))?;
    }
    Ok(())
}

fn row(key: &KeyReference) -> String {
    let default = key
        .default
        .as_ref()
        .map_or(String::new(), |value| format!("`{value}`"));
    let variables: Vec<String> = key.variables.iter().map(|it| format!("`{it}`")).collect();
    let cells = [
        format!("`{}`", key.path),
        key.takes.clone(),
        default,
        variables.join("<br>"),
        key.doc.split_whitespace().collect::<Vec<_>>().join(" "),
    ];
    format!(
        "| {} |",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The rows of the tables in which the guide lists every key.
    fn rows_of_the_guide() -> BTreeSet<String> {
        let guide = include_str!("../../../../docs/guide/configuration.md");
        let (_, rest) = guide.split_once("\n## Every key\n").unwrap();
        let (section, _) = rest.split_once("\n## ").unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(str::to_owned).collect()
    }

    #[test]
    fn the_guide_has_a_row_for_every_key_and_no_other() {
        let (guide, here) = (
            rows_of_the_guide(),
            describe().iter().map(row).collect::<BTreeSet<_>>(),
        );
        let missing: Vec<&String> = here.difference(&guide).collect();
        let stale: Vec<&String> = guide.difference(&here).collect();
        assert!(
            missing.is_empty() && stale.is_empty(),
            "docs/guide/configuration.md; `taskcast config reference` prints its rows\n\
             missing: {missing:#?}\nstale: {stale:#?}"
        );
    }
}
