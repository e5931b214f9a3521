//! From the claims ledger to what the pages show of it. The one file of this floor that knows the claim floor's shapes.

use super::ledger_view::{
    AmountView, ClaimOutcome, ClaimView, DocumentView, Examination, InputView, LedgerView, PointKind,
    Reading, ScalePoint, SourceView, StepView,
};
use super::speed_view::{SpeedVerdict, SpeedView};
use crate::claim::{self, CitedSpeed, Claim, Examined, Ledger, NotJudged, Plausibility, ScaleKind};
use crate::language::{Bilingual, Language};
use crate::units::Usd;

impl LedgerView {
    /// The ledger in one language.
    pub(crate) fn new(ledger: &Ledger, language: Language) -> Self {
        Self {
            claims: ledger.claims().iter().map(|claim| ClaimView::new(claim, ledger, language)).collect(),
            speeds: speeds(ledger, language),
            points: ledger.scale_points().iter().map(|point| ScalePoint::new(point, language)).collect(),
        }
    }
}

impl ClaimView {
    fn new(claim: &Claim, ledger: &Ledger, language: Language) -> Self {
        let examined = claim.examine(ledger);
        let text = |text: &Bilingual| text.get(language).to_owned();
        Self {
            id: claim.id.clone(),
            topic: claim.category,
            title: text(&claim.title),
            quote: claim.quote.text.clone(),
            language: claim.quote.language,
            quoted_in: DocumentView::from(quoted_in(claim, ledger)),
            speaker: text(&claim.speaker),
            said_on: claim.said_on.as_str().to_owned(),
            amount: amount(claim, language),
            counts: text(&claim.counts),
            leaves_out: text(&claim.leaves_out),
            how: examined.examination.into(),
            outcome: examined.outcome.into(),
            evidence: text(&claim.analysis),
            steps: steps(claim, &examined, language),
            inputs: inputs(claim, &examined, ledger, language),
            sources: examined
                .sources
                .iter()
                .filter_map(|id| ledger.source(id))
                .map(SourceView::from)
                .collect(),
            contradiction: claim.disagreement.as_ref().map(text),
            related: claim.related.clone(),
        }
    }
}

/// The document a claim is quoted from; the ledger's reader made sure that it is there.
fn quoted_in<'a>(claim: &Claim, ledger: &'a Ledger) -> &'a claim::Source {
    ledger.source(&claim.quote.source).expect("the reader found the source of every quotation")
}

fn amount(claim: &Claim, language: Language) -> AmountView {
    let Some(stated) = &claim.amount else { return AmountView::None };
    match (&stated.printed, &stated.reading) {
        (Some(printed), _) => AmountView::Printed(printed.clone()),
        (None, Some(reading)) => AmountView::Read(reading.get(language).to_owned()),
        (None, None) => AmountView::Figure(stated.figure.in_full()),
    }
}

/// The recalculation, then the proportions.
fn steps(claim: &Claim, examined: &Examined, language: Language) -> Vec<StepView> {
    let own = StepView { label: None, calculation: examined.steps.clone() };
    let beside = claim.proportions.iter().map(|beside| StepView {
        label: Some(beside.label.get(language).to_owned()),
        calculation: beside.worked.steps.clone(),
    });
    Some(own).filter(|own| !own.calculation.is_empty()).into_iter().chain(beside).collect()
}

/// Every constant that went in, once.
fn inputs(claim: &Claim, examined: &Examined, ledger: &Ledger, language: Language) -> Vec<InputView> {
    let beside = claim.proportions.iter().flat_map(|proportion| &proportion.worked.inputs);
    let mut inputs = Vec::new();
    for input in examined.inputs.iter().chain(beside) {
        let Some(constant) = ledger.constant(&input.constant) else { continue };
        let publisher = ledger.source(&constant.source).and_then(|source| source.publisher.clone());
        let view = InputView {
            title: constant.title.get(language).to_owned(),
            amount: constant.figure.in_full(),
            as_of: constant.as_of.as_str().to_owned(),
            publisher,
            verified: constant.verified,
        };
        if !inputs.contains(&view) {
            inputs.push(view);
        }
    }
    inputs
}

fn speeds(ledger: &Ledger, language: Language) -> Vec<SpeedView> {
    ledger.speeds().speeds().iter().map(|speed| SpeedView::new(speed, ledger, language)).collect()
}

impl SpeedView {
    fn new(speed: &CitedSpeed, ledger: &Ledger, language: Language) -> Self {
        let found = speed.check();
        let source = |id: &String| {
            SourceView::from(ledger.source(id).expect("the reader found the sources of every speed and card"))
        };
        Self {
            id: speed.id.clone(),
            statement: speed.statement.get(language).to_owned(),
            weights: speed.weights.clone(),
            engine: speed.engine.clone(),
            sequences: speed.sequences.map(std::num::NonZeroU64::get),
            bytes_per_step: speed.bytes_per_step,
            bytes_why: speed.bytes_why.get(language).to_owned(),
            card: speed.card.name.clone(),
            published: speed.card.bandwidth,
            card_source: source(&speed.card.sources[0]),
            needed: found.needed().map(|needed| (needed.bandwidth, needed.share)),
            verdict: found.into(),
            sources: speed.sources.iter().map(source).collect(),
        }
    }
}

impl From<Plausibility> for SpeedVerdict {
    fn from(found: Plausibility) -> Self {
        match found {
            Plausibility::Plausible(_) => Self::Plausible,
            Plausibility::Implausible(_) => Self::Implausible,
            Plausibility::NotJudged(NotJudged::SequencesNotStated) => Self::SequencesNotStated,
            Plausibility::NotJudged(NotJudged::SpeculationUsed) => Self::SpeculationUsed,
            Plausibility::NotJudged(NotJudged::OutOfRange) => Self::OutOfRange,
        }
    }
}

impl From<&claim::Source> for DocumentView {
    fn from(source: &claim::Source) -> Self {
        Self {
            publisher: source.publisher.clone(),
            title: source.title.clone(),
            language: source.language.clone(),
            date: source.date.as_ref().map(|date| date.as_str().to_owned()),
        }
    }
}

impl From<&claim::Source> for SourceView {
    fn from(source: &claim::Source) -> Self {
        Self {
            document: source.into(),
            reading: match &source.reading {
                claim::Reading::Original => Reading::Original,
                claim::Reading::AsQuoted { by } => Reading::QuotedBy(by.clone()),
                claim::Reading::NotVerified => Reading::NotVerified,
            },
            url: source.address.clone(),
        }
    }
}

impl From<claim::Examination> for Examination {
    fn from(examination: claim::Examination) -> Self {
        match examination {
            claim::Examination::Measured => Self::Measured,
            claim::Examination::Recalculated => Self::Recalculated,
            claim::Examination::Sourced => Self::Sourced,
            claim::Examination::Context => Self::Context,
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
            claim::Outcome::Context => Self::Context,
        }
    }
}

impl ScalePoint {
    fn new(point: &claim::ScalePoint, language: Language) -> Self {
        // On a logarithmic axis the geometric mean is the middle of a stretch that has no stated value.
        let middle = (point.low.value() * point.high.value()).sqrt();
        Self {
            label: point.label.get(language).to_owned(),
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
