//! A vocabulary for files with random weights: exactly as many tokens as embedding rows, all of them harmless text.
//!
//! Byte-level, as GPT-2's and Qwen's are: token `b` (0 to 255) is byte `b`, written as the character GPT-2's map gives it,
//! so any text can be encoded. Then one merged token, and words of made-up syllables with a space before them, so that
//! random output reads as nonsense words. Control tokens stand at the ids they have in the DeepSeek-R1 distills of Qwen.

use super::gguf::write::Value;

/// Bytes, the merged token, control tokens: what a vocabulary needs at least.
pub(super) const LEAST_TOKENS: u64 = 263;

/// Only merge there is, and the token it makes; llama.cpp wants a list that is not empty.
const MERGE: (&str, &str) = ("i n", "in");

/// Pre-tokeniser that both llama.cpp and candle know, and the one of Qwen2.
const PRE_TOKENIZER: &str = "qwen2";

/// The distills' own template with everything but plain messages left out.
const CHAT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
    {% if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}\
    {% elif message['role'] == 'assistant' %}{{ '<｜Assistant｜>' + message['content'] + eos_token }}\
    {% else %}{{ message['content'] }}{% endif %}{% endfor %}\
    {% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}";

/// llama.cpp's `llama_token_type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Plain text.
    Normal,
    /// Left out of the text a server returns.
    Control,
    /// One token wherever it appears, and printed.
    UserDefined,
}

impl Kind {
    const fn id(self) -> i32 {
        match self {
            Self::Normal => 1,
            Self::Control => 3,
            Self::UserDefined => 4,
        }
    }
}

/// Control tokens: id in the distills, text as the distills spell it, kind.
const EOS: (u64, &str, Kind) = (151_643, "<｜end▁of▁sentence｜>", Kind::Control);
const USER: (u64, &str, Kind) = (151_644, "<｜User｜>", Kind::Control);
const ASSISTANT: (u64, &str, Kind) = (151_645, "<｜Assistant｜>", Kind::Control);
const BOS: (u64, &str, Kind) = (151_646, "<｜begin▁of▁sentence｜>", Kind::Control);
const THINK: (u64, &str, Kind) = (151_648, "<think>", Kind::UserDefined);
const END_THINK: (u64, &str, Kind) = (151_649, "</think>", Kind::UserDefined);
const SPECIAL: [(u64, &str, Kind); 6] = [EOS, USER, ASSISTANT, BOS, THINK, END_THINK];

/// The tokens of a synthetic file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<i32>,
    bos: u32,
    eos: u32,
}

impl Vocabulary {
    /// A vocabulary of exactly `size` tokens, or `None` below [`LEAST_TOKENS`]. Where `size` does not reach the distills'
    /// ids, the control tokens are the last six.
    pub(super) fn new(size: u64) -> Option<Self> {
        if size < LEAST_TOKENS {
            return None;
        }
        let id = |index: u64, (at, ..): (u64, &str, Kind)| {
            if size > END_THINK.0 { at } else { size - 6 + index }
        };
        let special: Vec<_> = (0..).zip(SPECIAL).map(|(index, token)| (id(index, token), token)).collect();
        let mut tokens: Vec<String> = (0..=u8::MAX).map(|byte| byte_character(byte).to_string()).collect();
        let mut kinds = vec![Kind::Normal.id(); tokens.len()];
        let mut words = std::iter::once(MERGE.1.to_owned()).chain((0..).map(word));
        for at in 256..size {
            let token = special.iter().find(|(id, _)| *id == at);
            let (text, kind) = match token {
                Some((_, (_, text, kind))) => ((*text).to_owned(), *kind),
                None => (words.next().expect("numbers do not run out"), Kind::Normal),
            };
            tokens.push(text);
            kinds.push(kind.id());
        }
        let narrow = |id| u32::try_from(id).expect("no vocabulary exceeds 2^24 tokens");
        Some(Self { tokens, kinds, bos: narrow(id(3, BOS)), eos: narrow(id(0, EOS)) })
    }

    /// The metadata that carries it in a GGUF file.
    pub(super) fn metadata(self) -> Vec<(String, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        [
            ("ggml.model", text("gpt2")),
            ("ggml.pre", text(PRE_TOKENIZER)),
            ("ggml.tokens", Value::Texts(self.tokens)),
            ("ggml.token_type", Value::Ints(self.kinds)),
            ("ggml.merges", Value::Texts(vec![MERGE.0.to_owned()])),
            ("ggml.bos_token_id", Value::U32(self.bos)),
            ("ggml.eos_token_id", Value::U32(self.eos)),
            ("ggml.padding_token_id", Value::U32(self.eos)),
            ("ggml.add_bos_token", Value::Bool(true)),
            ("ggml.add_eos_token", Value::Bool(false)),
            ("chat_template", text(CHAT_TEMPLATE)),
        ]
        .map(|(key, value)| (format!("tokenizer.{key}"), value))
        .into()
    }
}

