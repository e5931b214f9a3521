//! The one place where figures become text: digits, thousands, prefixes, money, dates.
//!
//! Digits follow the interval. Its width keeps two significant digits, but the value never shows more than four
//! unless its two ends would otherwise print alike. Without an interval a value shows three.

use crate::measurement::GateDistance;
use crate::stats::{Estimate, IntervalMethod, NoInterval};
use crate::units::{Quantity, decimals_for_digits};

/// How one language writes numbers, units and dates.
#[derive(Debug)]
pub(crate) struct Numerals {
    /// Between groups of three digits.
    pub(crate) thousands: &'static str,
    /// Before the decimals.
    pub(crate) decimal: &'static str,
    /// Between a term and what is said of it.
    pub(crate) colon: &'static str,
    /// Between the parts of a list.
    pub(crate) semicolon: &'static str,
    /// Number and short magnitude to an amount in dollars.
    pub(crate) dollars: fn(&str, &str) -> String,
    /// Number and named magnitude to an amount in dollars.
    pub(crate) dollars_in_words: fn(&str, &str) -> String,
    /// Number to a percentage.
    pub(crate) percent: fn(&str) -> String,
    /// Names of large numbers, largest first.
    pub(crate) large: &'static [Magnitude],
    /// True for numbers that take the singular.
    pub(crate) singular: fn(f64) -> bool,
    /// January to December.
    pub(crate) months: [&'static str; 12],
    /// The number of the first day of a month.
    pub(crate) first: &'static str,
    /// Between a date and a time of day.
    pub(crate) at: &'static str,
    /// Bytes, and their thousands, millions, billions and trillions.
    pub(crate) bytes: [&'static str; 5],
    /// 2^10, 2^20 and 2^30 bytes, which caches and memory come in.
    pub(crate) binary_bytes: [&'static str; 3],
    /// Words of the ledger's calculations and what they are called here.
    pub(crate) notation: &'static [(&'static str, &'static str)],
    /// The quantity whose symbol is a word, in the singular and the plural.
    pub(crate) machine_hours: [&'static str; 2],
}

/// A large number with a name.
#[derive(Debug)]
pub(crate) struct Magnitude {
    /// The number.
    pub(crate) factor: f64,
    /// Its abbreviation.
    pub(crate) short: &'static str,
    /// Its name, in the singular and the plural.
    pub(crate) names: [&'static str; 2],
}

impl Numerals {
    /// `12345.678` with two decimals is `12,345.68`.
    pub(crate) fn fixed(&self, value: f64, decimals: usize) -> String {
        let plain = format!("{value:.decimals$}");
        let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut text = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push_str(self.thousands);
            }
            text.push(digit);
        }
        if !rest.is_empty() {
            text.push_str(self.decimal);
            text.push_str(rest);
        }
        text
    }

    /// A whole number with its thousands.
    pub(crate) fn count(&self, count: u64) -> String {
        self.fixed(crate::units::count_as_f64(count), 0)
    }

    /// Two ends with an en dash, in one precision.
    pub(crate) fn range(&self, low: f64, high: f64, decimals: usize) -> String {
        span(&self.fixed(low, decimals), &self.fixed(high, decimals))
    }

    /// A gate's distance and its limit: `1.2 %`, `9.1 %`.
    pub(crate) fn distance_and_limit(&self, compared: &GateDistance) -> [String; 2] {
        let [distance, tolerance] = compared.percent_decimals();
        [(compared.distance(), distance), (compared.tolerance(), tolerance)]
            .map(|(share, decimals)| (self.percent)(&self.fixed(share.value() * 100.0, decimals)))
    }

    /// A coverage between 0 and 1: `95 %`, `97.9 %`.
    pub(crate) fn coverage(&self, share: f64) -> String {
        let text = format!("{:.1}", share * 100.0);
        let (whole, rest) = text.split_once('.').unwrap_or((&text, "0"));
        let shown = if rest == "0" { whole.to_owned() } else { format!("{whole}{}{rest}", self.decimal) };
        (self.percent)(&shown)
    }

    /// Dollars in short form, two significant digits above a million: `$5.6 M`, `$944 M`, `$1.6 B`, `$1.07`.
    pub(crate) fn money(&self, usd: f64) -> String {
        self.magnitude(usd)
            .map_or_else(|| self.small_money(usd), |(large, text, _)| (self.dollars)(&text, large.short))
    }

    /// Both ends of a stretch, `$4.7 M – $8.3 M`, or one amount where both ends print alike.
    pub(crate) fn money_between(&self, low: f64, high: f64) -> String {
        let (low, high) = (self.money(low), self.money(high));
        if low == high { low } else { span(&low, &high) }
    }

    /// The same in words: `$5.6 million`.
    pub(crate) fn money_in_words(&self, usd: f64) -> String {
        self.magnitude(usd).map_or_else(
            || self.small_money(usd),
            |(large, text, shown)| {
                (self.dollars_in_words)(&text, large.names[usize::from(!(self.singular)(shown))])
            },
        )
    }

    /// The magnitude that names an amount, the number before that name, and the number as it is shown.
    fn magnitude(&self, usd: f64) -> Option<(&'static Magnitude, String, f64)> {
        // 999.6 million would round to "1000 M": the next larger name is taken from there on.
        let large = self.large.iter().find(|large| usd >= large.factor * 0.9995)?;
        let scaled = usd / large.factor;
        let decimals = usize::from(scaled < 9.95);
        let tenfold = if decimals == 1 { 10.0 } else { 1.0 };
        Some((large, self.fixed(scaled, decimals), (scaled * tenfold).round() / tenfold))
    }

    fn small_money(&self, usd: f64) -> String {
        let places = if usd >= 1_000.0 || usd == 0.0 { 0 } else { decimals(usd, None).max(2) };
        (self.dollars)(&self.fixed(usd, places), "")
    }

    /// Dollars in a given precision, for tables and ranges.
    pub(crate) fn dollars_fixed(&self, usd: f64, decimals: usize) -> String {
        (self.dollars)(&self.fixed(usd, decimals), "")
    }

    /// A factor: `287`, `14`, `5.5`.
    pub(crate) fn factor(&self, ratio: f64) -> String {
        self.fixed(ratio, usize::from(ratio < 9.95))
    }

    /// Unix seconds as `21 November 2026, 03:40 UTC`; a time outside the calendar prints as its number.
    pub(crate) fn date_time(&self, unix_seconds: i64) -> String {
        time::OffsetDateTime::from_unix_timestamp(unix_seconds).map_or_else(
            |_| unix_seconds.to_string(),
            |at| format!("{}{}{:02}:{:02}\u{a0}UTC", self.day(at.date()), self.at, at.hour(), at.minute()),
        )
    }

    /// Unix seconds as `21 November 2026`.
    pub(crate) fn date(&self, unix_seconds: i64) -> String {
        time::OffsetDateTime::from_unix_timestamp(unix_seconds)
            .map_or_else(|_| unix_seconds.to_string(), |at| self.day(at.date()))
    }

    /// A date as files write it, spelled out as precisely as it is known: `28 February 2025`, `February 2025`, `2025`;
    /// any other text stays.
    pub(crate) fn calendar(&self, iso: &str) -> String {
        let parts: Vec<&str> = iso.split('-').collect();
        let month = parts.get(1).and_then(|month| month.parse::<usize>().ok());
        let name = month.and_then(|month| self.months.get(month.checked_sub(1)?));
        match (parts.as_slice(), name) {
            ([year, _], Some(name)) => format!("{name} {year}"),
            ([year, _, day], Some(name)) => match day.parse() {
                Ok(day) => format!("{}\u{a0}{name} {year}", self.day_number(day)),
                Err(_) => iso.to_owned(),
            },
            _ => iso.to_owned(),
        }
    }

    fn day(&self, date: time::Date) -> String {
        let month = self.months[usize::from(u8::from(date.month())) - 1];
        format!("{}\u{a0}{month} {}", self.day_number(date.day()), date.year())
    }

    fn day_number(&self, day: u8) -> String {
        if day == 1 { self.first.to_owned() } else { day.to_string() }
    }

    /// One quantity without an interval, with its prefix: `1.12 GB`, `182 ms`.
    pub(crate) fn quantity<Q: Quantity>(&self, quantity: Q) -> String {
        let (factor, unit) = self.prefix(Q::UNIT, quantity.value());
        let scaled = quantity.value() / factor;
        format!("{}\u{a0}{unit}", self.fixed(scaled, decimals(scaled, None)))
    }

    /// The factor and the symbol that make a value readable.
    pub(crate) fn prefix(&self, unit: &'static str, value: f64) -> (f64, &'static str) {
        let first = |steps: &[(f64, &'static str)], unit: &'static str| {
            steps.iter().copied().find(|(factor, _)| value >= *factor * 0.9995).unwrap_or((1.0, unit))
        };
        match unit {
            "s" if value > 0.0 && value < 0.9995e-3 => (1e-6, "µs"),
            "s" => first(&[(1.0, "s"), (1e-3, "ms")], unit),
            "bytes" => {
                let [one, kilo, mega, giga, tera] = self.bytes;
                first(&[(1e12, tera), (1e9, giga), (1e6, mega), (1e3, kilo)], one)
            }
            "FLOP" => first(&[(1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP")], unit),
            "FLOP/s" => first(&[(1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1e6, "MFLOP/s")], unit),
            "machine-hours/Mtok" => (1.0, self.machine_hours[usize::from(!(self.singular)(value))]),
            _ => (1.0, unit),
        }
    }

    /// An estimate with everything a reader needs to trust it.
    pub(crate) fn estimate<Q: Quantity>(&self, estimate: &Estimate<Q>) -> Printed {
        self.scaled(estimate, self.prefix(Q::UNIT, estimate.value().value()))
    }

    /// The same in a unit that is `factor` times the quantity's own.
    pub(crate) fn scaled<Q: Quantity>(
        &self,
        estimate: &Estimate<Q>,
        (factor, unit): (f64, &'static str),
    ) -> Printed {
        let value = estimate.value().value() / factor;
        let ends = estimate.interval().map(|i| (i.low().value() / factor, i.high().value() / factor));
        let decimals = decimals(value, ends.ok());
        Printed {
            value: self.fixed(value, decimals),
            unit,
            range: ends.map(|(low, high)| self.range(low, high, decimals)),
            coverage: estimate.interval().ok().map(|interval| self.coverage(interval.coverage())),
            method: estimate.interval().ok().map(|interval| interval.method()),
            observations: estimate.observations(),
        }
    }
}

/// An estimate as text.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    /// The bare value.
    pub(crate) value: String,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Both ends in the precision of the value, or why there is no interval.
    pub(crate) range: Result<String, NoInterval>,
    /// What the interval covers.
    pub(crate) coverage: Option<String>,
    /// How it was computed.
    pub(crate) method: Option<IntervalMethod>,
    /// Observations behind it.
    pub(crate) observations: usize,
}

impl Printed {
    /// `14.31 tokens/s`, not to be broken across lines.
    pub(crate) fn with_unit(&self) -> String {
        format!("{}\u{a0}{}", self.value, self.unit.replace(' ', "\u{a0}"))
    }
}

/// Two texts with an en dash that stays with its left neighbour.
pub(crate) fn span(low: &str, high: &str) -> String {
    format!("{low}\u{a0}– {high}")
}

/// Decimals for a value and the ends of its interval (see the top of this file).
pub(crate) fn decimals(value: f64, ends: Option<(f64, f64)>) -> usize {
    let Some((low, high)) = ends else { return decimals_for_digits(value, 3) };
    let width = high - low;
    let wanted = if width > 0.0 { decimals_for_digits(width, 2) } else { decimals_for_digits(value, 4) };
    let (least, most) = (decimals_for_digits(value, 2), decimals_for_digits(value, 4));
    let alike = |decimals: usize| format!("{low:.decimals$}") == format!("{high:.decimals$}");
    let mut decimals = wanted.clamp(least, most);
    while width > 0.0 && alike(decimals) && decimals < most + 2 {
        decimals += 1;
    }
    decimals
}

#[cfg(test)]
mod tests {
    use super::super::words::{EN, FR};
    use super::*;
    use crate::stats::{CONFIDENCE, Sample};
    use crate::units::{Bytes, MachineHoursPerMillionTokens, Seconds, TokensPerSecond};

    fn printed(values: &[f64]) -> Printed {
        let rates = values.iter().map(|&v| TokensPerSecond::new(v).unwrap()).collect();
        EN.numerals.estimate(&Sample::new(rates).unwrap().median(CONFIDENCE))
    }

    #[test]
    fn digits_follow_the_interval() {
        for (value, ends, text) in [
            (104.21, Some((101.92, 106.43)), "104.2"),
            (14.3062, Some((14.28, 14.33)), "14.31"),
            (19.44, Some((12.0, 30.0)), "19"),
            (5.0, Some((5.0, 5.0)), "5.000"),
            (0.182_4, None, "0.182"),
            (4_120.6, Some((4_000.0, 4_300.0)), "4,121"),
        ] {
            assert_eq!(EN.numerals.fixed(value, decimals(value, ends)), text);
        }
    }

    #[test]
    fn ends_that_differ_do_not_print_alike() {
        let narrow = decimals(14.306, Some((14.305_9, 14.306_3)));
        assert_eq!(EN.numerals.range(14.305_9, 14.306_3, narrow), "14.3059\u{a0}– 14.3063");
    }

    #[test]
    fn money_is_short_and_rounds_into_the_next_name() {
        let n = &EN.numerals;
        let shown: Vec<String> = [0.0, 0.0042, 1.07, 25_000.0, 5.576e6, 61.44e6, 944e6, 999.9e6, 1.6e9, 10e9]
            .into_iter()
            .map(|usd| n.money(usd).replace('\u{a0}', " "))
            .collect();
        assert_eq!(
            shown,
            ["$0", "$0.00420", "$1.07", "$25,000", "$5.6 M", "$61 M", "$944 M", "$1.0 B", "$1.6 B", "$10 B"]
        );
        let between = |low, high| n.money_between(low, high).replace('\u{a0}', " ");
        assert_eq!(between(4.74e6, 8.336e6), "$4.7 M – $8.3 M");
        assert_eq!(
            between(943.5e6, 944.4e6),
            "$944 M",
            "printed digits read as a range are still one amount"
        );
        assert_eq!(n.money_in_words(5.576e6).replace('\u{a0}', " "), "$5.6 million");
    }

    #[test]
    fn prefixes_are_decimal_and_fit_the_value() {
        let n = &EN.numerals;
        let time = |seconds: f64| n.quantity(Seconds::new(seconds).unwrap()).replace('\u{a0}', " ");
        assert_eq!(
            [time(2.0), time(0.1824), time(0.000_05), time(0.0)],
            ["2.00 s", "182 ms", "50.0 µs", "0.00 s"]
        );
        let bytes = |count: u64| n.quantity(Bytes::new(count)).replace('\u{a0}', " ");
        assert_eq!(
            [bytes(1_117_320_000), bytes(999_990_000), bytes(12)],
            ["1.12 GB", "1.00 GB", "12.0 bytes"]
        );
    }

    #[test]
    fn an_estimate_prints_its_interval_or_keeps_the_reason() {
        let ten: Vec<f64> = (0..10).map(|i| 14.0 + f64::from(i) / 100.0).collect();
        let shown = printed(&ten);
        assert_eq!((shown.value.as_str(), shown.range.as_deref()), ("14.04", Ok("14.01\u{a0}– 14.08")));
        assert_eq!(shown.coverage.as_deref(), Some("97.9\u{a0}%"));
        assert_eq!(printed(&[14.0]).range, Err(NoInterval::TooFewObservations { have: 1, need: 6 }));
    }

    #[test]
    fn dates_are_spelled_in_utc() {
        assert_eq!(EN.numerals.date_time(1_795_232_400), "21\u{a0}November 2026, 03:40\u{a0}UTC");
        assert_eq!(FR.numerals.date_time(1_795_232_400), "21\u{a0}novembre 2026 à 03:40\u{a0}UTC");
        assert_eq!(EN.numerals.date(0), "1\u{a0}January 1970");
        assert_eq!(FR.numerals.date(0), "1er\u{a0}janvier 1970");
        assert_eq!(EN.numerals.date(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn dates_of_files_are_spelled_as_precisely_as_they_are_known() {
        let spelled =
            ["2025", "2025-02", "2025-02-01", "2025-S1", "soon"].map(|date| FR.numerals.calendar(date));
        assert_eq!(spelled, ["2025", "février 2025", "1er\u{a0}février 2025", "2025-S1", "soon"]);
        assert_eq!(EN.numerals.calendar("2025-12-27"), "27\u{a0}December 2025");
    }

    #[test]
    fn french_money_follows_the_house_style() {
        let n = &FR.numerals;
        let short: Vec<String> = [0.0, 0.0042, 1.07, 25_000.0, 5.576e6, 999.9e6, 1.6e9, 10e9, 1.2e12]
            .into_iter()
            .map(|usd| n.money(usd))
            .collect();
        assert_eq!(
            short,
            [
                "0\u{a0}$",
                "0,00420\u{a0}$",
                "1,07\u{a0}$",
                "25\u{202f}000\u{a0}$",
                "5,6\u{a0}M$",
                "1,0\u{a0}Md$",
                "1,6\u{a0}Md$",
                "10\u{a0}Md$",
                "1\u{202f}200\u{a0}Md$"
            ]
        );
        // The plural begins at two, and what is shown decides: 1.96 prints as 2,0.
        for (usd, words) in [
            (1e9, "1,0\u{a0}milliard de dollars"),
            (1.6e9, "1,6\u{a0}milliard de dollars"),
            (1.94e9, "1,9\u{a0}milliard de dollars"),
            (1.96e9, "2,0\u{a0}milliards de dollars"),
            (5.576e6, "5,6\u{a0}millions de dollars"),
            (1.2e12, "1\u{202f}200\u{a0}milliards de dollars"),
        ] {
            assert_eq!(n.money_in_words(usd), words);
        }
    }

    #[test]
    fn french_numbers_and_units() {
        let n = &FR.numerals;
        assert_eq!(n.fixed(1_234_567.891, 3), "1\u{202f}234\u{202f}567,891");
        assert_eq!((n.percent)("61"), "61\u{a0}%");
        assert_eq!(n.coverage(0.978_6), "97,9\u{a0}%");
        let bytes = [1_117_320_000, 12].map(|count| n.quantity(Bytes::new(count)));
        assert_eq!(bytes, ["1,12\u{a0}Go", "12,0\u{a0}octets"]);
        let hours = |value: f64| {
            let one = MachineHoursPerMillionTokens::new(value).unwrap();
            n.estimate(&Sample::new(vec![one]).unwrap().median(CONFIDENCE)).with_unit()
        };
        assert_eq!(hours(1.9), "1,90\u{a0}heure\u{2011}machine");
        assert_eq!(hours(19.4), "19,4\u{a0}heures\u{2011}machine");
    }
}
