//! The steps of a `tokenizer.json` as the `tokenizers` crate's own types: what happens to a text before it is merged,
//! what is put around it, and how tokens are written.

use tokenizers::normalizers::{NFC, NFD, NFKC, NFKD, Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::sequence::Sequence as Splits;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::wire::{Component, Pattern, TemplatePiece};
use crate::model::shown;
use crate::text::error::TextError;
use crate::text::pieces::Spelling;

/// Longest pattern that is compiled, in bytes; the longest known has 500.
const LONGEST_PATTERN: usize = 10_000;

/// The marks that are put before and after a text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::text) struct Post {
    /// Before it.
    pub before: Vec<u32>,
    /// After it.
    pub after: Vec<u32>,
}

impl Component {
    /// A step that changes a text before it is split.
    pub(super) fn normalizer(&self) -> Result<NormalizerWrapper, TextError> {
        Ok(match self.kind.as_str() {
            "NFC" => NFC.into(),
            "NFD" => NFD.into(),
            "NFKC" => NFKC.into(),
            "NFKD" => NFKD.into(),
            "Prepend" => Prepend::new(self.prepend.clone().ok_or_else(|| self.lacks("prepend"))?).into(),
            "Replace" => {
                let content = self.content.clone().ok_or_else(|| self.lacks("content"))?;
                let pattern = match self.pattern()? {
                    SplitPattern::String(text) => {
                        tokenizers::normalizers::replace::ReplacePattern::String(text)
                    }
                    SplitPattern::Regex(text) => {
                        tokenizers::normalizers::replace::ReplacePattern::Regex(text)
                    }
                };
                Replace::new(pattern, content).map_err(|error| self.broken(&error))?.into()
            }
            "Sequence" => {
                let steps: Result<Vec<_>, _> = self.normalizers.0.iter().map(Self::normalizer).collect();
                Normalizers::new(steps?).into()
            }
            _ => return Err(self.unknown("the normaliser")),
        })
    }

    /// A step that splits a text.
    pub(super) fn pre_tokenizer(&self) -> Result<PreTokenizerWrapper, TextError> {
        Ok(match self.kind.as_str() {
            // The fields' defaults are the crate's.
            "ByteLevel" => {
                let adds_space = self.add_prefix_space.ok_or_else(|| self.lacks("add_prefix_space"))?;
                ByteLevel::new(adds_space, true, self.use_regex.unwrap_or(true)).into()
            }
            "Digits" => Digits::new(self.individual_digits.unwrap_or(false)).into(),
            "Metaspace" => {
                let scheme = self.prepend_scheme()?;
                Metaspace::new(self.replacement()?, scheme, self.split.unwrap_or(true)).into()
            }
            "Split" => {
                let invert = self.invert.unwrap_or(false);
                Split::new(self.pattern()?, self.behavior()?, invert)
                    .map_err(|error| self.broken(&error))?
                    .into()
            }
            "Sequence" => {
                let steps: Result<Vec<_>, _> = self.normalizers.0.iter().map(Self::pre_tokenizer).collect();
                Splits::new(steps?).into()
            }
            _ => return Err(self.unknown("the pre-tokeniser")),
        })
    }

    /// What is put around a text.
    pub(super) fn post(&self) -> Result<Post, TextError> {
        match self.kind.as_str() {
            "ByteLevel" => Ok(Post::default()),
            "TemplateProcessing" => self.template(),
            "Sequence" => {
                let mut all = Post::default();
                for step in &self.normalizers.0 {
                    let Post { before, after } = step.post()?;
                    all.before.splice(0..0, before);
                    all.after.extend(after);
                }
                Ok(all)
            }
            _ => Err(self.unknown("the post-processor")),
        }
    }

    fn template(&self) -> Result<Post, TextError> {
        let (mut post, mut has_text) = (Post::default(), false);
        for piece in &self.single.0 {
            match piece {
                TemplatePiece::Sequence { id } if id == "A" && !has_text => has_text = true,
                TemplatePiece::Sequence { id } => {
                    return Err(TextError::vocabulary(format!(
                        "the text `{}` stands twice among the marks",
                        shown(id)
                    )));
                }
                TemplatePiece::SpecialToken { id } => {
                    let known = self.special_tokens.0.iter().find(|(name, _)| name == id);
                    let (_, token) = known.ok_or_else(|| {
                        TextError::vocabulary(format!(
                            "the mark `{}` is put around texts and has no id",
                            shown(id)
                        ))
                    })?;
                    let side = if has_text { &mut post.after } else { &mut post.before };
                    side.extend(&token.ids.0);
                }
            }
        }
        if has_text { Ok(post) } else { Err(TextError::vocabulary("marks are put around no text")) }
    }

