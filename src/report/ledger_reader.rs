//! From the claims ledger to what the pages show of it. The one file of this floor that knows the claim floor's shapes.

use super::ledger_view::{
    AmountView, ClaimOutcome, ClaimView, Examination, InputView, LedgerView, PointKind, Reading, ScalePoint,
    SourceView, StepView,
};
use crate::claim::{self, Claim, Examined, Ledger, ScaleKind};
use crate::language::Language;
use crate::units::Usd;

impl LedgerView {
    /// The ledger in one language.
    pub(crate) fn new(ledger: &Ledger, language: Language) -> Self {
        let reader = Reader { ledger, language };
        Self {
            claims: ledger.claims().iter().map(|claim| reader.claim(claim)).collect(),
            points: ledger.scale_points().iter().map(|point| reader.point(point)).collect(),
        }
    }
}

/// A ledger and the language to take its texts in.
#[derive(Clone, Copy)]
struct Reader<'a> {
    ledger: &'a Ledger,
    language: Language,
}

impl Reader<'_> {
    /// A text in the language of the page.
    #[expect(clippy::unused_self, reason = "the ledger has its texts in one language so far")]
    fn text(self, text: &str) -> String {
        text.to_owned()
    }

    fn claim(self, claim: &Claim) -> ClaimView {
        let examined = claim.examine(self.ledger);
        let sources = examined.sources.iter().filter_map(|id| self.ledger.source(id));
        let quoted_in = self.ledger.source(&claim.quote.source).map(|source| self.described(source));
        ClaimView {
            id: claim.id.clone(),
            topic: claim.category,
            title: self.text(&claim.title),
            quote: claim.quote.text.clone(),
            language: claim.quote.language,
            quoted_in: quoted_in.unwrap_or_default(),
            speaker: self.text(&claim.speaker),
            said_on: claim.said_on.as_str().to_owned(),
            amount: self.amount(claim),
            counts: self.text(&claim.counts),
            leaves_out: self.text(&claim.leaves_out),
            how: examined.examination.into(),
            outcome: examined.outcome.into(),
            evidence: self.text(&claim.analysis),
            steps: self.steps(claim, &examined),
            inputs: self.inputs(claim, &examined),
            sources: sources.map(|source| self.source(source)).collect(),
            contradiction: None,
            related: vec![],
        }
    }

    fn amount(self, claim: &Claim) -> AmountView {
        let stated = &claim.amount;
        match (&stated.printed, &stated.reading) {
            (Some(printed), _) => AmountView::Printed(printed.clone()),
            (None, Some(reading)) => AmountView::Read(self.text(reading)),
            (None, None) => AmountView::Figure(stated.figure.in_full()),
        }
    }

    /// The recalculation, then the proportions.
    fn steps(self, claim: &Claim, examined: &Examined) -> Vec<StepView> {
        let own = StepView { label: None, calculation: examined.steps.clone() };
        let beside = claim.proportions.iter().map(|beside| StepView {
            label: Some(self.text(&beside.label)),
            calculation: beside.worked.steps.clone(),
        });
        Some(own).filter(|own| !own.calculation.is_empty()).into_iter().chain(beside).collect()
    }

    /// Every constant that went in, once.
    fn inputs(self, claim: &Claim, examined: &Examined) -> Vec<InputView> {
        let beside = claim.proportions.iter().flat_map(|proportion| &proportion.worked.inputs);
        let mut inputs = Vec::new();
        for input in examined.inputs.iter().chain(beside) {
            let Some(constant) = self.ledger.constant(&input.constant) else { continue };
            let publisher = self.ledger.source(&constant.source).map(|source| self.text(&source.publisher));
            let view = InputView {
                title: self.text(&constant.title),
                amount: constant.figure.in_full(),
                as_of: constant.as_of.as_str().to_owned(),
                publisher: publisher.unwrap_or_default(),
                verified: constant.verified,
            };
            if !inputs.contains(&view) {
                inputs.push(view);
            }
        }
        inputs
    }

    /// Publisher and title of a document.
    fn described(self, source: &claim::Source) -> String {
        format!("{}, {}", self.text(&source.publisher), self.text(&source.title))
    }

    fn source(self, source: &claim::Source) -> SourceView {
        SourceView {
            publisher: self.text(&source.publisher),
            title: source.title.clone(),
            language: Language::English,
            date: source.date.as_ref().map(|date| date.as_str().to_owned()),
            reading: if source.verified { Reading::Original } else { Reading::NotVerified },
            url: source.address.clone(),
        }
    }

    fn point(self, point: &claim::ScalePoint) -> ScalePoint {
        // On a logarithmic axis the geometric mean is the middle of a stretch that has no stated value.
        let middle = (point.low.value() * point.high.value()).sqrt();
        ScalePoint {
            label: self.text(&point.label),
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

#[cfg(test)]
mod tests {
    use super::super::claims_page::ClaimsPage;
    use super::super::sample_run::run;
    use super::*;

    fn shipped() -> Ledger {
        let claims = ("claims.toml", include_str!("../../ledger/claims.toml"));
        Ledger::parse(claims, ("sources.toml", include_str!("../../ledger/sources.toml"))).unwrap()
    }

    #[test]
    fn every_claim_of_the_shipped_ledger_has_its_card_and_its_line_in_the_contents() {
        let ledger = shipped();
        for language in Language::ALL {
            let view = LedgerView::new(&ledger, language);
            let html = ClaimsPage { run: &run(), ledger: &view, language }.render();
            assert_eq!(html.matches("<article ").count(), ledger.claims().len());
            for claim in ledger.claims() {
                assert!(
                    html.contains(&format!("<article class=\"card\" id=\"{}\"", claim.id)),
                    "{}",
                    claim.id
                );
                assert!(html.contains(&format!("<li><a href=\"#{}\">", claim.id)), "{}", claim.id);
            }
        }
    }
}
