//! Event streams as bytes: frames for servers, a parser for clients. Nothing here knows HTTP.
//!
//! Whatever ids, types, payloads and reasons hold, one call writes exactly one frame: texts stand
//! inside JSON strings, and an id that would break its line is left out.

mod control;
mod parse;
mod template;

pub use control::{
    Gap, ReplayMode, caught_up, comment, done, gap, opening, progress, ready, retry,
};
pub use parse::{Frame, FrameTooLarge, Parser};
pub use template::{FrameTemplate, Shape};

/// Whether an id can stand in an `id:` line and come back in a `Last-Event-ID` header: a text
/// without control characters or spaces around it (a header loses them), and one that is not
/// mistaken for a cursor within a folded replay.
#[must_use]
pub fn is_safe_id(id: &str) -> bool {
    !id.is_empty()
        && !id.chars().any(char::is_control)
        && !id.starts_with(' ')
        && !id.ends_with([' ', taskcast_core::Cursor::FOLDED_MARK])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, EventView, TaskEvent, testing};
    use bytes::BytesMut;
    use proptest::prelude::*;
    use taskcast_core::{Epoch, EventId, GapReason, Index, Millis, TaskId};

    fn parse(bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        Parser::new(1 << 20).push(bytes, &mut frames).unwrap();
        frames
    }

    proptest! {
        #[test]
        fn hostile_texts_come_back_as_they_were_in_one_frame_each(
            task in testing::names(), event in testing::events(), filtered: u64,
            folded: bool, snapshot: bool,
        ) {
            let task = TaskId::new(task).unwrap();
            let view = EventView::new(&task, Epoch(3), &event);
            let view = if snapshot { view.as_snapshot() } else { view };
            let mut out = BytesMut::new();
            for shape in [Shape::Envelope, Shape::Event] {
                FrameTemplate::new(&view, shape).write(&mut out, filtered, folded);
            }
            let frames = parse(&out);
            prop_assert_eq!(frames.len(), 2);
            let id = event.id(Epoch(3)).to_string();
            let sent_id = is_safe_id(&id).then(|| format!("{id}{}", if folded { "~" } else { "" }));
            for frame in &frames {
                prop_assert_eq!(frame.event.as_str(), "taskcast.event");
                prop_assert_eq!(&frame.id, &sent_id);
            }
            let envelope: Envelope = serde_json::from_str(frames[0].data.as_ref().unwrap()).unwrap();
            let bare: TaskEvent = serde_json::from_str(frames[1].data.as_ref().unwrap()).unwrap();
            prop_assert_eq!(envelope.filtered_index, filtered);
            prop_assert_eq!(TaskEvent::from(envelope), bare.clone());
            prop_assert_eq!(bare.id, id);
            prop_assert_eq!(bare.task_id, task);
            prop_assert_eq!(bare.event_type, event.event_type);
            prop_assert_eq!(bare.data, event.data);
            prop_assert_eq!(bare.series_acc_field.as_deref(), event.series.field.as_deref());
            prop_assert_eq!(bare.series_snapshot, snapshot);
        }

        #[test]
        fn control_frames_carry_any_text(text: String, number: u64) {
            let mut out = BytesMut::new();
            comment(&mut out, &text);
            done(&mut out, &text, None);
            gap(&mut out, &text, Index(number), GapReason::Lost);
            progress(&mut out, &text);
            comment(&mut out, "hb");
            let frames = parse(&out);
            let mut frames = frames.iter();
            let json = |frame: &Frame| {
                serde_json::from_str::<serde_json::Value>(frame.data.as_ref().unwrap()).unwrap()
            };
            let done = frames.next().unwrap();
            prop_assert_eq!(&json(done)["reason"], &text);
            let gap = frames.next().unwrap();
            prop_assert_eq!(&json(gap)["requested"], &text);
            prop_assert_eq!(&json(gap)["earliest"], &number);
            let progress = frames.next().and_then(|frame| frame.id.clone());
            let safe = !text.is_empty() && !text.chars().any(char::is_control);
            prop_assert_eq!(progress, safe.then_some(text));
            prop_assert_eq!(frames.next(), None);
        }
    }

    #[test]
    fn control_frames_have_these_bytes() {
        let mut out = BytesMut::new();
        let end = EventId {
            at: Millis(1_700_000_000_000),
            epoch: Epoch(7),
            index: Index(43),
        };
        opening(&mut out, 2137);
        ready(&mut out, Epoch(7), Index(3), Index(43), ReplayMode::Folded);
        gap(&mut out, "old", Index(5), GapReason::Trimmed);
        caught_up(&mut out, Index(43));
        progress(&mut out, "01HF7YAT00000001R00000001A");
        comment(&mut out, "hb");
        done(&mut out, "completed", Some(end));
        retry(&mut out, 900);
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            "retry: 2137\n: open\n\n\
             event: taskcast.ready\n\
             data: {\"epoch\":7,\"from\":3,\"tail\":43,\"mode\":\"folded\"}\n\n\
             event: taskcast.gap\n\
             data: {\"requested\":\"old\",\"earliest\":5,\"reason\":\"trimmed\"}\n\n\
             event: taskcast.caughtup\ndata: {\"index\":43}\n\n\
             id: 01HF7YAT00000001R00000001A\n\n\
             : hb\n\n\
             event: taskcast.done\ndata: {\"reason\":\"completed\"}\n\
             id: 01HF7YAT00000001R00000001B\n\n\
             retry: 900\n\n"
        );
    }
}
