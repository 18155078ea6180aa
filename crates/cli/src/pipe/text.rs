//! Bytes become text, however they are cut.

/// Joins bytes into text. A character that is cut in two waits for its rest; bytes that are no
/// UTF-8 become U+FFFD, as [`String::from_utf8_lossy`] does it for the whole.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character, at most three bytes.
    carried: Vec<u8>,
}

impl Utf8 {
    /// Appends the text of the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], text: &mut String) {
        let joined;
        let mut rest = match self.carried.is_empty() {
            true => bytes,
            false => {
                self.carried.extend_from_slice(bytes);
                joined = std::mem::take(&mut self.carried);
                &joined
            }
        };
        loop {
            let error = match str::from_utf8(rest) {
                Ok(valid) => return text.push_str(valid),
                Err(error) => error,
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            text.push_str(str::from_utf8(valid).unwrap_or_default());
            let Some(length) = error.error_len() else {
                self.carried = after.to_vec();
                return;
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &after[length..];
        }
    }

    /// Appends what is left at the end of the input.
    pub(super) fn finish(&mut self, text: &mut String) {
        if !std::mem::take(&mut self.carried).is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut utf8, mut text) = (Utf8::default(), String::new());
        for piece in pieces {
            utf8.push(piece, &mut text);
        }
        utf8.finish(&mut text);
        text
    }

    proptest! {
        #[test]
        fn text_is_the_same_however_its_bytes_are_cut(text in "\\PC{0,40}", size in 1_usize..5) {
            prop_assert_eq!(joined(text.as_bytes().chunks(size)), text);
        }

        #[test]
        fn bytes_that_are_no_text_are_replaced_as_in_the_whole(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0xe0..=0xf4_u8, 0x80..=0xbf_u8], 0..40),
            size in 1_usize..5,
        ) {
            prop_assert_eq!(joined(bytes.chunks(size)), String::from_utf8_lossy(&bytes));
        }
    }
}
