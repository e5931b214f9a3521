//! The raw samples of a case as pictures with their tables: in order of time, outliers and process starts marked.

use super::case_view::{self, Measured};
use super::chart::{Dot, DotKind, Samples};
use super::component::{Figure, Table};
use super::number::decimals;
use super::words::Words;
use crate::measurement::{Figures, Repetition, Role, Run};
use crate::stats::{Estimate, Outlier, classify};
use crate::units::{Quantity, Seconds, Tokens, TokensPerSecond, index_as_u64};

/// Which samples a chart shows.
struct Series<Q> {
    title: fn(&Words) -> &'static str,
    direction: fn(&Words) -> &'static str,
    of_case: fn(&Figures) -> &Estimate<Q>,
    of_repetition: fn(&Repetition) -> Option<Q>,
}

const DECODE: Series<TokensPerSecond> = Series {
    title: |words| words.measured.decode_samples,
    direction: |words| words.measured.higher,
    of_case: |figures| &figures.decode_tokens_per_second,
    of_repetition: |repetition| {
        Tokens::new(repetition.batch * index_as_u64(repetition.gaps.len())).per(repetition.decode())
    },
};

const FIRST_TOKEN: Series<Seconds> = Series {
    title: |words| words.measured.first_samples,
    direction: |words| words.measured.lower,
    of_case: |figures| &figures.time_to_first_token,
    of_repetition: |repetition| Some(repetition.first_token),
};

/// One charted repetition.
struct Charted<'a, Q> {
    repetition: &'a Repetition,
    value: Q,
    outlier: Option<Outlier>,
}

/// Both pictures of a case; `number` makes their ids unique.
pub(crate) fn figures(words: &Words, run: &Run, case: &Measured<'_>, number: usize) -> Vec<Figure> {
    vec![
        figure(words, run, case, &format!("decode-{number}"), &DECODE),
        figure(words, run, case, &format!("first-{number}"), &FIRST_TOKEN),
    ]
}

/// The values in order of time. Outliers are those among the measured values that are shown.
fn charted<'a, Q: Quantity>(case: &Measured<'a>, series: &Series<Q>) -> Vec<Charted<'a, Q>> {
    let mut ordered: Vec<&Repetition> = case.record.outcome.measurement().repetitions.iter().collect();
    ordered.sort_by_key(|repetition| (repetition.process_start, repetition.started, repetition.index));
    let shown = |repetition: &'a Repetition| {
        (series.of_repetition)(repetition).map(|value| Charted { repetition, value, outlier: None })
    };
    let mut charted: Vec<Charted<'_, Q>> = ordered.into_iter().filter_map(shown).collect();
    let mut measured: Vec<&mut Charted<'_, Q>> =
        charted.iter_mut().filter(|one| one.repetition.role == Role::Measured).collect();
    let values: Vec<Q> = measured.iter().map(|one| one.value).collect();
    for (one, class) in measured.iter_mut().zip(classify(&values)) {
        one.outlier = class;
    }
    charted
}

fn figure<Q: Quantity>(
    words: &Words,
    run: &Run,
    case: &Measured<'_>,
    id: &str,
    series: &Series<Q>,
) -> Figure {
    let (n, w) = (&words.numerals, &words.measured);
    let estimate = (series.of_case)(case.figures);
    let printed = n.estimate(estimate);
    // One prefix per picture: the estimate's own decides.
    let (factor, unit) = n.prefix(Q::UNIT, estimate.value().value());
    let median = estimate.value().value() / factor;
    let ends = estimate.interval().ok().map(|i| (i.low().value() / factor, i.high().value() / factor));
    let charted = charted(case, series);
    let dots: Vec<Dot> = charted.iter().map(|one| dot(one, factor)).collect();
    let decimals = decimals(median, ends);
    let texts: Vec<String> = dots.iter().map(|dot| n.fixed(dot.value, decimals)).collect();
    let title = format!("{}, {unit}", (series.title)(words));
    let note = case_view::note(words, &printed);
    let mut desc = (w.samples_desc)(&printed.with_unit(), &note, &texts.join(", "));
    if let Some(outliers) = outliers(words, &charted, &texts) {
        desc = format!("{desc} {outliers}");
    }
    let chart = Samples {
        id,
        title: &format!("{title}{}{}", n.colon, case_view::title(words, case.record)),
        desc: &desc,
        dots: &dots,
        median,
        ends,
        axis_text: w.samples_axis,
        start_text: words.noise.start,
        tag: run.id.as_str(),
        numerals: n,
    };
    Figure {
        wide: chart.draw(),
        narrow: None,
        caption: caption(words, (series.direction)(words), &dots),
        table: table(words, &title, &charted, |place| format!("{}\u{a0}{unit}", texts[place])),
        title,
        show_table: words.page.show_table,
    }
}

fn dot<Q: Quantity>(one: &Charted<'_, Q>, factor: f64) -> Dot {
    let kind = match (one.repetition.role, one.outlier) {
        (Role::WarmUp, _) => DotKind::WarmUp,
        (Role::Measured, Some(_)) => DotKind::Outlier,
        (Role::Measured, None) => DotKind::Measured,
    };
    let Repetition { index, process_start, .. } = *one.repetition;
    Dot { number: index + 1, start: process_start + 1, value: one.value.value() / factor, kind }
}

/// The outliers for those who do not see the picture.
fn outliers<Q>(words: &Words, charted: &[Charted<'_, Q>], texts: &[String]) -> Option<String> {
    let (w, n) = (&words.noise, &words.numerals);
    let far = charted.iter().zip(texts).filter_map(|(one, text)| Some((one.outlier?, text)));
    let list: Vec<String> = far.map(|(class, text)| format!("{text} ({})", (w.class)(class))).collect();
    (!list.is_empty()).then(|| (w.outliers_desc)(&list.join(n.semicolon)))
}

/// How to read the picture: only what is in it is explained.
fn caption(words: &Words, direction: &str, dots: &[Dot]) -> String {
    let mut said = vec![direction, words.measured.samples_caption];
    if dots.iter().any(|dot| dot.kind == DotKind::Outlier) {
        said.push(words.noise.outlier_legend);
    }
    if dots.windows(2).any(|pair| pair[0].start != pair[1].start) {
        said.push(words.noise.starts_legend);
    }
    said.join(" ")
}

fn table<Q>(words: &Words, title: &str, charted: &[Charted<'_, Q>], text: impl Fn(usize) -> String) -> Table {
    let (n, w) = (&words.numerals, &words.measured);
    let role = |one: &Charted<'_, Q>| match (one.repetition.role, one.outlier) {
        (Role::WarmUp, _) => w.warm_up.to_owned(),
        (Role::Measured, None) => w.entered.to_owned(),
        (Role::Measured, Some(class)) => (words.noise.outlier_role)((words.noise.class)(class)),
    };
    let rows = charted.iter().enumerate().map(|(place, one)| {
        let start = n.count(one.repetition.process_start + 1);
        vec![n.count(one.repetition.index + 1), start, text(place), role(one)]
    });
    let headers = [w.repetition, words.noise.start_column, w.value, w.role];
    Table { class: "samples", ..Table::new(title, &headers, rows.collect()) }
}
