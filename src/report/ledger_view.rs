//! What the pages need of the claims ledger. The one file of this floor that knows the claim floor's shapes.

use super::chart::{Mark, MarkKind};
use crate::claim::{self, Claim, Examined, Ledger, ScaleKind};
use crate::units::{Ratio, Usd};

/// The claims and their amounts.
#[derive(Clone, Debug, Default)]
pub struct LedgerView {
    /// In the order of the ledger.
    pub claims: Vec<ClaimView>,
    /// Amounts for the claim scale, in any order.
    pub points: Vec<ScalePoint>,
}

/// One claim and what became of it.
#[derive(Clone, Debug)]
pub struct ClaimView {
    /// Key in the ledger.
    pub id: String,
    /// The claim in a few words.
    pub title: String,
    /// The exact words.
    pub quote: String,
    /// Their language, as a BCP 47 tag.
    pub language: String,
    /// Who said it.
    pub speaker: String,
    /// When, as the ledger writes it.
    pub said_on: String,
    /// The amount as printed.
    pub amount: String,
    /// What the amount counts.
    pub counts: String,
    /// What it leaves out.
    pub leaves_out: String,
    /// How it was examined.
    pub how: Examination,
    /// What came out.
    pub outcome: ClaimOutcome,
    /// The finding, in a sentence or two.
    pub evidence: String,
    /// The recalculation, one step per line; empty if there is none.
    pub steps: String,
    /// The figures that went in.
    pub inputs: Vec<String>,
    /// Where they come from.
    pub sources: Vec<SourceView>,
}

/// A document behind a claim.
#[derive(Clone, Debug)]
pub struct SourceView {
    /// Title, with author and date.
    pub title: String,
    /// Address; becomes a link only if it starts with `https://` or `http://`.
    pub url: Option<String>,
}

impl SourceView {
    /// The address, if it is one a reader can safely follow.
    pub(crate) fn link(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    }
}

/// How a claim was examined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Examination {
    /// By a measurement of this run.
    Measured,
    /// By arithmetic on published figures.
    Recalculated,
    /// By reading its source.
    Sourced,
    /// Not at all: the documents it needs are not public.
    NotCheckable,
}

/// What came out of an examination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimOutcome {
    /// The evidence agrees.
    Upheld,
    /// The evidence disagrees.
    Refuted,
    /// The source says the same; whether it is right was not examined.
    AsSourced,
    /// The source says something else.
    DiffersFromItsSource,
    /// The evidence does not decide.
    Unresolved,
    /// Only a proportion could be computed.
    ProportionOnly,
}

impl ClaimOutcome {
    /// Name of the icon and of the style.
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Refuted => "refuted",
            Self::AsSourced => "as-sourced",
            Self::DiffersFromItsSource => "differs",
            Self::Unresolved => "unresolved",
            Self::ProportionOnly => "proportion",
        }
    }
}

/// One amount on the claim scale.
#[derive(Clone, Debug)]
pub struct ScalePoint {
    /// What it counts.
    pub label: String,
    /// Lower end.
    pub low: Usd,
    /// The amount.
    pub central: Usd,
    /// Upper end.
    pub high: Usd,
    /// What stands behind it.
    pub kind: PointKind,
    /// The claim it belongs to.
    pub claim_id: Option<String>,
}

/// What stands behind an amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PointKind {
    /// Somebody published it.
    Quoted,
    /// Arithmetic on published figures.
    Recalculated,
    /// Nobody outside can check it.
    CannotBeChecked,
}

impl From<&Ledger> for LedgerView {
    fn from(ledger: &Ledger) -> Self {
        Self {
            claims: ledger.claims().iter().map(|claim| ClaimView::new(claim, ledger)).collect(),
            points: ledger.scale_points().iter().map(ScalePoint::from).collect(),
        }
    }
}

