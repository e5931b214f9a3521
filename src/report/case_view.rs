//! The measured cases as text and pictures, and the failed ones as rows.

use super::answers_view::AnswersView;
use super::chart::{Bar, Bars};
use super::component::{Detail, Figure, Table, Text};
use super::number::Printed;
use super::words::Words;
use super::{conditions_view, gate_view, noise_view, roofline_view, samples_view};
use crate::hardware::Device;
use crate::measurement::{
    CaseRecord, Failure, Figures, Flag, Gate, Measurement, Outcome, Percentile, Role, Run, Severity, Skip,
};
use crate::stats::Estimate;
use crate::stats::NoPercentile;
use crate::units::TokensPerSecond;
use crate::workload::Case;

/// Where on the page the rules behind the intervals are named.
const RULES: &str = "#statistics";

/// A case with figures.
#[derive(Debug)]
pub(crate) struct Measured<'a> {
    /// Its row in the run.
    pub(crate) record: &'a CaseRecord,
    /// Its figures.
    pub(crate) figures: &'a Figures,
}

/// The cases that were measured as asked, in the order of the run.
pub(crate) fn measured(run: &Run) -> Vec<Measured<'_>> {
    let whole = run.cases.iter().filter(|record| matches!(record.outcome, Outcome::Measured(_)));
    whole.filter_map(|record| Some(Measured { record, figures: record.figures.as_ref()? })).collect()
}

/// The case that speaks for a run: the first of this project's engine, or the first of any where there is none.
pub(crate) fn headline<'a, 'b>(cases: &'b [Measured<'a>]) -> Option<&'b Measured<'a>> {
    cases.iter().find(|case| case.record.engine.is_own()).or(cases.first())
}

/// Model, precision and workload, as a reader would say them, and the engine unless it is this project's.
pub(crate) fn title(words: &Words, record: &CaseRecord) -> String {
    let case = title_of(words, &record.case);
    if record.engine.is_own() { case } else { format!("{case}, {}", record.engine.id) }
}

/// The same without the engine.
pub(crate) fn title_of(words: &Words, case: &Case) -> String {
    let workload = (words.measured.workload)(&case.workload);
    format!("{} {}, {workload}", case.model.name, case.precision.label())
}

/// Value with interval or reason, in one phrase.
pub(crate) fn note(words: &Words, printed: &Printed) -> String {
    match (&printed.range, &printed.coverage) {
        (Ok(range), Some(coverage)) => (words.verdict.interval)(coverage, range),
        (Ok(range), None) => range.clone(),
        (Err(reason), _) => (words.verdict.no_interval)(&(words.verdict.too_few)(*reason)),
    }
}

/// The interval, or why there is none.
pub(crate) fn range_or_reason(words: &Words, printed: &Printed) -> String {
    let reason = |reason| (words.verdict.no_interval)(&(words.verdict.too_few)(reason));
    printed.range.clone().unwrap_or_else(reason)
}

/// The interval with the rule behind it, or why there is none: for tables without a column for the rule.
pub(crate) fn range_by_rule(words: &Words, printed: &Printed) -> Text {
    let range = range_or_reason(words, printed);
    match printed.method {
        Some(method) => Text::linked(format!("{range} ({})", (words.measured.method)(method)), RULES),
        None => range.into(),
    }
}

/// The device that computed.
pub(crate) fn device(words: &Words, device: &Device) -> String {
    match device {
        Device::Cpu { threads } => (words.measured.cpu)(*threads),
        Device::Cuda { name, .. } => name.clone(),
    }
}

/// One remark.
#[derive(Debug)]
pub(crate) struct FlagView {
    /// The style.
    pub(crate) class: &'static str,
    /// Its weight in words.
    pub(crate) severity: &'static str,
    /// Its code in the run file.
    pub(crate) code: &'static str,
    /// What it means and what to do.
    pub(crate) advice: &'static str,
}

/// The flags of a case.
pub(crate) fn flags(words: &Words, flags: &[Flag]) -> Vec<FlagView> {
    let view = |flag: &Flag| FlagView {
        class: match flag.severity() {
            Severity::Note => "flag-note",
            Severity::Warning => "flag-warning",
            Severity::Untrustworthy => "flag-untrustworthy",
        },
        severity: (words.measured.severity)(flag.severity()),
        code: flag.id(),
        advice: flag.advice(words.language),
    };
    flags.iter().map(view).collect()
}

