//! A checkpoint as somebody to talk to: its tokenizer, its chat template, and how it marks thinking.

use std::path::Path;

use time::Date;
use time::macros::date;

use super::error::TextError;
use super::folder::TextFolder;
use super::printable::printable;
use super::source::VocabularySource;
use super::template::{ChatTemplate, Message};
use super::thinking::{SplitOutput, ThinkingTags};
use super::tokenizer::Tokenizer;
use crate::model::GgufFile;

/// The day that templates are told which print one, so that a prompt has the same tokens on any day.
const TODAY: Date = date!(2026 - 01 - 01);

/// The longest output that is turned into text, in bytes. A thousand tokens of common vocabularies have 5,000; a vocabulary
/// made to hurt can have megabytes in one.
pub const LONGEST_OUTPUT: usize = 1 << 18;

/// What a checkpoint says of text.
#[derive(Clone, Debug)]
pub struct ChatModel {
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    tags: ThinkingTags,
    reasons: bool,
}

/// A prompt as the model reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    /// The whole text, marks of the template included.
    pub text: String,
    /// Its ids.
    pub tokens: Vec<u32>,
}

impl ChatModel {
    /// Of a GGUF file or of a folder as on the hub, for a model whose embedding table has `rows` rows.
    pub fn open(path: &Path, rows: u64) -> Result<Self, TextError> {
        let (tokenizer, template) = if path.is_dir() {
            let folder = TextFolder::read(path)?;
            (folder.tokenizer()?, folder.chat_template()?)
        } else {
            of_gguf(&GgufFile::open(path)?)?
        };
        tokenizer.check_rows(rows)?;
        Self::new(tokenizer, template)
    }

    /// Of its parts. A model reasons if its template names tags around thinking, or its vocabulary has them as tokens.
    pub fn new(tokenizer: Tokenizer, template: Option<ChatTemplate>) -> Result<Self, TextError> {
        let mut found = None;
        for tags in [ThinkingTags::THINK, ThinkingTags::MISTRAL] {
            let is_named = template.as_ref().is_some_and(|template| template.names(tags.close));
            if is_named || tokenizer.encode(tags.close, false)?.len() == 1 {
                found = Some(tags);
                break;
            }
        }
        let (tags, reasons) = (found.unwrap_or(ThinkingTags::THINK), found.is_some());
        Ok(Self { tokenizer, template, tags, reasons })
    }

    /// True if the checkpoint knows tags around thinking.
    pub const fn reasons(&self) -> bool {
        self.reasons
    }

    /// True if this token ends an answer.
    pub fn is_end(&self, token: u32) -> bool {
        self.tokenizer.ends().contains(&token)
    }

    /// A question through the chat template; a model without one gets the question as plain text to go on from.
    pub fn render(&self, question: &str) -> Result<Rendered, TextError> {
        let text = match &self.template {
            Some(template) => template.render(&[Message::user(question)], TODAY)?,
            None => question.to_owned(),
        };
        let tokens = self.tokenizer.encode(&text, self.template.is_none())?;
        if tokens.is_empty() {
            return Err(TextError::Vocabulary("it makes no tokens of a question".to_owned()));
        }
        Ok(Rendered { text, tokens })
    }

    /// What the model wrote after `prompt`, thinking apart from the answer, both printable. The last token is left out where
    /// it ends the answer.
    pub fn read(&self, prompt: &Rendered, output: &[u32]) -> Result<SplitOutput, TextError> {
        let words = match output.split_last() {
            Some((last, before)) if self.is_end(*last) => before,
            _ => output,
        };
        let bytes: usize = words.iter().map(|id| self.tokenizer.spelling(*id).len()).sum();
        if bytes > LONGEST_OUTPUT {
            return Err(TextError::LongText { bytes, limit: LONGEST_OUTPUT });
        }
        let split = SplitOutput::new(&self.tokenizer, self.tags, &prompt.text, words);
        Ok(SplitOutput { thinking: printable(&split.thinking), answer: printable(&split.answer), ..split })
    }
}

