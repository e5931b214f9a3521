//! The vocabulary in a GGUF file whose header was read and checked by our own reader.

use super::error::TextError;
use super::source::VocabularySource;
use crate::model::GgufFile;

impl VocabularySource {
    /// From the header of a file.
    pub fn from_file(file: &GgufFile) -> Result<Self, TextError> {
        let keys = Keys(file);
        let model = keys.get("ggml.model", "a text", |key| file.text(key))?;
        let text = |key| keys.get(key, "a text", |key| file.text(key)).map(|text| text.map(str::to_owned));
        let texts = |key| {
            let texts = keys.get(key, "a list of texts", |key| file.texts(key))?;
            Ok::<_, TextError>(texts.map(<[String]>::to_vec).unwrap_or_default())
        };
        let id = |key| {
            let narrow = |key: &str| u32::try_from(file.count(key)?).ok();
            keys.get(key, "an id", narrow)
        };
        let flag = |key| keys.get(key, "true or false", |key| file.flag(key));
        let scores = keys.get("ggml.scores", "a list of numbers", |key| file.reals(key))?;
        let token_types = keys.get("ggml.token_type", "a list of whole numbers", |key| file.integers(key))?;
        Ok(Self {
            model: model.ok_or_else(|| fault("ggml.model", "is missing"))?.to_owned(),
            pre: text("ggml.pre")?,
            tokens: texts("ggml.tokens")?,
            scores: scores.map(<[f32]>::to_vec).unwrap_or_default(),
            token_types: token_types.map(<[i32]>::to_vec).unwrap_or_default(),
            merges: texts("ggml.merges")?,
            bos: id("ggml.bos_token_id")?,
            eos: id("ggml.eos_token_id")?,
            eot: id("ggml.eot_token_id")?,
            eom: id("ggml.eom_token_id")?,
            add_bos: flag("ggml.add_bos_token")?,
            add_eos: flag("ggml.add_eos_token")?,
            add_space_prefix: flag("ggml.add_space_prefix")?,
            chat_template: text("chat_template")?,
        })
    }
}

/// Typed look-ups; a key that is there and of another type is a fault.
struct Keys<'a>(&'a GgufFile);

impl Keys<'_> {
    fn get<T>(
        &self,
        key: &str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, TextError> {
        let full = format!("tokenizer.{key}");
        match (read(&full), self.0.kind_of(&full)) {
            (Some(value), _) => Ok(Some(value)),
            (None, None) => Ok(None),
            (None, Some(found)) => Err(fault(key, format!("is {found}, and {what} belongs there"))),
        }
    }
}

fn fault(key: &str, problem: impl Into<String>) -> TextError {
    TextError::Metadata { key: format!("tokenizer.{key}"), problem: problem.into() }
}
