//! What each token says: its bytes, and whether it is text at all. From there on decoding is concatenation.

use std::str;

use super::byte_level;
use crate::units::{count_as_usize, index_as_u64};

/// How a vocabulary writes bytes and spaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spelling {
    /// Each character stands for a byte (GPT-2 and later).
    ByteLevel,
    /// `▁` is a space and `<0x0A>` a byte (SentencePiece). A text may begin with a space that nobody wrote.
    SentencePiece {
        /// One space at the start of a text is not written.
        drops_first_space: bool,
    },
}

/// What a token is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Text, spelled as the vocabulary spells it.
    Normal,
    /// Text as it stands.
    Verbatim,
    /// No text: a mark for the model.
    Control,
}

/// The bytes of every token, in one buffer.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    /// Where each id's bytes end.
    ends: Vec<usize>,
    is_control: Vec<bool>,
    drops_first_space: bool,
}

impl Pieces {
    /// From (id, text, kind) in rising order of ids; ids in between have no text.
    pub(super) fn new<'a>(spelling: Spelling, tokens: impl Iterator<Item = (u32, &'a str, Kind)>) -> Self {
        let drops_first_space = spelling == Spelling::SentencePiece { drops_first_space: true };
        let mut pieces = Self { drops_first_space, ..Self::default() };
        for (id, text, kind) in tokens {
            let at = count_as_usize(id.into());
            pieces.ends.resize(at, pieces.bytes.len());
            pieces.is_control.resize(at, false);
            match kind {
                Kind::Normal => pieces.bytes.extend(spelled(spelling, text)),
                Kind::Verbatim | Kind::Control => pieces.bytes.extend(text.as_bytes()),
            }
            pieces.ends.push(pieces.bytes.len());
            pieces.is_control.push(kind == Kind::Control);
        }
        pieces
    }

    /// One more than the largest id.
    pub(super) fn size(&self) -> u64 {
        index_as_u64(self.ends.len())
    }

    /// The bytes of an id; none where the vocabulary has no such id, as in the padding of an embedding table.
    pub(super) fn bytes(&self, id: u32) -> &[u8] {
        let at = count_as_usize(id.into());
        let Some(&end) = self.ends.get(at) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..end]
    }

    /// True for a mark that is no text.
    pub(super) fn is_control(&self, id: u32) -> bool {
        self.is_control.get(count_as_usize(id.into())).copied().unwrap_or(false)
    }

    /// A stream over these pieces.
    pub(super) fn stream(&self) -> TextStream<'_> {
        TextStream { pieces: self, pending: Vec::new(), drops_space: self.drops_first_space }
    }
}

fn spelled(spelling: Spelling, text: &str) -> Vec<u8> {
    match spelling {
        Spelling::ByteLevel => byte_level::bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec()),
        Spelling::SentencePiece { .. } => match byte_token(text) {
            Some(byte) => vec![byte],
            None => text.replace('▁', " ").into_bytes(),
        },
    }
}

/// The byte that `<0x0A>` names.
pub(super) fn byte_token(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let are_digits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Tokens in, text out, as soon as a character is whole: a character may be spread over several tokens.
#[derive(Clone, Debug)]
pub struct TextStream<'a> {
    pieces: &'a Pieces,
    pending: Vec<u8>,
    drops_space: bool,
}

impl TextStream<'_> {
    /// The text that this token completes; often less or more than one word, and empty for a mark that is no text.
    pub fn push(&mut self, id: u32) -> String {
        if self.pieces.is_control(id) { String::new() } else { self.push_shown(id) }
    }

    /// The same, with marks written as the vocabulary spells them.
    pub fn push_shown(&mut self, id: u32) -> String {
        let mut bytes = self.pieces.bytes(id);
        if self.drops_space && !bytes.is_empty() && !self.pieces.is_control(id) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
            self.drops_space = false;
        }
        self.pending.extend(bytes);
        self.take(false)
    }

    /// What is left: a character that never became whole, as U+FFFD.
    pub fn finish(mut self) -> String {
        self.take(true)
    }

    fn take(&mut self, is_end: bool) -> String {
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, bad) = rest.split_at(error.valid_up_to());
                    text.push_str(str::from_utf8(valid).expect("valid up to here"));
                    let Some(length) = error.error_len().or(is_end.then_some(bad.len())) else {
                        rest = bad;
                        break;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &bad[length..];
                }
            }
        }
        self.pending = rest.to_vec();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(tokens: &[(&str, Kind)], spelling: Spelling) -> Pieces {
        Pieces::new(spelling, (0..).zip(tokens).map(|(id, (text, kind))| (id, *text, *kind)))
    }

    #[test]
    fn a_character_over_several_tokens_appears_once_it_is_whole() {
        let bytes = ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "a"].map(|text| (text, Kind::Normal));
        let pieces = pieces(&bytes, Spelling::SentencePiece { drops_first_space: true });
        let mut stream = pieces.stream();
        let shown: Vec<_> = [0, 1, 2, 3, 4].map(|id| stream.push(id)).into();
        assert_eq!(shown, ["", "", "", "😀", "a"]);
        let mut cut = pieces.stream();
        assert_eq!([cut.push(4), cut.push(0), cut.push(1)], ["a", "", ""]);
        assert_eq!(cut.finish(), "\u{fffd}");
        let mut broken = pieces.stream();
        assert_eq!([broken.push(0), broken.push(4), broken.push(3)], ["", "\u{fffd}a", "\u{fffd}"]);
    }

    #[test]
    fn spaces_marks_and_gaps_are_as_the_vocabulary_says() {
        let tokens =
            [("<s>", Kind::Control), ("▁the", Kind::Normal), ("▁", Kind::Verbatim), ("<0x4", Kind::Normal)];
        let spelling = Spelling::SentencePiece { drops_first_space: true };
        let pieces = pieces(&tokens, spelling);
        let mut stream = pieces.stream();
        assert_eq!([0, 1, 1, 2, 3].map(|id| stream.push(id)).concat(), "the the▁<0x4");
        assert_eq!(pieces.stream().push_shown(0), "<s>");
        assert_eq!(pieces.stream().push(4_000_000_000), "", "an id without a token is no text");
        let gap =
            Pieces::new(Spelling::ByteLevel, [(1, "Ġa", Kind::Normal), (4, "b", Kind::Normal)].into_iter());
        assert_eq!(
            (gap.size(), gap.bytes(0), gap.bytes(1), gap.bytes(3), gap.bytes(4)),
            (5, [].as_slice(), b" a".as_slice(), [].as_slice(), b"b".as_slice())
        );
    }
}
