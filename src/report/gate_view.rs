//! The comparison with the plain computation, as a sentence of a case and as a mark in a table.

use super::words::Words;
use crate::measurement::{CaseRecord, Gate, GateFault, NotGated};

/// What a reader of a case's figures is told of its check.
pub(crate) fn sentence(words: &Words, record: &CaseRecord) -> String {
    let w = &words.gate;
    match record.outcome.measurement().gate {
        Some(Gate::Passed(compared)) => {
            let [distance, limit] = words.numerals.distance_and_limit(&compared);
            (w.passed)(compared.positions(), &distance, &limit, compared.same_top())
        }
        Some(Gate::Failed(fault)) => self::fault(words, &fault),
        Some(Gate::NotComputed(reason)) => (w.not_checked)(&not_gated(words, &reason)),
        None => (w.not_checked)(w.before),
    }
}

/// Why a case did not pass.
pub(crate) fn fault(words: &Words, fault: &GateFault) -> String {
    match fault {
        GateFault::TooFar(compared) => {
            let [distance, limit] = words.numerals.distance_and_limit(compared);
            (words.gate.too_far)(compared.positions(), &distance, &limit)
        }
        GateFault::NotFinite => words.gate.not_finite.to_owned(),
    }
}

fn not_gated(words: &Words, reason: &NotGated) -> String {
    let (w, n) = (&words.gate, &words.numerals);
    match reason {
        NotGated::Memory { needed, free } => (w.memory)(&n.quantity(*needed), &n.quantity(*free)),
        NotGated::Budget { needed, left } => (w.budget)(&n.quantity(*needed), &n.quantity(*left)),
        NotGated::Engine => w.engine.to_owned(),
    }
}

/// The same for a cell.
pub(crate) fn mark(words: &Words, record: &CaseRecord) -> String {
    match record.outcome.measurement().gate {
        Some(Gate::Passed(compared)) => {
            let [distance, _] = words.numerals.distance_and_limit(&compared);
            (words.gate.yes)(&distance)
        }
        _ => words.gate.no.to_owned(),
    }
}

/// True if the case passed.
pub(crate) fn is_checked(record: &CaseRecord) -> bool {
    matches!(record.outcome.measurement().gate, Some(Gate::Passed(_)))
}
