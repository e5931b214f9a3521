//! The same case by two engines, side by side, with the ratio of their figures.

use super::case_view;
use super::component::Table;
use super::number::{decimals, span};
use super::words::Words;
use crate::measurement::{Beside, Compared, NoRatio, REFERENCE_ENGINE, Run};
use crate::stats::{CONFIDENCE, Estimate};
use crate::units::Quantity;

/// Where the rules behind the ratio and its interval stand.
const COMPARING: &str = "docs/METHODOLOGY.md#comparing-two-runs";

/// One case by two engines.
#[derive(Debug)]
pub(crate) struct EnginesView {
    /// The case.
    pub(crate) heading: String,
    /// What the columns mean; `None` where the other engine is not candle-transformers.
    pub(crate) meaning: Option<String>,
    /// The figures of both.
    pub(crate) table: Table,
    /// Where the rules stand in the repository.
    pub(crate) section: &'static str,
}

/// Every case that two engines measured, in the order of the run.
pub(crate) fn pairs(words: &Words, run: &Run) -> Vec<EnginesView> {
    Beside::all(run).iter().map(|pair| EnginesView::new(words, pair)).collect()
}

impl EnginesView {
    fn new(words: &Words, pair: &Beside<'_>) -> Self {
        let (w, names) = (&words.engines, &words.measured.figures);
        let (own, other) = (pair.own_figures, pair.other_figures);
        let both = |of: fn(&crate::measurement::Figures) -> &Estimate<_>| [of(own), of(other)].map(Some);
        let speeds = [
            (names.decode, both(|f| &f.decode_tokens_per_second), pair.decode()),
            (names.prefill, both(|f| &f.prefill_tokens_per_second), pair.prefill()),
        ];
        let mut rows: Vec<Vec<String>> =
            speeds.into_iter().map(|(name, figures, ratio)| row(words, name, figures, ratio)).collect();
        rows.push(row(words, names.load, [Some(&own.load), Some(&other.load)], pair.load()));
        let memory = [own.peak_memory.as_ref(), other.peak_memory.as_ref()];
        rows.push(row(words, names.memory, memory, pair.memory()));
        let case = case_view::title_of(words, &pair.own.case);
        let (own, other) = (pair.own.engine.id.as_str(), pair.other.engine.id.as_str());
        let columns = [w.figure, own, other, &(w.ratio)(own, other)];
        Self {
            heading: (w.heading)(&case),
            meaning: (other == REFERENCE_ENGINE).then(|| (w.meaning)(own, other)),
            table: Table::new(w.table, &columns, rows),
            section: COMPARING,
        }
    }
}

/// A figure of both engines, each with its interval, and the first over the second.
fn row<Q: Quantity>(
    words: &Words,
    name: &str,
    figures: [Option<&Estimate<Q>>; 2],
    ratio: Result<Compared, NoRatio>,
) -> Vec<String> {
    let shown = |figure: Option<&Estimate<Q>>| match figure {
        Some(estimate) => {
            let printed = words.numerals.estimate(estimate);
            format!("{} ({})", printed.with_unit(), case_view::range_or_reason(words, &printed))
        }
        None => words.measured.no_memory.to_owned(),
    };
    let [own, other] = figures.map(shown);
    vec![name.to_owned(), own, other, ratio_text(words, ratio)]
}

/// `1.714 (1.65 – 1.78, 95 %)`, or the reason why one of the two is not there.
fn ratio_text(words: &Words, compared: Result<Compared, NoRatio>) -> String {
    let (w, n) = (&words.engines, &words.numerals);
    let Ok(Compared { ratio, interval }) = compared else { return w.no_ratio.to_owned() };
    let ratio = ratio.value();
    match interval {
        Ok([low, high]) => {
            let (low, high) = (low.value(), high.value());
            let places = decimals(ratio, Some((low, high)));
            let range = span(&n.fixed(low, places), &n.fixed(high, places));
            (w.with_interval)(&n.fixed(ratio, places), &range, &n.coverage(CONFIDENCE))
        }
        Err(why) => format!("{} ({})", n.fixed(ratio, decimals(ratio, None)), (w.no_interval)(why)),
    }
}
