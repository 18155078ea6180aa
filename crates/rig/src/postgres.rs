//! A PostgreSQL server of one's own.

use crate::process::{Process, find, free_port, until};
use rustix::process::Signal;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// How a PostgreSQL server is set up.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Settings of `postgresql.conf`, such as `max_connections=20`.
    pub settings: Vec<String>,
    /// The password of the user, which then is needed.
    pub password: Option<String>,
    /// Whether acknowledged transactions survive a crash of the machine; a crash of the server they
    /// always survive.
    pub fsync: bool,
}

/// A PostgreSQL server on a free port. As root it runs under the user `postgres`, since it refuses
/// to run as root.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    port: u16,
    options: PostgresOptions,
    process: Option<Process>,
    databases: AtomicU32,
}

/// The user that owns the cluster.
const USER: &str = "taskcast";

impl PostgresServer {
    /// Makes a cluster, starts its server and waits until it answers.
    #[must_use]
    pub fn start(options: &PostgresOptions) -> Self {
        let folder = TempDir::new().unwrap();
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut server = Self {
            folder,
            port: free_port(),
            options: options.clone(),
            process: None,
            databases: AtomicU32::new(0),
        };
        server.make_cluster();
        server.restart();
        server
    }

    fn make_cluster(&self) {
        let password_file = self.folder.path().join("password");
        let mut command = program("initdb");
        command
            .args(["--username", USER, "--encoding", "UTF8", "--locale", "C"])
            .args(["--no-sync", "--pgdata"])
            .arg(self.data());
        match &self.options.password {
            Some(password) => {
                std::fs::write(&password_file, password).unwrap();
                command
                    .args(["--auth", "scram-sha-256", "--pwfile"])
                    .arg(&password_file);
            }
            None => {
                command.args(["--auth", "trust"]);
            }
        }
        let made = command.output().unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
    }

    /// The port, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the database `postgres`, with the password if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres", self.port)
    }

    /// The URL of a database through a proxy that listens on a port.
    #[must_use]
    pub fn url_of(&self, database: &str, port: u16) -> String {
        match &self.options.password {
            Some(password) => format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}"),
            None => format!("postgres://{USER}@127.0.0.1:{port}/{database}"),
        }
    }

    /// Makes an empty database that nobody else uses; gives its name.
    pub fn new_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("taskcast_{number}");
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL in a database; gives its rows, one per line, columns separated by `|`.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let ran = self.try_psql(database, sql);
        ran.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = Command::new(find("psql", &binaries(), "postgresql-client"));
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url_of(database, self.port))
            .env("PGCONNECT_TIMEOUT", "5");
        let ran = command.output().map_err(|error| error.to_string())?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&ran.stderr).into_owned())
    }

    /// Ends the server and its children without warning, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The children end with the postmaster's death, which they notice.
            process.kill();
        }
    }

    /// Ends the server properly; its clients are cut off.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::INT);
            process.wait();
        }
    }

    /// Starts the server again, on the same folder and port, and waits until it answers.
    pub fn restart(&mut self) {
        self.stop();
        until("PostgreSQL starts", || {
            let mut process = self.spawn();
            // After a kill its children may hold the memory for a moment: then it ends at once.
            until("PostgreSQL answers", || {
                process.has_ended() || self.try_psql("postgres", "SELECT 1").is_ok()
            });
            let runs = !process.has_ended();
            self.process = runs.then_some(process);
            runs
        });
    }

    fn spawn(&self) -> Process {
        let mut command = program("postgres");
        command.arg("-D").arg(self.data());
        command.args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        command.args(["-c", "unix_socket_directories="]);
        if !self.options.fsync {
            command.args(["-c", "fsync=off"]);
        }
        for setting in &self.options.settings {
            command.args(["-c", setting]);
        }
        Process::spawn(&mut command, &self.folder.path().join("log"))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // A fast stop, so that no child of it is left over.
        self.stop();
    }
}

/// A program of the server, run by a user that may run it.
fn program(name: &str) -> Command {
    let mut command = Command::new(find(name, &binaries(), "postgresql"));
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    // The folder of the test may not be open to that user.
    command.current_dir("/");
    command
}

/// Where Debian keeps the programs of its versions, the newest first.
fn binaries() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let path = version.ok()?.path();
            let number = path.file_name()?.to_str()?.parse().ok()?;
            Some((number, path.join("bin")))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The user and group to run as: those of `postgres` when the test runs as root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line = line.expect("no user postgres: install the Debian package postgresql");
    let mut numbers = line.split(':').skip(2).map(|field| field.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
