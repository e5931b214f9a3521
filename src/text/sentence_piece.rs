//! SentencePiece's byte-pair model with scores, as GGUF files of kind `llama` hold it.
//!
//! Such a file has no list of merges: two neighbours are joined when their text is a token, the pair whose token scores
//! highest first, and of equal scores the leftmost. What is left and no token becomes bytes. The `tokenizers` crate joins
//! by a list of pairs, and a list cannot say that all pairs which make one token have one rank; so this is written out.
//! Source: the algorithm as SentencePiece's `bpe_model` and llama.cpp's `llm_tokenizer_spm` do it.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use super::error::TextError;
use super::parts::{Added, check_byte_tokens};
use super::pieces::{Kind, Pieces, Spelling, byte_token};
use super::source::named;
use crate::model::shown;

/// The character that stands for a space.
const SPACE: &str = "▁";

/// Texts, scores and byte tokens.
#[derive(Clone, Debug)]
pub(super) struct SentencePiece {
    /// Tokens that neighbours may be joined to, with their scores.
    tokens: HashMap<String, (u32, f32)>,
    /// The token of each byte; bytes that UTF-8 does not hold may have none.
    bytes: HashMap<u8, u32>,
    marks: MarkTable,
    adds_space: bool,
}

impl SentencePiece {
    /// From the lists of the file; `added` are the tokens that are found in a text as they stand.
    pub(super) fn new(
        tokens: Vec<String>,
        scores: &[f32],
        added: &[Added],
        adds_space: bool,
    ) -> Result<(Self, Pieces), TextError> {
        check_byte_tokens(tokens.iter().map(String::as_str))?;
        let kinds: HashMap<u32, Kind> = added
            .iter()
            .map(|added| (added.id, if added.token.special { Kind::Control } else { Kind::Verbatim }))
            .collect();
        let tokens: Vec<String> = (0..).zip(tokens).map(|(id, text)| named(text, id)).collect();
        let spelling = Spelling::SentencePiece { drops_first_space: adds_space };
        let kind = |id: u32| kinds.get(&id).copied().unwrap_or(Kind::Normal);
        let pieces =
            Pieces::new(spelling, (0..).zip(&tokens).map(|(id, text)| (id, text.as_str(), kind(id))));
        let (mut texts, mut bytes) = (HashMap::with_capacity(tokens.len()), HashMap::new());
        for ((id, text), score) in (0..).zip(tokens).zip(scores) {
            if !score.is_finite() {
                return Err(TextError::vocabulary(format!(
                    "token {id}, `{}`, has the score {score}",
                    shown(&text)
                )));
            }
            if let Some(byte) = byte_token(&text) {
                bytes.entry(byte).or_insert(id);
            } else if let Some((other, _)) = texts.insert(text, (id, *score)) {
                return Err(TextError::vocabulary(format!("tokens {other} and {id} are the same text")));
            }
        }
        // A mark is found before anything is joined, and joining must not make one out of plain text.
        texts.retain(|_, (id, _)| kind(*id) != Kind::Control);
        let marks = MarkTable::new(added.iter().map(|added| (added.token.content.clone(), added.id)));
        Ok((Self { tokens: texts, bytes, marks, adds_space }, pieces))
    }

    /// The ids of a text, marks included, without start and end.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let found = self.marks.find(rest);
            let (plain, after) = match &found {
                Some((place, _)) => (&rest[..place.start], &rest[place.end..]),
                None => (rest, ""),
            };
            // Every stretch of plain text follows a mark or begins the text.
            if !plain.is_empty() {
                let prefix = if self.adds_space { SPACE } else { "" };
                self.encode_plain(&format!("{prefix}{}", plain.replace(' ', SPACE)), &mut ids);
            }
            ids.extend(found.map(|(_, id)| id));
            rest = after;
        }
        ids
    }

    fn encode_plain(&self, text: &str, ids: &mut Vec<u32>) {
        let mut chain = Chain::new(text);
        let mut queue = BinaryHeap::new();
        for left in 1..chain.symbols.len() {
            queue.extend(self.join(&chain, left - 1));
        }
        while let Some(join) = queue.pop() {
            if chain.take(&join) {
                let before = chain.symbols[join.left].previous;
                queue.extend(before.and_then(|left| self.join(&chain, left)));
                queue.extend(self.join(&chain, join.left));
            }
        }
        for symbol in chain.symbols.iter().filter(|symbol| !symbol.is_gone) {
            let part = &text[symbol.place.clone()];
            match self.tokens.get(part) {
                Some((id, _)) => ids.push(*id),
                // A byte without a token occurs in no text: `check_byte_tokens` saw to it.
                None => ids.extend(part.bytes().filter_map(|byte| self.bytes.get(&byte))),
            }
        }
    }

    /// What joining a symbol with the next one gives, if that is a token.
    fn join(&self, chain: &Chain<'_>, left: usize) -> Option<Join> {
        let right = chain.symbols[left].next?;
        let place = chain.symbols[left].place.start..chain.symbols[right].place.end;
        let (_, score) = self.tokens.get(&chain.text[place.clone()])?;
        Some(Join { score: *score, left, right, end: place.end })
    }
}

