//! How much the repetitions of a case differ, and what a comparison could have seen through that.

use super::case_view::{self, Measured};
use super::component::{Detail, Table};
use super::words::Words;
use crate::measurement::{Noise, Run};
use crate::stats::{Estimate, Outlier, Spread};
use crate::units::{Quantity, index_as_u64};

/// Where the rules behind every interval and spread stand.
pub(crate) const STATISTICS: &str = "docs/METHODOLOGY.md#statistics";

/// The case's noise; one line where the method of the run file did not state it.
pub(crate) fn detail(words: &Words, run: &Run, case: &Measured<'_>) -> Detail {
    let w = &words.noise;
    let noise = case.figures.noise.as_ref();
    Detail {
        summary: noise
            .map_or_else(|| w.not_stated.to_owned(), |noise| (w.summary)(&smallest(words, case, noise)[0])),
        lines: vec![],
        table: noise.map(|noise| table(words, run, case, noise)),
        rules: w.rule,
        section: STATISTICS,
    }
}

fn table(words: &Words, run: &Run, case: &Measured<'_>, noise: &Noise) -> Table {
    let (w, n, f) = (&words.noise, &words.numerals, case.figures);
    let mut rows = Vec::new();
    rows.extend(spread(words, "TPOT", &noise.time_per_output_token, &f.time_per_output_token));
    rows.extend(spread(words, "TTFT", &noise.time_to_first_token, &f.time_to_first_token));
    let row = |name: &str, value: String, rule: &str| [name.to_owned(), value, rule.to_owned()];
    rows.push(row(w.starts, (w.starts_of)(noise.process_starts, run.process_starts_asked), w.starts_rule));
    let between = noise.between_starts.map_or_else(|| w.one_start.to_owned(), |ratio| n.share(ratio.value()));
    rows.push(row(w.between, between, w.between_rule));
    rows.push(row(w.outliers, outliers(words, noise), w.outliers_rule));
    let [seen, rule] = smallest(words, case, noise);
    rows.push([w.smallest.to_owned(), seen, rule]);
    let rows = rows.into_iter().map(Vec::from).collect();
    Table::new((w.table)(&case_view::title(words, case.record)), &w.columns, rows)
}

/// Two named measures of how widely a figure's repetitions lie.
fn spread<Q: Quantity>(
    words: &Words,
    name: &str,
    spread: &Spread<Q>,
    estimate: &Estimate<Q>,
) -> [[String; 3]; 2] {
    let (w, n) = (&words.noise, &words.numerals);
    let [deviation, quartiles] = n.spread(spread);
    let share = spread.scaled_mad().value() / estimate.value().value();
    let deviation = if share.is_finite() { (w.of_median)(&deviation, &n.share(share)) } else { deviation };
    [
        [(w.deviation)(name), deviation, w.deviation_rule.to_owned()],
        [(w.quartiles)(name), quartiles, w.quartiles_rule.to_owned()],
    ]
}

fn outliers(words: &Words, noise: &Noise) -> String {
    let (w, n) = (&words.noise, &words.numerals);
    let counted = |class: &Outlier| {
        let count = noise.outliers.of(*class);
        (count > 0).then(|| format!("{}\u{a0}({})", n.count(count), (w.class)(*class)))
    };
    let classes: Vec<String> = Outlier::ALL.iter().filter_map(counted).collect();
    if classes.is_empty() { w.no_outliers.to_owned() } else { classes.join(n.semicolon) }
}

/// The smallest slowdown that could have been seen, and what it was taken from.
fn smallest(words: &Words, case: &Measured<'_>, noise: &Noise) -> [String; 2] {
    let (w, n) = (&words.noise, &words.numerals);
    let measured = index_as_u64(case.record.outcome.measurement().measured().count());
    let Some(smallest) = noise.smallest_difference else {
        return [(w.smallest_unknown)(measured), w.smallest_rule.to_owned()];
    };
    let share = n.share(smallest.slowdown().value());
    if smallest.is_lower_bound() {
        [(w.at_least)(&share), w.bound_rule.to_owned()]
    } else {
        [share, w.smallest_rule.to_owned()]
    }
}
