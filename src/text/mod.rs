//! Text to tokens and back: tokenizers from `tokenizer.json` or a GGUF file, chat templates, thinking apart from answers,
//! and the prompts of this repository.
//!
//! A tokenizer has two sources, [`VocabularySource`] (the metadata of a GGUF file) and a checkpoint's folder, and one form,
//! [`Tokenizer`]. Which text a vocabulary makes of an id, and which ids of a text, must equal what the model was trained
//! with; `proof/check_tokenizers.py` compares both with llama.cpp and mistral-common on real vocabularies.

mod byte_level;
mod chat;
mod error;
mod folder;
mod gguf;
mod json;
mod parts;
mod pieces;
mod printable;
mod prompts;
mod sentence_piece;
mod source;
#[cfg(test)]
mod source_tests;
mod splitting;
mod template;
mod thinking;
mod tokenizer;

pub use chat::{ChatModel, LONGEST_OUTPUT, Rendered};
pub use error::TextError;
pub use folder::TextFolder;
pub use pieces::TextStream;
pub use printable::printable;
pub use prompts::{Prompt, PromptBook, Purpose};
pub use source::VocabularySource;
pub use template::{ChatTemplate, Message, Role};
pub use thinking::{Reasoning, SplitOutput, ThinkingTags};
pub use tokenizer::Tokenizer;
