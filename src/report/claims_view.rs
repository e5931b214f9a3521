//! The ledger's rows: badges, steps and links.

use super::ledger_view::{ClaimOutcome, ClaimView, LedgerView};
use super::words::Words;

/// Every outcome, in the order of the legend.
const OUTCOMES: [ClaimOutcome; 6] = [
    ClaimOutcome::Upheld,
    ClaimOutcome::Refuted,
    ClaimOutcome::AsSourced,
    ClaimOutcome::DiffersFromItsSource,
    ClaimOutcome::Unresolved,
    ClaimOutcome::ProportionOnly,
];

/// An outcome as a reader sees it: a shape, a colour, and always the words.
#[derive(Debug)]
pub(crate) struct Badge {
    /// Name of the icon and of the style.
    pub(crate) icon: &'static str,
    /// The words.
    pub(crate) text: &'static str,
    /// What they mean.
    pub(crate) help: &'static str,
}

/// One claim.
#[derive(Debug)]
pub(crate) struct ClaimRow<'a> {
    /// The claim itself.
    pub(crate) claim: &'a ClaimView,
    /// What became of it.
    pub(crate) badge: Badge,
    /// How it was examined.
    pub(crate) how: &'static str,
}

fn badge(words: &Words, outcome: ClaimOutcome) -> Badge {
    Badge {
        icon: outcome.icon(),
        text: (words.claims.outcome)(outcome),
        help: (words.claims.outcome_help)(outcome),
    }
}

/// The outcomes that occur, for the legend.
pub(crate) fn legend(words: &Words, ledger: &LedgerView) -> Vec<Badge> {
    let occurs = |outcome: &ClaimOutcome| ledger.claims.iter().any(|claim| claim.outcome == *outcome);
    OUTCOMES.into_iter().filter(occurs).map(|outcome| badge(words, outcome)).collect()
}

/// The rows, in the ledger's order.
pub(crate) fn rows<'a>(words: &Words, ledger: &'a LedgerView) -> Vec<ClaimRow<'a>> {
    let row = |claim: &'a ClaimView| ClaimRow {
        claim,
        badge: badge(words, claim.outcome),
        how: (words.claims.how)(claim.how),
    };
    ledger.claims.iter().map(row).collect()
}
