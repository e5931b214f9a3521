//! The format of `claims.toml`, and its way into domain types.

use std::collections::HashSet;
use std::ops::Range as Span;

use serde::Deserialize;
use toml::Spanned;

use super::facts::{Draft, amount, date, unit};
use super::formula::{Figure, Formula, FormulaError, Worked};
use super::ledger::{
    Category, Claim, ClaimedAmount, Ledger, LedgerFaults, Method, Proportion, Quote, ScaleKind, ScalePoint,
    Scope,
};
use super::outcome::Bound;
use super::printed;
use super::range::Range;
use super::unit::Unit;
use crate::faults::{Faults, Reader};
use crate::language::Language;
use crate::units::Usd;

/// Version of the file format.
const SCHEMA: u64 = 1;
/// Stated ends may differ from the reading of the printed digits by what a decimal number loses in binary.
const READING_TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(default, rename = "claim")]
    claims: Vec<WireClaim>,
    #[serde(default, rename = "scale")]
    scale: Vec<WireScale>,
}

#[derive(Deserialize)]
struct WireClaim {
    id: Spanned<String>,
    title: Spanned<String>,
    quote: Spanned<String>,
    language: WireLanguage,
    quoted_in: Option<Spanned<String>>,
    speaker: Spanned<String>,
    said_on: Spanned<String>,
    category: WireCategory,
    counts: Spanned<String>,
    leaves_out: Spanned<String>,
    analysis: Spanned<String>,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
    amount: WireAmount,
    examined: WireExamined,
    #[serde(default, rename = "proportion")]
    proportions: Vec<WireProportion>,
}

#[derive(Clone, Copy, Deserialize)]
enum WireLanguage {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "fr")]
    French,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireCategory {
    Capex,
    ComputeFleet,
    InferenceCost,
    OperatingCost,
    TrainingCost,
}

#[derive(Deserialize)]
struct WireAmount {
    printed: Option<Spanned<String>>,
    significant_digits: Option<u32>,
    reading: Option<Spanned<String>>,
    low: Spanned<f64>,
    high: Spanned<f64>,
    unit: Spanned<String>,
    bound: WireBound,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireBound {
    About,
    AtLeast,
    AtMost,
}

#[derive(Deserialize)]
struct WireExamined {
    how: Spanned<WireHow>,
    formula: Option<Spanned<String>>,
    source_figure: Option<Spanned<String>>,
    scope_matches: Option<bool>,
    scope_reason: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum WireHow {
    Measured,
    Recalculated,
    Sourced,
    NotCheckable,
}

#[derive(Deserialize)]
struct WireProportion {
    label: Spanned<String>,
    formula: Spanned<String>,
    unit: Spanned<String>,
}

#[derive(Deserialize)]
struct WireScale {
    id: Spanned<String>,
    label: Spanned<String>,
    kind: WireScaleKind,
    claim: Spanned<String>,
    formula: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireScaleKind {
    Quoted,
    Recalculated,
    CannotBeChecked,
}

impl Ledger {
    /// Reads the texts of a `claims.toml` and a `sources.toml`, each with the name to print in errors.
    ///
    /// All faults of both files come at once. What a faulty source file declares still counts as known, so that one
    /// slip in it does not make every claim look wrong.
    pub fn parse(claims: (&str, &str), sources: (&str, &str)) -> Result<Self, LedgerFaults> {
        let (draft, facts_outcome) = Draft::read(sources.0, sources.1);
        let claims_outcome = read_claims(claims.0, claims.1, &draft);
        match (claims_outcome, facts_outcome) {
            (Ok((claims, scale)), Ok(())) => Ok(Self::new(claims, scale, draft.facts)),
            (claims, facts) => Err(LedgerFaults::new(claims.err().into_iter().chain(facts.err()).collect())),
        }
    }
}

fn read_claims(file: &str, text: &str, draft: &Draft) -> Result<(Vec<Claim>, Vec<ScalePoint>), Faults> {
    let mut reader = Reader::new(file, text);
    let wire: File = reader.read()?;
    reader.schema(&wire.schema, SCHEMA);
    let mut reading = Reading { reader, draft };
    let mut ids = HashSet::new();
    let claims: Vec<Claim> =
        wire.claims.into_iter().filter_map(|claim| claim.into_claim(&mut reading, &mut ids)).collect();
    if ids.is_empty() && reading.reader.is_clean() {
        reading.reader.at(0..0, "no `[[claim]]` at all", "add at least one");
    }
    let mut points = HashSet::new();
    let scale = wire
        .scale
        .into_iter()
        .filter_map(|point| point.into_point(&mut reading, &mut points, &ids, &claims))
        .collect();
    reading.reader.finish(Some((claims, scale)))
}

/// A reader of claims beside the facts they refer to.
struct Reading<'a> {
    reader: Reader<'a>,
    draft: &'a Draft,
}

impl Reading<'_> {
    fn source(&mut self, id: &Spanned<String>) -> String {
        if !self.draft.may_hold_source(id.get_ref()) {
            let problem = format!("no source is called `{}`", id.get_ref());
            self.reader.at(id.span(), problem, "add a [[source]] of that id to the sources, or correct it");
        }
        id.get_ref().clone()
    }

