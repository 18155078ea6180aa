//! From a file, the environment and the command line to settings.

use crate::describe::describe;
use crate::draft::Draft;
use crate::keys::{ROOT, Shape};
use crate::model::{Config, LogLevel};
use crate::parse::parse;
use crate::problem::{ConfigErrors, Place, Problem};
use crate::resolve::{Context, resolve};
use crate::settings::Settings;
use crate::{check, environment, interpolate, locate, sentry};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What settings are made of; nothing else is looked at.
#[derive(Clone, Debug, Default)]
pub struct LoadRequest {
    /// The file named with `-c`, relative to `cwd`.
    pub explicit: Option<PathBuf>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The home directory, where `.taskcast/taskcast.config.yaml` may be.
    pub home: Option<PathBuf>,
    /// The environment variables.
    pub env: BTreeMap<String, String>,
    /// What was given on the command line.
    pub overrides: Overrides,
}

/// What was given on the command line; it wins over everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--port`.
    pub port: Option<u16>,
    /// `--host`.
    pub host: Option<String>,
    /// `--storage`, as typed.
    pub storage: Option<String>,
    /// `--db-path`, relative to the working directory.
    pub db_path: Option<PathBuf>,
    /// `--verbose`, as the level it stands for.
    pub log_level: Option<LogLevel>,
}

/// Settings and where they came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// What the server runs with.
    pub settings: Settings,
    /// The configuration file, when there is one.
    pub file: Option<PathBuf>,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
    /// Every key that was given, with its place; secrets redacted.
    pub given: Vec<Given>,
}

/// A key that was given a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// The key, as `auth.jwt.leewaySeconds`.
    pub path: String,
    /// Its value; `"[redacted]"` for secrets.
    pub value: Value,
    /// Where it was given.
    pub place: Place,
}

/// Loads the settings: command line over environment over file over defaults.
///
/// # Errors
/// With everything that is wrong, not only the first; nothing is ever skipped or guessed.
pub fn load(request: &LoadRequest) -> Result<Loaded, ConfigErrors> {
    let mut draft = Draft::default();
    let file = match locate::locate(request) {
        Ok(file) => file,
        Err(problem) => {
            draft.problem(problem);
            None
        }
    };
    if let Some(file) = &file {
        read_file(file, &request.env, &mut draft);
    }
    environment::apply(&request.env, &mut draft);
    apply_overrides(&request.overrides, &mut draft);

    let context = Context {
        cwd: &request.cwd,
        file: file.as_deref(),
    };
    let settings = match serde_json::from_value::<Config>(draft.document()) {
        Ok(config) => resolve(config, &context, &mut draft),
        Err(_) => {
            // The serde message could hold a value; only a fault in this crate leads here.
            draft.problem(Problem::of_file(
                file.clone().unwrap_or_default(),
                None,
                "values that fit one by one do not fit together; please report this",
            ));
            None
        }
    };
    match settings {
        Some(settings) if draft.problems.is_empty() => Ok(Loaded {
            settings,
            file,
            given: given(&draft),
            warnings: draft.warnings,
        }),
        _ => Err(ConfigErrors(draft.problems)),
    }
}

fn read_file(file: &Path, environment: &BTreeMap<String, String>, draft: &mut Draft) {
    let text = match locate::read(file) {
        Ok(text) => text,
        Err(problem) => return draft.problem(problem),
    };
    match parse(file, &text) {
        Ok(None) => {}
        Ok(Some(mut root)) => {
            sentry::settle(&mut root, environment, file, draft);
            interpolate::interpolate(&mut root, environment, file, &mut draft.problems);
            check::check(&root, file, draft);
        }
        Err(error) => draft.problem(Problem::of_file(file, error.at, error.message)),
    }
}

fn apply_overrides(overrides: &Overrides, draft: &mut Draft) {
    let flag = |name: &str| Place::Flag {
        name: name.to_owned(),
    };
    if let Some(port) = overrides.port {
        draft.set("port", port.into(), flag("--port"));
    }
    if let Some(host) = &overrides.host {
        draft.set("host", host.clone().into(), flag("--host"));
    }
    if let Some(level) = overrides.log_level {
        draft.set("logLevel", level.as_str().into(), flag("--verbose"));
    }
    if let Some(path) = &overrides.db_path {
        match path.to_str() {
            Some(text) => draft.set("adapters.shortTerm.path", text.into(), flag("--db-path")),
            None => draft.problem(Problem::new(
                flag("--db-path"),
                "adapters.shortTerm.path",
                "the path is not UTF-8 text",
            )),
        }
    }
    if let Some(text) = &overrides.storage {
        apply_storage(text, flag("--storage"), draft);
    }
}

fn apply_storage(text: &str, place: Place, draft: &mut Draft) {
    const PATH: &str = "adapters.shortTerm.provider";
    let Some(property) = find(PATH) else { return };
    match environment::storage(property, text) {
        Ok(value) => draft.set(PATH, value, place),
        Err(message) => draft.problem(Problem::new(place, PATH, message)),
    }
}

fn find(path: &str) -> Option<&'static crate::keys::Property> {
    let mut properties: &'static [_] = &ROOT;
    let mut found = None;
    for name in path.split('.') {
        let property = properties.iter().find(|property| property.name == name)?;
        if let Shape::Section(inner) = &property.shape {
            properties = inner;
        }
        found = Some(property);
    }
    found
}

/// What was given, for `config check`.
fn given(draft: &Draft) -> Vec<Given> {
    let secrets: Vec<String> = describe()
        .into_iter()
        .filter(|key| key.secret)
        .map(|key| key.path)
        .collect();
    let shown = |path: &str, value: &Value| match secrets.contains(&without_indexes(path)) {
        true => Value::from("[redacted]"),
        false => value.clone(),
    };
    let all = draft.values();
    all.map(|(path, value, place)| Given {
        path: path.to_owned(),
        value: shown(path, value),
        place: place.clone(),
    })
    .collect()
}

/// `trustedServices[3].key` is described as `trustedServices[].key`.
fn without_indexes(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            inside = (inside || *c == '[') && *c != ']';
            !inside || *c == '['
        })
        .collect()
}
