//! The parts every section is made of: tables, figures, the frame of a page.

use askama::Template;
use askama::filters::HtmlSafe;

use super::chart::Svg;
use super::csp;
use super::words::Words;

/// The one style sheet.
const CSS: &str = include_str!("report.css");

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
    pub(crate) rows: Vec<Vec<String>>,
}

impl HtmlSafe for Table {}

impl Table {
    /// Takes the parts; every row must fill every column.
    pub(crate) fn new(caption: impl Into<String>, headers: &[&str], rows: Vec<Vec<String>>) -> Self {
        debug_assert!(rows.iter().all(|row| row.len() == headers.len()), "a row does not fill its table");
        Self {
            class: "",
            caption: caption.into(),
            headers: headers.iter().map(|&h| h.to_owned()).collect(),
            rows,
        }
    }
}

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

/// What stands in `<head>`.
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
}

impl Head {
    /// The head of a page.
    pub(crate) fn new(words: &Words, title: String) -> Self {
        Self { title, description: words.page.description, policy: csp::policy(CSS), css: StyleSheet }
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
