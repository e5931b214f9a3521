//! Machine-hours per million tokens, and dollars where a price is known.

use super::case_view::{self, Measured};
use super::component::Table;
use super::number::{decimals, span};
use super::price_view::{BasisView, CostRange, OriginView, PriceView};
use super::words::Words;
use crate::stats::Estimate;
use crate::units::MachineHoursPerMillionTokens;

/// The section on cost.
#[derive(Debug)]
pub(crate) struct CostView {
    /// The price-free figure of the first case, with its interval or reason; `None` if nothing was measured.
    pub(crate) headline: Option<(String, String)>,
    /// Output and input of every case.
    pub(crate) table: Table,
    /// What the price is, who named it, what it contains; empty without a price.
    pub(crate) price: Vec<String>,
    /// How many requests ran at once.
    pub(crate) batch: String,
}

impl CostView {
    /// The section for the measured cases, at a price or per 1 $/h.
    pub(crate) fn new(words: &Words, cases: &[Measured<'_>], price: Option<&PriceView>) -> Self {
        let w = &words.cost;
        let headline = cases.first().map(|case| {
            let printed = words.numerals.estimate(&case.figures.machine_hours_per_mtok_output);
            (printed.with_unit(), case_view::note(words, &printed))
        });
        let mut rows = Vec::new();
        for case in cases {
            let figures = &case.figures;
            rows.push(row(words, case, w.output, &figures.machine_hours_per_mtok_output, price));
            rows.push(row(words, case, w.input, &figures.machine_hours_per_mtok_input, price));
        }
        let table = match price {
            None => Table::new(w.table, &[w.case_and_tokens, w.machine_hours, w.interval, w.at_one_dollar], rows),
            Some(price) => {
                let at = (w.at_price)(&hourly(words, price));
                Table::new(w.table, &[w.case_and_tokens, w.machine_hours, w.interval, &at, w.cost_range], rows)
            }
        };
        Self {
            headline,
            table,
            price: price.map(|price| described(words, price)).unwrap_or_default(),
            batch: cases
                .first()
                .map(|case| (w.batch)(&(words.verdict.batch)(case.record.case.workload.batch)))
                .unwrap_or_default(),
        }
    }
}

fn row(
    words: &Words,
    case: &Measured<'_>,
    direction: &str,
    hours: &Estimate<MachineHoursPerMillionTokens>,
    price: Option<&PriceView>,
) -> Vec<String> {
    let printed = words.numerals.estimate(hours);
    let label = format!("{direction}: {}", case_view::title(case.record));
    let mut row = vec![label, printed.value.clone(), case_view::range_or_reason(words, &printed)];
    match price.map(|price| price.cost(hours)) {
        Some(Some(cost)) => {
            let (central, range) = dollars(words, &cost);
            row.extend([central, range]);
        }
        Some(None) => row.extend([(); 2].map(|()| words.measured.none.to_owned())),
        // At one dollar an hour the amount is the number of machine-hours, and so is its interval.
        None => row.push((words.numerals.dollars)(&printed.value, "")),
    }
    row
}

/// The middle and both ends of a cost, in one precision.
pub(crate) fn dollars(words: &Words, cost: &CostRange) -> (String, String) {
    let (low, central, high) = (cost.low.value(), cost.central.value(), cost.high.value());
    let places = decimals(central, Some((low, high)));
    let text = |usd: f64| words.numerals.dollars_fixed(usd, places);
    (text(central), span(&text(low), &text(high)))
}

/// `$0.10 per hour`, or a range.
pub(crate) fn hourly(words: &Words, price: &PriceView) -> String {
    (words.cost.per_hour)(&amount(words, price))
}

fn amount(words: &Words, price: &PriceView) -> String {
    let (low, high) = (price.low.value(), price.high.value());
    let places = decimals(low, None).max(2);
    let text = |usd: f64| words.numerals.dollars_fixed(usd, places);
    if text(low) == text(high) { text(low) } else { span(&text(low), &text(high)) }
}

fn described(words: &Words, price: &PriceView) -> Vec<String> {
    let w = &words.cost;
    let amount = amount(words, price);
    let (basis, contains) = match price.basis {
        BasisView::Rent => ((w.rent)(&amount), w.contains_rent),
        BasisView::Own { purchase, life_years } => {
            let years = words.numerals.fixed(life_years, usize::from(life_years.fract() > 0.0));
            ((w.own)(&amount, &words.numerals.money(purchase.value()), &years), w.contains_own)
        }
    };
    let origin = match &price.origin {
        OriginView::User => w.from_user.to_owned(),
        OriginView::Ledger(ids) => (w.from_ledger)(&ids.join(", ")),
    };
    let as_of = price.as_of.as_deref().map(|date| (w.as_of)(date));
    let said = [Some(basis), Some(origin), as_of].into_iter().flatten().collect::<Vec<_>>().join(" ");
    vec![said, contains.to_owned(), w.leaves_out.to_owned()]
}
