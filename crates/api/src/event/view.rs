//! Writing events: the payload is spliced in as bytes, nothing is built.

use bytes::BufMut;
use taskcast_core::{Epoch, Event, EventIdText, Index, RawJson, TaskId};

/// An event about to be written, and how it is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    task: &'a TaskId,
    epoch: Epoch,
    event: &'a Event,
    index: Index,
    data: Option<&'a [u8]>,
    snapshot: bool,
}

/// Writes an event as the JSON object that history, publishing and unwrapped streams show.
pub fn write_event(out: &mut impl BufMut, task: &TaskId, epoch: Epoch, event: &Event) {
    EventView::new(task, epoch, event).write(out);
}

impl<'a> EventView<'a> {
    /// The event as it was published, in the log of a task with this epoch.
    #[must_use]
    pub fn new(task: &'a TaskId, epoch: Epoch, event: &'a Event) -> Self {
        Self {
            task,
            epoch,
            event,
            index: event.index,
            data: event.data.as_ref().map(RawJson::as_bytes),
            snapshot: false,
        }
    }

    /// The event with the running total of its series in place of its own delta.
    #[must_use]
    pub fn with_total(self, total: &'a RawJson) -> Self {
        Self {
            data: Some(total.as_bytes()),
            ..self
        }
    }

    /// The event marked as a snapshot: its data replaces what was seen of its series.
    #[must_use]
    pub fn as_snapshot(self) -> Self {
        Self {
            snapshot: true,
            ..self
        }
    }

    /// The event as an archive holds it: counted anew, and with data in any case.
    pub(crate) fn archived_at(self, index: Index) -> Self {
        Self {
            index,
            data: self.data.or(Some(b"null")),
            snapshot: false,
            ..self
        }
    }

    /// The id as clients see it.
    #[must_use]
    pub fn id(&self) -> EventIdText<'a> {
        self.event.id(self.epoch)
    }

    /// Bytes that the written event takes, about.
    #[must_use]
    pub(crate) fn size_hint(&self) -> usize {
        const KEYS_AND_NUMBERS: usize = 320;
        KEYS_AND_NUMBERS + self.task.as_str().len() + self.data.map_or(0, <[u8]>::len)
    }

    /// Writes the event as a JSON object.
    pub fn write(&self, out: &mut impl BufMut) {
        out.put_slice(b"{\"id\":");
        put_id(out, self.id());
        out.put_slice(b",\"taskId\":");
        put_string(out, self.task.as_str());
        out.put_slice(b",\"index\":");
        put_number(out, self.index.0);
        out.put_slice(b",\"timestamp\":");
        put_number(out, self.event.at.0);
        out.put_slice(b",\"type\":");
        put_string(out, self.event.event_type.as_str());
        self.write_rest(out);
    }

    /// Writes what follows the value of `filteredIndex` in an envelope.
    pub(crate) fn write_after_filtered_index(&self, out: &mut impl BufMut) {
        out.put_slice(b",\"rawIndex\":");
        put_number(out, self.index.0);
        out.put_slice(b",\"eventId\":");
        put_id(out, self.id());
        out.put_slice(b",\"taskId\":");
        put_string(out, self.task.as_str());
        out.put_slice(b",\"type\":");
        put_string(out, self.event.event_type.as_str());
        out.put_slice(b",\"timestamp\":");
        put_number(out, self.event.at.0);
        self.write_rest(out);
    }

    fn write_rest(&self, out: &mut impl BufMut) {
        out.put_slice(b",\"level\":\"");
        out.put_slice(self.event.level.as_str().as_bytes());
        out.put_slice(b"\"");
        if let Some(data) = self.data {
            out.put_slice(b",\"data\":");
            out.put_slice(data);
        }
        let series = &self.event.series;
        if let Some(id) = &series.id {
            out.put_slice(b",\"seriesId\":");
            put_string(out, id.as_str());
        }
        if let Some(mode) = series.mode {
            out.put_slice(b",\"seriesMode\":\"");
            out.put_slice(mode.as_str().as_bytes());
            out.put_slice(b"\"");
        }
        if let Some(field) = &series.field {
            out.put_slice(b",\"seriesAccField\":");
            put_string(out, field);
        }
        if self.snapshot {
            out.put_slice(b",\"seriesSnapshot\":true");
        }
        out.put_slice(b"}");
    }
}

fn put_id(out: &mut impl BufMut, id: EventIdText<'_>) {
    match id {
        EventIdText::Own(id) => {
            out.put_slice(b"\"");
            out.put_slice(&id.encode());
            out.put_slice(b"\"");
        }
        EventIdText::Foreign(id) => put_string(out, id),
    }
}

/// Writes a text as a JSON string on one line.
pub(crate) fn put_string(out: &mut impl BufMut, text: &str) {
    out.put_slice(b"\"");
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x7f) {
            continue;
        }
        out.put_slice(&bytes[written..at]);
        written = at + 1;
        if matches!(byte, b'"' | b'\\') {
            out.put_slice(&[b'\\', *byte]);
        } else {
            out.put_slice(b"\\u00");
            out.put_slice(&[hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out.put_slice(&bytes[written..]);
    out.put_slice(b"\"");
}

fn hex(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'a' + digit - 10,
    }
}

/// Writes a number in decimal digits.
pub(crate) fn put_number(out: &mut impl BufMut, mut number: u64) {
    const MOST_DIGITS: usize = 20;
    let mut digits = [b'0'; MOST_DIGITS];
    let mut start = MOST_DIGITS;
    loop {
        start -= 1;
        digits[start] += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.put_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskEvent;
    use crate::testing;
    use proptest::prelude::*;

    #[test]
    fn an_event_is_written_with_its_keys_in_order_and_its_data_as_sent() {
        let task = TaskId::new("t\"1").unwrap();
        let event = testing::event(br#"{"type":"a.b","level":"warn","data":{ "x":1.0 },"seriesId":"s","seriesMode":"accumulate"}"#);
        let mut out = Vec::new();
        write_event(&mut out, &task, Epoch(7), &event);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"id":"01HF7YAT00000001R00000001A","taskId":"t\"1","index":42,"#,
                r#""timestamp":1700000000000,"type":"a.b","level":"warn","data":{ "x":1.0 },"#,
                r#""seriesId":"s","seriesMode":"accumulate"}"#
            )
        );
    }

    proptest! {
        #[test]
        fn strings_and_numbers_read_back(text in ".*", number: u64) {
            let mut out = Vec::new();
            put_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            prop_assert!(!out.iter().any(u8::is_ascii_control));
            let mut out = Vec::new();
            put_number(&mut out, number);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }

        #[test]
        fn what_is_written_reads_back(event in testing::events()) {
            let task = TaskId::new("t").unwrap();
            let total = RawJson::parse(b"[1]", 1).unwrap();
            let mut out = Vec::new();
            let view = EventView::new(&task, Epoch(1), &event);
            view.with_total(&total).as_snapshot().write(&mut out);
            let read: TaskEvent = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read.id, event.id(Epoch(1)).to_string());
            prop_assert_eq!(read.event_type, event.event_type);
            prop_assert_eq!(read.data, Some(total));
            prop_assert!(read.series_snapshot);
            prop_assert_eq!(read.series_acc_field.as_deref(), event.series.field.as_deref());
        }
    }
}
