//! Transitions: a change of status, as a new record and the events that tell of it.

use crate::{BlockedRequest, EventType, Millis, NewEvent, RawJson, Status, TaskError, TaskRecord};
use serde::Serialize;

/// A change of status that a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Where the task shall stand.
    pub to: Status,
    /// What came out; kept by later transitions that say nothing. A JSON object.
    pub result: Option<RawJson>,
    /// What went wrong; kept like `result`.
    pub error: Option<TaskError>,
    /// Why the task is paused or blocked; ignored for other targets.
    pub reason: Option<String>,
    /// A new `ttl`, in seconds; starts to run now.
    pub ttl: Option<u64>,
    /// Milliseconds until a blocked task goes on by itself; ignored for other targets.
    pub resume_after_ms: Option<u64>,
    /// What the blocked task asks for; ignored for other targets.
    pub blocked_request: Option<BlockedRequest>,
}

impl Transition {
    /// A transition that says nothing but where to.
    #[must_use]
    pub fn to(to: Status) -> Self {
        Self {
            to,
            result: None,
            error: None,
            reason: None,
            ttl: None,
            resume_after_ms: None,
            blocked_request: None,
        }
    }
}

/// What a transition does: both parts are committed as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The record after it.
    pub record: TaskRecord,
    /// The events that tell of it, in order: `taskcast:status` always, then `taskcast:blocked` or
    /// `taskcast:resolved` where they apply.
    pub events: Vec<NewEvent>,
}

/// Why a transition cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The status does not follow the one the task has.
    #[error("Invalid transition: {from} \u{2192} {to}")]
    Invalid {
        /// Where the task stands.
        from: Status,
        /// Where it was asked to go.
        to: Status,
    },
    /// An event of the transition could not be written as JSON.
    #[error("the event of the transition has no JSON form: {0}")]
    Json(String),
}

/// The step from `before` that a caller asks for, at the time `now`.
///
/// # Errors
/// When the status machine does not allow it.
pub fn transition(
    before: &TaskRecord,
    asked: &Transition,
    now: Millis,
) -> Result<Step, TransitionError> {
    let (from, to) = (before.status, asked.to);
    if !from.can_become(to) {
        return Err(TransitionError::Invalid { from, to });
    }
    // Times of a record never go back, whatever the clock does.
    let now = now.max(before.updated_at);
    let mut record = before.clone();
    record.status = to;
    record.updated_at = now;
    if to.is_terminal() {
        record.completed_at = Some(now);
    }
    asked.result.clone_into_some(&mut record.result);
    asked.error.clone_into_some(&mut record.error);
    asked.ttl.clone_into_some(&mut record.ttl);
    record.timeout_at = timeout_after(before, asked, now);
    suspend(&mut record, asked, now);
    let events = derived_events(before, &record, asked)?;
    Ok(Step { record, events })
}

trait CloneIntoSome<T> {
    /// Replaces the target when there is something to replace it with.
    fn clone_into_some(&self, target: &mut Option<T>);
}

impl<T: Clone> CloneIntoSome<T> for Option<T> {
    fn clone_into_some(&self, target: &mut Option<T>) {
        if self.is_some() {
            target.clone_from(self);
        }
    }
}

/// A `ttl` runs except while the task is paused; leaving the pause, or a new value, starts it anew.
fn timeout_after(before: &TaskRecord, asked: &Transition, now: Millis) -> Option<Millis> {
    let ttl = asked.ttl.or(before.ttl)?;
    if asked.to == Status::Paused || asked.to.is_terminal() {
        return None;
    }
    let changed = asked.ttl.is_some_and(|ttl| before.ttl != Some(ttl));
    let running = before
        .timeout_at
        .filter(|_| !changed && before.status != Status::Paused);
    running.or_else(|| Some(now.plus_seconds(ttl)))
}

fn suspend(record: &mut TaskRecord, asked: &Transition, now: Millis) {
    if !asked.to.is_suspended() {
        record.reason = None;
        record.blocked_request = None;
        record.resume_at = None;
        return;
    }
    asked.reason.clone_into_some(&mut record.reason);
    if asked.to == Status::Blocked {
        asked
            .blocked_request
            .clone_into_some(&mut record.blocked_request);
        asked
            .resume_after_ms
            .map(|ms| now.plus_millis(ms))
            .clone_into_some(&mut record.resume_at);
    }
}

#[derive(Serialize)]
struct StatusData<'a> {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: &'a Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: &'a Option<TaskError>,
}

#[derive(Serialize)]
struct BlockedData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'a Option<String>,
    request: &'a BlockedRequest,
}

#[derive(Serialize)]
struct ResolvedData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: &'a Option<RawJson>,
}

