//! The formats of `cards.toml` and `speeds.toml`, and their way into domain types.

use std::collections::HashSet;
use std::num::NonZeroU64;

use serde::Deserialize;
use toml::Spanned;

use super::{BytesFrom, Card, CitedSpeed, Speculation, SpeedBook};
use crate::claim::facts::{Facts, date};
use crate::claim::ledger::LedgerFaults;
use crate::faults::{BilingualText, Faults, Reader};
use crate::language::Bilingual;
use crate::model::{Precision, Registry};
use crate::units::{Bytes, BytesPerSecond, TokensPerSecond, Watts};

/// Version of both file formats.
const SCHEMA: u64 = 1;

/// Ends of what is believed of a file, both far outside of anything that exists: beyond them somebody wrote another unit.
const BANDWIDTHS: (f64, f64) = (1e9, 1e15);
const WATTS: (f64, f64) = (1.0, 1e5);
const SPEEDS: (f64, f64) = (1e-3, 1e7);
const SIZES: (u64, u64) = (1_000_000, 100_000_000_000_000);
const MEMORIES: (u64, u64) = (1, 100_000);
const MOST_SEQUENCES: u64 = 1_000_000;

#[derive(Deserialize)]
struct CardFile {
    schema: Spanned<u64>,
    #[serde(default, rename = "card")]
    cards: Vec<WireCard>,
}

#[derive(Deserialize)]
struct WireCard {
    id: Spanned<String>,
    name: Spanned<String>,
    bandwidth_bytes_per_second: Spanned<f64>,
    memory_gb: Option<Spanned<u64>>,
    board_watts: Option<Spanned<f64>>,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
struct SpeedFile {
    schema: Spanned<u64>,
    #[serde(default, rename = "speed")]
    speeds: Vec<WireSpeed>,
}

#[derive(Deserialize)]
struct WireSpeed {
    id: Spanned<String>,
    statement: BilingualText,
    tokens_per_second: Spanned<f64>,
    sequences: Option<Spanned<u64>>,
    speculation: WireSpeculation,
    model: Spanned<String>,
    weights: Spanned<String>,
    engine: Option<Spanned<String>>,
    card: Spanned<String>,
    said_on: Option<Spanned<String>>,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
    read: WireRead,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireSpeculation {
    NotStated,
    Excluded,
    Used,
}

#[derive(Deserialize)]
struct WireRead {
    bytes: Option<Spanned<u64>>,
    model: Option<Spanned<String>>,
    precision: Option<Spanned<String>>,
    why: BilingualText,
}

/// What the rows of both files refer to.
struct Known<'a> {
    facts: &'a Facts,
    models: &'a Registry,
}

impl SpeedBook {
    /// Reads the texts of a `cards.toml` and of a `speeds.toml`, each with the name to print in errors. All faults of both
    /// come at once; a card whose row is faulty still counts as known.
    pub(in crate::claim) fn parse(
        cards: (&str, &str),
        speeds: (&str, &str),
        facts: &Facts,
        models: &Registry,
    ) -> Result<Self, LedgerFaults> {
        let known = Known { facts, models };
        let mut declared = HashSet::new();
        let found_cards = read_cards(cards, &known, &mut declared);
        let own = found_cards.as_deref().unwrap_or_default();
        // A card of a file that could not be read at all may be meant.
        let may_be_meant = |id: &str| declared.contains(id) || (declared.is_empty() && found_cards.is_err());
        let found_speeds = read_speeds(speeds, &known, own, &may_be_meant);
        match (found_cards, found_speeds) {
            (Ok(cards), Ok(speeds)) => Ok(Self { cards, speeds }),
            (cards, speeds) => Err(LedgerFaults::new(cards.err().into_iter().chain(speeds.err()).collect())),
        }
    }
}

fn read_cards(
    (file, text): (&str, &str),
    known: &Known<'_>,
    declared: &mut HashSet<String>,
) -> Result<Vec<Card>, Faults> {
    let mut reader = Reader::new(file, text);
    let wire: CardFile = reader.read()?;
    reader.schema(&wire.schema, SCHEMA);
    let cards: Vec<Card> =
        wire.cards.into_iter().filter_map(|card| card.into_card(&mut reader, known, declared)).collect();
    reader.finish(Some(cards))
}

fn read_speeds(
    (file, text): (&str, &str),
    known: &Known<'_>,
    cards: &[Card],
    may_be_meant: &dyn Fn(&str) -> bool,
) -> Result<Vec<CitedSpeed>, Faults> {
    let mut reader = Reader::new(file, text);
    let wire: SpeedFile = reader.read()?;
    reader.schema(&wire.schema, SCHEMA);
    let mut ids = HashSet::new();
    let mut speeds = Vec::new();
    for speed in wire.speeds {
        let card = speed.card(&mut reader, cards, may_be_meant);
        speeds.extend(speed.into_speed(&mut reader, known, card, &mut ids));
    }
    reader.finish(Some(speeds))
}

impl WireCard {
    fn into_card(
        self,
        reader: &mut Reader<'_>,
        known: &Known<'_>,
        declared: &mut HashSet<String>,
    ) -> Option<Card> {
        let id = reader.unique_id(declared, &self.id);
        let name = reader.filled("name", &self.name);
        let bandwidth =
            within(reader, "bandwidth_bytes_per_second", &self.bandwidth_bytes_per_second, BANDWIDTHS, "B/s");
        let memory = self.memory_gb.map(|memory| whole_within(reader, "memory_gb", &memory, MEMORIES, "GB"));
        let watts = self.board_watts.map(|watts| within(reader, "board_watts", &watts, WATTS, "W"));
        let sources = sources(reader, known, &self.id, &self.sources);
        Some(Card {
            id: id?,
            name,
            bandwidth: BytesPerSecond::new(bandwidth?).ok()?,
            memory_gb: memory.map_or(Some(None), |memory| memory.map(Some))?,
            board_power: watts.map_or(Some(None), |watts| Watts::new(watts?).ok().map(Some))?,
            sources,
        })
    }
}

impl WireSpeed {
    /// The card that is named; a name that nothing has becomes a fault.
    fn card(
        &self,
        reader: &mut Reader<'_>,
        cards: &[Card],
        may_be_meant: &dyn Fn(&str) -> bool,
    ) -> Option<Card> {
        let name = self.card.get_ref();
        let card = cards.iter().find(|card| card.id == *name);
        if card.is_none() && !may_be_meant(name) {
            let problem = format!("no card is called `{name}`");
            reader.at(self.card.span(), problem, "add a [[card]] of that id to the cards, or correct it");
        }
        card.cloned()
    }

