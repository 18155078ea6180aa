//! One line of a streamed publish (`application/x-ndjson`).

use super::publish::{NAMES, read_event};
use crate::Invalid;
use crate::read::{Field, Path, Reader};
use taskcast_core::{Limits, NewEvent};

/// One line of a streamed publish: an event, and its number among those of its producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NdjsonLine {
    /// The field `producerSeq`; needed when the request names a producer.
    pub producer_seq: Option<u64>,
    /// The event.
    pub event: NewEvent,
}

impl NdjsonLine {
    /// Reads a line without its line end.
    ///
    /// # Errors
    /// [`Invalid`] with everything that is wrong, or with the first limit that is passed.
    pub fn parse(line: &[u8], limits: &Limits) -> Result<Self, Invalid> {
        let mut reader = Reader::new(limits);
        let Some([fields @ .., seq]) = reader.body(line, &LINE_NAMES)? else {
            return reader.finish(None);
        };
        let root = Path::Root;
        let at = Field {
            path: root.key(LINE_NAMES[6]),
            raw: seq,
        };
        let producer_seq = reader.integer(at, 0, u64::MAX);
        let event = read_event(&mut reader, root, fields);
        reader.finish(event.map(|event| Self {
            producer_seq,
            event,
        }))
    }
}

const LINE_NAMES: [&str; 7] = [
    NAMES[0],
    NAMES[1],
    NAMES[2],
    NAMES[3],
    NAMES[4],
    NAMES[5],
    "producerSeq",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_event_with_an_optional_number() {
        let parse = |line: &str| NdjsonLine::parse(line.as_bytes(), &Limits::default());
        let line = parse("{\"type\":\"x\",\"producerSeq\":7}\r").unwrap();
        assert_eq!(line.producer_seq, Some(7));
        assert_eq!(parse(r#"{"type":"x"}"#).unwrap().producer_seq, None);
        let wrong = parse(r#"{"producerSeq":-1}"#).unwrap_err();
        let Invalid::Issues(issues) = wrong else {
            panic!("{wrong}")
        };
        assert_eq!(issues.len(), 2);
    }
}