impl ClaimView {
    fn new(claim: &Claim, ledger: &Ledger) -> Self {
        let examined = claim.examine(ledger);
        let amount = claim.amount.printed.as_ref().or(claim.amount.reading.as_ref());
        Self {
            id: claim.id.clone(),
            title: claim.title.clone(),
            quote: claim.quote.text.clone(),
            language: claim.quote.language.id().to_owned(),
            speaker: claim.speaker.clone(),
            said_on: claim.said_on.as_str().to_owned(),
            amount: amount.cloned().unwrap_or_else(|| claim.amount.figure.in_full()),
            counts: claim.counts.clone(),
            leaves_out: claim.leaves_out.clone(),
            how: examined.examination.into(),
            outcome: examined.outcome.into(),
            evidence: claim.analysis.clone(),
            steps: steps(claim, &examined),
            inputs: inputs(claim, &examined, ledger),
            sources: examined
                .sources
                .iter()
                .filter_map(|id| ledger.source(id))
                .map(SourceView::from)
                .collect(),
        }
    }
}

/// The recalculation, then the proportions, one a line.
fn steps(claim: &Claim, examined: &Examined) -> String {
    let own = Some(examined.steps.clone()).filter(|steps| !steps.is_empty());
    let beside = claim.proportions.iter().map(|beside| format!("{}: {}", beside.label, beside.worked.steps));
    own.into_iter().chain(beside).collect::<Vec<_>>().join("\n")
}

/// Every constant that went in, once, with its date and whether it was verified.
fn inputs(claim: &Claim, examined: &Examined, ledger: &Ledger) -> Vec<String> {
    let beside = claim.proportions.iter().flat_map(|proportion| &proportion.worked.inputs);
    let mut lines = Vec::new();
    for input in examined.inputs.iter().chain(beside) {
        let Some(constant) = ledger.constant(&input.constant) else { continue };
        let verified = if constant.verified { "" } else { ", not verified" };
        let line = format!(
            "{}: {} ({}, {}{verified})",
            constant.title,
            constant.figure.in_full(),
            constant.as_of.as_str(),
            constant.source
        );
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

impl From<&claim::Source> for SourceView {
    fn from(source: &claim::Source) -> Self {
        let date = source.date.as_ref().map(|date| format!(", {}", date.as_str())).unwrap_or_default();
        let verified = if source.verified { "" } else { " (not verified)" };
        let title = format!("{}: {}, {}{date}{verified}", source.id, source.title, source.publisher);
        Self { title, url: source.address.clone() }
    }
}

impl From<claim::Examination> for Examination {
    fn from(examination: claim::Examination) -> Self {
        match examination {
            claim::Examination::Measured => Self::Measured,
            claim::Examination::Recalculated => Self::Recalculated,
            claim::Examination::Sourced => Self::Sourced,
            claim::Examination::NotCheckable => Self::NotCheckable,
        }
    }
}

impl From<claim::Outcome> for ClaimOutcome {
    fn from(outcome: claim::Outcome) -> Self {
        match outcome {
            claim::Outcome::Upheld => Self::Upheld,
            claim::Outcome::Refuted => Self::Refuted,
            claim::Outcome::AsSourced => Self::AsSourced,
            claim::Outcome::DiffersFromItsSource => Self::DiffersFromItsSource,
            claim::Outcome::Unresolved(_) => Self::Unresolved,
            claim::Outcome::ProportionOnly => Self::ProportionOnly,
        }
    }
}

impl From<&claim::ScalePoint> for ScalePoint {
    fn from(point: &claim::ScalePoint) -> Self {
        // On a logarithmic axis the geometric mean is the middle of a stretch that has no stated value.
        let middle = (point.low.value() * point.high.value()).sqrt();
        Self {
            label: point.label.clone(),
            low: point.low,
            central: point.central.or(Usd::new(middle).ok()).unwrap_or(point.low),
            high: point.high,
            kind: match point.kind {
                ScaleKind::Quoted => PointKind::Quoted,
                ScaleKind::Recalculated => PointKind::Recalculated,
                ScaleKind::CannotBeChecked => PointKind::CannotBeChecked,
            },
            claim_id: Some(point.claim.clone()),
        }
    }
}

/// The two claimed amounts that lie furthest apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes<'a> {
    /// The smaller.
    pub(crate) low: &'a ScalePoint,
    /// The larger.
    pub(crate) high: &'a ScalePoint,
    /// Larger over smaller.
    pub(crate) factor: Ratio,
    /// True unless the ledger gives both the same scope.
    pub(crate) count_unlike_things: bool,
}

impl LedgerView {
    /// The furthest pair among the amounts somebody claimed (our own arithmetic is no claim), if they are at least a
    /// factor of two apart.
    pub(crate) fn extremes(&self) -> Option<Extremes<'_>> {
        let claimed = || self.placeable().into_iter().filter(|point| point.kind != PointKind::Recalculated);
        let amount = |point: &&ScalePoint| point.central.value();
        let low = claimed().min_by(|a, b| amount(a).total_cmp(&amount(b)))?;
        let high = claimed().max_by(|a, b| amount(a).total_cmp(&amount(b)))?;
        let factor = Ratio::new(high.central.value() / low.central.value()).ok()?;
        let count_unlike_things = match (self.claim_of(low), self.claim_of(high)) {
            (Some(a), Some(b)) => a.counts != b.counts,
            _ => low.label != high.label,
        };
        (factor.value() >= 2.0).then_some(Extremes { low, high, factor, count_unlike_things })
    }

    /// The claim a point belongs to.
    pub(crate) fn claim_of(&self, point: &ScalePoint) -> Option<&ClaimView> {
        let id = point.claim_id.as_deref()?;
        self.claims.iter().find(|claim| claim.id == id)
    }

    /// The amounts above zero, from the smallest to the largest; a logarithmic scale has no place for others.
    pub(crate) fn placeable(&self) -> Vec<&ScalePoint> {
        let mut points: Vec<&ScalePoint> =
            self.points.iter().filter(|point| point.low.value() > 0.0).collect();
        points.sort_by(|a, b| a.central.value().total_cmp(&b.central.value()));
        points
    }
}

