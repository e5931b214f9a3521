//! What can be wrong with a tokenizer, a chat template or a text.

use std::io;
use std::path::PathBuf;

use crate::model::{CheckpointError, shown};

/// Why there are no tokens, or no text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A checkpoint that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}; check that it is there and may be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that no tokenizer of these families needs.
    #[error("{} has {bytes} bytes, and a tokenizer's file has at most {limit}; it is not what its name says", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A file whose form is not what its name says.
    #[error(
        "{file} is no tokenizer's file: {}; fetch it again from where the model comes from",
        brief(problem)
    )]
    Malformed {
        /// Its name.
        file: String,
        /// What is wrong, and where.
        problem: String,
    },
    /// Metadata of a GGUF file that is missing or of another type.
    #[error("the GGUF file's `{key}` {problem}; fetch the file again, or one by another converter")]
    Metadata {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A rule for splitting text that is not known here.
    #[error(
        "the GGUF file's text is split by the rule `{}`, which is not known here, and a guess would give other tokens; \
         take the model's safetensors with their tokenizer.json",
        shown(.0)
    )]
    UnknownPreTokenizer(String),
    /// Something that a file asks for and that is not done here.
    #[error(
        "{what} `{}` is not known here, and leaving it out would give other tokens; use another file",
        shown(name)
    )]
    Unknown {
        /// Its kind.
        what: &'static str,
        /// Its name in the file.
        name: String,
    },
    /// A vocabulary that contradicts itself.
    #[error("the vocabulary is broken: {}; fetch the file again", brief(.0))]
    Vocabulary(String),
    /// A vocabulary of another model.
    #[error(
        "the tokenizer has {tokens} tokens and the model rows for {rows}; the two are of different models"
    )]
    OtherModel {
        /// One more than the largest id.
        tokens: u64,
        /// Rows of the embedding table.
        rows: u64,
    },
    /// More text than is split at once.
    #[error("the text has {bytes} bytes, and at most {limit} are split at once; shorten it")]
    LongText {
        /// Its size.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A chat template that cannot be used, with the engine's words.
    #[error(
        "the chat template fails: {}; measure with plain text, or take the template of another revision",
        brief(.0)
    )]
    Template(String),
}

impl TextError {
    /// A vocabulary fault in words.
    pub(super) fn vocabulary(problem: impl Into<String>) -> Self {
        Self::Vocabulary(problem.into())
    }
}

/// Words of a library, which may quote a file at any length: cut off, and without characters that command a terminal.
fn brief(words: &str) -> String {
    const LONGEST: usize = 400;
    let mut short = String::new();
    for character in words.chars().take(LONGEST) {
        if character.is_control() {
            short.extend(character.escape_debug());
        } else {
            short.push(character);
        }
    }
    if words.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_file_reaches_the_terminal_raw_or_whole() {
        let hostile = "\u{1b}[31m".repeat(100_000);
        for error in [
            TextError::vocabulary(hostile.clone()),
            TextError::Template(hostile.clone()),
            TextError::UnknownPreTokenizer(hostile.clone()),
            TextError::Unknown { what: "the decoder", name: hostile.clone() },
            TextError::Malformed { file: "tokenizer.json".to_owned(), problem: hostile },
        ] {
            let message = error.to_string();
            assert!(
                message.len() < 5_000 && !message.contains('\u{1b}') && message.contains('…'),
                "{message}"
            );
        }
    }
}
