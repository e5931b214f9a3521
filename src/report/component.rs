//! The parts every section is made of: tables, figures, the frame of a page.

use askama::Template;
use askama::filters::HtmlSafe;

use super::chart::Svg;
use super::csp;
use super::page_file::PageFile;
use super::words::Words;
use crate::language::Language;

/// The one style sheet.
const CSS: &str = include_str!("report.css");

/// A text of a page, marked with its language where that is not the page's own.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// The words.
    pub(crate) content: String,
    /// BCP 47 tag for the element that holds them; `None` in the language of the page.
    pub(crate) lang: Option<&'static str>,
    /// Where on the page more is said of it.
    pub(crate) href: Option<&'static str>,
}

impl Text {
    /// A text that leads to another place on the page.
    pub(crate) fn linked(text: impl Into<String>, href: &'static str) -> Self {
        Self { content: text.into(), lang: None, href: Some(href) }
    }

    /// A text that a file holds in English: marked on every page but the English one.
    pub(crate) fn english(words: &Words, text: impl Into<String>) -> Self {
        Self::quoted(words, text, Language::English)
    }

    /// A text in its own language: marked on pages in another.
    pub(crate) fn quoted(words: &Words, text: impl Into<String>, language: Language) -> Self {
        Self { content: text.into(), lang: (language != words.language).then(|| language.id()), href: None }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { content: text, lang: None, href: None }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A table with a row header in its first column; on a phone each row becomes a block.
#[derive(Clone, Debug, Template)]
#[template(path = "table.html")]
pub(crate) struct Table {
    /// Its style, beside the common one; empty for most.
    pub(crate) class: &'static str,
    /// What the table holds.
    pub(crate) caption: String,
    /// One per column.
    pub(crate) headers: Vec<String>,
    /// As many cells per row as headers.
    pub(crate) rows: Vec<Vec<Text>>,
}

impl HtmlSafe for Table {}

impl Table {
    /// Takes the parts; every row must fill every column.
    pub(crate) fn new<T: Into<Text>>(
        caption: impl Into<String>,
        headers: &[&str],
        rows: Vec<Vec<T>>,
    ) -> Self {
        debug_assert!(rows.iter().all(|row| row.len() == headers.len()), "a row does not fill its table");
        Self {
            class: "",
            caption: caption.into(),
            headers: headers.iter().map(|&h| h.to_owned()).collect(),
            rows: rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect(),
        }
    }
}

/// A part of a case that a reader opens: one line that says the most, and all of it behind.
#[derive(Debug, Template)]
#[template(path = "detail.html")]
pub(crate) struct Detail {
    /// The line.
    pub(crate) summary: String,
    /// What needs no table.
    pub(crate) lines: Vec<String>,
    /// The rest; without one there is nothing to open.
    pub(crate) table: Option<Table>,
    /// Before the name of the rules.
    pub(crate) rules: &'static str,
    /// Where the rules stand in the repository.
    pub(crate) section: &'static str,
}

impl HtmlSafe for Detail {}

/// A chart with its caption and the table behind it.
#[derive(Debug, Template)]
#[template(path = "figure.html")]
pub(crate) struct Figure {
    /// Heading; empty where the section's own says it.
    pub(crate) title: String,
    /// The picture.
    pub(crate) wide: Svg,
    /// The same for a phone, where the picture is not drawn at phone size anyway.
    pub(crate) narrow: Option<Svg>,
    /// How to read it and where it comes from.
    pub(crate) caption: String,
    /// Label of the button that opens the table.
    pub(crate) show_table: &'static str,
    /// The values.
    pub(crate) table: Table,
}

impl HtmlSafe for Figure {}

/// The same page in one of the languages.
#[derive(Debug)]
pub(crate) struct Edition {
    /// BCP 47 tag.
    pub(crate) lang: &'static str,
    /// The language's own name for itself.
    pub(crate) name: &'static str,
    /// The same in two letters.
    pub(crate) short_name: &'static str,
    /// The file, beside this one.
    pub(crate) file: &'static str,
    /// True for the edition that is being read.
    pub(crate) is_this: bool,
}

/// What stands in `<head>`, and the switch between languages.
#[derive(Debug)]
pub(crate) struct Head {
    /// Title of the page.
    pub(crate) title: String,
    /// Description for search engines.
    pub(crate) description: &'static str,
    /// Content security policy.
    pub(crate) policy: String,
    /// The style sheet.
    pub(crate) css: StyleSheet,
    /// The page in every language.
    pub(crate) editions: [Edition; 2],
}

impl Head {
    /// The head of a page.
    pub(crate) fn new(words: &Words, page: PageFile, title: String) -> Self {
        let edition = |language: Language| {
            let other = Words::of(language);
            Edition {
                lang: other.lang(),
                name: other.name,
                short_name: other.short_name,
                file: page.name(language),
                is_this: language == words.language,
            }
        };
        Self {
            title,
            description: words.page.description,
            policy: csp::policy(CSS),
            css: StyleSheet,
            editions: Language::ALL.map(edition),
        }
    }
}

/// Prints the style sheet; its text is part of the program, so it is not escaped.
#[derive(Debug)]
pub(crate) struct StyleSheet;

impl std::fmt::Display for StyleSheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(CSS)
    }
}

impl HtmlSafe for StyleSheet {}
