//! An event encoded once, shared by all who follow it.

use super::is_safe_id;
use crate::EventView;
use crate::event::put_number;
use bytes::{BufMut, Bytes, BytesMut};
use taskcast_core::Cursor;

/// What stands in the `data:` line of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An [`Envelope`](crate::Envelope): `wrap` is true, as it is by default.
    Envelope,
    /// The [`TaskEvent`](crate::TaskEvent) itself: `wrap=false`.
    Event,
}

impl Shape {
    /// The shape for a value of the query key `wrap`.
    #[must_use]
    pub fn wrapped(wrap: bool) -> Self {
        if wrap { Self::Envelope } else { Self::Event }
    }

    fn opening(self) -> &'static [u8] {
        match self {
            Self::Envelope => b"event: taskcast.event\ndata: {\"filteredIndex\":",
            Self::Event => b"event: taskcast.event\ndata: ",
        }
    }
}

/// An event as the bytes of a frame, but for what differs between subscribers.
///
/// ```text
///   event: taskcast.event\ndata: {"filteredIndex":  17  ,"rawIndex":…}  \nid: 01HF…  ~  \n\n
///   | opening, by shape                          | own | shared                    |own|
///                                                       0                json_end
/// ```
///
/// Cheap to clone: the shared bytes are counted.
#[derive(Clone, Debug)]
pub struct FrameTemplate {
    shape: Shape,
    shared: Bytes,
    /// Where the JSON ends and the `id:` line begins; an event whose id is not safe has none.
    json_end: usize,
}

impl FrameTemplate {
    /// Encodes an event.
    #[must_use]
    pub fn new(view: &EventView<'_>, shape: Shape) -> Self {
        let mut out = Vec::with_capacity(view.size_hint());
        match shape {
            Shape::Envelope => view.write_after_filtered_index(&mut out),
            Shape::Event => view.write(&mut out),
        }
        debug_assert!(!out.iter().any(|b| matches!(b, b'\n' | b'\r')));
        let json_end = out.len();
        put_id_line(&mut out, view);
        Self {
            shape,
            shared: out.into(),
            json_end,
        }
    }

    /// The template that [`parts`](Self::parts) came from.
    #[must_use]
    pub fn from_parts(shape: Shape, shared: Bytes, json_end: usize) -> Self {
        let json_end = json_end.min(shared.len());
        Self {
            shape,
            shared,
            json_end,
        }
    }

    /// The shared bytes, and where in them the JSON ends: what has to be kept of an event that is
    /// encoded once.
    #[must_use]
    pub fn parts(self) -> (Bytes, usize) {
        (self.shared, self.json_end)
    }

    /// Appends the frame for one subscriber. `filtered_index` is where the event stands in the log
    /// as that subscriber filters it; `folded` marks the id as one from within a folded replay.
    pub fn write(&self, out: &mut BytesMut, filtered_index: u64, folded: bool) {
        self.open(out, filtered_index, self.shared.len());
        out.put_slice(&self.shared);
        if folded && self.json_end < self.shared.len() {
            out.put_slice(Cursor::FOLDED_MARK.encode_utf8(&mut [0; 4]).as_bytes());
        }
        out.put_slice(b"\n\n");
    }

    /// Appends the frame under another `id:`, for streams whose position is not that of one task.
    /// An id with control characters is left out.
    pub fn write_as(&self, out: &mut BytesMut, filtered_index: u64, id: &str) {
        self.open(out, filtered_index, self.json_end + id.len());
        out.put_slice(&self.shared[..self.json_end]);
        if !id.is_empty() && !id.chars().any(char::is_control) {
            out.put_slice(b"\nid: ");
            out.put_slice(id.as_bytes());
        }
        out.put_slice(b"\n\n");
    }