fn of_gguf(file: &GgufFile) -> Result<(Tokenizer, Option<ChatTemplate>), TextError> {
    let mut source = VocabularySource::from_file(file)?;
    let spelling = |id: Option<u32>| {
        let at = usize::try_from(id?).ok()?;
        source.tokens.get(at).cloned()
    };
    let (bos, eos) = (spelling(source.bos), spelling(source.eos));
    let template = source.chat_template.take();
    let template =
        template.map(|text| ChatTemplate::new(&text, bos.as_deref(), eos.as_deref())).transpose()?;
    Ok((source.tokenizer()?, template))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the files they read")]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::model::{Recipe, Registry, byte_character, write_synthetic};
    use crate::text::Reasoning;

    /// Ids: 0 end, 1 the user's mark, 2 and 3 the tags, then words with their spaces; every byte follows.
    const WORDS: [&str; 8] = ["</s>", "[U]", "<think>", "</think>", "why", "Ġso", "Ġit", "Ġis"];

    const SIZE: u64 = 8 + 256;

    fn folder(template: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &serde_json::Value| {
            std::fs::write(folder.path().join(name), value.to_string()).unwrap();
        };
        let bytes = (0..=u8::MAX).map(|byte| byte_character(byte).to_string());
        let tokens = WORDS.iter().map(|word| (*word).to_owned()).chain(bytes);
        let vocab: serde_json::Map<_, _> =
            tokens.zip(0..).map(|(token, id)| (token, serde_json::Value::from(id))).collect();
        let added = |id: u32| {
            serde_json::json!({ "id": id, "content": WORDS[usize::try_from(id).unwrap()], "special": true,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false })
        };
        let model = serde_json::json!({ "type": "BPE", "vocab": vocab, "merges": [], "dropout": null,
            "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": true });
        let byte_level = serde_json::json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
        write(
            "tokenizer.json",
            &serde_json::json!({ "version": "1.0", "truncation": null, "padding": null,
                "added_tokens": [added(0), added(1), added(2), added(3)], "normalizer": null,
                "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level, "model": model }),
        );
        let mut config = serde_json::json!({ "eos_token": "</s>" });
        if let Some(template) = template {
            config["chat_template"] = template.into();
        }
        write("tokenizer_config.json", &config);
        folder
    }

    #[test]
    fn a_folder_renders_asks_and_splits_at_its_end_mark() {
        let template = "[U]{{ messages[0].content }}{% if add_generation_prompt %}<think>\n{% endif %}";
        let folder = folder(Some(template));
        let chat = ChatModel::open(folder.path(), SIZE).unwrap();
        assert!(chat.reasons() && chat.is_end(0) && !chat.is_end(3));
        let prompt = chat.render("why so").unwrap();
        assert_eq!(prompt.text, "[U]why so<think>\n");
        // The line end is byte 10, and the bytes follow the eight words.
        assert_eq!(prompt.tokens, [1, 4, 5, 2, 18]);
        let split = chat.read(&prompt, &[5, 6, 3, 6, 7, 0]).unwrap();
        assert_eq!((split.thinking.as_str(), split.answer.as_str()), ("so it", "it is"));
        assert_eq!((split.reasoning, split.first_answer_token), (Reasoning::Finished, Some(3)));
        let cut = chat.read(&prompt, &[5, 6]).unwrap();
        assert_eq!((cut.reasoning, cut.first_answer_token), (Reasoning::Cut, None));
    }

    #[test]
    fn without_a_template_the_question_is_plain_text() {
        let folder = folder(None);
        let chat = ChatModel::open(folder.path(), SIZE).unwrap();
        assert_eq!(chat.render("why so").unwrap(), Rendered { text: "why so".into(), tokens: vec![4, 5] });
        let error = chat.render("").unwrap_err().to_string();
        assert!(error.contains("no tokens"), "{error}");
    }

    #[test]
    fn a_tokenizer_of_another_model_is_refused() {
        let folder = folder(None);
        let error = ChatModel::open(folder.path(), SIZE - 1).unwrap_err().to_string();
        assert!(error.contains("264 tokens and the model rows for 263"), "{error}");
    }

    #[test]
    fn a_gguf_file_brings_its_own_vocabulary() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for id in ["tiny-qwen2", "tiny-llama"] {
            let model = registry.get(id).unwrap();
            let path = folder.path().join(id);
            let file = std::fs::File::create(&path).unwrap();
            write_synthetic(file, model, Recipe::Q8_0, 1, NonZeroUsize::MIN).unwrap();
            let chat = ChatModel::open(&path, model.shape.vocab).unwrap();
            assert!(chat.reasons(), "its vocabulary is that of the distills");
            let prompt = chat.render("Why?").unwrap();
            assert!(prompt.tokens.iter().all(|id| u64::from(*id) < model.shape.vocab), "{prompt:?}");
            assert!(matches!(ChatModel::open(&path, 1), Err(TextError::OtherModel { .. })));
        }
    }
}
