//! The format of `tokenizer.json`.
//!
//! Lists have a limit each, and what is not needed is skipped without being kept, so that a file made to hurt takes no
//! more memory than a real one. What the file asks for and is not known here is an error.

use std::fmt;
use std::marker::PhantomData;

use crate::text::error::TextError;
use crate::text::parts::MOST_TOKENS;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// More merges than any tokenizer of these families has (280,000).
const MOST_MERGES: usize = 600_000;
/// More tokens added to a vocabulary than any has (1,000).
const MOST_ADDED: usize = 20_000;
/// More parts in a sequence of steps than any has.
const MOST_STEPS: usize = 32;
/// Tokens that the end of a chain of steps may name.
const MOST_MARKS: usize = 32;

/// A list of at most `N` entries.
#[derive(Debug)]
pub(super) struct Bounded<T, const N: usize>(pub Vec<T>);

impl<T, const N: usize> Default for Bounded<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Bounded<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for List<T, N> {
            type Value = Bounded<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(next) = seq.next_element()? {
                    if all.len() == N {
                        return Err(A::Error::custom(format!("a list of more than {N} entries")));
                    }
                    all.push(next);
                }
                Ok(Bounded(all))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// The entries of an object in their order, repeated keys included; at most `N`.
#[derive(Debug)]
pub(super) struct Entries<T, const N: usize>(pub Vec<(String, T)>);

impl<T, const N: usize> Default for Entries<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Entries<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Map<T, N> {
            type Value = Entries<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(next) = map.next_entry()? {
                    if all.len() == N {
                        return Err(A::Error::custom(format!("an object of more than {N} entries")));
                    }
                    all.push(next);
                }
                Ok(Entries(all))
            }
            // Other kinds of model than pairs keep their vocabulary as a list; the kind itself is refused later.
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entries(Vec::new()))
            }
        }
        deserializer.deserialize_any(Map(PhantomData))
    }
}

/// A merge: `"left right"`, or `["left", "right"]` in newer files.
#[derive(Debug)]
pub(super) struct Merge(pub String, pub String);

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Merge;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a merge of two texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Merge, E> {
                match text.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => {
                        Ok(Merge(left.to_owned(), right.to_owned()))
                    }
                    _ => Err(E::custom(format!("the merge `{text}` is not two texts with a space between"))),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Merge, A::Error> {
                let mut next =
                    || seq.next_element()?.ok_or_else(|| A::Error::custom("a merge of less than two texts"));
                let merge = Merge(next()?, next()?);
                match seq.next_element::<IgnoredAny>()? {
                    None => Ok(merge),
                    Some(_) => Err(A::Error::custom("a merge of more than two texts")),
                }
            }
        }
        deserializer.deserialize_any(Pair)
    }
}

/// The vocabulary and its merges.
#[derive(Debug, Deserialize)]
pub(super) struct WireModel {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub vocab: Entries<u32, MOST_TOKENS>,
    #[serde(default)]
    pub merges: Bounded<Merge, MOST_MERGES>,
    pub unk_token: Option<String>,
    pub dropout: Option<f32>,
    pub continuing_subword_prefix: Option<String>,
    pub end_of_word_suffix: Option<String>,
    pub fuse_unk: Option<bool>,
    pub byte_fallback: Option<bool>,
    pub ignore_merges: Option<bool>,
}

/// A token that is found in a text before it is split.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the file's flags, as it names them")]
pub(super) struct WireAdded {
    pub id: u32,
    pub content: String,
    #[serde(default)]
    pub single_word: bool,
    #[serde(default)]
    pub lstrip: bool,
    #[serde(default)]
    pub rstrip: bool,
    #[serde(default)]
    pub normalized: bool,
    #[serde(default)]
    pub special: bool,
}

/// One step of any kind, or a sequence of them; each kind has its own fields, and none of them two meanings.
#[derive(Debug, Deserialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, alias = "pretokenizers", alias = "decoders", alias = "processors")]
    pub normalizers: Bounded<Self, MOST_STEPS>,
    pub pattern: Option<Pattern>,
    pub behavior: Option<String>,
    pub invert: Option<bool>,
    pub prepend: Option<String>,
    pub content: Option<String>,
    pub start: Option<u64>,
    pub stop: Option<u64>,
    pub replacement: Option<String>,
    pub prepend_scheme: Option<String>,
    pub split: Option<bool>,
    pub add_prefix_space: Option<bool>,
    pub use_regex: Option<bool>,
    pub individual_digits: Option<bool>,
    #[serde(default)]
    pub single: Bounded<TemplatePiece, MOST_MARKS>,
    #[serde(default)]
    pub special_tokens: Entries<SpecialToken, MOST_MARKS>,
}

/// What a step looks for.
#[derive(Debug, Deserialize)]
pub(super) enum Pattern {
    String(String),
    Regex(String),
}

/// A place in what is put around a text.
#[derive(Debug, Deserialize)]
pub(super) enum TemplatePiece {
    SpecialToken { id: String },
    Sequence { id: String },
}

/// The ids that a name in a template stands for.
#[derive(Debug, Deserialize)]
pub(super) struct SpecialToken {
    pub ids: Bounded<u32, MOST_MARKS>,
}

/// The whole file; `truncation` and `padding` are about batches and are skipped.
#[derive(Debug, Deserialize)]
pub(super) struct WireTokenizer {
    #[serde(default)]
    pub added_tokens: Bounded<WireAdded, MOST_ADDED>,
    pub normalizer: Option<Component>,
    pub pre_tokenizer: Option<Component>,
    pub post_processor: Option<Component>,
    pub decoder: Option<Component>,
    pub model: WireModel,
}

/// Reads JSON; errors name the file, and the line and column in it.
pub(super) fn parse<'de, T: Deserialize<'de>>(file: &str, text: &'de str) -> Result<T, TextError> {
    serde_json::from_str(text)
        .map_err(|error| TextError::Malformed { file: file.to_owned(), problem: error.to_string() })
}