    /// Bytes of the frame, but for the digits of `filteredIndex` and the mark of a folded replay.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        self.shape.opening().len() + self.shared.len() + 2
    }

    fn open(&self, out: &mut BytesMut, filtered_index: u64, body: usize) {
        const DIGITS_AND_ENDS: usize = 32;
        let opening = self.shape.opening();
        out.reserve(opening.len() + body + DIGITS_AND_ENDS);
        out.put_slice(opening);
        if self.shape == Shape::Envelope {
            put_number(out, filtered_index);
        }
    }
}

fn put_id_line(out: &mut Vec<u8>, view: &EventView<'_>) {
    match view.id() {
        taskcast_core::EventIdText::Own(id) => {
            out.put_slice(b"\nid: ");
            out.put_slice(&id.encode());
        }
        taskcast_core::EventIdText::Foreign(id) if is_safe_id(id) => {
            out.put_slice(b"\nid: ");
            out.put_slice(id.as_bytes());
        }
        taskcast_core::EventIdText::Foreign(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use taskcast_core::{Epoch, RawJson, TaskId};

    fn frame(shape: Shape, filtered_index: u64, folded: bool) -> String {
        let task = TaskId::new("t").unwrap();
        let event = testing::event(
            br#"{"type":"a","data":{"delta":"lo"},"seriesId":"s","seriesMode":"accumulate"}"#,
        );
        let total = RawJson::parse(br#"{"delta":"Hello"}"#, 1).unwrap();
        let view = EventView::new(&task, Epoch(7), &event).with_total(&total);
        let view = if folded { view.as_snapshot() } else { view };
        let mut out = BytesMut::new();
        FrameTemplate::new(&view, shape).write(&mut out, filtered_index, folded);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn an_envelope_has_its_keys_in_order_and_the_id_after_the_data() {
        assert_eq!(
            frame(Shape::Envelope, 17, true),
            concat!(
                "event: taskcast.event\n",
                r#"data: {"filteredIndex":17,"rawIndex":42,"eventId":"01HF7YAT00000001R00000001A","#,
                r#""taskId":"t","type":"a","timestamp":1700000000000,"level":"info","#,
                r#""data":{"delta":"Hello"},"seriesId":"s","seriesMode":"accumulate","#,
                "\"seriesSnapshot\":true}\n",
                "id: 01HF7YAT00000001R00000001A~\n\n"
            )
        );
    }

    #[test]
    fn an_unwrapped_frame_has_the_event_and_no_filtered_index() {
        assert_eq!(
            frame(Shape::Event, 17, false),
            concat!(
                "event: taskcast.event\n",
                r#"data: {"id":"01HF7YAT00000001R00000001A","taskId":"t","index":42,"#,
                r#""timestamp":1700000000000,"type":"a","level":"info","#,
                r#""data":{"delta":"Hello"},"seriesId":"s","seriesMode":"accumulate"}"#,
                "\nid: 01HF7YAT00000001R00000001A\n\n"
            )
        );
    }

    #[test]
    fn an_id_that_would_break_its_line_is_left_out() {
        let task = TaskId::new("t").unwrap();
        let mut event = testing::event(br#"{"type":"a"}"#);
        for (foreign, line) in [
            ("msg 17", "\nid: msg 17"),
            ("a\nevent: x", ""),
            ("a\rb", ""),
            ("a\0b", ""),
            ("", ""),
            ("a~", ""),
        ] {
            event.foreign_id = Some(foreign.into());
            let template =
                FrameTemplate::new(&EventView::new(&task, Epoch(7), &event), Shape::Event);
            let mut out = BytesMut::new();
            template.write(&mut out, 0, false);
            assert_eq!(out.len(), template.len());
            let text = String::from_utf8(out.to_vec()).unwrap();
            assert!(text.ends_with(&format!("}}{line}\n\n")), "{text}");
            out.clear();
            template.write_as(&mut out, 0, "7.8");
            assert!(out.ends_with(b"}\nid: 7.8\n\n"));
        }
    }
}