/// The character that stands for a byte: itself where it is visible, otherwise the next free one from U+0100 on. Space is
/// "Ġ", newline "Ċ". Source: `bytes_to_unicode` of GPT-2's encoder.
pub(crate) fn byte_character(byte: u8) -> char {
    let hidden = |byte: &u8| !matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if hidden(&byte) {
        let before = (0..byte).filter(hidden).count();
        let code = 0x100 + u32::try_from(before).expect("at most 68 bytes are hidden");
        char::from_u32(code).expect("U+0100 to U+0143 are characters")
    } else {
        char::from(byte)
    }
}

/// The `number`-th made-up word, with the space before it: " ba", " be", ..., " bababa", ... All differ.
fn word(mut number: u64) -> String {
    const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut syllables = Vec::new();
    // Numbers to base 100 without a zero, so that no two have the same syllables.
    loop {
        syllables.push(number % 100);
        if number < 100 {
            break;
        }
        number = number / 100 - 1;
    }
    let letters = syllables.iter().rev().flat_map(|&syllable| {
        let syllable = crate::units::count_as_usize(syllable);
        [CONSONANTS[syllable / 5], VOWELS[syllable % 5]].map(char::from)
    });
    std::iter::once(byte_character(b' ')).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Cursor;

    use candle_core::quantized::gguf_file::Content;
    use candle_core::quantized::tokenizer::TokenizerFromGguf;
    use tokenizers::Tokenizer;

    use super::*;
    use crate::model::gguf::write::header;

    fn tokenizer(size: u64) -> Tokenizer {
        let metadata = Vocabulary::new(size).unwrap().metadata();
        let content = Content::read(&mut Cursor::new(header(&metadata, &[]))).unwrap();
        Tokenizer::from_gguf(&content).unwrap()
    }

    #[test]
    fn every_size_has_distinct_tokens_with_control_tokens_in_place() {
        for (size, bos, eos) in [(263, 260, 257), (512, 509, 506), (151_936, 151_646, 151_643)] {
            let vocabulary = Vocabulary::new(size).unwrap();
            let distinct: HashSet<_> = vocabulary.tokens.iter().collect();
            assert_eq!(distinct.len(), usize::try_from(size).unwrap());
            assert_eq!(vocabulary.kinds.len(), distinct.len());
            assert_eq!(vocabulary.kinds.iter().filter(|&&kind| kind != 1).count(), 6);
            assert_eq!((vocabulary.bos, vocabulary.eos), (bos, eos));
        }
        assert_eq!(Vocabulary::new(262), None);
    }

    #[test]
    fn every_token_decodes_to_its_byte_or_to_printable_text() {
        for size in [512, 151_936] {
            let tokenizer = tokenizer(size);
            assert_eq!(u64::try_from(tokenizer.get_vocab_size(true)).unwrap(), size);
            for id in 0..u32::try_from(size).unwrap() {
                let text = tokenizer.decode(&[id], false).unwrap();
                let printable = !text.is_empty() && !text.chars().any(char::is_control);
                match u8::try_from(id) {
                    // A byte above 127 is no text on its own; a decoder prints the replacement character.
                    Ok(byte) if byte.is_ascii() => assert_eq!(text, char::from(byte).to_string()),
                    _ => assert!(printable, "{id}: {text:?}"),
                }
            }
        }
    }

    #[test]
    fn any_text_survives_a_round_trip() {
        let tokenizer = tokenizer(512);
        for text in ["Why is the sky blue?", "naïve café ☕ 你好", "a\tb\n\n  c\u{7}", "within", "x = 1;\r\n"]
        {
            let ids = tokenizer.encode(text, true).unwrap();
            assert_eq!(ids.get_ids()[0], 509, "the first token is BOS");
            assert_eq!(tokenizer.decode(ids.get_ids(), true).unwrap(), text);
        }
        assert_eq!(tokenizer.encode("<｜User｜>in<think>", false).unwrap().get_ids(), [507, 256, 510]);
    }

    #[test]
    fn words_read_as_nonsense() {
        assert_eq!(
            [0, 1, 99, 100, 10_099, 10_100].map(word),
            ["Ġba", "Ġbe", "Ġzu", "Ġbaba", "Ġzuzu", "Ġbababa"]
        );
    }
}
