//! The text files of a checkpoint's folder, as the hub keeps them.

#![expect(clippy::disallowed_methods, reason = "reads the files of a folder the user names")]

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::TextError;
use super::json::{Config, EndIds, Post, parse_tokenizer};
use super::template::ChatTemplate;
use super::tokenizer::{Marks, Tokenizer};
use crate::model::shown;

/// Largest file that is read. The tokenizers of these families have 2 to 18 MB.
const LARGEST_FILE: u64 = 32 << 20;

/// What a folder says about text.
#[derive(Debug)]
pub struct TextFolder {
    tokenizer: String,
    config: Config,
    /// Older files name the marks here only.
    map: Config,
    ends: EndIds,
    template_file: Option<String>,
}

impl TextFolder {
    /// Reads `tokenizer.json`, which has to be there, and `tokenizer_config.json`, `special_tokens_map.json`,
    /// `generation_config.json` and `chat_template.jinja`, which may be.
    pub fn read(folder: &Path) -> Result<Self, TextError> {
        let optional = |name: &str| read_if_there(&folder.join(name));
        let path = folder.join("tokenizer.json");
        let missing = || TextError::Unreadable { path: path.clone(), source: ErrorKind::NotFound.into() };
        let config = |name: &str| match optional(name)? {
            Some(text) => Config::parse(name, &text),
            None => Ok(Config::default()),
        };
        Ok(Self {
            tokenizer: read_if_there(&path)?.ok_or_else(missing)?,
            config: config("tokenizer_config.json")?,
            map: config("special_tokens_map.json")?,
            ends: match optional("generation_config.json")? {
                Some(text) => EndIds::parse("generation_config.json", &text)?,
                None => EndIds::default(),
            },
            template_file: optional("chat_template.jinja")?,
        })
    }

    /// The tokenizer. The start mark is the tokenizer's and not the one in `config.json`: the two differ in the distills
    /// of DeepSeek-R1.
    pub fn tokenizer(&self) -> Result<Tokenizer, TextError> {
        let (parts, post) = parse_tokenizer(&self.tokenizer)?;
        let (tokenizer, pieces) = parts.build()?;
        let id = |text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => tokenizer.token_to_id(text).map(Some).ok_or_else(|| {
                TextError::vocabulary(format!(
                    "tokenizer_config.json names the mark `{}`, which is no token",
                    shown(text)
                ))
            }),
        };
        let (bos, eos) = (id(self.bos())?, id(self.eos())?);
        let Post { before, after } = post;
        let marks = Marks {
            bos,
            starts: put(self.config.add_bos_token, bos, before),
            finishes: put(self.config.add_eos_token, eos, after),
            ends: eos.into_iter().collect(),
        };
        Tokenizer::of_pairs(tokenizer, pieces, marks)?.with_ends(self.ends.ids())
    }

    /// The chat template as shipped, if there is one: `chat_template.jinja` before the one in `tokenizer_config.json`.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, TextError> {
        let source = self.template_file.as_deref().or_else(|| self.config.chat_template());
        source.map(|source| ChatTemplate::new(source, self.bos(), self.eos())).transpose()
    }

    fn bos(&self) -> Option<&str> {
        self.config.bos().or_else(|| self.map.bos())
    }

    fn eos(&self) -> Option<&str> {
        self.config.eos().or_else(|| self.map.eos())
    }
}

