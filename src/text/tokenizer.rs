//! Text to ids and back, whatever kind of vocabulary does it.

use std::collections::HashSet;

use super::error::TextError;
use super::pieces::{Pieces, TextStream};
use super::sentence_piece::SentencePiece;

/// Longest text that is split at once, in bytes. It is far above any context here, and below what makes the engine that
/// matches the patterns give up (a million steps back in one match), which it does in silence.
pub(super) const LONGEST_TEXT: usize = 1 << 19;

/// Marks that a tokenizer puts around a text, and those that end an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// The start mark, whether or not it is put.
    pub bos: Option<u32>,
    /// Put before a text.
    pub starts: Vec<u32>,
    /// Put after it.
    pub finishes: Vec<u32>,
    /// Each of them ends an answer.
    pub ends: Vec<u32>,
}

impl Marks {
    /// Fails if a mark's id is not below `size`.
    pub(super) fn within(self, size: u64) -> Result<Self, TextError> {
        let all = self.bos.iter().chain(&self.starts).chain(&self.finishes).chain(&self.ends);
        match all.copied().find(|id| u64::from(*id) >= size) {
            None => Ok(self),
            Some(id) => Err(TextError::vocabulary(format!("the mark {id} is beyond the {size} tokens"))),
        }
    }
}

/// How ids are found.
#[derive(Clone, Debug)]
enum Model {
    /// By merging pairs from a list.
    Pairs(Box<tokenizers::Tokenizer>),
    /// By joining neighbours by score.
    Scores(Box<SentencePiece>),
}

/// A model's tokenizer.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    model: Model,
    pieces: Pieces,
    marks: Marks,
}

impl Tokenizer {
    pub(super) fn of_pairs(
        tokenizer: tokenizers::Tokenizer,
        pieces: Pieces,
        marks: Marks,
    ) -> Result<Self, TextError> {
        let marks = marks.within(pieces.size())?;
        Ok(Self { model: Model::Pairs(Box::new(tokenizer)), pieces, marks })
    }

    pub(super) fn of_scores(model: SentencePiece, pieces: Pieces, marks: Marks) -> Result<Self, TextError> {
        let marks = marks.within(pieces.size())?;
        Ok(Self { model: Model::Scores(Box::new(model)), pieces, marks })
    }

    /// The ids of a text. With `with_special`, the marks that the vocabulary puts before and after a text are added; a
    /// rendered chat template holds its own, so it is encoded without. A mark's spelling in the text is that mark, as it
    /// is for transformers and for llama.cpp's server.
    pub fn encode(&self, text: &str, with_special: bool) -> Result<Vec<u32>, TextError> {
        if text.len() > LONGEST_TEXT {
            return Err(TextError::LongText { bytes: text.len(), limit: LONGEST_TEXT });
        }
        let ids = match &self.model {
            Model::Pairs(tokenizer) => tokenizer
                .encode_fast(text, false)
                .map_err(|error| TextError::vocabulary(error.to_string()))?
                .get_ids()
                .to_vec(),
            Model::Scores(model) => model.encode(text),
        };
        if !with_special {
            return Ok(ids);
        }
        Ok([self.marks.starts.as_slice(), &ids, &self.marks.finishes].concat())
    }

    /// The text of some ids. Marks are left out; bytes that are no text, such as a character cut off at the end, become
    /// U+FFFD; ids without a token, as the padding of an embedding table has them, are nothing.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut stream = self.stream();
        let text: String = ids.iter().map(|id| stream.push(*id)).collect();
        text + &stream.finish()
    }

    /// The same, token by token, each character as soon as it is whole.
    pub fn stream(&self) -> TextStream<'_> {
        self.pieces.stream()
    }

    /// What a token is written as, marks included; bytes that are no text become U+FFFD.
    pub fn spelling(&self, id: u32) -> String {
        String::from_utf8_lossy(self.pieces.bytes(id)).into_owned()
    }

    /// True for a mark that is no text.
    pub fn is_control(&self, id: u32) -> bool {
        self.pieces.is_control(id)
    }

    /// The start mark, if the vocabulary has one.
    pub fn bos(&self) -> Option<u32> {
        self.marks.bos
    }

    /// Each of these ends an answer; the first is the vocabulary's end of a text.
    pub fn ends(&self) -> &[u32] {
        &self.marks.ends
    }

    /// One more than the largest id.
    pub fn vocabulary_size(&self) -> u64 {
        self.pieces.size()
    }

    /// Fails if an id would lie beyond the embedding table of `rows` rows. Fewer tokens than rows is common: tables are
    /// padded.
    pub fn check_rows(&self, rows: u64) -> Result<(), TextError> {
        let tokens = self.vocabulary_size();
        if tokens > rows { Err(TextError::OtherModel { tokens, rows }) } else { Ok(()) }
    }

    /// Adds marks that end an answer (`generation_config.json`).
    pub(super) fn with_ends(mut self, ends: &[u32]) -> Result<Self, TextError> {
        let mut seen = HashSet::new();
        self.marks.ends.extend(ends);
        self.marks.ends.retain(|id| seen.insert(*id));
        self.marks = self.marks.within(self.pieces.size())?;
        Ok(self)
    }
}