fn derived_events(
    before: &TaskRecord,
    after: &TaskRecord,
    asked: &Transition,
) -> Result<Vec<NewEvent>, TransitionError> {
    let status = StatusData {
        status: after.status,
        result: &after.result,
        error: &after.error,
    };
    let mut events = vec![event(EventType::STATUS, &status)?];
    match (&before.blocked_request, &after.blocked_request) {
        (_, Some(request)) if after.status == Status::Blocked => {
            let data = BlockedData {
                reason: &after.reason,
                request,
            };
            events.push(event(EventType::BLOCKED, &data)?);
        }
        (Some(_), _) if before.status == Status::Blocked && after.status == Status::Running => {
            let data = ResolvedData {
                resolution: &asked.result,
            };
            events.push(event(EventType::RESOLVED, &data)?);
        }
        _ => {}
    }
    Ok(events)
}

fn event(event_type: &'static str, data: &impl Serialize) -> Result<NewEvent, TransitionError> {
    let data = RawJson::from_value(data).map_err(|e| TransitionError::Json(e.to_string()))?;
    Ok(NewEvent::new(EventType::builtin(event_type), Some(data)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewTask, TaskId};

    fn task(ttl: Option<u64>) -> TaskRecord {
        NewTask {
            ttl,
            ..NewTask::default()
        }
        .into_record(TaskId::new("t").unwrap(), Millis(1_000))
    }

    fn json(text: &str) -> RawJson {
        RawJson::parse(text.as_bytes(), 64).unwrap()
    }

    fn go(record: &TaskRecord, asked: Transition, now: u64) -> Step {
        transition(record, &asked, Millis(now)).unwrap()
    }

    fn told(step: &Step) -> Vec<String> {
        let line = |e: &NewEvent| format!("{} {}", e.event_type, e.data.as_ref().unwrap().as_str());
        step.events.iter().map(line).collect()
    }

    #[test]
    fn only_what_the_table_allows_is_done() {
        let error =
            transition(&task(None), &Transition::to(Status::Completed), Millis(0)).unwrap_err();
        assert_eq!(error.to_string(), "Invalid transition: pending → completed");
    }

    #[test]
    fn blocking_asks_and_resolving_answers() {
        let running = go(&task(None), Transition::to(Status::Running), 2_000);
        assert_eq!(told(&running), [r#"taskcast:status {"status":"running"}"#]);
        let ask = Transition {
            reason: Some("r".into()),
            resume_after_ms: Some(5_000),
            blocked_request: Some(BlockedRequest {
                kind: "q".into(),
                data: Some(json("1")),
            }),
            ..Transition::to(Status::Blocked)
        };
        let blocked = go(&running.record, ask, 3_000);
        assert_eq!(blocked.record.resume_at, Some(Millis(8_000)));
        assert_eq!(
            told(&blocked)[1],
            r#"taskcast:blocked {"reason":"r","request":{"type":"q","data":1}}"#
        );
        let paused = go(&blocked.record, Transition::to(Status::Paused), 3_500).record;
        assert_eq!(
            (&paused.reason, paused.resume_at),
            (&blocked.record.reason, Some(Millis(8_000)))
        );
        assert_eq!(paused.blocked_request, blocked.record.blocked_request);
        let answer = Transition {
            result: Some(json(r#"{"a":1}"#)),
            ..Transition::to(Status::Running)
        };
        let resolved = go(&blocked.record, answer, 4_000);
        assert_eq!(
            told(&resolved)[1],
            r#"taskcast:resolved {"resolution":{"a":1}}"#
        );
        let after = resolved.record;
        assert_eq!(
            (after.reason, after.resume_at, after.blocked_request),
            (None, None, None)
        );
    }

    #[test]
    fn a_ttl_stands_still_while_paused_and_starts_anew_after() {
        let created = task(Some(10));
        assert_eq!(created.timeout_at, Some(Millis(11_000)));
        let running = go(&created, Transition::to(Status::Running), 5_000).record;
        assert_eq!(running.timeout_at, Some(Millis(11_000)));
        let paused = go(&running, Transition::to(Status::Paused), 6_000).record;
        assert_eq!(paused.timeout_at, None);
        let again = go(&paused, Transition::to(Status::Running), 7_000).record;
        assert_eq!(again.timeout_at, Some(Millis(17_000)));
        let longer = Transition {
            ttl: Some(100),
            ..Transition::to(Status::Blocked)
        };
        assert_eq!(
            go(&again, longer, 8_000).record.timeout_at,
            Some(Millis(108_000))
        );
        let done = go(&again, Transition::to(Status::Completed), 9_000).record;
        assert_eq!(
            (done.timeout_at, done.completed_at),
            (None, Some(Millis(9_000)))
        );
    }

    #[test]
    fn result_and_error_stay_until_a_transition_replaces_them() {
        let first = Transition {
            result: Some(json(r#"{"a":1}"#)),
            ..Transition::to(Status::Running)
        };
        let running = go(&task(None), first, 2_000).record;
        let failed = go(&running, Transition::to(Status::Failed), 3_000);
        assert_eq!(
            told(&failed),
            [r#"taskcast:status {"status":"failed","result":{"a":1}}"#]
        );
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_move_the_record_back() {
        let step = go(&task(None), Transition::to(Status::Running), 10);
        assert_eq!(step.record.updated_at, Millis(1_000));
    }
}
