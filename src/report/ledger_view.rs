//! What the pages need of the claims ledger, in the language of the page.

use super::chart::{Mark, MarkKind};
use super::speed_view::SpeedView;
// A heading of the claims page per category: the words match on it.
pub(crate) use crate::claim::Category;
use crate::language::Language;
use crate::units::{Ratio, Usd};

/// The claims and their amounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct LedgerView {
    /// In the order of the ledger.
    pub(crate) claims: Vec<ClaimView>,
    /// Amounts for the claim scale, in any order.
    pub(crate) points: Vec<ScalePoint>,
    /// Speeds that others published, in the order of the ledger.
    pub(crate) speeds: Vec<SpeedView>,
}

/// One claim and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct ClaimView {
    /// Key in the ledger.
    pub(crate) id: String,
    /// What kind of cost it is about.
    pub(crate) topic: Category,
    /// The claim in a few words.
    pub(crate) title: String,
    /// The exact words.
    pub(crate) quote: String,
    /// Their language.
    pub(crate) language: Language,
    /// The document they stand in.
    pub(crate) quoted_in: DocumentView,
    /// Who said it.
    pub(crate) speaker: String,
    /// When, as the ledger writes it.
    pub(crate) said_on: String,
    /// The amount it states.
    pub(crate) amount: AmountView,
    /// What the amount counts.
    pub(crate) counts: String,
    /// What it leaves out.
    pub(crate) leaves_out: String,
    /// How it was examined.
    pub(crate) how: Examination,
    /// What came out.
    pub(crate) outcome: ClaimOutcome,
    /// The finding, in a sentence or two.
    pub(crate) evidence: String,
    /// The recalculation, then the proportions; empty if there are none.
    pub(crate) steps: Vec<StepView>,
    /// The figures that went in.
    pub(crate) inputs: Vec<InputView>,
    /// Where they come from.
    pub(crate) sources: Vec<SourceView>,
    /// What another claim says against it; `None` if nothing does.
    pub(crate) contradiction: Option<String>,
    /// Keys of the claims to read with it.
    pub(crate) related: Vec<String>,
}

/// The amount of a claim as a reader sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AmountView {
    /// The digits as printed, in the language of the quotation.
    Printed(String),
    /// How words are read, in the language of the page.
    Read(String),
    /// A figure in the notation of the ledger.
    Figure(String),
    /// It states none.
    None,
}

/// A calculation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StepView {
    /// What it gives, for a proportion; `None` for the examination itself.
    pub(crate) label: Option<String>,
    /// In the notation of the ledger.
    pub(crate) calculation: String,
}

/// A figure that went into a calculation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InputView {
    /// What it is.
    pub(crate) title: String,
    /// In the notation of the ledger.
    pub(crate) amount: String,
    /// When it was true, as the ledger writes it.
    pub(crate) as_of: String,
    /// Who says so, if that is known.
    pub(crate) publisher: Option<String>,
    /// True if it was read there.
    pub(crate) verified: bool,
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct DocumentView {
    /// Who answers for it, if that is known.
    pub(crate) publisher: Option<String>,
    /// Title, with the page or table where that helps.
    pub(crate) title: String,
    /// The language of the title, as a BCP 47 tag.
    pub(crate) language: String,
    /// Its date as the ledger writes it.
    pub(crate) date: Option<String>,
}

/// A document behind a claim.
#[derive(Clone, Debug)]
pub(crate) struct SourceView {
    /// The document.
    pub(crate) document: DocumentView,
    /// How it was read.
    pub(crate) reading: Reading,
    /// Address; becomes a link only if it starts with `https://` or `http://`.
    pub(crate) url: Option<String>,
}

impl SourceView {
    /// The address, if it is one a reader can safely follow.
    pub(crate) fn link(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    }
}

/// How a source was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Reading {
    /// In its own text.
    Original,
    /// In the words of somebody else.
    QuotedBy(String),
    /// Not at all, or from memory.
    NotVerified,
}

/// How a claim was examined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Examination {
    /// By a measurement of this run.
    Measured,
    /// By arithmetic on published figures.
    Recalculated,
    /// By reading its source.
    Sourced,
    /// Against nothing: sources speak to it.
    Context,
    /// Not at all: the documents it needs are not public.
    NotCheckable,
}

/// What came out of an examination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClaimOutcome {
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
    /// Nothing was compared; its sources give the background.
    Context,
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
            Self::Context => "context",
        }
    }
}

/// One amount on the claim scale.
#[derive(Clone, Debug)]
pub(crate) struct ScalePoint {
    /// What it counts.
    pub(crate) label: String,
    /// Lower end.
    pub(crate) low: Usd,
    /// The amount.
    pub(crate) central: Usd,
    /// Upper end.
    pub(crate) high: Usd,
    /// What stands behind it.
    pub(crate) kind: PointKind,
    /// The claim it belongs to.
    pub(crate) claim_id: Option<String>,
}

/// What stands behind an amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PointKind {
    /// Somebody published it.
    Quoted,
    /// Arithmetic on published figures.
    Recalculated,
    /// Nobody outside can check it.
    CannotBeChecked,
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
        let ledger = LedgerView { points, ..LedgerView::default() };
        let extremes = ledger.extremes().unwrap();
        assert_eq!((extremes.low.label.as_str(), extremes.high.label.as_str()), ("small", "large"));
        assert_eq!(extremes.factor.value().round().to_string(), "287");
    }

    #[test]
    fn like_amounts_and_an_empty_ledger_have_no_extremes() {
        let near = vec![point("a", 5.0, PointKind::Quoted), point("b", 6.0, PointKind::Quoted)];
        assert!(LedgerView { points: near, ..LedgerView::default() }.extremes().is_none());
        assert!(LedgerView::default().extremes().is_none());
    }

    #[test]
    fn only_web_addresses_become_links() {
        let document =
            || DocumentView { publisher: None, title: "t".into(), language: "en".into(), date: None };
        let source = |url: &str| SourceView {
            document: document(),
            reading: Reading::Original,
            url: Some(url.into()),
        };
        assert_eq!(source("javascript:alert(1)").link(), None);
        assert_eq!(source("https://example.org").link(), Some("https://example.org"));
    }
}
