//! Which file is the configuration, and its text.

use crate::LoadRequest;
use crate::parse::MAX_FILE_BYTES;
use crate::problem::{Place, Problem};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Names in the working directory, in the order in which they are looked for.
const NAMES: [&str; 6] = [
    "taskcast.config.ts",
    "taskcast.config.js",
    "taskcast.config.mjs",
    "taskcast.config.yaml",
    "taskcast.config.yml",
    "taskcast.config.json",
];

/// Extensions of configuration written in JavaScript or TypeScript.
const SCRIPTS: [&str; 6] = ["ts", "js", "mjs", "cjs", "mts", "cts"];

/// The file that was named, or the first that is found.
pub(crate) fn locate(request: &LoadRequest) -> Result<Option<PathBuf>, Problem> {
    let found = match &request.explicit {
        Some(path) => Some(request.cwd.join(path)),
        None => candidates(request).into_iter().find(|path| is_there(path)),
    };
    match found {
        Some(path) if is_script(&path) => Err(script(path)),
        found => Ok(found),
    }
}

/// The text of a configuration file.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    let refuse = |message: String| Problem::of_file(path, None, message);
    let bytes = read_bounded(path, MAX_FILE_BYTES).map_err(|reason| {
        let problem = refuse(format!("cannot read the configuration: {reason}"));
        match is_there(path) {
            true => problem,
            false => problem.hint("check the path given with -c"),
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .map_or(1, line_of_end);
        refuse(format!(
            "the configuration is not UTF-8 text; see line {line}"
        ))
    })
}

/// At most `limit` bytes of a file; the reason is for people.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!("it is larger than {limit} bytes"));
    }
    Ok(bytes)
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "it is a directory".into(),
        _ => error.to_string(),
    }
}

fn line_of_end(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

fn candidates(request: &LoadRequest) -> Vec<PathBuf> {
    let here = NAMES.iter().map(|name| request.cwd.join(name));
    let home = request.home.iter().flat_map(|home| {
        let folder = home.join(".taskcast");
        NAMES
            .iter()
            .filter(|name| !is_script(Path::new(name)))
            .map(move |name| folder.join(name))
    });
    here.chain(home).collect()
}

/// A dangling link counts: skipping it would start with another configuration than intended.
fn is_there(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn is_script(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    SCRIPTS
        .iter()
        .any(|script| extension.eq_ignore_ascii_case(script))
}

fn script(path: PathBuf) -> Problem {
    Problem {
        place: Place::File { path, at: None },
        key: None,
        message: "JavaScript and TypeScript configuration is not supported yet by this build"
            .into(),
        hint: Some("write it as YAML or JSON and name that file with -c".into()),
    }
}