/// Two neighbours that make a token.
#[derive(Debug)]
struct Join {
    score: f32,
    left: usize,
    right: usize,
    /// Where the joined text ends; it tells a stale entry from a good one.
    end: usize,
}

impl Ord for Join {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Join {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Join {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Join {}

/// A stretch of the text, between its neighbours.
#[derive(Debug)]
struct Symbol {
    place: Range<usize>,
    previous: Option<usize>,
    next: Option<usize>,
    is_gone: bool,
}

/// A text as symbols, at first one a character.
#[derive(Debug)]
struct Chain<'a> {
    text: &'a str,
    symbols: Vec<Symbol>,
}

impl<'a> Chain<'a> {
    fn new(text: &'a str) -> Self {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(at, (start, character))| Symbol {
                place: start..start + character.len_utf8(),
                previous: at.checked_sub(1),
                next: Some(at + 1),
                is_gone: false,
            })
            .collect();
        if let Some(last) = symbols.last_mut() {
            last.next = None;
        }
        Self { text, symbols }
    }

    /// Joins two symbols, unless one of them has changed since.
    fn take(&mut self, join: &Join) -> bool {
        let (left, right) = (&self.symbols[join.left], &self.symbols[join.right]);
        if left.is_gone || right.is_gone || left.next != Some(join.right) || right.place.end != join.end {
            return false;
        }
        let after = right.next;
        self.symbols[join.left].place.end = join.end;
        self.symbols[join.left].next = after;
        self.symbols[join.right].is_gone = true;
        if let Some(after) = after {
            self.symbols[after].previous = Some(join.left);
        }
        true
    }
}

/// Marks by their first byte, the longest first.
#[derive(Clone, Debug)]
struct MarkTable(Vec<Vec<(String, u32)>>);

impl MarkTable {
    fn new(marks: impl Iterator<Item = (String, u32)>) -> Self {
        let mut table = vec![Vec::new(); 256];
        for (text, id) in marks {
            let Some(&first) = text.as_bytes().first() else { continue };
            table[usize::from(first)].push((text, id));
        }
        for marks in &mut table {
            marks.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        }
        Self(table)
    }

    /// The first mark in a text, the longest of those that begin there.
    fn find(&self, text: &str) -> Option<(Range<usize>, u32)> {
        text.bytes().enumerate().find_map(|(at, byte)| {
            let rest = &text.as_bytes()[at..];
            let (mark, id) =
                self.0[usize::from(byte)].iter().find(|(mark, _)| rest.starts_with(mark.as_bytes()))?;
            Some((at..at + mark.len(), *id))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::AddedToken;

    use super::*;

    /// Three marks, all bytes, and words with scores.
    fn model(words: &[(&str, f32)], adds_space: bool) -> SentencePiece {
        let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).into();
        tokens.extend((0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>")));
        let mut scores = vec![0.0; tokens.len()];
        tokens.extend(words.iter().map(|(word, _)| (*word).to_owned()));
        scores.extend(words.iter().map(|(_, score)| *score));
        let added: Vec<Added> = [(1, "<s>"), (2, "</s>")]
            .map(|(id, text)| Added { id, token: AddedToken::from(text, true) })
            .into();
        SentencePiece::new(tokens, &scores, &added, adds_space).unwrap().0
    }

    const WORDS: [(&str, f32); 7] =
        [("▁", -9.0), ("a", -9.0), ("b", -9.0), ("ab", -1.0), ("▁a", -2.0), ("ba", -1.0), ("aba", -3.0)];
    const FIRST: u32 = 259;

    #[test]
    fn the_best_pair_comes_first_and_the_leftmost_of_equals() {
        let model = model(&WORDS, false);
        assert_eq!(model.encode("ab"), [FIRST + 3]);
        assert_eq!(model.encode("aba"), [FIRST + 6], "`ab` before `ba`, then both make `aba`");
        assert_eq!(
            model.encode("bab"),
            [FIRST + 5, FIRST + 2],
            "`ba` stands left of `ab` and scores the same"
        );
        assert_eq!(model.encode(" ab"), [FIRST, FIRST + 3], "`ab` scores above `▁a`");
    }

    #[test]
    fn what_is_no_token_becomes_bytes() {
        assert_eq!(model(&WORDS, false).encode("é\n"), [3 + 0xc3, 3 + 0xa9, 3 + 0x0a]);
    }

    #[test]
    fn a_space_is_put_before_a_text_and_after_a_mark() {
        let model = model(&WORDS, true);
        assert_eq!(model.encode("a</s>a"), [FIRST + 4, 2, FIRST + 4]);
        assert_eq!(model.encode("</s>"), [2]);
        assert!(model.encode("").is_empty());
        assert_eq!(model.encode("</s"), [FIRST, 3 + 0x3c, 3 + 0x2f, 3 + 0x73]);
    }

    #[test]
    fn a_long_word_takes_no_quadratic_time() {
        let model = model(&WORDS, true);
        assert_eq!(model.encode(&"ab".repeat(100_000)).len(), 100_001);
    }
}
