//! A server of one's own for a test: the built binary, in a folder of its own, on a free port.
//!
//! ```no_run
//! # use support::Server;
//! let mut server = Server::start(&["--storage", "sqlite"]);
//! let task = server.taskcast(&["tasks", "create"]).stdout();
//! server.kill(); // as a crash would
//! server.restart(); // same folder, same port
//! ```
//!
//! Nothing here ends a process that the test did not start, and every process that it started ends
//! with the test, also with one that fails.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and it is a test"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The built program.
pub(crate) const TASKCAST: &str = env!("CARGO_BIN_EXE_taskcast");

/// How long a process may take for what it does at once on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, with its data in a temporary folder.
pub(crate) struct Server {
    folder: TempDir,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    process: Process,
    url: String,
    start_lines: Vec<String>,
}

impl Server {
    /// Starts a server on a free port with these further arguments, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[], |_| {})
    }

    /// Starts a server with variables, in a folder that `prepare` fills first (configuration, keys).
    pub(crate) fn start_with(
        arguments: &[&str],
        variables: &[(&str, &str)],
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        prepare(folder.path());
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (process, start_lines) = spawn(folder.path(), &arguments, &variables, "0");
        Self {
            url: url_of(&start_lines),
            folder,
            arguments,
            variables,
            process,
            start_lines,
        }
    }

    /// `http://localhost:PORT`, the same after a restart.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The port, the same after a restart.
    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// What the server said when it started, up to and with the line of its address.
    pub(crate) fn start_lines(&self) -> &[String] {
        &self.start_lines
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap()
    }

    /// The id of the process that runs now.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends the process without warning (SIGKILL), as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks the process to stop (SIGTERM).
    pub(crate) fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }

    /// Starts the server again, on the same folder and port, and waits until it listens. The
    /// process before it has to be gone.
    pub(crate) fn restart(&mut self) {
        let port = self.port().to_owned();
        let (process, lines) = spawn(self.folder.path(), &self.arguments, &self.variables, &port);
        (self.process, self.start_lines) = (process, lines);
    }

    /// A command of the program that talks to this server, in the server's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder());
        command.args(arguments).env("TASKCAST_URL", &self.url);
        command
    }

    /// Runs such a command to its end, without input.
    pub(crate) fn taskcast(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Starts `taskcast pipe` with these arguments; write into its [`Process::stdin`].
    pub(crate) fn pipe(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(&["pipe"]);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        Process::spawn(&mut command)
    }
}

/// The program, started in a folder and with an empty environment.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(TASKCAST);
    command.current_dir(folder).env_clear().env("HOME", folder);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn spawn(
    folder: &Path,
    arguments: &[String],
    variables: &[(String, String)],
    port: &str,
) -> (Process, Vec<String>) {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut command = program(folder);
    command
        .arg("start")
        .args(arguments)
        .envs(variables.iter().cloned());
    let chosen = |it: &String| matches!(it.as_str(), "-p" | "--port");
    if !arguments.iter().any(chosen) {
        command.args(["--port", port]);
    }
    command
        .stdout(Stdio::piped())
        .stderr(log)
        .stdin(Stdio::null());
    let mut process = Process::spawn(&mut command);
    let mut lines = Vec::new();
    for line in BufReader::new(process.stdout()).lines() {
        let line = line.unwrap();
        let listens = line.starts_with("Taskcast is listening on ");
        lines.push(line);
        if listens {
            return (process, lines);
        }
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    panic!("the server did not start: {lines:?}\n{log}");
}

fn url_of(lines: &[String]) -> String {
    let line = lines.last().unwrap();
    line.strip_prefix("Taskcast is listening on ")
        .unwrap()
        .to_owned()
}

/// A process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its input, once; dropping it is the end of the input.
    pub(crate) fn stdin(&mut self) -> std::process::ChildStdin {
        self.0.stdin.take().unwrap()
    }

    /// Its output, once.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }

    /// Its error output by lines, once.
    pub(crate) fn error_lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let lines = BufReader::new(self.0.stderr.take().unwrap()).lines();
        lines.map(|line| line.unwrap())
    }

    /// Sends a signal: `TERM`, `INT`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "a process does not end");
            pause();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that has ended.
pub(crate) struct Ran(Output);

impl Ran {
    /// Runs a command to its end, without input.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Its exit code.
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    /// Its output, which it gave with success, without the end of the last line.
    pub(crate) fn stdout(&self) -> String {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        self.any_stdout()
    }

    /// Its output, successful or not, without the end of the last line.
    pub(crate) fn any_stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone())
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Its error output.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Its output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout()).unwrap()
    }
}

/// Waits until something holds, for a bounded time.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(
            since.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        pause();
    }
}

/// Between two looks.
#[expect(clippy::disallowed_methods, reason = "a test without a runtime polls")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

/// Reads everything that is left of a stream.
pub(crate) fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

/// A path below a folder, as text.
pub(crate) fn path_text(folder: &Path, name: &str) -> String {
    let path: PathBuf = folder.join(name);
    path.to_str().unwrap().to_owned()
}
