//! Energy as a range with its basis, or the reason why there is none.

use super::case_view::{self, Measured};
use super::component::{Table, Text};
use super::number::Numerals;
use super::words::Words;
use crate::measurement::{Energy, EnergyScope, Missing, PowerRange, Run};
use crate::units::{Joules, Tokens, decimals_for_digits};

/// The section on energy.
#[derive(Debug)]
pub(crate) struct EnergyView {
    /// Metered cases.
    pub(crate) measured: Option<Table>,
    /// Estimated cases.
    pub(crate) estimated: Option<Table>,
    /// Cases without a figure.
    pub(crate) missing: Option<Table>,
    /// Meters this machine lacks.
    pub(crate) meters: Option<Table>,
}

impl EnergyView {
    /// The section for a run.
    pub(crate) fn new(words: &Words, run: &Run, cases: &[Measured<'_>]) -> Self {
        let w = &words.energy;
        let mut measured = Vec::new();
        let mut estimated = Vec::new();
        let mut missing = Vec::new();
        for case in cases {
            match &case.record.energy {
                Energy::Measured { joules, scope, meter, .. } => {
                    let places = decimals_for_digits(joules.value(), 4);
                    let total = format!("{}\u{a0}J", words.numerals.fixed(joules.value(), places));
                    let each = metered(words, case, *joules)
                        .map_or_else(|| none(words), |j| format!("{j}\u{a0}J/token"));
                    let scope = (w.scope)(*scope).to_owned();
                    measured.push(vec![
                        case_view::title(words, case.record),
                        total,
                        each,
                        scope,
                        meter.clone(),
                    ]);
                }
                Energy::Estimated { power, scope, basis } => {
                    let each = per_token(words, case, power).unwrap_or_else(|| [(); 2].map(|()| none(words)));
                    let mut row =
                        vec![case_view::title(words, case.record).into(), watts(words, power).into()];
                    row.extend(each.map(Text::from));
                    row.extend([(w.scope)(*scope).into(), Text::english(words, basis)]);
                    estimated.push(row);
                }
                Energy::Missing(why) => {
                    missing.push(row_of(words, case_view::title(words, case.record), why));
                }
            }
        }
        let meters = run.meters_missing.iter().map(|(name, why)| row_of(words, name.clone(), why)).collect();
        Self {
            measured: table(w.measured, &w.measured_columns, measured),
            estimated: table(w.table, &w.columns, estimated),
            missing: table(w.missing, &w.missing_columns, missing),
            meters: table(w.meters, &w.meters_columns, meters),
        }
    }
}

fn table<T: Into<Text>>(caption: &str, headers: &[&str], rows: Vec<Vec<T>>) -> Option<Table> {
    (!rows.is_empty()).then(|| Table::new(caption, headers, rows))
}

/// What is missing, why, and what would give it; the run file has the last two in English.
fn row_of(words: &Words, what: String, why: &Missing) -> Vec<Text> {
    vec![what.into(), Text::english(words, &why.reason), Text::english(words, &why.remedy)]
}

/// Value, unit and note of the key figure.
pub(crate) fn key_figure(words: &Words, case: &Measured<'_>) -> (String, &'static str, Text) {
    match &case.record.energy {
        Energy::Missing(why) => {
            (words.verdict.not_measured.to_owned(), "", Text::english(words, &why.reason))
        }
        Energy::Measured { joules, scope, .. } => metered(words, case, *joules).map_or_else(
            || (words.verdict.not_measured.to_owned(), "", none(words).into()),
            |value| (value, "J/token", both(words, words.verdict.metered, *scope)),
        ),
        Energy::Estimated { power, scope, .. } => joules(case, power).map_or_else(
            || (words.verdict.not_measured.to_owned(), "", none(words).into()),
            |[low, _, high]| {
                let range = words.numerals.range(low, high, decimals_for_digits(low, 2));
                (range, "J/token", both(words, words.verdict.estimated, *scope))
            },
        ),
    }
}

fn both(words: &Words, nature: &str, scope: EnergyScope) -> Text {
    format!("{nature}{}{}", words.numerals.semicolon, (words.energy.scope)(scope)).into()
}

/// Metered joules of whole requests, prefill included, over their output tokens.
fn metered(words: &Words, case: &Measured<'_>, joules: Joules) -> Option<String> {
    let repetitions = case.record.outcome.measurement().measured();
    let tokens = Tokens::new(repetitions.map(|r| r.output_tokens.count() * r.batch).sum());
    let each = joules.per_token(tokens)?.value();
    Some(words.numerals.fixed(each, decimals_for_digits(each, 3)))
}

/// Power times the time one output token takes: 40 W at 0.07 s are 2.8 J. Ends of the power go with ends of the time.
fn joules(case: &Measured<'_>, power: &PowerRange) -> Option<[f64; 3]> {
    let time = &case.figures.time_per_output_token;
    let (short, long) =
        time.interval().map_or((time.value(), time.value()), |interval| (interval.low(), interval.high()));
    let batch = Tokens::new(case.record.case.workload.batch);
    let pairs = [(power.low, short), (power.central, time.value()), (power.high, long)];
    let mut joules = [0.0; 3];
    for (place, (power, time)) in pairs.into_iter().enumerate() {
        joules[place] = power.during(time)?.per_token(batch)?.value();
    }
    Some(joules)
}

fn per_token(words: &Words, case: &Measured<'_>, power: &PowerRange) -> Option<[String; 2]> {
    let joules = joules(case, power)?;
    // A million times as many joules, 3.6 million of which are a kWh.
    let kilowatt_hours = joules.map(|joules| joules / 3.6);
    Some([three(words, joules, "J/token"), three(words, kilowatt_hours, "kWh")])
}

fn watts(words: &Words, power: &PowerRange) -> String {
    three(words, [power.low.value(), power.central.value(), power.high.value()], "W")
}

fn three(words: &Words, [low, central, high]: [f64; 3], unit: &str) -> String {
    let n: &Numerals = &words.numerals;
    let places = decimals_for_digits(low, 2);
    let ends = n.range(low, high, places);
    format!("{ends}\u{a0}{unit}, {}", (words.energy.central)(&n.fixed(central, places)))
}

fn none(words: &Words) -> String {
    words.measured.none.to_owned()
}

/// True if a case has no energy figure.
pub(crate) fn any_missing(cases: &[Measured<'_>]) -> bool {
    cases.iter().any(|case| matches!(case.record.energy, Energy::Missing(_)))
}
