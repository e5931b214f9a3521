//! Speeds that others published, each with the card it was seen on.

mod check;
mod wire;

#[cfg(test)]
mod tests;

use std::num::NonZeroU64;

pub use check::{Needed, NotJudged, Plausibility, Speculation, check};

use crate::date::Date;
use crate::language::Bilingual;
use crate::model::Precision;
use crate::units::{Bytes, BytesPerSecond, TokensPerSecond, Watts};

/// A graphics card, or a package that computes beside its own memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Key in `cards.toml`.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// Published bandwidth of its memory; more than zero.
    pub bandwidth: BytesPerSecond,
    /// Memory in gigabytes, as its maker writes it.
    pub memory_gb: Option<u64>,
    /// Published limit of the board.
    pub board_power: Option<Watts>,
    /// Ids of its sources, the first one for the bandwidth; never empty.
    pub sources: Vec<String>,
}

/// Where the bytes of a step come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BytesFrom {
    /// The shape of a model of `models.toml`, without the embedding table.
    Model {
        /// Its id.
        id: String,
        /// How its weights are stored.
        precision: Precision,
    },
    /// A size that a source states.
    Stated,
}

/// A speed of writing that somebody published.
#[derive(Clone, Debug, PartialEq)]
pub struct CitedSpeed {
    /// Key in `speeds.toml`.
    pub id: String,
    /// What is said, in one line.
    pub statement: Bilingual,
    /// Of all sequences together; more than zero.
    pub tokens_per_second: TokensPerSecond,
    /// Sequences written at once; `None` where the source does not say.
    pub sequences: Option<NonZeroU64>,
    /// What the source says of speculation.
    pub speculation: Speculation,
    /// The model, in the words of the source.
    pub model: String,
    /// How its weights were stored, in the words of the source.
    pub weights: String,
    /// What one step reads of the weights; more than zero.
    pub bytes_per_step: Bytes,
    /// Where that comes from.
    pub bytes_from: BytesFrom,
    /// The same in words.
    pub bytes_why: Bilingual,
    /// What computed, if the source says so.
    pub engine: Option<String>,
    /// The card it was seen on.
    pub card: Card,
    /// When it was published or measured, if that is known.
    pub said_on: Option<Date>,
    /// Ids of its sources, the first one for the speed; never empty.
    pub sources: Vec<String>,
}

impl CitedSpeed {
    /// Sets the speed beside the card's bandwidth.
    pub fn check(&self) -> Plausibility {
        let Self { tokens_per_second, sequences, speculation, bytes_per_step, card, .. } = self;
        check(*tokens_per_second, *sequences, *speculation, *bytes_per_step, card.bandwidth)
    }
}

/// Everything `cards.toml` and `speeds.toml` hold; ids are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeedBook {
    cards: Vec<Card>,
    speeds: Vec<CitedSpeed>,
}

impl SpeedBook {
    /// Every card, in file order.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// Every speed, in file order.
    pub fn speeds(&self) -> &[CitedSpeed] {
        &self.speeds
    }

    /// The card with this id.
    pub fn card(&self, id: &str) -> Option<&Card> {
        self.cards.iter().find(|card| card.id == id)
    }
}
