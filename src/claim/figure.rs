//! Numbers as text: inputs in full, so that a reader can recompute; results rounded, so that nothing false is promised.

use super::range::Range;
use super::unit::Unit;

const THOUSAND: f64 = 1e3;
const MILLION: f64 = 1e6;
const BILLION: f64 = 1e9;
/// From here on, powers of ten read better than billions of billions.
const QUADRILLION: f64 = 1e15;

/// An input with all its digits: `2,788,000 GPU*h`, `608 bn token/day`, `(1.7 to 2.99) USD/GPU/h`.
pub(super) fn input(range: Range, unit: &Unit) -> String {
    let amount = if range.is_exact() {
        in_full(range.low())
    } else {
        format!("({} to {})", in_full(range.low()), in_full(range.high()))
    };
    with_unit(amount, unit)
}

/// A result at four significant digits, whole numbers from a thousand on: `5.576 M USD`, `225.9 to 227.9 node`.
pub(super) fn result(range: Range, unit: &Unit) -> String {
    let (low, high) = (rounded(range.low()), rounded(range.high()));
    with_unit(if low == high { low } else { format!("{low} to {high}") }, unit)
}

fn with_unit(amount: String, unit: &Unit) -> String {
    if unit.is_ratio() { amount } else { format!("{amount} {unit}") }
}

fn in_full(value: f64) -> String {
    match value.abs() {
        size if size >= QUADRILLION => format!("{value:e}"),
        size if size >= BILLION => format!("{} bn", grouped(&(value / BILLION).to_string())),
        _ => grouped(&value.to_string()),
    }
}

fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= QUADRILLION => format!("{value:.3e}"),
        size if size >= BILLION => format!("{} bn", grouped(&significant(value / BILLION))),
        size if size >= MILLION => format!("{} M", significant(value / MILLION)),
        size if size >= THOUSAND => grouped(&format!("{value:.0}")),
        _ => significant(value),
    }
}

/// Four significant digits, zeros after the last of them dropped.
fn significant(value: f64) -> String {
    let scientific = format!("{value:.3e}");
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    let text = format!("{value:.*}", usize::try_from(3 - exponent).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A comma after each group of three digits before the point.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let (sign, whole) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(value: f64) -> Range {
        Range::exact(value).unwrap()
    }

    #[test]
    fn inputs_keep_their_digits() {
        let usd = Unit::usd();
        assert_eq!(input(exact(2_788_000.0), &Unit::parse("GPU*h").unwrap()), "2,788,000 GPU*h");
        assert_eq!(input(exact(0.55), &usd), "0.55 USD");
        assert_eq!(input(Range::between(607.5e9, 608.5e9).unwrap(), &usd), "(607.5 bn to 608.5 bn) USD");
        assert_eq!(input(exact(14.8e12), &Unit::default()), "14,800 bn");
    }

    #[test]
    fn results_promise_four_digits() {
        let usd = Unit::usd();
        assert_eq!(result(exact(5_576_000.0), &usd), "5.576 M USD");
        assert_eq!(result(exact(87_072.0), &usd), "87,072 USD");
        assert_eq!(result(exact(286.944_046), &Unit::default()), "286.9");
        assert_eq!(result(exact(0.070_582), &Unit::default()), "0.07058");
        assert_eq!(result(exact(3.2856e24), &Unit::default()), "3.286e24");
        assert_eq!(result(exact(1.6e9), &usd), "1.6 bn USD");
        assert_eq!(result(Range::between(4_739_600.0, 8_336_120.0).unwrap(), &usd), "4.74 M to 8.336 M USD");
        assert_eq!(result(exact(-12_345.4), &usd), "-12,345 USD");
        assert_eq!(result(exact(0.0), &usd), "0 USD");
    }
}
