//! Faults of a TOML file, all of them at once, each with its line and the fix.
//!
//! Reading goes in two steps. [`Reader::read`] turns text into wire structs and collects every unknown key; the `wire.rs` of
//! each floor then builds domain types and adds what it finds to the same [`Faults`]. Text comes in as a string, so
//! this file touches no file itself.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::language::Bilingual;

/// One thing that is wrong, where, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    line: usize,
    problem: String,
    fix: String,
}

/// Every fault found in one file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Faults {
    file: String,
    faults: Vec<Fault>,
}

impl Faults {
    /// The faults in the order of their lines, as (line, problem, fix).
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.faults.iter().map(|fault| (fault.line, fault.problem.as_str(), fault.fix.as_str()))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(f, "{count} fault{} in {}", if count == 1 { "" } else { "s" }, self.file)?;
        for (line, problem, fix) in self.iter() {
            write!(f, "\n  {}:{line}: {problem}; {fix}", self.file)?;
        }
        Ok(())
    }
}

/// A text in both languages as files write it: `title.en = "..."` and `title.fr = "..."`.
#[derive(Clone, Debug, Deserialize)]
pub struct BilingualText {
    en: Option<Spanned<String>>,
    fr: Option<Spanned<String>>,
}

/// Collects faults while one file is read.
#[derive(Debug)]
pub struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Starts on a file's text; `file` is the name to print.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, faults: Vec::new() }
    }

    /// The wire form of the file. Unknown keys become faults; a syntax or type error ends the reading, because
    /// nothing after it can be trusted.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T, Faults> {
        let tree = DeTable::parse(self.text).map_err(|error| self.fatal(&error))?;
        let mut unknown: Vec<Vec<String>> = Vec::new();
        let deserializer = toml::Deserializer::parse(self.text).map_err(|error| self.fatal(&error))?;
        let wire = serde_ignored::deserialize(deserializer, |path| unknown.push(segments(&path)))
            .map_err(|error| self.fatal(&error))?;
        for path in unknown {
            let span = locate(tree.get_ref(), &path).unwrap_or(0..0);
            self.at(span, format!("unknown key `{}`", path.join(".")), "remove it, or correct its spelling");
        }
        Ok(wire)
    }

    /// Adds a fault at a byte range of the text.
    pub fn at(&mut self, span: Range<usize>, problem: impl Into<String>, fix: impl Into<String>) {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = before.split(|&byte| byte == b'\n').count();
        self.faults.push(Fault { line, problem: problem.into(), fix: fix.into() });
    }

    /// A text that has to say something; an empty one becomes a fault.
    pub fn filled(&mut self, key: &str, text: &Spanned<String>) -> String {
        if text.get_ref().trim().is_empty() {
            self.at(text.span(), format!("`{key}` is empty"), "fill it in, in a few words");
        }
        text.get_ref().clone()
    }

    /// A text that has to say something in both languages; what is missing or empty becomes a fault, `place` or the
    /// other language saying where.
    pub fn bilingual(&mut self, key: &str, text: &BilingualText, place: &Range<usize>) -> Bilingual {
        let beside = text.en.as_ref().or(text.fr.as_ref()).map_or_else(|| place.clone(), Spanned::span);
        let mut side = |language: &str, side: &Option<Spanned<String>>| {
            if let Some(side) = side {
                return self.filled(&format!("{key}.{language}"), side);
            }
            let problem = format!("`{key}.{language}` is missing");
            self.at(beside.clone(), problem, "add it: every text of ours is in English and French");
            String::new()
        };
        Bilingual { en: side("en", &text.en), fr: side("fr", &text.fr) }
    }

    /// The version of the file's format must be the one this program reads.
    pub fn schema(&mut self, found: &Spanned<u64>, known: u64) {
        if *found.get_ref() != known {
            let problem = format!("schema {} is not known", found.get_ref());
            self.at(found.span(), problem, format!("this version reads schema {known}"));
        }
    }

    /// An id of lower-case words joined by hyphens or dots, met for the first time; anything else becomes a fault.
    pub fn unique_id(&mut self, seen: &mut HashSet<String>, id: &Spanned<String>) -> Option<String> {
        let text = id.get_ref();
        if !is_id(text) {
            let fix = "use lower-case letters and digits, joined by hyphens or dots, a letter first";
            self.at(id.span(), format!("`{text}` is not an id"), fix);
            return None;
        }
        if !seen.insert(text.clone()) {
            self.at(id.span(), format!("id `{text}` stands twice"), "rename or remove one of the two");
            return None;
        }
        Some(text.clone())
    }

    /// True if nothing was found so far.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// All faults found, or `value` if there is none.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => {
                assert!(!self.faults.is_empty(), "a value is only missing where a fault was recorded");
                self.faults.sort_by_key(|fault| fault.line);
                Err(Faults { file: self.file.to_owned(), faults: self.faults })
            }
        }
    }

    fn fatal(&mut self, error: &toml::de::Error) -> Faults {
        let problem = error.message().trim().replace('\n', ", ");
        self.at(error.span().unwrap_or(0..0), problem, "correct this line first, then read the file again");
        self.faults.sort_by_key(|fault| fault.line);
        Faults { file: self.file.to_owned(), faults: std::mem::take(&mut self.faults) }
    }
}

