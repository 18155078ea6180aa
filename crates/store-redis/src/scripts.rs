//! The scripts: one file per operation, known to the server by its digest.

use redis::{Cmd, Script, ToRedisArgs, cmd};
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(crate) static $name: LazyLock<Source> =
            LazyLock::new(|| Source::new(concat!($(include_str!(concat!("scripts/", $file)), "\n"),+)));)*
    };
}

scripts! {
    CREATE = "common.lua" "create.lua";
    COMMIT = "common.lua" "commit.lua";
    DELETE = "common.lua" "delete.lua";
    MAINTAIN = "common.lua" "maintain.lua";
    RELEASE = "common.lua" "release.lua";
    RESTORE = "common.lua" "restore.lua";
    NOTES = "common.lua" "notes.lua";
    READ = "read.lua";
    HEADS = "heads.lua";
    COUNT = "count.lua";
    SEEK = "seek.lua";
    CHANGED = "changed.lua";
    COMMITS = "commits.lua";
    DUE = "due.lua";
    NUMBERS = "numbers.lua";
    FLOOR = "floor.lua";
    ADVANCE = "advance.lua";
    LEASE = "lease.lua";
    PLACE = "place.lua";
    ONCE = "once.lua";
}

/// A script.
pub(crate) struct Source {
    text: &'static str,
    digest: String,
}

impl Source {
    fn new(text: &'static str) -> Self {
        let digest = Script::new(text).get_hash().to_owned();
        Self { text, digest }
    }

    /// A call of the script with these keys.
    pub(crate) fn with(&'static self, keys: Vec<String>) -> Call {
        Call {
            source: self,
            keys,
            args: Vec::new(),
        }
    }
}

/// A call of a script.
pub(crate) struct Call {
    source: &'static Source,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

impl Call {
    pub(crate) fn arg(mut self, value: impl ToRedisArgs) -> Self {
        value.write_redis_args(&mut self.args);
        self
    }

    /// The first of its keys, beside which all others lie.
    pub(crate) fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// The command that names the script by its digest.
    pub(crate) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", &self.source.digest)
    }

    /// The command that brings the script along, for a server that does not know it yet.
    pub(crate) fn in_full(&self) -> Cmd {
        self.command("EVAL", self.source.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        for arg in &self.args {
            command.arg(arg.as_slice());
        }
        command
    }
}
