//! Machine-hours per million tokens, and dollars where a price is known.

use super::case_view::{self, Measured};
use super::component::{Table, Text};
use super::number::{decimals, span};
use super::words::Words;
use crate::cost::{CostRange, HourlyPrice, PriceBasis, PriceOrigin};
use crate::stats::Estimate;
use crate::units::{MachineHoursPerMillionTokens, decimals_for_digits};

/// The section on cost.
#[derive(Debug)]
pub(crate) struct CostView {
    /// The price-free figure of the case that speaks for the run, with its interval or reason; `None` if nothing was measured.
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
    pub(crate) fn new(words: &Words, cases: &[Measured<'_>], price: Option<&HourlyPrice>) -> Self {
        let w = &words.cost;
        let speaks = case_view::headline(cases);
        let headline = speaks.map(|case| {
            let printed = words.numerals.estimate(&case.figures.machine_hours_per_mtok_output);
            (printed.with_unit(), case_view::note(words, &printed))
        });
        let mut rows = Vec::new();
        for case in cases {
            let figures = case.figures;
            rows.push(row(words, case, w.output, &figures.machine_hours_per_mtok_output, price));
            rows.push(row(words, case, w.input, &figures.machine_hours_per_mtok_input, price));
        }
        let table = match price {
            None => {
                Table::new(w.table, &[w.case_and_tokens, w.machine_hours, w.interval, w.at_one_dollar], rows)
            }
            Some(price) => {
                let at = (w.at_price)(&hourly(words, price));
                Table::new(
                    w.table,
                    &[w.case_and_tokens, w.machine_hours, w.interval, &at, w.cost_range],
                    rows,
                )
            }
        };
        Self {
            headline,
            table,
            price: price.map(|price| described(words, price)).unwrap_or_default(),
            batch: speaks
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
    price: Option<&HourlyPrice>,
) -> Vec<Text> {
    let printed = words.numerals.estimate(hours);
    let label = format!("{direction}{}{}", words.numerals.colon, case_view::title(words, case.record));
    let interval = case_view::range_by_rule(words, &printed);
    let mut row = vec![label.into(), printed.value.clone().into(), interval];
    match price.map(|price| dollars(words, price, hours)) {
        Some(Some(amounts)) => row.extend(amounts.map(Text::from)),
        Some(None) => row.extend([(); 2].map(|()| words.measured.none.into())),
        // At one dollar an hour the amount is the number of machine-hours, and so is its interval.
        None => row.push((words.numerals.dollars)(&printed.value, "").into()),
    }
    row
}

/// What a million tokens cost, and both ends in one precision, or the reason why they are not all that is uncertain.
pub(crate) fn dollars(
    words: &Words,
    price: &HourlyPrice,
    hours: &Estimate<MachineHoursPerMillionTokens>,
) -> Option<[String; 2]> {
    let CostRange { low, central, high } = price.cost(hours)?;
    let (low, central, high) = (low.value(), central.value(), high.value());
    let places = if low < high { decimals(central, Some((low, high))) } else { decimals(central, None) };
    let text = |usd: f64| words.numerals.dollars_fixed(usd, places);
    let range = span(&text(low), &text(high));
    let range = match hours.interval() {
        Ok(_) => range,
        Err(reason) => {
            let reason = (words.verdict.no_interval)(&(words.verdict.too_few)(reason));
            if low < high { (words.cost.price_range_only)(&range, &reason) } else { reason }
        }
    };
    Some([text(central), range])
}

/// `$0.10 per hour`, or a range.
pub(crate) fn hourly(words: &Words, price: &HourlyPrice) -> String {
    (words.cost.per_hour)(&amount(words, price))
}

fn amount(words: &Words, price: &HourlyPrice) -> String {
    let (low, high) = (price.low.value(), price.high.value());
    // Whole cents stay whole cents; only finer prices show more.
    let in_cents = [low, high].iter().all(|usd| (usd * 100.0 - (usd * 100.0).round()).abs() < 1e-6);
    let places = if in_cents { 2 } else { decimals_for_digits(low, 2).max(2) };
    let text = |usd: f64| words.numerals.dollars_fixed(usd, places);
    if text(low) == text(high) { text(low) } else { span(&text(low), &text(high)) }
}

fn described(words: &Words, price: &HourlyPrice) -> Vec<String> {
    let w = &words.cost;
    let amount = amount(words, price);
    let (basis, contains) = match price.basis {
        PriceBasis::Rent => ((w.rent)(&amount), w.contains_rent),
        PriceBasis::Own { purchase, life_years } => {
            let years = words.numerals.fixed(life_years, usize::from(life_years.fract() > 0.0));
            ((w.own)(&amount, &words.numerals.money(purchase.value()), &years), w.contains_own)
        }
    };
    let origin = match &price.origin {
        PriceOrigin::User => w.from_user.to_owned(),
        PriceOrigin::Ledger(ids) => (w.from_ledger)(&ids.join(", ")),
    };
    let said = [basis, origin, (w.as_of)(&words.numerals.calendar(&price.as_of))].join(" ");
    vec![said, contains.to_owned(), w.leaves_out.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::super::words::EN;
    use super::*;
    use crate::stats::{CONFIDENCE, Sample};
    use crate::units::{Usd, UsdPerHour};

    fn hours(count: u32) -> Estimate<MachineHoursPerMillionTokens> {
        let hours =
            (0..count).map(|i| MachineHoursPerMillionTokens::new(19.0 + f64::from(i) / 10.0).unwrap());
        Sample::new(hours.collect()).unwrap().median(CONFIDENCE)
    }

    fn price(low: f64, high: f64) -> HourlyPrice {
        let usd = |value: f64| UsdPerHour::new(value).unwrap();
        let own = PriceBasis::Own { purchase: Usd::new(1_800.0).unwrap(), life_years: 4.0 };
        let origin = PriceOrigin::Ledger(vec!["example-cpu".into()]);
        HourlyPrice { low: usd(low), high: usd(high), basis: own, origin, as_of: "2026-11".into() }
    }

    fn shown(price: &HourlyPrice, hours: &Estimate<MachineHoursPerMillionTokens>) -> [String; 2] {
        dollars(&EN, price, hours).unwrap().map(|text| text.replace('\u{a0}', " "))
    }

    #[test]
    fn a_cost_has_its_range_or_the_reason() {
        assert_eq!(shown(&price(0.1, 0.1), &hours(10)), ["$1.945", "$1.910 – $1.980"]);
        assert_eq!(
            shown(&price(0.1, 0.1), &hours(1)),
            ["$1.90", "no interval: 1 observation; an interval needs 6"]
        );
        assert_eq!(
            shown(&price(0.1, 0.2), &hours(1)),
            ["$2.9", "$1.9 – $3.8, price alone; no interval: 1 observation; an interval needs 6"]
        );
    }

    #[test]
    fn a_purchase_says_what_it_is_spread_over() {
        let lines = described(&EN, &price(0.0514, 0.0514));
        assert_eq!(
            lines[0],
            "$0.051 per hour: $1,800 spread over 4\u{a0}years of 8,760 hours. From the ledger: example-cpu. As of November 2026."
        );
        assert!(lines[1].contains("the purchase only"));
    }
}
