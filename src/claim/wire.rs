//! The format of one claim, and its way into the domain type.

use std::collections::HashSet;
use std::ops::Range as Span;

use serde::Deserialize;
use toml::Spanned;

use super::Category;
use super::facts::{amount, date, unit};
use super::formula::Figure;
use super::ledger::{Claim, ClaimedAmount, Method, Proportion, Quote, Reading, Scope};
use super::outcome::Bound;
use super::printed;
use super::range::Range;
use super::unit::Unit;
use crate::faults::BilingualText;
use crate::language::Language;

/// Stated ends may differ from the reading of the printed digits by what a decimal number loses in binary.
const READING_TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
pub(super) struct WireClaim {
    id: Spanned<String>,
    title: BilingualText,
    quote: Spanned<String>,
    language: WireLanguage,
    quoted_in: Option<Spanned<String>>,
    speaker: BilingualText,
    said_on: Spanned<String>,
    category: WireCategory,
    counts: BilingualText,
    leaves_out: BilingualText,
    analysis: BilingualText,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
    #[serde(default)]
    related: Vec<Spanned<String>>,
    disagreement: Option<BilingualText>,
    amount: Option<WireAmount>,
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
    TrainingCost,
    InferenceCost,
    OperatingCost,
    ComputeFleet,
    Energy,
    Capex,
    Investment,
    Market,
    Policy,
    Talent,
    Models,
    Patents,
    People,
}

#[derive(Deserialize)]
struct WireAmount {
    printed: Option<Spanned<String>>,
    significant_digits: Option<u32>,
    reading: Option<BilingualText>,
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
    scope_reason: Option<BilingualText>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum WireHow {
    Measured,
    Recalculated,
    Sourced,
    Context,
    NotCheckable,
}

#[derive(Deserialize)]
struct WireProportion {
    label: BilingualText,
    formula: Spanned<String>,
    unit: Spanned<String>,
}

impl WireClaim {
    /// The id, as it stands in the file.
    pub(super) fn id(&self) -> &str {
        self.id.get_ref()
    }

    /// The claim, or `None` after a fault. `seen` collects the ids; `known` are those of all files, if all were read.
    pub(super) fn into_claim(
        self,
        reading: &mut Reading<'_>,
        seen: &mut HashSet<String>,
        known: Option<&HashSet<String>>,
    ) -> Option<Claim> {
        let place = self.id.span();
        let id = reading.reader.unique_id(seen, &self.id);
        let quoted_in = self.quoted_in.as_ref().map(|source| reading.source(source));
        let name = self.id.get_ref();
        if quoted_in.is_none() {
            let problem = format!("claim `{name}` does not say where its quotation stands");
            reading.reader.at(place.clone(), problem, "add `quoted_in`, the id of a [[source]]");
        }
        if self.sources.is_empty() {
            let problem = format!("claim `{name}` has no source");
            reading.reader.at(place.clone(), problem, "add `sources`, the ids its analysis rests on");
        }
        for other in &self.related {
            if known.is_some_and(|known| !known.contains(other.get_ref())) {
                let problem = format!("no claim is called `{}`", other.get_ref());
                reading.reader.at(other.span(), problem, "name a [[claim]] of the ledger");
            }
        }
        let language = match self.language {
            WireLanguage::English => Language::English,
            WireLanguage::French => Language::French,
        };
        let sources = self.sources.iter().map(|source| reading.source(source)).collect();
        let has_amount = self.amount.is_some();
        let amount = self.amount.map(|amount| amount.into_amount(reading, language));
        let unit = amount.as_ref().and_then(Option::as_ref).map(|amount| &amount.figure.unit);
        let method = self.examined.into_method(reading, has_amount, unit, quoted_in.as_deref());
        let proportions = self.proportions.into_iter().filter_map(|p| p.into_proportion(reading)).collect();
        let said_on = date(&mut reading.reader, &self.said_on);
        let quote = reading.reader.filled("quote", &self.quote);
        let mut both = |key, text| reading.reader.bilingual(key, text, &place);
        Some(Claim {
            title: both("title", &self.title),
            speaker: both("speaker", &self.speaker),
            counts: both("counts", &self.counts),
            leaves_out: both("leaves_out", &self.leaves_out),
            analysis: both("analysis", &self.analysis),
            disagreement: self.disagreement.as_ref().map(|text| both("disagreement", text)),
            quote: Quote { text: quote, language, source: quoted_in? },
            category: self.category.into(),
            id: id?,
            said_on: said_on?,
            amount: if has_amount { Some(amount??) } else { None },
            method: method?,
            proportions,
            sources,
            related: self.related.into_iter().map(Spanned::into_inner).collect(),
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
            (None, Some(_)) => stated,
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
        let words = self.reading.as_ref().map(|text| reader.bilingual("reading", text, &self.low.span()));
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
        has_amount: bool,
        unit: Option<&Unit>,
        quoted_in: Option<&str>,
    ) -> Option<Method> {
        let place = self.how.span();
        let how = *self.how.get_ref();
        self.refuse_what_does_not_belong(reading, how);
        match how {
            WireHow::NotCheckable => return Some(Method::NotCheckable),
            WireHow::Context => return Some(Method::Context),
            WireHow::Recalculated | WireHow::Sourced if !has_amount => {
                let fix = "add [claim.amount], or examine it as `context`";
                reading.reader.at(place, "nothing to compare: the claim states no amount", fix);
                return None;
            }
            WireHow::Measured | WireHow::Recalculated | WireHow::Sourced => {}
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
            WireHow::Sourced | WireHow::Context | WireHow::NotCheckable => {
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
        let states_scope = !matches!(how, WireHow::Context | WireHow::NotCheckable);
        refuse(self.scope_reason.as_ref().map(|_| self.how.span()), "scope_reason", states_scope);
    }

    fn scope(&self, reading: &mut Reading<'_>, place: Span<usize>) -> Option<Scope> {
        if let (Some(matches), Some(reason)) = (self.scope_matches, &self.scope_reason) {
            return Some(Scope { matches, reason: reading.reader.bilingual("scope_reason", reason, &place) });
        }
        let fix =
            "add `scope_matches` and `scope_reason`: does the evidence count the same thing as the claim?";
        reading.reader.at(place, "the examination does not state its scope", fix);
        None
    }
}

impl WireProportion {
    fn into_proportion(self, reading: &mut Reading<'_>) -> Option<Proportion> {
        let label = reading.reader.bilingual("label", &self.label, &self.formula.span());
        let unit = unit(&mut reading.reader, &self.unit);
        Some(Proportion { label, worked: reading.worked(&self.formula, unit.as_ref())? })
    }
}

impl From<WireCategory> for Category {
    fn from(wire: WireCategory) -> Self {
        match wire {
            WireCategory::TrainingCost => Self::TrainingCost,
            WireCategory::InferenceCost => Self::InferenceCost,
            WireCategory::OperatingCost => Self::OperatingCost,
            WireCategory::ComputeFleet => Self::ComputeFleet,
            WireCategory::Energy => Self::Energy,
            WireCategory::Capex => Self::Capex,
            WireCategory::Investment => Self::Investment,
            WireCategory::Market => Self::Market,
            WireCategory::Policy => Self::Policy,
            WireCategory::Talent => Self::Talent,
            WireCategory::Models => Self::Models,
            WireCategory::Patents => Self::Patents,
            WireCategory::People => Self::People,
        }
    }
}
