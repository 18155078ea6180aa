//! Deadlines: what happens to a task when a time passes and nobody acts.

use crate::{Millis, Status, TaskRecord, Transition};

/// What is due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The `ttl` passed: the task becomes `timeout`.
    Timeout,
    /// A blocked task goes on: it becomes `running`.
    Resume,
}

impl Due {
    /// The transition that fires the deadline.
    #[must_use]
    pub fn transition(self) -> Transition {
        Transition::to(match self {
            Self::Timeout => Status::Timeout,
            Self::Resume => Status::Running,
        })
    }
}

/// The next deadline of a task and what is due then; none when the task waits for no time.
///
/// When both fall on one moment the timeout comes first: it is final. A `resume_at` counts only
/// while the task is blocked; a paused task keeps it for the time it is blocked again.
#[must_use]
pub fn due(record: &TaskRecord) -> Option<(Millis, Due)> {
    let resume = record
        .resume_at
        .filter(|_| record.status == Status::Blocked);
    let timeout = record.timeout_at.filter(|_| !record.status.is_terminal());
    match (timeout, resume) {
        (Some(timeout), Some(resume)) if resume < timeout => Some((resume, Due::Resume)),
        (Some(timeout), _) => Some((timeout, Due::Timeout)),
        (None, Some(resume)) => Some((resume, Due::Resume)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewTask, TaskId, transition};

    #[test]
    fn the_earlier_deadline_counts_and_a_timeout_wins_a_tie() {
        let new = NewTask {
            ttl: Some(10),
            ..NewTask::default()
        };
        let record = new.into_record(TaskId::new("t").unwrap(), Millis(0));
        assert_eq!(due(&record), Some((Millis(10_000), Due::Timeout)));
        let running = transition(&record, &Transition::to(Status::Running), Millis(0)).unwrap();
        let blocked = |after| {
            let step = Transition {
                resume_after_ms: Some(after),
                ..Transition::to(Status::Blocked)
            };
            transition(&running.record, &step, Millis(0))
                .unwrap()
                .record
        };
        assert_eq!(due(&blocked(5_000)), Some((Millis(5_000), Due::Resume)));
        assert_eq!(due(&blocked(10_000)), Some((Millis(10_000), Due::Timeout)));
    }
}
