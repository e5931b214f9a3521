//! The format of the claim files, and their way into a ledger.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::{Claim, Ledger, LedgerFaults, ScaleKind, ScalePoint};
use crate::claim::facts::Draft;
use crate::claim::formula::{Formula, FormulaError, Worked};
use crate::claim::unit::Unit;
use crate::claim::wire::WireClaim;
use crate::faults::{BilingualText, Reader};
use crate::units::Usd;

/// Version of the file format.
const SCHEMA: u64 = 1;
#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(default, rename = "claim")]
    claims: Vec<WireClaim>,
    #[serde(default, rename = "scale")]
    scale: Vec<WireScale>,
}

#[derive(Deserialize)]
struct WireScale {
    id: Spanned<String>,
    label: BilingualText,
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
    /// Reads the texts of the claim files and of a `sources.toml`, each with the name to print in errors.
    ///
    /// All faults of all files come at once. What a faulty source file declares still counts as known, so that one
    /// slip in it does not make every claim look wrong. Ids are unique over all claim files, and a file may name the
    /// claims of another.
    pub fn parse(claims: &[(&str, &str)], sources: (&str, &str)) -> Result<Self, LedgerFaults> {
        let (draft, facts_outcome) = Draft::read(sources.0, sources.1);
        let mut faults = Vec::new();
        let mut files = Vec::new();
        for (file, text) in claims {
            let mut reader = Reader::new(file, text);
            match reader.read::<File>() {
                Ok(wire) => files.push((wire, Reading { reader, draft: &draft })),
                Err(fatal) => faults.push(fatal),
            }
        }
        let all_read = faults.is_empty();
        let declared =
            files.iter().flat_map(|(wire, _)| wire.claims.iter().map(|claim| claim.id().to_owned()));
        let declared: HashSet<String> = declared.collect();
        let (mut claims, mut scale) = (Vec::new(), Vec::new());
        let (mut claim_ids, mut point_ids) = (HashSet::new(), HashSet::new());
        let mut points = Vec::new();
        for (wire, reading) in &mut files {
            reading.reader.schema(&wire.schema, SCHEMA);
            for claim in std::mem::take(&mut wire.claims) {
                // A claim of a file that could not be read may be meant.
                let known = all_read.then_some(&declared);
                claims.extend(claim.into_claim(reading, &mut claim_ids, known));
            }
            points.push(std::mem::take(&mut wire.scale));
        }
        for ((_, reading), points) in files.iter_mut().zip(points) {
            for point in points {
                scale.extend(point.into_point(reading, &mut point_ids, &declared, &claims));
            }
        }
        if declared.is_empty()
            && let Some((_, reading)) = files.iter_mut().find(|(_, reading)| reading.reader.is_clean())
        {
            reading.reader.at(0..0, "no `[[claim]]` at all", "add at least one");
        }
        faults.extend(files.into_iter().filter_map(|(_, reading)| reading.reader.finish(Some(())).err()));
        faults.extend(facts_outcome.err());
        if faults.is_empty() {
            Ok(Self::new(claims, scale, draft.facts))
        } else {
            Err(LedgerFaults::new(faults))
        }
    }
}

/// A reader of claims beside the facts they refer to.
pub(in crate::claim) struct Reading<'a> {
    pub(in crate::claim) reader: Reader<'a>,
    pub(in crate::claim) draft: &'a Draft,
}

impl Reading<'_> {
    pub(in crate::claim) fn source(&mut self, id: &Spanned<String>) -> String {
        if !self.draft.may_hold_source(id.get_ref()) {
            let problem = format!("no source is called `{}`", id.get_ref());
            self.reader.at(id.span(), problem, "add a [[source]] of that id to the sources, or correct it");
        }
        id.get_ref().clone()
    }

    /// A formula worked out, in the unit it has to come out in; `None` after a fault, or where the facts have one.
    pub(in crate::claim) fn worked(
        &mut self,
        formula: &Spanned<String>,
        unit: Option<&Unit>,
    ) -> Option<Worked> {
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

impl WireScale {
    fn into_point(
        self,
        reading: &mut Reading<'_>,
        seen: &mut HashSet<String>,
        claim_ids: &HashSet<String>,
        claims: &[Claim],
    ) -> Option<ScalePoint> {
        let id = reading.reader.unique_id(seen, &self.id);
        let label = reading.reader.bilingual("label", &self.label, &self.id.span());
        let name = self.claim.get_ref();
        if !claim_ids.contains(name) {
            let problem = format!("no claim is called `{name}`");
            reading.reader.at(self.claim.span(), problem, "name a [[claim]] of the ledger");
        }
        let (figure, steps) = if let Some(formula) = &self.formula {
            let worked = reading.worked(formula, Some(&Unit::usd()))?;
            (worked.figure, Some(worked.steps))
        } else {
            let claim = claims.iter().find(|claim| claim.id == *name)?;
            let amount = claim.amount.as_ref().map(|amount| amount.figure.clone());
            if amount.is_none() {
                let problem = format!("claim `{name}` states no amount");
                reading.reader.at(self.claim.span(), problem, "give a `formula`, or name another claim");
            }
            (amount?, None)
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
