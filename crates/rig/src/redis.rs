//! A Redis server of one's own.

use crate::process::{Process, find, free_port, until};
use crate::resp::Resp;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How a Redis server is set up. By default it keeps nothing on disk.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Lines of `redis.conf`, such as `appendonly yes`.
    pub config: Vec<String>,
    /// The password of the default user, which then is needed.
    pub password: Option<String>,
}

impl RedisOptions {
    /// Keeps an append-only file, synced `always`, `everysec` or `no`.
    #[must_use]
    pub fn with_aof(sync: &str) -> Self {
        Self {
            config: vec!["appendonly yes".into(), format!("appendfsync {sync}")],
            password: None,
        }
    }
}

/// A Redis server on a free port.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    password: Option<String>,
    process: Option<Process>,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    #[must_use]
    pub fn start(options: &RedisOptions) -> Self {
        started(|| Self::try_start(options))
    }

    /// Starts a server; else what it logged.
    pub(crate) fn try_start(options: &RedisOptions) -> Result<Self, String> {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let mut lines = vec![
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", folder.path().display()),
            "save \"\"".to_owned(),
            "daemonize no".to_owned(),
        ];
        lines.extend(
            options
                .password
                .iter()
                .map(|it| format!("requirepass {it}")),
        );
        lines.extend(options.config.iter().cloned());
        std::fs::write(folder.path().join("redis.conf"), lines.join("\n")).unwrap();
        let mut server = Self {
            folder,
            port,
            password: options.password.clone(),
            process: None,
        };
        server.launch()?;
        Ok(server)
    }

    /// The port, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL, with the password if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The URL through a proxy that listens on a port.
    #[must_use]
    pub fn url_through(&self, port: u16) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{port}"),
            None => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// Where its files are: the append-only file lies in `appendonlydir` (7.0) or beside the
    /// configuration.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file that the newest commands are appended to, if there is one.
    #[must_use]
    pub fn append_only_file(&self) -> Option<PathBuf> {
        let of = |folder: PathBuf| {
            let files = std::fs::read_dir(folder).ok()?;
            let paths = files.filter_map(|file| Some(file.ok()?.path()));
            let mut found: Vec<PathBuf> = paths
                .filter(|path| path.extension().is_some_and(|end| end == "aof"))
                .filter(|path| !path.to_string_lossy().contains(".base."))
                .collect();
            found.sort();
            found.pop()
        };
        of(self.folder().join("appendonlydir")).or_else(|| of(self.folder().to_owned()))
    }

    /// Takes bytes off the end of the append-only file of a server that does not run. Redis itself
    /// then drops the command that was cut in two.
    pub fn cut_append_only_file(&self, bytes: u64) {
        let path = self.append_only_file().expect("an append-only file");
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(bytes)).unwrap();
    }

    /// Sends a command on a connection of its own; gives the raw reply.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        let mut connection = Resp::connect(self.port)?;
        if let Some(password) = &self.password {
            connection.call(&["AUTH", password])?;
        }
        connection.call(words)
    }

    /// Ends the server without warning.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Ends the server properly, which writes out what it holds.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::TERM);
            process.wait();
        }
    }

    /// Starts the server again, on the same folder and port, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        self.launch().unwrap_or_else(|log| panic!("{log}"));
    }

    fn launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(find("redis-server", &[], "redis-server"));
        command
            .arg(self.folder().join("redis.conf"))
            .current_dir(self.folder());
        let mut process = Process::spawn(&mut command, &self.folder().join("log"));
        let mut ended = false;
        until("Redis starts", || {
            ended = process.has_ended();
            // While it loads its data it says so instead.
            let ready = self.try_command(&["PING"]);
            ended || ready.is_ok_and(|reply| reply.starts_with("+PONG"))
        });
        if ended {
            let log = std::fs::read_to_string(self.folder().join("log"));
            return Err(format!("Redis has ended: {}", log.unwrap_or_default()));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Stops the process where it is; its connections stay open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}

/// Starts a server, with other ports when somebody else took those that were free a moment ago.
pub(crate) fn started(start: impl Fn() -> Result<RedisServer, String>) -> RedisServer {
    const TRIES: usize = 5;
    for _ in 1..TRIES {
        match start() {
            Err(log) if log.contains("Address already in use") => {}
            done => return done.unwrap_or_else(|log| panic!("{log}")),
        }
    }
    start().unwrap_or_else(|log| panic!("{log}"))
}
