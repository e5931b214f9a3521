//! A byte-pair vocabulary as both sources give it, checked, and made into a tokenizer of the `tokenizers` crate.
//!
//! The crate reads `tokenizer.json` too, but it panics on a merge that is longer than every token, and takes in silence a
//! token that stands twice or a byte that has none. So the file is read by `json/`, what it says is checked here, and the
//! crate gets parts that fit.

use std::collections::{HashMap, HashSet};

use tokenizers::models::bpe::BpeBuilder;
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper};

use super::byte_level;
use super::error::TextError;
use super::pieces::{Kind, Pieces, Spelling, byte_token};
use crate::model::shown;

/// More tokens than any vocabulary here (152,064) by far.
pub(super) const MOST_TOKENS: usize = 300_000;

/// A token that is found in a text before anything is split.
#[derive(Clone, Debug)]
pub(super) struct Added {
    /// Its id and its text, with the flags of `tokenizer.json`.
    pub id: u32,
    /// As the crate wants it; `special` says that it is a mark and no text.
    pub token: AddedToken,
}

/// What a byte-pair tokenizer is made of.
#[derive(Debug)]
pub(super) struct Parts {
    /// Every token with its id, without [`Parts::added`].
    pub tokens: Vec<(String, u32)>,
    /// Pairs in the order in which they are merged.
    pub merges: Vec<(String, String)>,
    /// Tokens found in a text before it is split.
    pub added: Vec<Added>,
    /// What happens to a text first.
    pub normalizer: Option<NormalizerWrapper>,
    /// How it is split.
    pub pre_tokenizer: Option<PreTokenizerWrapper>,
    /// How tokens are written.
    pub spelling: Spelling,
    /// What has no token is written as bytes.
    pub byte_fallback: bool,
    /// A piece that is a token as a whole is that token.
    pub ignore_merges: bool,
    /// Stands for what has no token.
    pub unknown: Option<String>,
    /// Several unknowns in a row are one.
    pub fuses_unknown: bool,
}

impl Parts {
    /// Checks that the parts fit each other, and makes the tokenizer and its pieces.
    pub(super) fn build(self) -> Result<(tokenizers::Tokenizer, Pieces), TextError> {
        let tokens = self.all_tokens()?;
        self.check_bytes(&tokens)?;
        self.check_merges(&tokens)?;
        let pieces = self.pieces(&tokens);
        let vocabulary: Vec<(String, u32)> =
            tokens.iter().map(|(text, id)| ((*text).to_owned(), *id)).collect();
        let mut builder = BpeBuilder::new()
            .vocab_and_merges(vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>(), self.merges)
            .byte_fallback(self.byte_fallback)
            .fuse_unk(self.fuses_unknown)
            .ignore_merges(self.ignore_merges);
        if let Some(unknown) = self.unknown {
            builder = builder.unk_token(unknown);
        }
        let broken = |error: tokenizers::Error| TextError::vocabulary(error.to_string());
        let mut tokenizer = tokenizers::Tokenizer::new(builder.build().map_err(broken)?);
        tokenizer.with_normalizer(self.normalizer).map_err(broken)?;
        tokenizer.with_pre_tokenizer(self.pre_tokenizer);
        tokenizer.add_tokens(self.added.into_iter().map(|added| added.token)).map_err(broken)?;
        Ok((tokenizer, pieces))
    }