/// One measured case.
#[derive(Debug)]
pub(crate) struct CaseView {
    /// Heading.
    pub(crate) title: String,
    /// What was asked and who answered.
    pub(crate) facts: Vec<String>,
    /// How its logits compare with the plain computation's.
    pub(crate) gate: String,
    /// Raw samples.
    pub(crate) samples: Vec<Figure>,
    /// All figures.
    pub(crate) table: Table,
    /// Its noise, the conditions it was measured in, and the roofline above it.
    pub(crate) details: Vec<Detail>,
    /// What it wrote.
    pub(crate) answers: Option<AnswersView>,
    /// Remarks.
    pub(crate) flags: Vec<FlagView>,
}

impl CaseView {
    /// The case's part of the page; `number` makes its chart ids unique.
    pub(crate) fn new(words: &Words, run: &Run, case: &Measured<'_>, number: usize) -> Self {
        Self {
            title: title(words, case.record),
            facts: facts(words, case.record),
            gate: gate_view::sentence(words, case.record),
            samples: samples_view::figures(words, run, case, number),
            table: figures_table(words, case),
            details: vec![
                noise_view::detail(words, run, case),
                conditions_view::detail(words, run, case),
                roofline_view::detail(words, run, case),
            ],
            answers: AnswersView::new(words, case.record),
            flags: flags(words, &case.record.flags),
        }
    }
}

fn facts(words: &Words, record: &CaseRecord) -> Vec<String> {
    let repetitions = |role: Role| {
        let all = &record.outcome.measurement().repetitions;
        crate::units::index_as_u64(all.iter().filter(|repetition| repetition.role == role).count())
    };
    let device = record
        .observed
        .as_ref()
        .map_or_else(|| words.provenance.unknown.to_owned(), |observed| device(words, &observed.device));
    vec![
        (words.measured.case_facts)(&record.case.workload),
        (words.measured.repetitions)(repetitions(Role::Measured), repetitions(Role::WarmUp)),
        (words.measured.engine)(&record.engine.id, &record.engine.version, &device),
    ]
}

fn figures_table(words: &Words, case: &Measured<'_>) -> Table {
    let (names, f, n) = (&words.measured.figures, case.figures, &words.numerals);
    let mut rows = vec![
        row(words, names.prefill, &n.estimate(&f.prefill_tokens_per_second)),
        row(words, names.decode, &n.estimate(&f.decode_tokens_per_second)),
        row(words, names.first_token, &n.estimate(&f.time_to_first_token)),
        row(words, names.per_token, &n.estimate(&f.time_per_output_token)),
        row(words, names.inter_p50, &n.estimate(&f.inter_token_p50)),
        percentile(words, names.inter_p95, Some(f.inter_token_p95)),
        percentile(words, names.inter_p99, f.inter_token_p99),
        row(words, names.end_to_end, &n.estimate(&f.end_to_end)),
        row(words, names.load, &n.estimate(&f.load)),
    ];
    rows.push(f.peak_memory.as_ref().map_or_else(
        || {
            let none = || words.measured.none.into();
            vec![names.memory.into(), words.measured.no_memory.into(), none(), none(), none(), "0".into()]
        },
        |memory| row(words, names.memory, &n.estimate(memory)),
    ));
    let table = Table::new((words.measured.table)(&title(words, case.record)), &words.measured.columns, rows);
    Table { class: "figures", ..table }
}

/// The row of a percentile: where the sample is too small for one, the reason in the place of the value.
fn percentile(words: &Words, name: &str, percentile: Option<Percentile>) -> Vec<Text> {
    let none = || words.measured.none.into();
    let without = |reason: String| vec![name.into(), reason.into(), none(), none(), none(), none()];
    match percentile {
        Some(Ok(estimate)) => row(words, name, &words.numerals.estimate(&estimate)),
        Some(Err(NoPercentile::TooFewObservations { have, need, .. })) => {
            without((words.measured.no_percentile)(
                crate::units::index_as_u64(have),
                crate::units::index_as_u64(need),
            ))
        }
        None => without(words.measured.not_stated.to_owned()),
    }
}

/// A figure with all that makes it traceable; its rule leads to where the page names the document.
pub(crate) fn row(words: &Words, name: impl Into<Text>, printed: &Printed) -> Vec<Text> {
    let none = || words.measured.none.to_owned();
    let method = printed.method.map(|method| Text::linked((words.measured.method)(method), RULES));
    vec![
        name.into(),
        printed.with_unit().into(),
        range_or_reason(words, printed).into(),
        printed.coverage.clone().unwrap_or_else(none).into(),
        method.unwrap_or_else(|| none().into()),
        words.numerals.count(crate::units::index_as_u64(printed.observations)).into(),
    ]
}

