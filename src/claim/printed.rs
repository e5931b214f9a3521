//! Printed digits, read in the claimant's favour.
//!
//! A printed number stands for every amount that rounds to it: "5.6" is 5.55 to 5.65. A claim is then never refuted
//! over digits that its author did not print.

use super::range::Range;
use crate::language::Language;

fn reads_as(language: Language, c: char) -> Mark {
    match (language, c) {
        (_, '0'..='9') => Mark::Digit,
        (Language::English, '.') | (Language::French, ',') => Mark::Point,
        (Language::English, ',') | (Language::French, ' ' | '\u{a0}' | '\u{202f}') => Mark::Group,
        _ => Mark::Other,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Digit,
    Point,
    Group,
    Other,
}

/// What may follow the digits, and the power of ten it stands for.
const SCALES: [(&str, i32); 13] = [
    ("%", -2),
    ("k", 3),
    ("K", 3),
    ("thousand", 3),
    ("M", 6),
    ("million", 6),
    ("millions", 6),
    ("B", 9),
    ("billion", 9),
    ("milliard", 9),
    ("milliards", 9),
    ("trillion", 12),
    ("trillions", 12),
];

/// Reads printed digits as the range of amounts that round to them.
///
/// - Decimals count, zeros among them too: "0.28" is 0.275 to 0.285, "0.30" is 0.295 to 0.305.
/// - Zeros that end a whole number do not count: "50,000" is 45,000 to 55,000, because nothing says that they were
///   counted out. `significant` states how many digits do count where that is known: with 5, "50,000" is 49,999.5 to
///   50,000.5.
/// - A word or letter multiplies: "1,6 milliard" in French is 1.55e9 to 1.65e9, "73.7k" is 73,650 to 73,750.
/// - Two numbers and a dash take the outer ends: "5-6 million" is 4.5e6 to 6.5e6, and no central value.
/// - "$", "€", "~" and "%" are understood; "545%" is 5.445 to 5.455.
pub fn read(text: &str, language: Language, significant: Option<u32>) -> Result<Range, String> {
    let refuse = || format!("`{text}` is no printed number that can be read");
    let body = text.trim().trim_start_matches(['~', '$', '€', ' ']);
    let end = body
        .char_indices()
        .find(|&(_, c)| reads_as(language, c) == Mark::Other && !matches!(c, '-' | '\u{2013}'))
        .map_or(body.len(), |(index, _)| index);
    let (digits, scale) = body.split_at(end);
    let exponent = match scale.trim() {
        "" => 0,
        word => SCALES.iter().find(|(name, _)| *name == word).map(|&(_, e)| e).ok_or_else(refuse)?,
    };
    let mut ends = digits
        .split(['-', '\u{2013}'])
        .map(|part| Digits::read(part, language).and_then(|digits| digits.range(exponent, significant)));
    let first = ends.next().flatten().ok_or_else(refuse)?;
    let range = match (ends.next(), ends.next()) {
        (None, _) => Some(first),
        (Some(last), None) => last
            .filter(|last| first.central() < last.central())
            .and_then(|last| Range::between(first.low(), last.high())),
        (Some(_), Some(_)) => None,
    };
    range.ok_or_else(refuse)
}

/// The digits of one number, and where its point stands.
struct Digits {
    digits: String,
    decimals: i32,
}

impl Digits {
    fn read(text: &str, language: Language) -> Option<Self> {
        let mut digits = String::new();
        let mut decimals = None;
        // Groups are checked loosely: a separator only has to stand between two digits before the point.
        let mut last = Mark::Other;
        for c in text.trim().chars() {
            let mark = reads_as(language, c);
            match mark {
                Mark::Digit => {
                    digits.push(c);
                    decimals = decimals.map(|count| count + 1);
                }
                Mark::Point if decimals.is_none() && last == Mark::Digit => decimals = Some(0),
                Mark::Group if decimals.is_none() && last == Mark::Digit => {}
                _ => return None,
            }
            last = mark;
        }
        // Fifteen digits are what an `f64` holds without loss.
        let good = last == Mark::Digit && digits.len() <= 15;
        good.then_some(Self { digits, decimals: decimals.unwrap_or(0) })
    }

    /// The range of numbers that round to these digits times ten to `exponent`.
    fn range(&self, exponent: i32, significant: Option<u32>) -> Option<Range> {
        let leading = self.digits.trim_start_matches('0');
        let dropped = match significant {
            Some(count) => i32::try_from(leading.len()).ok()? - i32::try_from(count).ok()?,
            None if self.decimals > 0 || leading.is_empty() => 0,
            None => i32::try_from(leading.len() - leading.trim_end_matches('0').len()).ok()?,
        };
        if significant == Some(0) || !(0..=15).contains(&dropped) {
            return None;
        }
        // Text is scaled as text: parsing "1.55e9" rounds once, where 1.55 x 1e9 would round twice.
        let scaled = |digits: u64, exponent: i32| format!("{digits}e{exponent}").parse::<f64>().ok();
        let number: u64 = self.digits.parse().ok()?;
        let half_step = 5 * 10_u64.checked_pow(u32::try_from(dropped).ok()?)?;
        let (tenths, power) = (number.checked_mul(10)?, exponent - self.decimals);
        let low = scaled(tenths.saturating_sub(half_step), power - 1)?;
        let high = scaled(tenths.checked_add(half_step)?, power - 1)?;
        Range::new(low, high, Some(scaled(number, power)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::language::Language::{English, French};

    #[track_caller]
    fn reads(text: &str, language: Language, low: f64, high: f64) {
        let range = read(text, language, None).unwrap();
        assert_eq!((range.low(), range.high()), (low, high), "{text}");
    }

    #[test]
    fn decimals_count() {
        reads("5.6", English, 5.55, 5.65);
        reads("0.28", English, 0.275, 0.285);
        reads("0.30", English, 0.295, 0.305);
        reads("226.75", English, 226.745, 226.755);
        reads("0", English, 0.0, 0.5);
    }

    #[test]
    fn words_multiply() {
        reads("1,6 milliard", French, 1.55e9, 1.65e9);
        reads("$944M", English, 943.5e6, 944.5e6);
        reads("€200 billion", English, 150e9, 250e9);
        reads("~73.7k", English, 73_650.0, 73_750.0);
        reads("545%", English, 5.445, 5.455);
        reads("$87,072", English, 87_071.5, 87_072.5);
    }

    #[test]
    fn two_numbers_take_the_outer_ends() {
        reads("5-6 million", English, 4.5e6, 6.5e6);
        reads("5-6 millions", French, 4.5e6, 6.5e6);
        assert_eq!(read("5-6 million", English, None).unwrap().central(), None);
    }

    #[test]
    fn zeros_that_end_a_whole_number_do_not_count_unless_stated() {
        reads("50,000", English, 45_000.0, 55_000.0);
        reads("50\u{a0}000", French, 45_000.0, 55_000.0);
        reads("10 000", French, 5_000.0, 15_000.0);
        let stated = read("50,000", English, Some(5)).unwrap();
        assert_eq!((stated.low(), stated.high()), (49_999.5, 50_000.5));
        assert_eq!(stated.central(), Some(50_000.0));
    }

    #[test]
    fn the_comma_means_what_the_language_says() {
        reads("1,600", English, 1_550.0, 1_650.0);
        reads("1,600", French, 1.599_5, 1.600_5);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let bad = [
            "",
            "million",
            "5.",
            ".5",
            "5..6",
            "1,",
            "5-",
            "5-6-7",
            "6-5",
            "5 furlongs",
            "-5",
            "1e5",
            "12345678901234567",
        ];
        for text in bad {
            assert!(read(text, English, None).is_err(), "`{text}` was taken");
        }
        assert!(read("5", English, Some(0)).is_err() && read("5", English, Some(4)).is_err());
    }

    proptest! {
        #[test]
        fn the_number_itself_always_lies_in_its_reading(value in 0.0..1e6_f64, decimals in 0..6_usize) {
            let text = format!("{value:.decimals$}");
            let range = read(&text, English, None).unwrap();
            // The claimant's unrounded number is inside: the reading never works against them.
            prop_assert!(range.low() <= value * (1.0 + 1e-12) && value <= range.high() * (1.0 + 1e-12), "{text}");
            prop_assert!(range.low() >= 0.0 && range.low() < range.high());
        }

        #[test]
        fn more_digits_never_widen(value in 1.0..1e6_f64, decimals in 0..5_usize) {
            let width = |decimals: usize| {
                let range = read(&format!("{value:.decimals$}"), English, None).unwrap();
                range.high() - range.low()
            };
            prop_assert!(width(decimals + 1) <= width(decimals) * (1.0 + 1e-6) + 1e-9);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}", french: bool) {
            let language = if french { French } else { English };
            drop(read(&text, language, None));
        }
    }
}
