//! The format of `sources.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::{Constant, Facts, Level, Reading, Source};
use crate::claim::formula::Figure;
use crate::claim::range::Range;
use crate::claim::unit::Unit;
use crate::date::Date;
use crate::faults::{BilingualText, Faults, Reader};

/// Version of the file format.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(default, rename = "source")]
    sources: Vec<WireSource>,
    #[serde(default, rename = "constant")]
    constants: Vec<WireConstant>,
}

#[derive(Deserialize)]
struct WireSource {
    id: Spanned<String>,
    publisher: Option<Spanned<String>>,
    title: Spanned<String>,
    language: Spanned<String>,
    date: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    level: Spanned<WireLevel>,
    read: Spanned<WireReading>,
    quoted_by: Option<Spanned<String>>,
    seen: BilingualText,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireReading {
    Original,
    AsQuoted,
    NotVerified,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireLevel {
    Primary,
    Secondary,
    Quoted,
}

#[derive(Deserialize)]
struct WireConstant {
    id: Spanned<String>,
    title: BilingualText,
    value: Option<Spanned<f64>>,
    low: Option<Spanned<f64>>,
    high: Option<Spanned<f64>>,
    unit: Spanned<String>,
    as_of: Spanned<String>,
    source: Option<Spanned<String>>,
    verified: bool,
    note: Option<BilingualText>,
}

/// The facts as far as they could be read, for the claims to be checked against even if some are faulty.
pub(in crate::claim) struct Draft {
    /// What was read without a fault.
    pub(in crate::claim) facts: Facts,
    /// Every id that the file declares, faulty entries included; `None` if the file could not be read at all.
    declared: Option<Declared>,
}

#[derive(Default)]
struct Declared {
    sources: HashSet<String>,
    constants: HashSet<String>,
}

impl Draft {
    /// Reads the text of a `sources.toml`; the faults come beside what could be read.
    pub(in crate::claim) fn read(file: &str, text: &str) -> (Self, Result<(), Faults>) {
        let mut reader = Reader::new(file, text);
        let wire: File = match reader.read() {
            Ok(wire) => wire,
            Err(faults) => return (Self { facts: Facts::default(), declared: None }, Err(faults)),
        };
        reader.schema(&wire.schema, SCHEMA);
        let mut declared = Declared::default();
        let mut facts = Facts::default();
        for source in wire.sources {
            facts.sources.extend(source.into_source(&mut reader, &mut declared.sources));
        }
        for constant in wire.constants {
            facts.constants.extend(constant.into_constant(&mut reader, &mut declared));
        }
        (Self { facts, declared: Some(declared) }, reader.finish(Some(())))
    }

    /// True unless the file was read and declares no such source.
    pub(in crate::claim) fn may_hold_source(&self, id: &str) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.sources.contains(id))
    }

    /// True unless the file was read and declares no such constant.
    pub(in crate::claim) fn may_hold_constant(&self, id: &str) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.constants.contains(id))
    }
}

impl WireSource {
    fn into_source(self, reader: &mut Reader<'_>, seen: &mut HashSet<String>) -> Option<Source> {
        let id = reader.unique_id(seen, &self.id);
        let level = match self.level.get_ref() {
            WireLevel::Primary => Level::Primary,
            WireLevel::Secondary => Level::Secondary,
            WireLevel::Quoted => Level::Quoted,
        };
        if level != Level::Quoted && self.address.is_none() {
            let fix = "add `address`; only an article of level `quoted` may do without";
            reader.at(self.id.span(), format!("source `{}` has no address", self.id.get_ref()), fix);
        }
        let address = self.address.map(|address| {
            if !address.get_ref().starts_with("https://") {
                let problem = format!("`{}` is no address", address.get_ref());
                reader.at(address.span(), problem, "give one that starts with https://");
            }
            address.into_inner()
        });
        let reading = match (self.read.get_ref(), &self.quoted_by) {
            (WireReading::Original, None) => Some(Reading::Original),
            (WireReading::NotVerified, None) => Some(Reading::NotVerified),
            (WireReading::AsQuoted, Some(by)) => {
                Some(Reading::AsQuoted { by: reader.filled("quoted_by", by) })
            }
            (WireReading::AsQuoted, None) | (_, Some(_)) => {
                let fix = "`as-quoted` names who quotes it in `quoted_by`, the others do not";
                reader.at(self.read.span(), "`read` and `quoted_by` do not fit", fix);
                None
            }
        };
        Some(Source {
            publisher: self.publisher.map(|publisher| reader.filled("publisher", &publisher)),
            title: reader.filled("title", &self.title),
            language: reader.filled("language", &self.language),
            date: self.date.and_then(|text| date(reader, &text)),
            address,
            level,
            seen: reader.bilingual("seen", &self.seen, &self.id.span()),
            reading: reading?,
            id: id?,
        })
    }
}

