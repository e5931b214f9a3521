//! How near a case came to what its device can do, and the ceilings themselves.

use super::case_view::{self, Measured};
use super::component::{Detail, Table, Text};
use super::noise_view::STATISTICS;
use super::provenance_view::Fact;
use super::words::Words;
use crate::hardware::{Ceilings, Machine, MatrixPrecision, MatrixRate, ReadRate};
use crate::measurement::{NoRoofline, Roofline, Run};
use crate::stats::Estimate;
use crate::units::{Ratio, index_as_u64};

/// Where the ceilings and the shares of them are defined.
pub(crate) const ROOFLINES: &str = "docs/METHODOLOGY.md#rooflines";

/// The case under its roofline.
pub(crate) fn detail(words: &Words, run: &Run, case: &Measured<'_>) -> Detail {
    let (w, n) = (&words.roofline, &words.numerals);
    let roofline = Roofline::new(
        &case.record.case,
        case.record.engine.kv_value_bytes,
        case.figures,
        run.ceilings.as_ref(),
    );
    let mfu = roofline.mfu.map(|found| found.ratio);
    let brief = |ratio: &Result<Estimate<Ratio>, NoRoofline>| {
        ratio.map_or_else(|_| w.unknown.to_owned(), |ratio| n.percentage(&ratio).with_unit())
    };
    let step = roofline.step.map_or_else(
        |reason| (w.no_step)((w.reason)(reason)),
        |step| {
            let [total, weights, read, written] =
                [step.total(), step.weights, step.cache_read, step.cache_written]
                    .map(|part| n.quantity(part));
            (w.step)(&total, &weights, &read, &written)
        },
    );
    let bandwidth = run.ceilings.as_ref().and_then(Ceilings::read).map(|rate| read(words, rate));
    let arithmetic = roofline.mfu.ok().map(|found| product(words, &found.ceiling));
    let rows = vec![
        row(words, (w.mbu)(bandwidth.as_deref().filter(|_| roofline.mbu.is_ok())), &roofline.mbu),
        row(words, (w.mfu)(arithmetic.as_deref()), &mfu),
    ];
    let caption = (w.table)(&case_view::title(words, case.record));
    let table = Table::new(caption, &words.measured.columns, rows);
    Detail {
        summary: (w.summary)(&brief(&roofline.mbu), &brief(&mfu)),
        lines: vec![step, (w.prompt)(&n.quantity(roofline.prefill_flop))],
        table: Some(Table { class: "figures", ..table }),
        rules: words.noise.rule,
        section: ROOFLINES,
    }
}

/// A share with its interval, or why there is none.
fn row(words: &Words, name: String, ratio: &Result<Estimate<Ratio>, NoRoofline>) -> Vec<Text> {
    match ratio {
        Ok(ratio) => case_view::row(words, name, &words.numerals.percentage(ratio)),
        Err(reason) => {
            let none = || words.measured.none.into();
            let reason = (words.roofline.because)((words.roofline.reason)(*reason));
            vec![name.into(), reason.into(), none(), none(), none(), none()]
        }
    }
}

/// A bandwidth with the way it was measured.
fn read(words: &Words, rate: &ReadRate) -> String {
    let w = &words.roofline;
    let threads = rate.threads.map(|threads| format!(", {}", (w.threads)(threads))).unwrap_or_default();
    let way = format!("{}{threads}", (w.read_method)(rate.method));
    (w.read)(&words.numerals.bandwidth(rate.rate), &way)
}

/// A matrix rate with its precision and the way it was measured.
fn product(words: &Words, rate: &MatrixRate) -> String {
    let w = &words.roofline;
    let precision = rate.precision.id().to_uppercase();
    (w.product)(&words.numerals.quantity(rate.rate), &precision, (w.product_method)(rate.method))
}

/// The ceilings of the device as facts of the run.
pub(crate) fn facts(words: &Words, ceilings: Option<&Ceilings>) -> Vec<Fact> {
    let (w, n) = (&words.roofline, &words.numerals);
    let reason = |reason| Fact::plain(w.measured_on, (w.because)((w.reason)(reason)));
    let Some(ceilings) = ceilings else {
        return vec![reason(NoRoofline::NoCeilings)];
    };
    let bandwidth = ceilings.read().map(|rate| {
        let set = (w.working_set)(&n.quantity(rate.working_set), rate.passes);
        format!("{}{}{set}", read(words, rate), n.semicolon)
    });
    let best = MatrixPrecision::ALL.iter().filter_map(|precision| ceilings.product(&[*precision]));
    let products = best
        .map(|rate| format!("{}{}{}", product(words, rate), n.semicolon, (w.sizes)(rate.sizes, rate.passes)));
    let oldest = (ceilings.oldest_unix_seconds != ceilings.measured_unix_seconds)
        .then(|| n.date_time(ceilings.oldest_unix_seconds));
    let when = n.date_time(ceilings.measured_unix_seconds);
    let mut found = vec![
        (w.measured_at)(&when, oldest.as_deref(), &case_view::device(words, &ceilings.device)),
        (w.tried)(ceilings.tried(), index_as_u64(ceilings.not_tried.len())),
    ];
    if !ceilings.is_optimised() {
        found.push((w.reason)(NoRoofline::NotOptimised).to_owned());
    }
    vec![
        Fact { see: Some(ROOFLINES), ..Fact::lines(w.measured_on, found) },
        Fact::lines(w.bandwidth, bandwidth.into_iter().collect()),
        Fact::lines(w.matrices, products.collect()),
    ]
}

/// Cores, caches, memory and label: the lasting hardware beyond its one line.
pub(crate) fn hardware(words: &Words, machine: &Machine) -> Vec<Fact> {
    let (w, n) = (&words.roofline, &words.numerals);
    let unknown = || words.provenance.unknown.to_owned();
    let cache = |cache: &crate::hardware::Cache| {
        (w.cache)(cache.level, cache.kind, cache.instances, &n.binary(cache.bytes))
    };
    let caches: Vec<String> = machine.caches.iter().map(cache).collect();
    let label = machine.label.as_ref().map(ToString::to_string);
    vec![
        Fact::plain(w.cores, machine.physical_cores.map_or_else(unknown, |cores| n.count(cores))),
        Fact::lines(w.caches, if caches.is_empty() { vec![unknown()] } else { caches }),
        Fact::plain(w.memory_class, machine.memory_class.map_or_else(unknown, |class| n.binary(class))),
        Fact::lines(w.label, label.into_iter().collect()),
    ]
}

/// The fact that names the rule behind every interval of the page.
pub(crate) fn statistics(words: &Words) -> Fact {
    let w = &words.provenance;
    Fact {
        id: Some("statistics"),
        see: Some(STATISTICS),
        ..Fact::plain(w.statistics, w.statistics_text.to_owned())
    }
}
