//! The vocabulary in the metadata of a GGUF file (`tokenizer.ggml.*`), and the tokenizer it makes.

use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::error::TextError;
use super::parts::{Added, MOST_TOKENS, Parts};
use super::pieces::Spelling;
use super::sentence_piece::SentencePiece;
use super::splitting::Splitting;
use super::tokenizer::{Marks, Tokenizer};
use crate::units::index_as_u64;

/// What a GGUF file says of its vocabulary; each field is the key of the same name under `tokenizer.ggml`.
#[derive(Clone, Debug, Default)]
pub struct VocabularySource {
    /// Kind: `gpt2` (byte-level pairs) or `llama` (SentencePiece).
    pub model: String,
    /// Name of the rule that splits text before merging; byte-level vocabularies need it.
    pub pre: Option<String>,
    /// Texts; the place in the list is the id.
    pub tokens: Vec<String>,
    /// Scores, as many as tokens; `llama` needs them.
    pub scores: Vec<f32>,
    /// llama.cpp's types, as many as tokens: 1 text, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    pub token_types: Vec<i32>,
    /// Merges as `left right`; `gpt2` needs them.
    pub merges: Vec<String>,
    /// Start of a text.
    pub bos: Option<u32>,
    /// End of a text.
    pub eos: Option<u32>,
    /// End of a turn.
    pub eot: Option<u32>,
    /// End of a message.
    pub eom: Option<u32>,
    /// Whether a text begins with `bos`.
    pub add_bos: Option<bool>,
    /// Whether it ends with `eos`.
    pub add_eos: Option<bool>,
    /// Whether a space is put before it (`llama`).
    pub add_space_prefix: Option<bool>,
    /// `tokenizer.chat_template`.
    pub chat_template: Option<String>,
}

/// llama.cpp's types of tokens that are searched for in a text.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

impl VocabularySource {
    /// The tokenizer.
    pub fn tokenizer(self) -> Result<Tokenizer, TextError> {
        let count = self.tokens.len();
        if count == 0 || count > MOST_TOKENS {
            return Err(metadata(
                "ggml.tokens",
                format!("has {count} tokens, and 1 to {MOST_TOKENS} are read"),
            ));
        }
        for (key, length) in [("ggml.scores", self.scores.len()), ("ggml.token_type", self.token_types.len())]
        {
            if length != 0 && length != count {
                return Err(metadata(key, format!("has {length} entries for {count} tokens")));
            }
        }
        match self.model.as_str() {
            "gpt2" => self.byte_level(),
            "llama" => self.sentence_piece(),
            _ => Err(TextError::Unknown { what: "the kind of vocabulary", name: self.model }),
        }
    }

    fn byte_level(mut self) -> Result<Tokenizer, TextError> {
        let Some(pre) = self.pre.take() else { return Err(metadata("ggml.pre", "is missing")) };
        let splitting = Splitting::named(&pre)?;
        if self.merges.is_empty() {
            return Err(metadata("ggml.merges", "is missing or empty"));
        }
        let marks = self.marks(splitting.adds_start)?;
        let merges: Option<Vec<_>> = self.merges.iter().map(|merge| split_merge(merge)).collect();
        let merges = merges.ok_or_else(|| metadata("ggml.merges", "holds an entry without a space"))?;
        let added = self.added(&marks);
        let (tokenizer, pieces) = Parts {
            tokens: (0..).zip(self.tokens).map(|(id, text)| (named(text, id), id)).collect(),
            merges,
            added,
            normalizer: None,
            pre_tokenizer: Some(pre_tokenizer(splitting)?),
            spelling: Spelling::ByteLevel,
            byte_fallback: false,
            ignore_merges: splitting.ignore_merges,
            unknown: None,
            fuses_unknown: false,
        }
        .build()?;
        Tokenizer::of_pairs(tokenizer, pieces, marks)
    }

    fn sentence_piece(self) -> Result<Tokenizer, TextError> {
        if self.scores.is_empty() {
            return Err(metadata("ggml.scores", "is missing"));
        }
        let marks = self.marks(true)?;
        let adds_space = self.add_space_prefix.unwrap_or(true);
        let added = self.added(&marks);
        let (model, pieces) = SentencePiece::new(self.tokens, &self.scores, &added, adds_space)?;
        Tokenizer::of_scores(model, pieces, marks)
    }

    /// Which ids begin and end a text; `adds_start` holds unless the file says otherwise.
    fn marks(&self, adds_start: bool) -> Result<Marks, TextError> {
        let mut ends: Vec<u32> = [self.eos, self.eot, self.eom].into_iter().flatten().collect();
        ends.dedup();
        Marks {
            bos: self.bos,
            starts: wanted(self.add_bos.unwrap_or(adds_start), self.bos, "add_bos_token", "bos_token_id")?,
            finishes: wanted(self.add_eos.unwrap_or(false), self.eos, "add_eos_token", "eos_token_id")?,
            ends,
        }
        .within(index_as_u64(self.tokens.len()))
    }

    /// Control tokens, user-defined ones and the unknown are found in a text as they stand.
    fn added(&self, marks: &Marks) -> Vec<Added> {
        let is_mark = |id: u32| marks.bos == Some(id) || marks.ends.contains(&id);
        (0..)
            .zip(&self.tokens)
            .enumerate()
            .filter_map(|(at, (id, text))| {
                let kind = self.token_types.get(at).copied();
                let special = is_mark(id) || matches!(kind, Some(CONTROL | UNKNOWN));
                let found = special || kind == Some(USER_DEFINED);
                let token = AddedToken::from(text.clone(), special).normalized(false);
                (found && !text.is_empty()).then_some(Added { id, token })
            })
            .collect()
    }
}

/// The id as a list of one, if it is wanted; wanted and missing is a fault.
fn wanted(is_wanted: bool, id: Option<u32>, flag: &str, key: &str) -> Result<Vec<u32>, TextError> {
    match id {
        Some(id) if is_wanted => Ok(vec![id]),
        None if is_wanted => {
            Err(metadata(&format!("ggml.{key}"), format!("is missing, and `{flag}` asks for it")))
        }
        _ => Ok(Vec::new()),
    }
}

/// Left and right of a merge. A left side may begin with a space in old files, so the first character is skipped.
fn split_merge(merge: &str) -> Option<(String, String)> {
    let first = merge.chars().next()?.len_utf8();
    let at = first + merge[first..].find(' ')?;
    Some((merge[..at].to_owned(), merge[at + 1..].to_owned()))
}

/// An empty text cannot be a token; llama.cpp gives it this name, which no text spells by itself.
pub(super) fn named(text: String, id: u32) -> String {
    if text.is_empty() { format!("[EMPTY_{id}]") } else { text }
}

fn pre_tokenizer(splitting: Splitting) -> Result<PreTokenizerWrapper, TextError> {
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    for pattern in splitting.patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
            .map_err(|error| TextError::vocabulary(error.to_string()))?;
        steps.push(split.into());
    }
    steps.push(ByteLevel::new(false, false, false).into());
    Ok(Sequence::new(steps).into())
}

fn metadata(key: &str, problem: impl Into<String>) -> TextError {
    TextError::Metadata { key: format!("tokenizer.{key}"), problem: problem.into() }
}
