//! Event ids: ULIDs that carry their own position.
//!
//! ```text
//!   127            80 79                  48 47                0
//!   | milliseconds   | tag of the epoch     | index            |
//! ```
//!
//! Written as 26 characters of Crockford base 32, so an id sorts by time, looks like any ULID, and
//! any instance turns it into an exact position without a look-up.

use crate::{Epoch, Index, Millis};
use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TEXT_LEN: usize = 26;
const MILLIS_LIMIT: u64 = 1 << 48;

/// The computed id of the event at one index of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// When the event was appended; never decreases within a log.
    pub at: Millis,
    /// Which log the event belongs to.
    pub epoch: Epoch,
    /// Where in the log it stands.
    pub index: Index,
}

/// A text that is not an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is 26 characters of Crockford base 32")]
pub struct EventIdError;

impl EventId {
    /// The id as 26 ASCII characters.
    #[must_use]
    pub fn encode(&self) -> [u8; TEXT_LEN] {
        let mut bits = self.to_bits();
        let mut text = [b'0'; TEXT_LEN];
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        text
    }

    /// Reads an id back; letters of either case.
    ///
    /// # Errors
    /// When the text is no ULID.
    pub fn decode(text: &str) -> Result<Self, EventIdError> {
        let bytes = text.as_bytes();
        if bytes.len() != TEXT_LEN || bytes[0] > b'7' {
            return Err(EventIdError);
        }
        let mut bits = 0_u128;
        for byte in bytes {
            let digit = ALPHABET
                .iter()
                .position(|c| *c == byte.to_ascii_uppercase());
            bits = bits << 5 | digit.ok_or(EventIdError)? as u128;
        }
        Ok(Self::from_bits(bits))
    }

    fn to_bits(self) -> u128 {
        let at = u128::from(self.at.0 % MILLIS_LIMIT);
        let index = u128::from(self.index.0 % Index::LIMIT.0);
        at << 80 | u128::from(self.epoch.0) << 48 | index
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "each field is masked to its width"
    )]
    fn from_bits(bits: u128) -> Self {
        Self {
            at: Millis((bits >> 80) as u64),
            epoch: Epoch((bits >> 48) as u32),
            index: Index(bits as u64 & (Index::LIMIT.0 - 1)),
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.encode();
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl std::str::FromStr for EventId {
    type Err = EventIdError;
    fn from_str(text: &str) -> Result<Self, EventIdError> {
        Self::decode(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_id()(at in 0..MILLIS_LIMIT, epoch: u32, index in 0..Index::LIMIT.0) -> EventId {
            EventId { at: Millis(at), epoch: Epoch(epoch), index: Index(index) }
        }
    }

    proptest! {
        #[test]
        fn an_id_carries_its_position(id in any_id()) {
            let text = id.to_string();
            prop_assert_eq!(text.len(), 26);
            prop_assert_eq!(EventId::decode(&text), Ok(id));
            prop_assert_eq!(EventId::decode(&text.to_lowercase()), Ok(id));
        }

        #[test]
        fn text_sorts_like_the_position(a in any_id(), b in any_id()) {
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn any_other_text_is_refused(text in "\\PC{0,30}") {
            if let Ok(id) = EventId::decode(&text) {
                prop_assert_eq!(id.to_string(), text.to_uppercase());
            }
        }
    }
}