/// Marks around a text: `tokenizer_config.json` overrules `tokenizer.json` where it says yes or no, as in transformers.
fn put(says: Option<bool>, mark: Option<u32>, otherwise: Vec<u32>) -> Vec<u32> {
    match (says, mark) {
        (Some(true), Some(mark)) => vec![mark],
        (Some(false), Some(mark)) => otherwise.into_iter().filter(|other| *other != mark).collect(),
        _ => otherwise,
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, TextError> {
    let unreadable = |source: io::Error| TextError::Unreadable { path: PathBuf::from(path), source };
    let bytes = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if bytes > LARGEST_FILE {
        return Err(TextError::TooLarge { path: path.to_owned(), bytes, limit: LARGEST_FILE });
    }
    fs::read_to_string(path).map(Some).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::model::byte_character;
    use crate::text::template::Message;

    /// All bytes and two marks; nothing is put around a text.
    fn tokenizer() -> String {
        let vocabulary: serde_json::Map<String, serde_json::Value> =
            (0..=u8::MAX).map(|byte| (byte_character(byte).to_string(), byte.into())).collect();
        serde_json::json!({
            "added_tokens": [
                {"id": 256, "content": "<s>", "special": true},
                {"id": 257, "content": "</s>", "special": true},
            ],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
            "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
        })
        .to_string()
    }

    fn read(files: &[(&str, &str)]) -> Result<TextFolder, TextError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tokenizer.json"), tokenizer()).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        TextFolder::read(folder.path())
    }

    #[test]
    fn marks_come_from_the_small_files() {
        let bare = read(&[]).unwrap().tokenizer().unwrap();
        assert_eq!(
            (bare.bos(), bare.ends(), bare.encode("a", true).unwrap()),
            (None, [].as_slice(), vec![97])
        );
        let config = r#"{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true}"#;
        let files =
            [("tokenizer_config.json", config), ("generation_config.json", r#"{"eos_token_id": [257, 10]}"#)];
        let full = read(&files).unwrap().tokenizer().unwrap();
        assert_eq!((full.bos(), full.ends()), (Some(256), [257, 10].as_slice()));
        assert_eq!(full.encode("a", true).unwrap(), [256, 97]);
        assert_eq!(full.encode("<s>a", false).unwrap(), [256, 97]);
        assert_eq!(full.decode(&[256, 97, 257, 9_999]), "a");
        assert_eq!((full.spelling(257), full.is_control(257)), ("</s>".to_owned(), true));
        let map = read(&[("special_tokens_map.json", r#"{"bos_token": "<s>"}"#)]).unwrap();
        assert_eq!(map.tokenizer().unwrap().bos(), Some(256));
    }

    #[test]
    fn a_mark_that_is_no_token_is_an_error() {
        let unknown = read(&[("tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#)]).unwrap();
        assert!(unknown.tokenizer().unwrap_err().to_string().contains("`<|im_end|>`, which is no token"));
        let beyond = read(&[("generation_config.json", r#"{"eos_token_id": 258}"#)]).unwrap();
        assert!(beyond.tokenizer().unwrap_err().to_string().contains("258 is beyond the 258 tokens"));
    }

    #[test]
    fn the_template_of_its_own_file_comes_first() {
        let config =
            ("tokenizer_config.json", r#"{"bos_token": "<s>", "chat_template": "{{ bos_token }}old"}"#);
        let text = |files: &[(&str, &str)]| {
            let template = read(files).unwrap().chat_template().unwrap();
            template.map(|template| template.render(&[Message::user("a")], date!(2025 - 02 - 10)).unwrap())
        };
        assert_eq!(text(&[]), None);
        assert_eq!(text(&[config]).as_deref(), Some("<s>old"));
        assert_eq!(text(&[config, ("chat_template.jinja", "{{ bos_token }}new")]).as_deref(), Some("<s>new"));
    }

    #[test]
    fn a_file_that_cannot_be_a_tokenizer_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let missing = TextFolder::read(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("tokenizer.json"), "{missing}");
        fs::File::create(folder.path().join("tokenizer.json")).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        assert!(TextFolder::read(folder.path()).unwrap_err().to_string().contains("33554433 bytes"));
        fs::write(folder.path().join("tokenizer.json"), [0xff, 0xfe]).unwrap();
        assert!(TextFolder::read(folder.path()).is_err(), "no text at all");
    }

    #[test]
    fn a_tokenizer_of_another_model_is_an_error() {
        let tokenizer = read(&[]).unwrap().tokenizer().unwrap();
        assert_eq!(tokenizer.vocabulary_size(), 258);
        assert!(tokenizer.check_rows(258).is_ok() && tokenizer.check_rows(320).is_ok());
        assert!(
            tokenizer
                .check_rows(257)
                .unwrap_err()
                .to_string()
                .contains("258 tokens and the model rows for 257")
        );
    }
}