    /// Text to id over all tokens, each id and each text once.
    fn all_tokens(&self) -> Result<HashMap<&str, u32>, TextError> {
        let own = self.tokens.iter().map(|(text, id)| (text.as_str(), *id));
        let mut all = HashMap::with_capacity(self.tokens.len() + self.added.len());
        let mut ids = HashMap::with_capacity(self.tokens.len() + self.added.len());
        for (text, id) in own {
            check_id(text, id)?;
            if let Some(other) = all.insert(text, id) {
                return Err(TextError::vocabulary(format!(
                    "`{}` is token {other} and token {id}",
                    shown(text)
                )));
            }
            if let Some(other) = ids.insert(id, text) {
                return Err(TextError::vocabulary(format!(
                    "token {id} is `{}` and `{}`",
                    shown(other),
                    shown(text)
                )));
            }
        }
        // An added token may stand among the others too, as long as it is the same.
        for Added { id, token } in &self.added {
            let text = token.content.as_str();
            check_id(text, *id)?;
            if text.is_empty() {
                return Err(TextError::vocabulary(format!("the added token {id} is empty")));
            }
            let known = (all.insert(text, *id), ids.insert(*id, text));
            match known {
                (None, None) => {}
                (Some(other), _) if other == *id => {}
                (Some(other), _) => {
                    return Err(TextError::vocabulary(format!(
                        "`{}` is token {other} and token {id}",
                        shown(text)
                    )));
                }
                (None, Some(other)) => {
                    return Err(TextError::vocabulary(format!(
                        "token {id} is `{}` and `{}`",
                        shown(other),
                        shown(text)
                    )));
                }
            }
        }
        Ok(all)
    }

    fn check_bytes(&self, tokens: &HashMap<&str, u32>) -> Result<(), TextError> {
        match self.spelling {
            Spelling::ByteLevel => byte_level::check_bytes(&tokens.keys().copied().collect::<HashSet<_>>()),
            Spelling::SentencePiece { .. } if self.byte_fallback => check_byte_tokens(tokens.keys().copied()),
            Spelling::SentencePiece { .. } => match &self.unknown {
                Some(unknown) if tokens.contains_key(unknown.as_str()) => Ok(()),
                _ => Err(TextError::vocabulary(
                    "what has no token has neither bytes nor a token for the unknown",
                )),
            },
        }
    }

    /// Both sides of a merge and what they make must be tokens.
    fn check_merges(&self, tokens: &HashMap<&str, u32>) -> Result<(), TextError> {
        let mut merged = String::new();
        for (at, (left, right)) in self.merges.iter().enumerate() {
            merged.clear();
            merged.push_str(left);
            merged.push_str(right);
            let unknown = [left, right, &merged].into_iter().find(|text| !tokens.contains_key(text.as_str()));
            if let Some(unknown) = unknown {
                return Err(TextError::vocabulary(format!(
                    "merge {at} joins `{}` and `{}`, and `{}` is no token",
                    shown(left),
                    shown(right),
                    shown(unknown)
                )));
            }
        }
        Ok(())
    }

    fn pieces(&self, tokens: &HashMap<&str, u32>) -> Pieces {
        let kinds: HashMap<u32, Kind> = self
            .added
            .iter()
            .map(|added| (added.id, if added.token.special { Kind::Control } else { Kind::Verbatim }))
            .collect();
        let mut sorted: Vec<(u32, &str, Kind)> = tokens
            .iter()
            .map(|(text, id)| (*id, *text, kinds.get(id).copied().unwrap_or(Kind::Normal)))
            .collect();
        sorted.sort_unstable_by_key(|(id, ..)| *id);
        Pieces::new(self.spelling, sorted.into_iter())
    }
}

/// Fails if a byte that text can hold has no `<0x..>` token.
pub(super) fn check_byte_tokens<'a>(tokens: impl Iterator<Item = &'a str>) -> Result<(), TextError> {
    let found: HashSet<u8> = tokens.filter_map(byte_token).collect();
    match (0..=u8::MAX).find(|byte| byte_level::occurs_in_utf8(*byte) && !found.contains(byte)) {
        None => Ok(()),
        Some(byte) => Err(TextError::vocabulary(format!("byte {byte:#04x} has no token"))),
    }
}

fn check_id(text: &str, id: u32) -> Result<(), TextError> {
    if usize::try_from(id).is_ok_and(|id| id < MOST_TOKENS) {
        return Ok(());
    }
    Err(TextError::vocabulary(format!(
        "token `{}` has the id {id}, and ids end below {MOST_TOKENS}",
        shown(text)
    )))
}
