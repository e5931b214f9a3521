//! The format of `prompts.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::{Prompt, PromptBook, Purpose};
use crate::faults::{Faults, Reader};
use crate::language::Language;

/// Version of the file format.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(rename = "prompt")]
    prompts: Vec<WirePrompt>,
}

#[derive(Deserialize)]
struct WirePrompt {
    id: Spanned<String>,
    language: WireLanguage,
    purpose: WirePurpose,
    text: Spanned<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum WireLanguage {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "fr")]
    French,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WirePurpose {
    ShortQuestion,
    Explanation,
    Summary,
    Code,
    Reasoning,
}

impl PromptBook {
    /// Reads the text of a `prompts.toml`; `file` is the name to print in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        reader.schema(&wire.schema, SCHEMA);
        let (mut ids, mut texts) = (HashSet::new(), HashSet::new());
        let mut prompts = Vec::new();
        for prompt in wire.prompts {
            reader.unique_id(&mut ids, &prompt.id);
            if !texts.insert(prompt.text.get_ref().clone()) {
                reader.at(prompt.text.span(), "this text stands twice", "remove or change one of the two");
            }
            prompts.push(prompt.into_prompt(&mut reader));
        }
        if prompts.is_empty() && reader.is_clean() {
            reader.at(0..0, "no `[[prompt]]` at all", "add at least one");
        }
        reader.finish(Some(Self(prompts)))
    }
}

impl WirePrompt {
    fn into_prompt(self, reader: &mut Reader<'_>) -> Prompt {
        let text = reader.filled("text", &self.text).trim().to_owned();
        Prompt {
            id: self.id.into_inner(),
            language: match self.language {
                WireLanguage::English => Language::English,
                WireLanguage::French => Language::French,
            },
            purpose: match self.purpose {
                WirePurpose::ShortQuestion => Purpose::ShortQuestion,
                WirePurpose::Explanation => Purpose::Explanation,
                WirePurpose::Summary => Purpose::Summary,
                WirePurpose::Code => Purpose::Code,
                WirePurpose::Reasoning => Purpose::Reasoning,
            },
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::{NFC, NormalizedString, Normalizer};

    use super::*;

    const PROMPTS: &str = include_str!("../../../prompts.toml");

    #[test]
    fn every_purpose_has_a_prompt_in_both_languages() {
        let book = PromptBook::parse("prompts.toml", PROMPTS).unwrap();
        for purpose in Purpose::ALL {
            for language in Language::ALL {
                let fits = |prompt: &&Prompt| prompt.purpose == purpose && prompt.language == language;
                let found: Vec<_> = book.prompts().iter().filter(fits).collect();
                assert_eq!(found.len(), 1, "{} in {}", purpose.id(), language.id());
                assert!(found[0].id.ends_with(language.id()));
            }
        }
    }

    /// GGUF files say nothing of normalisation and `tokenizer.json` may: a composed text has the same tokens with both.
    #[test]
    fn prompts_are_composed_text_on_plain_lines() {
        for prompt in PromptBook::parse("prompts.toml", PROMPTS).unwrap().prompts() {
            let mut composed = NormalizedString::from(prompt.text.as_str());
            NFC.normalize(&mut composed).unwrap();
            assert_eq!(composed.get(), prompt.text);
            assert!(!prompt.text.contains(['\\', '\t', '\r']), "{}", prompt.id);
            assert!(!prompt.text.contains("  "), "{}", prompt.id);
        }
    }

    #[test]
    fn faults_are_reported_together() {
        let text = PROMPTS
            .replacen("id = \"code-en\"", "id = \"code-fr\"", 1)
            .replacen("purpose = \"code\"", "purpose = \"code\"\npupose = 1", 1)
            .replacen("text = \"Why", "text = \" \" # \"Why", 1);
        let message = PromptBook::parse("prompts.toml", &text).unwrap_err().to_string();
        for problem in ["`text` is empty", "unknown key `prompt.6.pupose`", "id `code-fr` stands twice"] {
            assert!(message.contains(problem), "{problem} is not in {message}");
        }
        let unknown = PROMPTS.replacen("language = \"fr\"", "language = \"de\"", 1);
        assert!(PromptBook::parse("prompts.toml", &unknown).is_err());
    }
}