fn is_id(text: &str) -> bool {
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split(['-', '.']).all(word)
}

/// The keys and indices that lead to a place in a document, without the marks of `Option` and `toml::Spanned`.
fn segments(path: &serde_ignored::Path<'_>) -> Vec<String> {
    path.to_string()
        .split('.')
        .filter(|part| *part != "?" && !part.starts_with("$__"))
        .map(str::to_owned)
        .collect()
}

/// Where the key at the end of `path` stands in the text.
fn locate(table: &DeTable<'_>, path: &[String]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == first.as_str())?;
    match (rest, value.get_ref()) {
        ([], _) => Some(key.span()),
        (_, DeValue::Table(inner)) => locate(inner, rest),
        (_, DeValue::Array(inner)) => locate_in_array(inner, rest),
        _ => Some(key.span()),
    }
}

fn locate_in_array(array: &DeArray<'_>, path: &[String]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let value = array.get(first.parse::<usize>().ok()?)?;
    match (rest, value.get_ref()) {
        ([], _) => Some(value.span()),
        (_, DeValue::Table(inner)) => locate(inner, rest),
        (_, DeValue::Array(inner)) => locate_in_array(inner, rest),
        _ => Some(value.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Wire {
        #[serde(rename = "item")]
        items: Vec<Item>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Item {
        size: Spanned<u64>,
    }

    #[test]
    fn every_unknown_key_is_reported_with_its_line() {
        let text = "speed = 1\n[[item]]\nsize = 3\n\n[[item]]\nsize = 4\nsiez = 5\n";
        let mut reader = Reader::new("things.toml", text);
        let wire: Wire = reader.read().unwrap();
        assert_eq!(wire.items.len(), 2);
        let faults = reader.finish(Some(())).unwrap_err();
        let found: Vec<_> = faults.iter().map(|(line, problem, _)| (line, problem.to_owned())).collect();
        assert_eq!(
            found,
            [(1, "unknown key `speed`".to_owned()), (7, "unknown key `item.1.siez`".to_owned())]
        );
    }

    #[test]
    fn faults_of_meaning_join_those_of_spelling() {
        let text = "[[item]]\nsize = 0\nsiez = 5\n";
        let mut reader = Reader::new("things.toml", text);
        let wire: Wire = reader.read().unwrap();
        for item in &wire.items {
            if *item.size.get_ref() == 0 {
                reader.at(item.size.span(), "`size` is zero", "give at least 1");
            }
        }
        let message = reader.finish(Some(())).unwrap_err().to_string();
        assert!(
            message
                .starts_with("2 faults in things.toml\n  things.toml:2: `size` is zero; give at least 1\n")
        );
        assert!(message.contains("things.toml:3: unknown key `item.0.siez`"));
    }

    #[test]
    fn ids_are_words_joined_by_hyphens_and_stand_once() {
        let mut reader = Reader::new("things.toml", "");
        let mut seen = HashSet::new();
        let mut take = |id: &str| reader.unique_id(&mut seen, &Spanned::new(0..0, id.to_owned())).is_some();
        assert!(take("deepseek-5-6m") && take("gpt-5.6-sol"));
        for bad in ["deepseek-5-6m", "", "5-6m", "a-", "a--b", "a..b", "A", "a b", "-a"] {
            assert!(!take(bad), "`{bad}` was taken");
        }
    }

    #[test]
    fn a_type_error_names_its_line() {
        let mut reader = Reader::new("things.toml", "[[item]]\nsize = \"big\"\n");
        let message = reader.read::<Wire>().unwrap_err().to_string();
        assert!(message.contains("things.toml:2: invalid type"), "{message}");
    }
}
