//! The stream readers of older clients, as simple as they are.

use crate::support::Value;
use taskcast_api::sse::Parser;

/// What a client made of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) events: Vec<Value>,
    pub(super) done: Option<String>,
    /// Names of frames that it does not know.
    pub(super) ignored: Vec<String>,
}

impl Seen {
    fn take(&mut self, name: &str, data: &str) {
        let Ok(json) = serde_json::from_str::<Value>(data) else {
            return self.ignored.push(name.to_owned());
        };
        match name {
            "taskcast.event" => self.events.push(json),
            "taskcast.done" => self.done = json["reason"].as_str().map(str::to_owned),
            other => self.ignored.push(other.to_owned()),
        }
    }
}

/// The browser client: a reader by the standard, which knows two names.
pub(super) fn event_source_reader(text: &str) -> Seen {
    let (mut seen, mut frames) = (Seen::default(), Vec::new());
    Parser::new(1 << 20)
        .push(text.as_bytes(), &mut frames)
        .expect("small frames");
    for frame in frames {
        if let Some(data) = frame.data {
            seen.take(&frame.event, &data);
        }
    }
    seen
}

/// The server SDK: lines end with LF, only `event: ` and `data: ` are known, with the space, and
/// any frame with JSON is an event, whatever its name.
pub(super) fn sdk_reader(text: &str) -> Seen {
    let (mut seen, mut name, mut data) = (Seen::default(), "", "");
    for line in text.split('\n') {
        if let Some(value) = line.strip_prefix("event: ") {
            name = value;
        } else if let Some(value) = line.strip_prefix("data: ") {
            data = value;
        } else if line.is_empty() {
            match name {
                "taskcast.done" => {
                    seen.take(name, data);
                    return seen;
                }
                _ if !data.is_empty() => seen.take("taskcast.event", data),
                _ => {}
            }
            (name, data) = ("", "");
        }
    }
    seen
}

/// The command line: with or without the space, the last data line wins, comments are passed over.
pub(super) fn cli_reader(text: &str) -> Seen {
    let (mut seen, mut name, mut data) = (Seen::default(), "", None);
    for line in text.split('\n') {
        let value = |prefix: &str| {
            line.strip_prefix(prefix)
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
        };
        if let Some(value) = value("event:") {
            name = value;
        } else if let Some(value) = value("data:") {
            data = Some(value);
        } else if line.is_empty() {
            if let Some(data) = data.take() {
                seen.take(name, data);
            }
            name = "";
        }
    }
    seen
}
