//! Just enough DER to tell what kind of public key a PEM text holds.
//!
//! The library that verifies signatures parses the key itself, strictly. This reader exists for
//! the error messages: it says what a refused key is, and how many bits an RSA key has.

/// Values in DER, read one after the other.
pub(super) struct Der<'a>(pub(super) &'a [u8]);

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

impl<'a> Der<'a> {
    /// The contents of the next value, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        if found != tag {
            return None;
        }
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }

    /// A reader of the next value's contents, if it is a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((first.into(), rest)),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked((first & 0x7f).into())?;
            let length = digits
                .iter()
                .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
            Some((length, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_follow_each_other() {
        let mut der = Der(&[0x30, 0x03, 0x02, 0x01, 0x07, 0x03, 0x81, 0x01, 0xff]);
        assert_eq!(der.sequence().unwrap().take(INTEGER), Some(&[7][..]));
        assert_eq!(der.take(INTEGER), None);
        assert_eq!(der.take(BIT_STRING), Some(&[0xff][..]));
        assert_eq!(der.take(BIT_STRING), None);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Der(&bytes).sequence().map(|mut inner| inner.take(INTEGER).is_some());
        }
    }
}