    /// A formula worked out, in the unit it has to come out in; `None` after a fault, or where the facts have one.
    fn worked(&mut self, formula: &Spanned<String>, unit: Option<&Unit>) -> Option<Worked> {
        let facts = &self.draft.facts;
        let figure = |id: &str| facts.constant(id).map(|constant| constant.figure.clone());
        let worked = Formula::parse(formula.get_ref()).and_then(|formula| formula.work_out(figure));
        match worked {
            Ok(worked) => {
                let unit = unit?;
                if worked.figure.unit == *unit {
                    return Some(worked);
                }
                let problem = format!("the formula gives {}, not {unit}", worked.figure.unit);
                self.reader.at(
                    formula.span(),
                    problem,
                    "convert with a number and its unit, such as 24 [h/day]",
                );
            }
            Err(FormulaError::UnknownConstant(id)) if self.draft.may_hold_constant(&id) => {}
            Err(error) => self.reader.at(formula.span(), error.to_string(), error.fix()),
        }
        None
    }
}

impl WireClaim {
    fn into_claim(self, reading: &mut Reading<'_>, ids: &mut HashSet<String>) -> Option<Claim> {
        let place = self.id.span();
        let id = reading.reader.unique_id(ids, &self.id);
        let quoted_in = self.quoted_in.as_ref().map(|source| reading.source(source));
        let name = self.id.get_ref();
        if quoted_in.is_none() {
            let problem = format!("claim `{name}` does not say where its quotation stands");
            reading.reader.at(place.clone(), problem, "add `quoted_in`, the id of a [[source]]");
        }
        if self.sources.is_empty() {
            let problem = format!("claim `{name}` has no source");
            reading.reader.at(place, problem, "add `sources`, the ids its analysis rests on");
        }
        let language = match self.language {
            WireLanguage::English => Language::English,
            WireLanguage::French => Language::French,
        };
        let sources = self.sources.iter().map(|source| reading.source(source)).collect();
        let amount = self.amount.into_amount(reading, language);
        let unit = amount.as_ref().map(|amount| &amount.figure.unit);
        let method = self.examined.into_method(reading, unit, quoted_in.as_deref());
        let proportions = self.proportions.into_iter().filter_map(|p| p.into_proportion(reading)).collect();
        let said_on = date(&mut reading.reader, &self.said_on);
        let mut filled = |key, text| reading.reader.filled(key, text);
        Some(Claim {
            title: filled("title", &self.title),
            speaker: filled("speaker", &self.speaker),
            counts: filled("counts", &self.counts),
            leaves_out: filled("leaves_out", &self.leaves_out),
            analysis: filled("analysis", &self.analysis),
            quote: Quote { text: filled("quote", &self.quote), language, source: quoted_in? },
            category: self.category.into(),
            id: id?,
            said_on: said_on?,
            amount: amount?,
            method: method?,
            proportions,
            sources,
        })
    }
}

impl WireAmount {
    fn into_amount(self, reading: &mut Reading<'_>, language: Language) -> Option<ClaimedAmount> {
        let reader = &mut reading.reader;
        let unit = unit(reader, &self.unit);
        let (low, high) = (amount(reader, "low", &self.low), amount(reader, "high", &self.high));
        let (low, high) = (low?, high?);
        let Some(stated) = Range::between(low, high) else {
            reader.at(self.low.span(), "`low` is above `high`", "put them in order");
            return None;
        };
        let range = match (&self.printed, &self.reading) {
            (Some(printed), None) => {
                let read = printed::read(printed.get_ref(), language, self.significant_digits);
                let read = read.map_err(|problem| {
                    reader.at(printed.span(), problem, "give the digits as printed, such as \"1.6 billion\"");
                });
                let range = read.ok()?;
                if !(close(range.low(), low) && close(range.high(), high)) {
                    let problem =
                        format!("`{}` is {:?} to {:?}", printed.get_ref(), range.low(), range.high());
                    reader.at(self.low.span(), problem, "correct `low` and `high`, or the printed digits");
                    return None;
                }
                range
            }
            (None, Some(words)) => {
                reader.filled("reading", words);
                stated
            }
            (Some(_), Some(_)) | (None, None) => {
                let fix = "give `printed`, its digits, or `reading`, how its words are read";
                reader.at(self.low.span(), "the amount needs one of `printed` and `reading`", fix);
                return None;
            }
        };
        let bound = match self.bound {
            WireBound::About => Bound::About,
            WireBound::AtLeast => Bound::AtLeast,
            WireBound::AtMost => Bound::AtMost,
        };
        let printed = self.printed.map(Spanned::into_inner);
        let words = self.reading.map(Spanned::into_inner);
        Some(ClaimedAmount { printed, reading: words, figure: Figure { range, unit: unit? }, bound })
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= READING_TOLERANCE * a.abs().max(b.abs())
}

impl WireExamined {
    fn into_method(
        self,
        reading: &mut Reading<'_>,
        unit: Option<&Unit>,
        quoted_in: Option<&str>,
    ) -> Option<Method> {
        let place = self.how.span();
        let how = *self.how.get_ref();
        self.refuse_what_does_not_belong(reading, how);
        if how == WireHow::NotCheckable {
            return Some(Method::NotCheckable);
        }
        let scope = self.scope(reading, place.clone());
        let missing = |reading: &mut Reading<'_>, key: &str| {
            reading.reader.at(place.clone(), format!("`{key}` is missing"), "add it, or examine another way");
        };
        match how {
            WireHow::Measured => Some(Method::Measured { scope: scope? }),
            WireHow::Recalculated => {
                let Some(formula) = &self.formula else {
                    missing(reading, "formula");
                    return None;
                };
                Some(Method::Recalculated { worked: reading.worked(formula, unit)?, scope: scope? })
            }
            WireHow::Sourced | WireHow::NotCheckable => {
                let Some(figure) = &self.source_figure else {
                    missing(reading, "source_figure");
                    return None;
                };
                reading.worked(figure, unit)?;
                let constant = reading.draft.facts.constant(figure.get_ref());
                if constant.is_none_or(|constant| Some(constant.source.as_str()) == quoted_in) {
                    let problem = format!("`{}` is no figure of another source", figure.get_ref());
                    let fix = "name one constant, of a source other than the one the quotation stands in";
                    reading.reader.at(figure.span(), problem, fix);
                }
                Some(Method::Sourced { constant: figure.get_ref().clone(), scope: scope? })
            }
        }
    }

