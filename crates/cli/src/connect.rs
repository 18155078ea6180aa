//! The client that commands use, and what its errors mean for the exit code.

use crate::Failure;
use crate::args::ServerArgs;
use crate::output::printable;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;
use taskcast_client::{Client, ClientError, RetryPolicy, TokenSource};
use taskcast_core::TaskId;

/// A client of the server that was named, which gives up after this long a failure.
pub(crate) fn client(server: &ServerArgs, patience: Duration) -> Result<Client, Failure> {
    let retry = RetryPolicy {
        give_up: patience,
        ..RetryPolicy::requests()
    };
    let builder = Client::builder(server.url()).retry(retry);
    let builder = match server.token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => builder.token(TokenSource::fixed(token)),
        None => builder,
    };
    builder.build().map_err(failure)
}

/// How long commands wait for a server that is not there: a person is waiting.
pub(crate) const SHORT_PATIENCE: Duration = Duration::from_secs(2);

/// The id of a task, as it was typed.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Failure> {
    TaskId::new(text).map_err(Failure::usage)
}

/// Where a task's events are, for people to open.
pub(crate) fn events_url(server: &ServerArgs, id: &TaskId) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    let id = utf8_percent_encode(id.as_str(), PLAIN);
    format!("{}/tasks/{id}/events", server.url().trim_end_matches('/'))
}

/// What went wrong, with what the server found wrong in detail.
#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
pub(crate) fn failure(error: ClientError) -> Failure {
    let mut text = printable(&error.to_string());
    if let ClientError::Invalid(_) = error {
        return Failure::Usage(text);
    }
    if let ClientError::Server { body, .. } = &error {
        let issues = body
            .details
            .as_ref()
            .and_then(|details| details["issues"].as_array());
        for issue in issues.into_iter().flatten() {
            let (path, message) = (issue["path"].as_str(), issue["message"].as_str());
            let (path, message) = (path.unwrap_or_default(), message.unwrap_or_default());
            text += &format!("\n  {}: {}", printable(path), printable(message));
        }
    }
    if error.status() == Some(401) {
        text += "; give a token with --token or TASKCAST_TOKEN";
    }
    Failure::Failed(text)
}