impl From<&ScalePoint> for Mark {
    fn from(point: &ScalePoint) -> Self {
        Self {
            label: point.label.clone(),
            low: point.low.value(),
            central: point.central.value(),
            high: point.high.value(),
            kind: match point.kind {
                PointKind::Quoted => MarkKind::Quoted,
                PointKind::Recalculated => MarkKind::Recalculated,
                PointKind::CannotBeChecked => MarkKind::CannotBeChecked,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(label: &str, usd: f64, kind: PointKind) -> ScalePoint {
        let usd = Usd::new(usd).unwrap();
        ScalePoint { label: label.into(), low: usd, central: usd, high: usd, kind, claim_id: None }
    }

    #[test]
    fn our_own_arithmetic_is_no_claim() {
        let points = vec![
            point("ours", 1.0, PointKind::Recalculated),
            point("large", 1.6e9, PointKind::CannotBeChecked),
            point("small", 5.576e6, PointKind::Quoted),
        ];
        let ledger = LedgerView { claims: vec![], points };
        let extremes = ledger.extremes().unwrap();
        assert_eq!((extremes.low.label.as_str(), extremes.high.label.as_str()), ("small", "large"));
        assert_eq!(extremes.factor.value().round().to_string(), "287");
    }

    #[test]
    fn like_amounts_and_an_empty_ledger_have_no_extremes() {
        let near = vec![point("a", 5.0, PointKind::Quoted), point("b", 6.0, PointKind::Quoted)];
        assert!(LedgerView { claims: vec![], points: near }.extremes().is_none());
        assert!(LedgerView::default().extremes().is_none());
    }

    #[test]
    fn only_web_addresses_become_links() {
        let source = |url: &str| SourceView { title: "t".into(), url: Some(url.into()) };
        assert_eq!(source("javascript:alert(1)").link(), None);
        assert_eq!(source("https://example.org").link(), Some("https://example.org"));
    }
}
