//! How a server that a store depends on is: told by who talks to it, read by who reports it.

use crate::Clock;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use taskcast_core::Millis;

/// One server behind a store, such as `redisCommand`. Shared by who talks to it and who reports it;
/// every change of state is one log line.
pub struct Dependency {
    name: &'static str,
    clock: Arc<dyn Clock>,
    /// Held for memory operations only.
    report: Mutex<DependencyReport>,
}

/// How a dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyState {
    /// Never reached yet.
    Starting,
    /// It answers.
    Healthy,
    /// The connection is lost and is being made anew.
    Reconnecting,
    /// It does not answer.
    Unhealthy,
}

/// Why a dependency does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Nobody listens there.
    ConnectionRefused,
    /// The other side cut the connection.
    ConnectionReset,
    /// No answer in time.
    Timeout,
    /// The name does not resolve.
    Dns,
    /// It does not let us in.
    Authentication,
    /// The connection ended.
    ConnectionClosed,
    /// Anything else.
    Unavailable,
}

/// What is known of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyReport {
    /// Its name: `redisCommand`, `redisPubSub`, `postgres`.
    pub name: &'static str,
    /// How it is.
    pub state: DependencyState,
    /// Since when.
    pub since: Millis,
    /// Failures since it last answered.
    pub consecutive_failures: u64,
    /// The last failure, also after it answers again.
    pub last_failure: Option<FailureKind>,
    /// How often the connection was tried anew since it was lost.
    pub reconnect_attempts: u64,
}

impl Dependency {
    /// A dependency that was not reached yet.
    #[must_use]
    pub fn new(name: &'static str, clock: Arc<dyn Clock>) -> Self {
        let report = DependencyReport {
            name,
            state: DependencyState::Starting,
            since: clock.now(),
            consecutive_failures: 0,
            last_failure: None,
            reconnect_attempts: 0,
        };
        Self {
            name,
            clock,
            report: Mutex::new(report),
        }
    }

    /// What is known now.
    #[must_use]
    pub fn report(&self) -> DependencyReport {
        self.report.lock().clone()
    }

    /// It answered.
    pub fn answered(&self) {
        let mut report = self.report.lock();
        if report.state != DependencyState::Healthy {
            self.enter(&mut report, DependencyState::Healthy);
        }
        (report.consecutive_failures, report.reconnect_attempts) = (0, 0);
    }

    /// It failed, and nobody is connecting anew yet.
    pub fn failed(&self, kind: FailureKind) {
        let mut report = self.report.lock();
        report.consecutive_failures += 1;
        report.last_failure = Some(kind);
        if report.state != DependencyState::Unhealthy {
            self.enter(&mut report, DependencyState::Unhealthy);
        }
    }

    /// The connection is lost; it is made anew, and this is another try.
    pub fn reconnecting(&self, kind: FailureKind) {
        let mut report = self.report.lock();
        report.consecutive_failures += 1;
        report.reconnect_attempts += 1;
        report.last_failure = Some(kind);
        if report.state != DependencyState::Reconnecting {
            self.enter(&mut report, DependencyState::Reconnecting);
        }
    }

    /// Changes the state and logs it: an outage is two lines, however long it is.
    fn enter(&self, report: &mut DependencyReport, to: DependencyState) {
        let now = self.clock.now();
        let from = std::mem::replace(&mut report.state, to);
        let lasted = now
            .0
            .saturating_sub(std::mem::replace(&mut report.since, now).0);
        let (dependency, failure) = (self.name, report.last_failure.map(FailureKind::as_str));
        if to == DependencyState::Healthy {
            tracing::info!(event = "dependency_state_change", dependency, %from, %to, lasted_ms = lasted);
        } else {
            tracing::warn!(event = "dependency_state_change", dependency, %from, %to, failure);
        }
    }
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report().fmt(f)
    }
}

impl DependencyState {
    /// The word used on the wire and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Reconnecting => "reconnecting",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for DependencyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FailureKind {
    /// The word used on the wire and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionReset => "connection_reset",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Authentication => "authentication",
            Self::ConnectionClosed => "connection_closed",
            Self::Unavailable => "unavailable",
        }
    }

    /// What an I/O error says about the other side.
    #[must_use]
    pub fn of(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => {
                Self::ConnectionReset
            }
            std::io::ErrorKind::TimedOut => Self::Timeout,
            std::io::ErrorKind::UnexpectedEof => Self::ConnectionClosed,
            _ => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn an_outage_is_counted_until_it_ends() {
        let clock = Arc::new(ManualClock::at(Millis(5)));
        let dependency = Dependency::new("redisCommand", clock.clone());
        dependency.answered();
        clock.set(Millis(9));
        dependency.reconnecting(FailureKind::ConnectionRefused);
        clock.set(Millis(12));
        dependency.reconnecting(FailureKind::Timeout);
        let report = dependency.report();
        assert_eq!(report.state, DependencyState::Reconnecting);
        assert_eq!(report.since, Millis(9));
        assert_eq!(
            (report.consecutive_failures, report.reconnect_attempts),
            (2, 2)
        );
        dependency.answered();
        let report = dependency.report();
        assert_eq!(report.state, DependencyState::Healthy);
        assert_eq!((report.consecutive_failures, report.since), (0, Millis(12)));
        assert_eq!(report.last_failure, Some(FailureKind::Timeout));
    }
}