    /// How tokens are written, from the chain that decodes them.
    pub(super) fn spelling(decoder: Option<&Self>) -> Result<Spelling, TextError> {
        let Some(decoder) = decoder else {
            return Err(TextError::vocabulary("there is no `decoder`, so tokens cannot be made text"));
        };
        match decoder.kind.as_str() {
            "ByteLevel" => Ok(Spelling::ByteLevel),
            "Metaspace" => {
                let drops_first_space = !matches!(decoder.prepend_scheme()?, PrependScheme::Never);
                decoder.replacement()?;
                Ok(Spelling::SentencePiece { drops_first_space })
            }
            "Sequence" => match decoder.normalizers.0.as_slice() {
                [only] => Self::spelling(Some(only)),
                steps => Self::sentence_piece(steps),
            },
            _ => Err(decoder.unknown("the decoder")),
        }
    }

    /// `▁` to space, bytes to characters, and perhaps one space off the start.
    fn sentence_piece(steps: &[Self]) -> Result<Spelling, TextError> {
        let mut drops_first_space = false;
        for step in steps {
            let content = step.content.as_deref();
            match step.kind.as_str() {
                "Replace"
                    if content == Some(" ")
                        && matches!(&step.pattern, Some(Pattern::String(text)) if text == "▁") => {}
                "ByteFallback" | "Fuse" => {}
                "Strip" if content == Some(" ") && step.start == Some(1) && step.stop == Some(0) => {
                    drops_first_space = true;
                }
                _ => return Err(step.unknown("the decoder's step")),
            }
        }
        Ok(Spelling::SentencePiece { drops_first_space })
    }

    /// Text becomes bytes on the way in exactly if tokens are bytes on the way out.
    pub(super) fn check_spelling(pre_tokenizer: Option<&Self>, spelling: Spelling) -> Result<(), TextError> {
        let makes_bytes = pre_tokenizer.is_some_and(Self::makes_bytes);
        if makes_bytes == (spelling == Spelling::ByteLevel) {
            return Ok(());
        }
        Err(TextError::vocabulary(
            "`pre_tokenizer` and `decoder` do not agree whether tokens are written as bytes",
        ))
    }

    fn makes_bytes(&self) -> bool {
        self.kind == "ByteLevel" || self.normalizers.0.iter().any(Self::makes_bytes)
    }

    fn pattern(&self) -> Result<SplitPattern, TextError> {
        let pattern = match self.pattern.as_ref().ok_or_else(|| self.lacks("pattern"))? {
            Pattern::String(text) => SplitPattern::String(text.clone()),
            Pattern::Regex(text) => SplitPattern::Regex(text.clone()),
        };
        let (SplitPattern::String(text) | SplitPattern::Regex(text)) = &pattern;
        if text.len() > LONGEST_PATTERN {
            return Err(TextError::vocabulary(format!("a pattern has {} bytes", text.len())));
        }
        Ok(pattern)
    }

    fn behavior(&self) -> Result<SplitDelimiterBehavior, TextError> {
        Ok(match self.behavior.as_deref() {
            Some("Removed") => SplitDelimiterBehavior::Removed,
            Some("Isolated") => SplitDelimiterBehavior::Isolated,
            Some("MergedWithPrevious") => SplitDelimiterBehavior::MergedWithPrevious,
            Some("MergedWithNext") => SplitDelimiterBehavior::MergedWithNext,
            Some("Contiguous") => SplitDelimiterBehavior::Contiguous,
            _ => return Err(self.lacks("behavior")),
        })
    }

    /// Files before `prepend_scheme` say `add_prefix_space`.
    fn prepend_scheme(&self) -> Result<PrependScheme, TextError> {
        match (self.prepend_scheme.as_deref(), self.add_prefix_space) {
            (Some("always"), _) | (None, Some(true) | None) => Ok(PrependScheme::Always),
            (Some("first"), _) => Ok(PrependScheme::First),
            (Some("never"), _) | (None, Some(false)) => Ok(PrependScheme::Never),
            (Some(_), _) => Err(self.lacks("prepend_scheme")),
        }
    }

    fn replacement(&self) -> Result<char, TextError> {
        match self.replacement.as_deref() {
            Some("▁") => Ok('▁'),
            _ => Err(self.lacks("replacement")),
        }
    }

    fn unknown(&self, what: &'static str) -> TextError {
        TextError::Unknown { what, name: self.kind.clone() }
    }

    fn lacks(&self, field: &str) -> TextError {
        TextError::vocabulary(format!("the step `{}` has no `{field}` of a known form", shown(&self.kind)))
    }

    fn broken(&self, error: &tokenizers::Error) -> TextError {
        TextError::vocabulary(format!("the step `{}`: {error}", shown(&self.kind)))
    }
}
