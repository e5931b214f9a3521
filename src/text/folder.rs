//! The text files of a checkpoint's folder, as the hub keeps them.

#![expect(clippy::disallowed_methods, reason = "reads the files of a folder the user names")]

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::TextError;
use super::json::{Config, EndIds, Post, parse_tokenizer};
use super::template::ChatTemplate;
use super::tokenizer::{Marks, Tokenizer};

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
                    "tokenizer_config.json names the mark `{text}`, which is no token"
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