    fn refuse_what_does_not_belong(&self, reading: &mut Reading<'_>, how: WireHow) {
        let mut refuse = |span: Option<Span<usize>>, key: &str, belongs: bool| {
            if let (Some(span), false) = (span, belongs) {
                let problem = format!("`{key}` has no use in this examination");
                reading.reader.at(span, problem, "remove it, or correct `how`");
            }
        };
        let span = |text: &Option<Spanned<String>>| text.as_ref().map(Spanned::span);
        refuse(span(&self.formula), "formula", how == WireHow::Recalculated);
        refuse(span(&self.source_figure), "source_figure", how == WireHow::Sourced);
        refuse(span(&self.scope_reason), "scope_reason", how != WireHow::NotCheckable);
    }

    fn scope(&self, reading: &mut Reading<'_>, place: Span<usize>) -> Option<Scope> {
        if let (Some(matches), Some(reason)) = (self.scope_matches, &self.scope_reason) {
            return Some(Scope { matches, reason: reading.reader.filled("scope_reason", reason) });
        }
        let fix =
            "add `scope_matches` and `scope_reason`: does the evidence count the same thing as the claim?";
        reading.reader.at(place, "the examination does not state its scope", fix);
        None
    }
}

impl WireProportion {
    fn into_proportion(self, reading: &mut Reading<'_>) -> Option<Proportion> {
        let label = reading.reader.filled("label", &self.label);
        let unit = unit(&mut reading.reader, &self.unit);
        Some(Proportion { label, worked: reading.worked(&self.formula, unit.as_ref())? })
    }
}

impl WireScale {
    fn into_point(
        self,
        reading: &mut Reading<'_>,
        seen: &mut HashSet<String>,
        claim_ids: &HashSet<String>,
        claims: &[Claim],
    ) -> Option<ScalePoint> {
        let id = reading.reader.unique_id(seen, &self.id);
        let label = reading.reader.filled("label", &self.label);
        let name = self.claim.get_ref();
        if !claim_ids.contains(name) {
            let problem = format!("no claim is called `{name}`");
            reading.reader.at(self.claim.span(), problem, "name a [[claim]] of this file");
        }
        let (figure, steps) = if let Some(formula) = &self.formula {
            let worked = reading.worked(formula, Some(&Unit::usd()))?;
            (worked.figure, Some(worked.steps))
        } else {
            let claim = claims.iter().find(|claim| claim.id == *name)?;
            (claim.amount.figure.clone(), None)
        };
        let usd = |value: f64| Usd::new(value).ok();
        let (low, high) = (usd(figure.range.low()), usd(figure.range.high()));
        let (Some(low), Some(high), true) = (low, high, figure.unit == Unit::usd()) else {
            let span = self.formula.as_ref().map_or(self.claim.span(), Spanned::span);
            let problem = "this is no sum of dollars of zero or more";
            reading.reader.at(span, problem, "the scale shows dollars: give a formula that yields them");
            return None;
        };
        let kind = match self.kind {
            WireScaleKind::Quoted => ScaleKind::Quoted,
            WireScaleKind::Recalculated => ScaleKind::Recalculated,
            WireScaleKind::CannotBeChecked => ScaleKind::CannotBeChecked,
        };
        let central = figure.range.central().and_then(usd);
        Some(ScalePoint { id: id?, label, low, high, central, kind, claim: name.clone(), steps })
    }
}

impl From<WireCategory> for Category {
    fn from(wire: WireCategory) -> Self {
        match wire {
            WireCategory::Capex => Self::Capex,
            WireCategory::ComputeFleet => Self::ComputeFleet,
            WireCategory::InferenceCost => Self::InferenceCost,
            WireCategory::OperatingCost => Self::OperatingCost,
            WireCategory::TrainingCost => Self::TrainingCost,
        }
    }
}
