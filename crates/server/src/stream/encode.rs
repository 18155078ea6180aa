//! From frames of the engine to bytes of an event stream.

use bytes::BytesMut;
use taskcast_api::EventView;
use taskcast_api::sse::{self, FrameTemplate, ReplayMode, Shape};
use taskcast_core::{Epoch, Event, Head, RawJson, TaskId};
use taskcast_engine::{EncodedForm, EventFrame, Frame, Opening, SharedEvent};

/// How the frames of one subscriber are written.
#[derive(Clone, Debug)]
pub(crate) struct TaskFrames {
    pub(crate) task: TaskId,
    pub(crate) epoch: Epoch,
    pub(crate) shape: Shape,
    /// Whether the client asked for `taskcast.ready` and `taskcast.caughtup`.
    pub(crate) control: bool,
}

impl TaskFrames {
    pub(crate) fn open(&self, out: &mut BytesMut, opening: &Opening) {
        if self.control {
            let mode = if opening.folded {
                ReplayMode::Folded
            } else {
                ReplayMode::Unfolded
            };
            sse::ready(out, opening.epoch, opening.from, opening.tail, mode);
        }
    }

    pub(crate) fn write(&self, out: &mut BytesMut, frame: &Frame) {
        match frame {
            Frame::Event(event) => self.event(out, event),
            Frame::Gap(gap) => sse::gap(out, &gap.requested, gap.earliest, gap.reason),
            Frame::Progress(id) => sse::progress(out, &id.to_string()),
            Frame::CaughtUp(index) if self.control => sse::caught_up(out, *index),
            Frame::CaughtUp(_) => {}
            Frame::Done(done) => sse::done(out, done.reason, done.cursor),
        }
    }

    fn event(&self, out: &mut BytesMut, frame: &EventFrame) {
        if frame.total.is_none() && !frame.snapshot {
            return self
                .shared(&frame.shared)
                .write(out, frame.position, frame.folded);
        }
        let event = &frame.shared.event;
        let total = frame
            .total
            .as_ref()
            .and_then(|t| t.with(|text| Head::total(event, text)));
        let template = self.template(event, total.as_ref(), frame.snapshot);
        template.write(out, frame.position, frame.folded);
    }

    /// The template of an event as it is, encoded by whichever subscriber needs it first.
    fn shared(&self, shared: &SharedEvent) -> FrameTemplate {
        let form = match self.shape {
            Shape::Envelope => 0,
            Shape::Event => 1,
        };
        let encoded = shared.form(form, |event| {
            let (bytes, split) = self.template(event, None, false).parts();
            EncodedForm { bytes, split }
        });
        FrameTemplate::from_parts(self.shape, encoded.bytes.clone(), encoded.split)
    }

    fn template(&self, event: &Event, total: Option<&RawJson>, snapshot: bool) -> FrameTemplate {
        let mut view = EventView::new(&self.task, self.epoch, event);
        if let Some(total) = total {
            view = view.with_total(total);
        }
        if snapshot {
            view = view.as_snapshot();
        }
        FrameTemplate::new(&view, self.shape)
    }
}
