//! An event as all its subscribers share it.

use bytes::Bytes;
use std::sync::OnceLock;
use taskcast_core::Event;

/// An event that is encoded once per form, however many subscribers it goes to.
#[derive(Debug)]
pub struct SharedEvent {
    /// The event.
    pub event: Event,
    forms: [OnceLock<EncodedForm>; SharedEvent::FORMS],
}

/// An encoded event: bytes, and one place in them that the transport wants to find again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedForm {
    /// The bytes.
    pub bytes: Bytes,
    /// The place.
    pub split: usize,
}

impl SharedEvent {
    /// How many forms a transport may keep.
    pub const FORMS: usize = 2;

    /// Shares an event.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Self {
            event,
            forms: Default::default(),
        }
    }

    /// The event in one form, encoded by whoever asks first. One engine serves one transport per
    /// form; a form past [`FORMS`](Self::FORMS) wraps around.
    pub fn form(&self, form: usize, encode: impl FnOnce(&Event) -> EncodedForm) -> &EncodedForm {
        self.forms[form % Self::FORMS].get_or_init(|| encode(&self.event))
    }

    /// Bytes the event takes in memory with its forms, about.
    pub(crate) fn weight(&self) -> usize {
        // A form repeats the payload in a frame of some 250 bytes; most viewers share one.
        2 * self.event.weight()
    }
}
