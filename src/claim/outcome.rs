//! What an examination says of a claim. Outcomes are computed from amounts, never written by hand.

use super::range::Range;

/// How a claim was examined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Examination {
    /// Against what this tool measured.
    Measured,
    /// Against arithmetic on published constants.
    Recalculated,
    /// Against the figure of the source it relies on.
    Sourced,
    /// Against nothing: sources speak to it, but it states no amount that could be compared.
    Context,
    /// Not at all: no measurement or public figure could decide. It can only be set in proportion to other figures.
    NotCheckable,
}

impl Examination {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Recalculated => "recalculated",
            Self::Sourced => "sourced",
            Self::Context => "context",
            Self::NotCheckable => "not-checkable",
        }
    }
}

/// What the examination gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All the evidence lies inside the claim, read in its favour.
    Upheld,
    /// All the evidence lies outside the claim.
    Refuted,
    /// The claim says what its source says; nothing more is known.
    AsSourced,
    /// The claim says something else than its source: another amount, or the same amount of another thing.
    DiffersFromItsSource,
    /// The evidence does not decide.
    Unresolved(Open),
    /// What can be computed counts another thing than the claim does: it gives the proportion and no more.
    ProportionOnly,
    /// Sources speak to it; nothing was compared.
    Context,
}

/// Why a claim stays open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Open {
    /// The evidence reaches inside the claim and outside of it.
    EvidenceOnBothSides,
    /// The claim needs a measurement, and none was given.
    NotMeasured,
    /// No other figure is known to set it beside.
    NothingToSetBeside,
}

impl Outcome {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Refuted => "refuted",
            Self::AsSourced => "as-sourced",
            Self::DiffersFromItsSource => "differs-from-its-source",
            Self::Unresolved(_) => "unresolved",
            Self::ProportionOnly => "proportion-only",
            Self::Context => "context",
        }
    }
}

/// What a claim says of its amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bound {
    /// It is the amount.
    About,
    /// It is the amount or more.
    AtLeast,
    /// It is the amount or less.
    AtMost,
}

/// Evidence against a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// Whatever the evidence may be, the claim holds.
    Holds,
    /// Whatever the evidence may be, the claim fails.
    Fails,
    /// It depends on where in its range the evidence lies.
    Open,
}

/// Compares evidence with a claimed amount, both in one unit.
///
/// | bound | holds | fails |
/// |---|---|---|
/// | at most | `seen.high <= claimed.high` | `seen.low > claimed.high` |
/// | at least | `seen.low >= claimed.low` | `seen.high < claimed.low` |
/// | about | `seen` inside `claimed` | no value in common |
///
/// "About 5.6" is 5.55 to 5.65: evidence of 5.576 holds, 5.5 fails, 5.5 to 5.6 is open. Three laws are tested: wider
/// evidence never decides what was open, narrower evidence never turns a decision over, and a change of unit changes
/// nothing.
pub fn compare(bound: Bound, claimed: Range, seen: Range) -> Comparison {
    let (holds, fails) = match bound {
        Bound::About => (claimed.encloses(seen), claimed.is_apart_from(seen)),
        Bound::AtLeast => (seen.low() >= claimed.low(), seen.high() < claimed.low()),
        Bound::AtMost => (seen.high() <= claimed.high(), seen.low() > claimed.high()),
    };
    match (holds, fails) {
        (true, _) => Comparison::Holds,
        (false, true) => Comparison::Fails,
        (false, false) => Comparison::Open,
    }
}

/// The outcome of evidence that counts the same thing as the claim, or not.
pub(super) fn of_evidence(comparison: Comparison, same_scope: bool) -> Outcome {
    match (same_scope, comparison) {
        (false, _) => Outcome::ProportionOnly,
        (true, Comparison::Holds) => Outcome::Upheld,
        (true, Comparison::Fails) => Outcome::Refuted,
        (true, Comparison::Open) => Outcome::Unresolved(Open::EvidenceOnBothSides),
    }
}