    fn into_speed(
        self,
        reader: &mut Reader<'_>,
        known: &Known<'_>,
        card: Option<Card>,
        ids: &mut HashSet<String>,
    ) -> Option<CitedSpeed> {
        let id = reader.unique_id(ids, &self.id);
        let statement = reader.bilingual("statement", &self.statement, &self.id.span());
        let speed = within(reader, "tokens_per_second", &self.tokens_per_second, SPEEDS, "tokens/s");
        let sequences = self.sequences.map(|count| {
            whole_within(reader, "sequences", &count, (1, MOST_SEQUENCES), "at once")
                .and_then(NonZeroU64::new)
        });
        let read = self.read.into_bytes(reader, known, &self.id);
        let sources = sources(reader, known, &self.id, &self.sources);
        let model = reader.filled("model", &self.model);
        let weights = reader.filled("weights", &self.weights);
        let engine = self.engine.map(|engine| reader.filled("engine", &engine));
        let said_on = self.said_on.map(|text| date(reader, &text));
        let (bytes_per_step, bytes_from, bytes_why) = read?;
        Some(CitedSpeed {
            id: id?,
            statement,
            tokens_per_second: TokensPerSecond::new(speed?).ok()?,
            sequences: sequences.map_or(Some(None), |count| count.map(Some))?,
            speculation: match self.speculation {
                WireSpeculation::NotStated => Speculation::NotStated,
                WireSpeculation::Excluded => Speculation::Excluded,
                WireSpeculation::Used => Speculation::Used,
            },
            model,
            weights,
            bytes_per_step,
            bytes_from,
            bytes_why,
            engine,
            card: card?,
            said_on: said_on.map_or(Some(None), |date| date.map(Some))?,
            sources,
        })
    }
}

impl WireRead {
    /// What a step reads, where that comes from, and the same in words.
    fn into_bytes(
        self,
        reader: &mut Reader<'_>,
        known: &Known<'_>,
        row: &Spanned<String>,
    ) -> Option<(Bytes, BytesFrom, Bilingual)> {
        let why = reader.bilingual("read.why", &self.why, &row.span());
        let (bytes, from) = match (self.bytes, self.model, self.precision) {
            (Some(bytes), None, None) => {
                let bytes = whole_within(reader, "bytes", &bytes, SIZES, "bytes");
                (Bytes::new(bytes?), BytesFrom::Stated)
            }
            (None, Some(model), Some(precision)) => of_model(reader, known, &model, &precision)?,
            _ => {
                let problem = format!("speed `{}` does not say once what a step reads", row.get_ref());
                reader.at(row.span(), problem, "give `read.bytes`, or `read.model` and `read.precision`");
                return None;
            }
        };
        Some((bytes, from, why))
    }
}

/// What one step reads of a model of the registry.
fn of_model(
    reader: &mut Reader<'_>,
    known: &Known<'_>,
    id: &Spanned<String>,
    precision: &Spanned<String>,
) -> Option<(Bytes, BytesFrom)> {
    let model = known.models.get(id.get_ref());
    if model.is_none() {
        let problem = format!("no model is called `{}`", id.get_ref());
        reader.at(id.span(), problem, "name one of models.toml, or give `read.bytes`");
    }
    let stored = Precision::from_id(precision.get_ref()).filter(|precision| precision.recipe().is_some());
    if stored.is_none() {
        let problem = format!("the bytes of `{}` cannot be worked out", precision.get_ref());
        let known: Vec<&str> = Precision::ALL.iter().map(|precision| precision.id()).collect();
        reader.at(precision.span(), problem, format!("name {}, or give `read.bytes`", known.join(", ")));
    }
    let (model, precision) = (model?, stored?);
    let from = BytesFrom::Model { id: id.get_ref().clone(), precision };
    Some((model.read_bytes_per_step(precision), from))
}

/// The ids of the sources of a row; none at all, and one that is not known, become faults.
fn sources(
    reader: &mut Reader<'_>,
    known: &Known<'_>,
    row: &Spanned<String>,
    sources: &[Spanned<String>],
) -> Vec<String> {
    if sources.is_empty() {
        let problem = format!("`{}` has no source", row.get_ref());
        reader.at(row.span(), problem, "add `sources`, the ids of [[source]] rows");
    }
    for source in sources.iter().filter(|source| known.facts.source(source.get_ref()).is_none()) {
        let problem = format!("no source is called `{}`", source.get_ref());
        reader.at(source.span(), problem, "add a [[source]] of that id to the sources, or correct it");
    }
    sources.iter().map(|source| source.get_ref().clone()).collect()
}

/// A number between two ends, or a fault.
fn within(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Spanned<f64>,
    (least, most): (f64, f64),
    unit: &str,
) -> Option<f64> {
    let number = *value.get_ref();
    if number >= least && number <= most {
        return Some(number);
    }
    let fix = format!("give between {least:e} and {most:e} {unit}");
    reader.at(value.span(), format!("`{key} = {number}` cannot be"), fix);
    None
}

/// A whole number between two ends, or a fault.
fn whole_within(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Spanned<u64>,
    (least, most): (u64, u64),
    unit: &str,
) -> Option<u64> {
    let number = *value.get_ref();
    if (least..=most).contains(&number) {
        return Some(number);
    }
    let fix = format!("give between {least} and {most} {unit}");
    reader.at(value.span(), format!("`{key} = {number}` cannot be"), fix);
    None
}
