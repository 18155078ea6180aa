//! A process that ends with its owner, and what every server needs of the machine.

use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start or stop on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A child process.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a command whose output goes to a file.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Self {
        let open = || std::fs::File::options().create(true).append(true).open(log);
        command
            .stdin(Stdio::null())
            .stdout(open().unwrap())
            .stderr(open().unwrap());
        let name = command.get_program().to_owned();
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{name:?} does not start: {error}")))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid(), signal);
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits for its end, which somebody has asked for.
    pub(crate) fn wait(&mut self) {
        let since = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < PATIENCE, "a server does not end");
            pause();
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process takes no signal but this one.
        self.kill();
    }
}

/// Between two looks.
#[expect(
    clippy::disallowed_methods,
    reason = "starting a server blocks its test"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

/// Waits until something holds.
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

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A program in the path, or in one of further folders.
pub(crate) fn find(program: &str, folders: &[PathBuf], package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(folders.iter().cloned());
    let found = folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("{program} is not installed: install the Debian package {package}")
    })
}