/// The outcome of a claim beside the figure of its source.
pub(super) fn of_source(comparison: Comparison, same_scope: bool) -> Outcome {
    match (same_scope, comparison) {
        (false, _) | (true, Comparison::Fails) => Outcome::DiffersFromItsSource,
        (true, Comparison::Holds) => Outcome::AsSourced,
        (true, Comparison::Open) => Outcome::Unresolved(Open::EvidenceOnBothSides),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: [Bound; 3] = [Bound::About, Bound::AtLeast, Bound::AtMost];

    fn between(low: f64, high: f64) -> Range {
        Range::between(low, high).unwrap()
    }

    #[test]
    fn about_needs_all_the_evidence_inside() {
        let claimed = between(5.55, 5.65);
        assert_eq!(compare(Bound::About, claimed, between(5.576, 5.576)), Comparison::Holds);
        assert_eq!(compare(Bound::About, claimed, between(5.0, 5.5)), Comparison::Fails);
        assert_eq!(compare(Bound::About, claimed, between(5.5, 5.6)), Comparison::Open);
        assert_eq!(compare(Bound::About, claimed, between(1.0, 9.0)), Comparison::Open);
    }

    #[test]
    fn one_sided_claims_are_read_in_their_favour() {
        let claimed = between(0.275, 0.285);
        assert_eq!(compare(Bound::AtMost, claimed, between(0.1, 0.285)), Comparison::Holds);
        assert_eq!(compare(Bound::AtMost, claimed, between(0.286, 0.3)), Comparison::Fails);
        assert_eq!(compare(Bound::AtLeast, claimed, between(0.275, 3.0)), Comparison::Holds);
        assert_eq!(compare(Bound::AtLeast, claimed, between(0.1, 0.274)), Comparison::Fails);
    }

    #[test]
    fn another_scope_never_upholds_or_refutes() {
        for comparison in [Comparison::Holds, Comparison::Fails, Comparison::Open] {
            assert_eq!(of_evidence(comparison, false), Outcome::ProportionOnly);
            assert_eq!(of_source(comparison, false), Outcome::DiffersFromItsSource);
        }
    }

    /// Whole numbers, so that a change of unit is exact in binary and the laws can be tested at their edges too.
    fn ranges() -> impl Strategy<Value = Range> {
        (0..60_u32, 0..20_u32).prop_map(|(low, width)| between(f64::from(low), f64::from(low + width)))
    }

    proptest! {
        #[test]
        fn wider_evidence_never_decides(claimed in ranges(), seen in ranges(), below in 0..9_u32, above in 0..9_u32) {
            let wider = between(seen.low() - f64::from(below), seen.high() + f64::from(above));
            for bound in BOUNDS {
                let (narrow, wide) = (compare(bound, claimed, seen), compare(bound, claimed, wider));
                prop_assert!(wide == Comparison::Open || wide == narrow);
            }
        }

        #[test]
        fn narrower_evidence_never_turns_a_decision_over(claimed in ranges(), seen in ranges(), from in 0.0..=1.0_f64, to in 0.0..=1.0_f64) {
            let at = |share: f64| (seen.low() + (seen.high() - seen.low()) * share).min(seen.high());
            let narrower = between(at(from.min(to)), at(from.max(to)));
            for bound in BOUNDS {
                let decided = compare(bound, claimed, seen);
                prop_assert!(decided == Comparison::Open || compare(bound, claimed, narrower) == decided);
            }
        }

        #[test]
        fn a_change_of_unit_changes_nothing(claimed in ranges(), seen in ranges(), factor in prop::sample::select(vec![1e-3, 24.0, 3_600.0, 1e6])) {
            // Thousandths are a division, which rounds alike on both sides of an equality.
            let scaled = |range: Range| between(range.low() * factor, range.high() * factor);
            for bound in BOUNDS {
                prop_assert_eq!(compare(bound, claimed, seen), compare(bound, scaled(claimed), scaled(seen)));
            }
        }

        #[test]
        fn a_bound_that_holds_about_holds_on_each_side(claimed in ranges(), seen in ranges()) {
            if compare(Bound::About, claimed, seen) == Comparison::Holds {
                prop_assert_eq!(compare(Bound::AtLeast, claimed, seen), Comparison::Holds);
                prop_assert_eq!(compare(Bound::AtMost, claimed, seen), Comparison::Holds);
            }
        }
    }
}
