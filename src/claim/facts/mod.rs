//! What the claims are judged by: sources, and the constants read in them.

mod wire;

use super::formula::Figure;
use crate::date::Date;
use crate::language::Bilingual;

pub(super) use wire::{Draft, amount, date, unit};

/// How near a source stands to what it reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// Whoever did it, measured it or estimated it says so.
    Primary,
    /// Somebody else reports it.
    Secondary,
    /// An article that a claim is quoted from; nothing is judged by it.
    Quoted,
}

impl Level {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Quoted => "quoted",
        }
    }
}

/// How a document was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reading {
    /// In its own text.
    Original,
    /// In the words of somebody who quotes it.
    AsQuoted {
        /// Who quotes it.
        by: String,
    },
    /// Not at all: what is said of it comes from memory or from hearsay.
    NotVerified,
}

impl Reading {
    /// The name used in files.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::AsQuoted { .. } => "as-quoted",
            Self::NotVerified => "not-verified",
        }
    }
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Key in `sources.toml`.
    pub id: String,
    /// Who answers for it, if that is known.
    pub publisher: Option<String>,
    /// Its title in its own language, with the page or table where that helps.
    pub title: String,
    /// The language of the title (BCP 47).
    pub language: String,
    /// Its date, if it carries one.
    pub date: Option<Date>,
    /// Where it can be found, if it can.
    pub address: Option<String>,
    /// How near it stands to what it reports.
    pub level: Level,
    /// Where its figures were read.
    pub reading: Reading,
    /// The copy and the part that were read.
    pub seen: Bilingual,
}

impl Source {
    /// True if its figures were read in its own text or in a quotation of it.
    pub fn is_verified(&self) -> bool {
        self.reading != Reading::NotVerified
    }
}

/// A published figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Key in `sources.toml`; formulas name it.
    pub id: String,
    /// What it is, in a few words.
    pub title: Bilingual,
    /// The amount. Where the source rounds ("608B"), its ends are those that round to it.
    pub figure: Figure,
    /// When it was true.
    pub as_of: Date,
    /// Id of the source it was read in.
    pub source: String,
    /// True if it was read there or in a quotation of it (the source says which), not remembered.
    pub verified: bool,
    /// What a reader must know to use it rightly.
    pub note: Option<Bilingual>,
}

/// Everything `sources.toml` holds; ids are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    sources: Vec<Source>,
    constants: Vec<Constant>,
}

impl Facts {
    /// Every source, in file order.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Every constant, in file order.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The source with this id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// The constant with this id.
    pub fn constant(&self, id: &str) -> Option<&Constant> {
        self.constants.iter().find(|constant| constant.id == id)
    }
}
