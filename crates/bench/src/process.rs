//! Servers as processes of their own, and what they use.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A program.
pub(crate) struct Binary(pub(crate) PathBuf);

impl Binary {
    /// This program.
    pub(crate) fn itself() -> io::Result<Self> {
        std::env::current_exe().map(Self)
    }

    /// The program of another name in the same folder.
    pub(crate) fn sibling(&self, name: &str) -> io::Result<Self> {
        let path = self.0.with_file_name(name);
        if path.is_file() {
            return Ok(Self(path));
        }
        let text = format!(
            "{} is not there: build it, or name it with --server",
            path.display()
        );
        Err(io::Error::new(io::ErrorKind::NotFound, text))
    }
}

/// Where a measured server keeps its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Memory,
    SqliteFull,
    SqliteProcess,
    /// Servers beside it, which variables name.
    Shared {
        name: &'static str,
        variables: Vec<(&'static str, String)>,
    },
}

impl Storage {
    /// Those that need no other server.
    pub(crate) const ALONE: [Self; 3] = [Self::Memory, Self::SqliteProcess, Self::SqliteFull];

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Shared { name, .. } => name,
            Self::Memory => "memory",
            Self::SqliteFull => "sqlite full",
            Self::SqliteProcess => "sqlite process",
        }
    }

    fn variables(&self) -> &[(&'static str, String)] {
        match self {
            Self::Shared { variables, .. } => variables,
            _ => &[],
        }
    }

    fn config(&self) -> &'static str {
        match self {
            Self::Shared { .. } => "",
            Self::Memory => "adapters:\n  shortTerm:\n    provider: memory\n",
            Self::SqliteFull => {
                "adapters:\n  shortTerm:\n    provider: sqlite\n    durability: full\n"
            }
            Self::SqliteProcess => {
                "adapters:\n  shortTerm:\n    provider: sqlite\n    durability: process\n"
            }
        }
    }
}

/// A process that listens.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pid: u32,
    // Kept so that the process can go on writing, and its folder exists as long as it does.
    _output: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Process {
    /// Starts a Taskcast server in a folder of its own.
    pub(crate) async fn taskcast(binary: &Binary, storage: &Storage) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (config, variables) = (storage.config(), storage.variables());
        std::fs::write(folder.path().join("taskcast.config.yaml"), config)?;
        Self::start(&binary.0, &["start", "--port", "0"], variables, folder).await
    }

    /// Starts a floor: this program with other arguments.
    pub(crate) async fn floor(itself: &Binary, arguments: &[&str]) -> io::Result<Self> {
        Self::start(&itself.0, arguments, &[], tempfile::tempdir()?).await
    }

    async fn start(
        program: &Path,
        arguments: &[&str],
        variables: &[(&'static str, String)],
        folder: TempDir,
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .envs(variables.iter().cloned())
            .current_dir(folder.path())
            .env("TASKCAST_LOG_LEVEL", "error")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(output).lines();
        let address = timeout(Duration::from_secs(30), address(&mut lines)).await??;
        let pid = child.id().ok_or_else(|| io::Error::other("it has ended"))?;
        Ok(Self {
            child,
            address,
            pid,
            _output: lines,
            _folder: folder,
        })
    }

    /// Processor time used so far by the threads that live, to the nanosecond.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut used = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end between the two looks.
            let text = std::fs::read_to_string(thread?.path().join("schedstat"));
            let first = text
                .ok()
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
            used += first.unwrap_or(0);
        }
        Ok(Duration::from_nanos(used))
    }

    /// Memory held, in bytes.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.unwrap_or(0) * 1024)
    }

    /// Ends the process.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

/// The address in the first line that has one: `…http://localhost:3721…`.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> io::Result<SocketAddr> {
    while let Some(line) = lines.next_line().await? {
        let port = line.split_once("http://").and_then(|(_, rest)| {
            let digits: String = rest
                .rsplit(':')
                .next()?
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse::<u16>().ok()
        });
        if let Some(port) = port {
            return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
        }
    }
    Err(io::Error::other(
        "the server ended without saying where it listens",
    ))
}
