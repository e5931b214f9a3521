//! Bytes written as characters: the vocabularies of GPT-2 and its successors hold text, and every byte has a character.

use std::collections::HashSet;

use super::error::TextError;
use crate::model::byte_character;

/// The byte a character stands for, if it stands for one.
pub(super) fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    if let Ok(byte) = u8::try_from(code) {
        return (byte_character(byte) == character).then_some(byte);
    }
    // The hidden bytes follow each other from U+0100 on.
    (0..=u8::MAX).find(|byte| (0x100..0x144).contains(&code) && byte_character(*byte) == character)
}

/// The bytes of a token's text, or `None` where a character stands for none.
pub(super) fn bytes_of(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

/// True for bytes that UTF-8 text can hold: the rest needs no token.
pub(super) const fn occurs_in_utf8(byte: u8) -> bool {
    !matches!(byte, 0xc0 | 0xc1 | 0xf5..)
}

/// Fails if a byte that text can hold has no token of its own: such a byte would vanish without a word.
pub(super) fn check_bytes(tokens: &HashSet<&str>) -> Result<(), TextError> {
    let missing = (0..=u8::MAX)
        .find(|&byte| occurs_in_utf8(byte) && !tokens.contains(byte_character(byte).to_string().as_str()));
    match missing {
        None => Ok(()),
        Some(byte) => Err(TextError::vocabulary(format!("byte {byte:#04x} has no token"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_and_comes_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(byte_of(byte_character(byte)), Some(byte));
        }
        for character in [' ', '\n', '\u{144}', '你', '\u{ad}'] {
            assert_eq!(byte_of(character), None, "{character:?}");
        }
        assert_eq!(bytes_of("Ġé").as_deref(), Some([b' ', 0xe9].as_slice()));
    }
}
