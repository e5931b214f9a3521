//! The format of `tokenizer_config.json`, `special_tokens_map.json` and `generation_config.json`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::text::error::TextError;
use crate::text::json::wire::{Bounded, parse};

/// Templates in one file: the default one and those for tools.
const MOST_TEMPLATES: usize = 32;
/// Ids that end an answer.
const MOST_ENDS: usize = 64;

/// What `tokenizer_config.json` or `special_tokens_map.json` says, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
pub(in crate::text) struct Config {
    bos_token: Option<TokenText>,
    eos_token: Option<TokenText>,
    /// Whether a text begins with the start mark.
    pub add_bos_token: Option<bool>,
    /// Whether it ends with the end mark.
    pub add_eos_token: Option<bool>,
    chat_template: Option<Templates>,
}

impl Config {
    /// Reads the text of one of the two files.
    pub(in crate::text) fn parse(file: &str, text: &str) -> Result<Self, TextError> {
        parse(file, text)
    }

    /// The start mark as the vocabulary writes it.
    pub(in crate::text) fn bos(&self) -> Option<&str> {
        self.bos_token.as_ref().map(|token| token.0.as_str())
    }

    /// The end mark.
    pub(in crate::text) fn eos(&self) -> Option<&str> {
        self.eos_token.as_ref().map(|token| token.0.as_str())
    }

    /// The chat template; of several, the one called `default`.
    pub(in crate::text) fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_ref().and_then(|templates| templates.0.as_deref())
    }
}

/// A token: its text, or an object with the text as `content`.
#[derive(Debug)]
struct TokenText(String);

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = TokenText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a token's text, or an object with its `content`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TokenText, E> {
                Ok(TokenText(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TokenText, A::Error> {
                let mut content = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "content" {
                        content = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                content.map(TokenText).ok_or_else(|| A::Error::missing_field("content"))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// The default of the templates: a text, or a list of named ones.
#[derive(Debug)]
struct Templates(Option<String>);

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Templates;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a template, or a list of named templates")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Templates, E> {
                Ok(Templates(Some(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Templates, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(seq);
                let all = Bounded::<NamedTemplate, MOST_TEMPLATES>::deserialize(list)?.0;
                Ok(Templates(
                    all.into_iter().find(|named| named.name == "default").map(|named| named.template),
                ))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

/// The ids of `generation_config.json` that end an answer.
#[derive(Debug, Default, Deserialize)]
pub(in crate::text) struct EndIds {
    eos_token_id: Option<Ids>,
}

impl EndIds {
    /// Reads the text of the file.
    pub(in crate::text) fn parse(file: &str, text: &str) -> Result<Self, TextError> {
        parse(file, text)
    }

    /// All of them.
    pub(in crate::text) fn ids(&self) -> &[u32] {
        self.eos_token_id.as_ref().map_or(&[], |ids| ids.0.as_slice())
    }
}

/// One id, or a list.
#[derive(Debug)]
struct Ids(Vec<u32>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Ids;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id, or a list of ids")
            }
            fn visit_u64<E: Error>(self, id: u64) -> Result<Ids, E> {
                u32::try_from(id).map(|id| Ids(vec![id])).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Ids, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(seq);
                Ok(Ids(Bounded::<u32, MOST_ENDS>::deserialize(list)?.0))
            }
        }
        deserializer.deserialize_any(Form)
    }
}