/// The bars over all cases: generation and prefill speed.
pub(crate) fn bars(words: &Words, run: &Run, cases: &[Measured<'_>]) -> Vec<Figure> {
    let w = &words.measured;
    if cases.is_empty() {
        return Vec::new();
    }
    vec![
        bar_figure(words, run, cases, ("bars-decode", w.decode_title), |f| &f.decode_tokens_per_second),
        bar_figure(words, run, cases, ("bars-prefill", w.prefill_title), |f| &f.prefill_tokens_per_second),
    ]
}

fn bar_figure(
    words: &Words,
    run: &Run,
    cases: &[Measured<'_>],
    (id, title): (&str, &str),
    of: fn(&Figures) -> &Estimate<TokensPerSecond>,
) -> Figure {
    let (n, w) = (&words.numerals, &words.measured);
    let printed: Vec<Printed> = cases.iter().map(|case| n.estimate(of(case.figures))).collect();
    let bars: Vec<Bar> = cases
        .iter()
        .zip(&printed)
        .map(|(case, printed)| {
            let estimate = of(case.figures);
            Bar {
                label: self::title(words, case.record),
                value: estimate.value().value(),
                ends: estimate
                    .interval()
                    .ok()
                    .map(|interval| (interval.low().value(), interval.high().value())),
                value_text: printed.value.clone(),
                range_text: printed
                    .range
                    .clone()
                    .unwrap_or_else(|_| words.verdict.no_interval_short.to_owned()),
            }
        })
        .collect();
    let rows = bars.iter().zip(&printed).zip(cases).map(|((bar, printed), case)| {
        let checked = gate_view::mark(words, case.record);
        vec![
            bar.label.clone().into(),
            bar.value_text.clone().into(),
            range_by_rule(words, printed),
            Text::from(checked),
        ]
    });
    Figure {
        title: title.to_owned(),
        wide: Bars { id, title, rows: &bars, tag: run.id.as_str(), numerals: n }.draw(),
        narrow: None,
        caption: format!("{} {}", w.higher, (words.page.chart_source)(run.id.as_str())),
        show_table: words.page.show_table,
        table: Table::new(title, &[w.case, w.value, w.columns[2], words.gate.column], rows.collect()),
    }
}

fn skip_reason(words: &Words, skip: &Skip) -> String {
    let (w, n) = (&words.measured, &words.numerals);
    match skip {
        Skip::Engine { gaps } => {
            let reasons: Vec<&str> = gaps.iter().map(|gap| (w.skip_engine)(*gap)).collect();
            reasons.join(n.semicolon)
        }
        Skip::Memory { needed, free } => (w.skip_memory)(&n.quantity(*needed), &n.quantity(*free)),
        Skip::Limit { needed, limit } => (w.skip_limit)(&n.quantity(*needed), &n.quantity(*limit)),
        Skip::Budget { needed, left } => (w.skip_budget)(&n.quantity(*needed), &n.quantity(*left)),
    }
}

/// Why a case failed: in the words of the page where the reason has a type.
fn failed(words: &Words, failure: &Failure, measurement: &Measurement) -> Text {
    match measurement.gate {
        Some(Gate::Failed(fault)) => gate_view::fault(words, &fault).into(),
        _ => Text::english(words, &failure.reason),
    }
}

/// The cases without figures, with stage and reason; `None` if there is none.
pub(crate) fn failures(words: &Words, run: &Run, cases: &[Measured<'_>]) -> Option<Table> {
    let w = &words.measured;
    let mut rows = Vec::new();
    for record in &run.cases {
        let measurement = record.outcome.measurement();
        let (stage, reason) = match &record.outcome {
            Outcome::Failed(failure, _) => ((w.stage)(failure.stage), failed(words, failure, measurement)),
            Outcome::Skipped(skip) => (w.skipped, skip_reason(words, skip).into()),
            Outcome::Measured(_) if cases.iter().any(|case| std::ptr::eq(case.record, record)) => continue,
            Outcome::Measured(_) => (w.none, w.no_figures.into()),
        };
        let kept = (w.kept)(crate::units::index_as_u64(measurement.repetitions.len()));
        rows.push(vec![title(words, record).into(), stage.into(), reason, kept.into()]);
    }
    (!rows.is_empty()).then(|| Table::new(w.failed_heading, &w.failed_columns, rows))
}