impl WireConstant {
    fn into_constant(self, reader: &mut Reader<'_>, declared: &mut Declared) -> Option<Constant> {
        let id = reader.unique_id(&mut declared.constants, &self.id);
        let unit = unit(reader, &self.unit);
        let range = self.range(reader);
        let as_of = date(reader, &self.as_of);
        let source = match &self.source {
            Some(source) if declared.sources.contains(source.get_ref()) => Some(source.get_ref().clone()),
            Some(source) => {
                let problem = format!("no source is called `{}`", source.get_ref());
                reader.at(source.span(), problem, "add a [[source]] of that id, or correct it");
                None
            }
            None => {
                let problem = format!("constant `{}` has no source", self.id.get_ref());
                reader.at(self.id.span(), problem, "add `source`, the id of a [[source]]");
                None
            }
        };
        let title = reader.bilingual("title", &self.title, &self.id.span());
        let note = self.note.as_ref().map(|note| reader.bilingual("note", note, &self.id.span()));
        let figure = Figure { range: range?, unit: unit? };
        let verified = self.verified;
        Some(Constant { id: id?, title, figure, as_of: as_of?, source: source?, verified, note })
    }

    fn range(&self, reader: &mut Reader<'_>) -> Option<Range> {
        let parts = [("value", &self.value), ("low", &self.low), ("high", &self.high)];
        let good =
            parts.map(|(key, part)| part.as_ref().is_none_or(|part| amount(reader, key, part).is_some()));
        if good.contains(&false) {
            return None;
        }
        let value = |part: &Option<Spanned<f64>>| part.as_ref().map(|part| *part.get_ref());
        let (central, low, high) = (value(&self.value), value(&self.low), value(&self.high));
        match (central, low, high) {
            (Some(central), None, None) => return Range::exact(central),
            (_, Some(low), Some(high)) => {
                let range = Range::new(low, high, central);
                if range.is_none() {
                    let span = self.low.as_ref().map_or(self.id.span(), Spanned::span);
                    reader.at(span, "`low`, `value` and `high` do not rise", "put them in order");
                }
                return range;
            }
            _ => {}
        }
        let problem = format!("constant `{}` has no amount", self.id.get_ref());
        reader.at(self.id.span(), problem, "give `value`, or `low` and `high`, or all three");
        None
    }
}

/// A date, or a fault.
pub(in crate::claim) fn date(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Date> {
    let date = Date::new(text.get_ref());
    date.map_err(|error| {
        reader.at(text.span(), error.to_string(), "write it as 2025, 2025-02 or 2025-02-28");
    })
    .ok()
}

/// A unit, or a fault.
pub(in crate::claim) fn unit(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<Unit> {
    let unit = Unit::parse(text.get_ref());
    unit.map_err(|problem| reader.at(text.span(), problem, Unit::fix())).ok()
}

/// A finite amount of zero or more, or a fault.
pub(in crate::claim) fn amount(reader: &mut Reader<'_>, key: &str, value: &Spanned<f64>) -> Option<f64> {
    let number = *value.get_ref();
    if number.is_finite() && number >= 0.0 {
        return Some(number);
    }
    let problem = format!("`{key} = {number}` is not an amount");
    reader.at(value.span(), problem, "give a finite number of zero or more");
    None
}
