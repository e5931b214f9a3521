//! What the claims are judged by: sources, and the constants read in them.

mod wire;

use super::formula::Figure;
use crate::date::Date;

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

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Key in `sources.toml`.
    pub id: String,
    /// Who answers for it.
    pub publisher: String,
    /// Its title, with the page or table where that helps.
    pub title: String,
    /// Its date, if it carries one.
    pub date: Option<Date>,
    /// Where it can be found, if it can.
    pub address: Option<String>,
    /// How near it stands to what it reports.
    pub level: Level,
    /// True if its figures were read in its own text or in a quotation of it.
    pub verified: bool,
    /// How it was read: whole, in part, or in someone else's words.
    pub seen: String,
}

/// A published figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Key in `sources.toml`; formulas name it.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// The amount. Where the source rounds ("608B"), its ends are those that round to it.
    pub figure: Figure,
    /// When it was true.
    pub as_of: Date,
    /// Id of the source it was read in.
    pub source: String,
    /// True if it was read there or in a quotation of it (the source says which), not remembered.
    pub verified: bool,
    /// What a reader must know to use it rightly.
    pub note: Option<String>,
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
