//! Why a command ended without success, and the exit code that tells it.

use std::process::ExitCode;

/// Why a command ended without success. Display is for people, and may have several lines.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was asked wrongly, on the command line or in the configuration: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It was asked rightly and did not succeed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Everything there is to say was said: only the exit code is left.
    #[error("")]
    Silent(u8),
}

impl Failure {
    /// A failure of what was asked rightly.
    pub fn failed(what: impl ToString) -> Self {
        Self::Failed(what.to_string())
    }

    /// A mistake of whoever asked.
    pub fn usage(what: impl ToString) -> Self {
        Self::Usage(what.to_string())
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Silent(code) => *code,
        })
    }
}
