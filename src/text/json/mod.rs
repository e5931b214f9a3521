//! `tokenizer.json` and the small files beside it, read into the parts of a tokenizer.
//!
//! Lists have a limit each, and what is not needed is skipped without being kept, so that a file made to hurt takes no
//! more memory than a real one. What the file asks for and is not known here is an error: left out, it would give other
//! tokens.

mod components;
mod config;
#[cfg(test)]
mod tests;
mod wire;

use tokenizers::AddedToken;

pub(super) use components::Post;
pub(super) use config::{Config, EndIds};

use super::error::TextError;
use super::parts::{Added, Parts};
use wire::{Component, Merge, WireAdded, WireModel, WireTokenizer};

/// Reads the text of a `tokenizer.json`: what the tokenizer is made of, and what it puts around a text.
pub(super) fn parse_tokenizer(text: &str) -> Result<(Parts, Post), TextError> {
    let wire: WireTokenizer = wire::parse("tokenizer.json", text)?;
    wire.model.check()?;
    let spelling = Component::spelling(wire.decoder.as_ref())?;
    Component::check_spelling(wire.pre_tokenizer.as_ref(), spelling)?;
    let post = wire.post_processor.as_ref().map(Component::post).transpose()?.unwrap_or_default();
    let parts = Parts {
        tokens: wire.model.vocab.0,
        merges: wire.model.merges.0.into_iter().map(|Merge(left, right)| (left, right)).collect(),
        added: wire.added_tokens.0.into_iter().map(WireAdded::into_added).collect(),
        normalizer: wire.normalizer.as_ref().map(Component::normalizer).transpose()?,
        pre_tokenizer: wire.pre_tokenizer.as_ref().map(Component::pre_tokenizer).transpose()?,
        spelling,
        byte_fallback: wire.model.byte_fallback.unwrap_or(false),
        ignore_merges: wire.model.ignore_merges.unwrap_or(false),
        unknown: wire.model.unk_token,
        fuses_unknown: wire.model.fuse_unk.unwrap_or(false),
    };
    Ok((parts, post))
}

impl WireModel {
    /// Byte pairs without the options that no model here uses.
    fn check(&self) -> Result<(), TextError> {
        let unknown = |what, name: &str| Err(TextError::Unknown { what, name: name.to_owned() });
        match self.kind.as_deref() {
            None | Some("BPE") => {}
            Some(kind) => return unknown("the kind of model", kind),
        }
        if self.dropout.is_some_and(|dropout| dropout > 0.0) {
            return unknown("the model's option", "dropout");
        }
        for (name, value) in [
            ("continuing_subword_prefix", &self.continuing_subword_prefix),
            ("end_of_word_suffix", &self.end_of_word_suffix),
        ] {
            if value.as_ref().is_some_and(|value| !value.is_empty()) {
                return unknown("the model's option", name);
            }
        }
        if self.vocab.0.is_empty() {
            return Err(TextError::vocabulary("there is no token"));
        }
        Ok(())
    }
}

impl WireAdded {
    fn into_added(self) -> Added {
        let token = AddedToken::from(self.content, self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized);
        Added { id: self.id, token }
    }
}
