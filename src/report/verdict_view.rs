//! The first screen: one sentence that answers the debate, then four figures with their intervals.

use super::case_view::{self, FlagView, Measured};
use super::component::Text;
use super::cost_view;
use super::energy_view;
use super::ledger_view::LedgerView;
use super::words::Words;
use crate::cost::HourlyPrice;
use crate::measurement::Flag;

/// One key figure.
#[derive(Debug)]
pub(crate) struct KeyFigure {
    /// What it is.
    pub(crate) label: &'static str,
    /// The value, or "not measured".
    pub(crate) value: String,
    /// Its unit; empty for a missing figure.
    pub(crate) unit: &'static str,
    /// Interval or reason.
    pub(crate) note: Text,
}

/// What this machine measured, in one sentence with the figure set apart for emphasis.
#[derive(Debug)]
pub(crate) struct Here {
    /// The figure.
    pub(crate) hours: String,
    /// The rest of the sentence.
    pub(crate) after: String,
    /// Words before the dollars, the dollars, words after; `None` without a price.
    pub(crate) dollars: Option<[String; 3]>,
}

/// The first screen.
#[derive(Debug)]
pub(crate) struct VerdictView {
    /// Model, precision, workload and machine.
    pub(crate) kick: String,
    /// The sentence.
    pub(crate) headline: String,
    /// What each of its two amounts counts.
    pub(crate) amounts: Vec<String>,
    /// Why the figure deserves no trust; empty if nothing speaks against it.
    pub(crate) distrust: Vec<FlagView>,
    /// The measurement; `None` if nothing was measured.
    pub(crate) here: Option<Here>,
    /// Four figures, or none if nothing was measured.
    pub(crate) figures: Vec<KeyFigure>,
}

impl VerdictView {
    /// The first screen for the case that speaks for the run.
    pub(crate) fn new(
        words: &Words,
        machine: &str,
        case: Option<&Measured<'_>>,
        ledger: &LedgerView,
        price: Option<&HourlyPrice>,
    ) -> Self {
        let (w, n) = (&words.verdict, &words.numerals);
        let extremes = ledger.extremes();
        let hours = case.map(|case| n.estimate(&case.figures.machine_hours_per_mtok_output).with_unit());
        let distrust = case.map(|case| distrust(words, case)).unwrap_or_default();
        let headline = match (&extremes, &hours) {
            (Some(pair), _) => (w.debate)(
                &n.money_in_words(pair.low.central.value()),
                &n.money_in_words(pair.high.central.value()),
            ),
            (None, Some(_)) if !distrust.is_empty() => w.no_trust.to_owned(),
            (None, Some(hours)) => (w.no_debate)(hours),
            (None, None) => w.nothing_measured.to_owned(),
        };
        let amounts = extremes.map_or_else(Vec::new, |pair| {
            [pair.low, pair.high]
                .map(|point| {
                    let counts = ledger.claim_of(point).map_or(&point.label, |claim| &claim.counts);
                    (w.amount_counts)(&n.money_in_words(point.central.value()), counts.trim_end_matches('.'))
                })
                .to_vec()
        });
        let kick = case.map(|case| format!("{}, {machine}", case_view::title(words, case.record)));
        Self {
            kick: kick.unwrap_or_else(|| machine.to_owned()),
            headline,
            amounts,
            distrust,
            here: case.map(|case| here(words, case, price)),
            figures: case.map(|case| key_figures(words, case)).unwrap_or_default(),
        }
    }
}

/// The flags that break the trust in the case's headline figure.
fn distrust(words: &Words, case: &Measured<'_>) -> Vec<FlagView> {
    let breaking: Vec<Flag> = case.record.flags.iter().copied().filter(|flag| flag.breaks_trust()).collect();
    case_view::flags(words, &breaking)
}

fn here(words: &Words, case: &Measured<'_>, price: Option<&HourlyPrice>) -> Here {
    let w = &words.verdict;
    let hours = &case.figures.machine_hours_per_mtok_output;
    let printed = words.numerals.estimate(hours);
    let dollars = price.and_then(|price| {
        let [central, range] = cost_view::dollars(words, price, hours)?;
        Some([(w.dollars_before)(&cost_view::hourly(words, price)), central, (w.dollars_after)(&range)])
    });
    Here {
        hours: printed.with_unit(),
        after: (w.here_after)(&case_view::note(words, &printed), &(w.batch)(case.record.case.workload.batch)),
        dollars,
    }
}

fn key_figures(words: &Words, case: &Measured<'_>) -> Vec<KeyFigure> {
    let (w, f, n) = (&words.verdict, case.figures, &words.numerals);
    let of = |label, printed: super::number::Printed| KeyFigure {
        label,
        note: case_view::note(words, &printed).into(),
        value: printed.value,
        unit: printed.unit,
    };
    let (value, unit, note) = energy_view::key_figure(words, case);
    vec![
        of(w.output_hours, n.estimate(&f.machine_hours_per_mtok_output)),
        of(w.decode, n.estimate(&f.decode_tokens_per_second)),
        of(w.first_token, n.estimate(&f.time_to_first_token)),
        KeyFigure { label: w.energy, value, unit, note },
    ]
}
