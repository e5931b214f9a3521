//! Amounts of a machine as text: shares, sizes of caches and memory, bandwidths, operations.

use super::number::{Numerals, Printed, decimals, span};
use crate::stats::{Estimate, Spread};
use crate::units::{Bytes, BytesPerSecond, Quantity, Ratio, decimals_for_digits};

/// Shares below this are printed as being below it.
const LEAST_SHARE: f64 = 1e-4;

impl Numerals {
    /// A part of a whole, with two digits: `0.22 %`, `15 %`, `< 0.01 %`, and `0 %` for none at all.
    pub(crate) fn share(&self, share: f64) -> String {
        let percent = |share: f64| (self.percent)(&self.fixed(share * 100.0, places(share * 100.0)));
        if share <= 0.0 {
            (self.percent)("0")
        } else if share < LEAST_SHARE {
            format!("<\u{a0}{}", percent(LEAST_SHARE))
        } else {
            percent(share)
        }
    }

    /// A ratio with its interval in hundredths.
    pub(crate) fn percentage(&self, ratio: &Estimate<Ratio>) -> Printed {
        self.scaled(ratio, (0.01, "%"))
    }

    /// A size that hardware comes in: `24 GiB`, `1.5 GiB`, `32 KiB`.
    pub(crate) fn binary(&self, bytes: Bytes) -> String {
        let [kibi, mebi, gibi] = self.binary_bytes;
        let steps = [(1_073_741_824.0, gibi), (1_048_576.0, mebi)];
        let (factor, unit) =
            steps.into_iter().find(|(factor, _)| bytes.as_f64() >= *factor * 0.75).unwrap_or((1_024.0, kibi));
        let amount = bytes.as_f64() / factor;
        let tenths = [amount, amount * 10.0];
        let decimals = tenths.iter().position(|scaled| scaled.fract() <= 0.0).unwrap_or(2);
        format!("{}\u{a0}{unit}", self.fixed(amount, decimals))
    }

    /// A bandwidth in the one unit of all bandwidths, so that they can be compared: `874 GB/s`, `1,008 GB/s`.
    pub(crate) fn bandwidth(&self, bandwidth: BytesPerSecond) -> String {
        let gigabytes = bandwidth.value() / 1e9;
        let [.., gigabyte, _] = self.bytes;
        format!("{}\u{a0}{gigabyte}/s", self.fixed(gigabytes, decimals(gigabytes, None)))
    }

    /// An amount that may be nothing at all: `0 s` and not `0.00 s`.
    pub(crate) fn amount<Q: Quantity>(&self, quantity: Q) -> String {
        if quantity.value() > 0.0 {
            return self.quantity(quantity);
        }
        let (_, unit) = self.prefix(Q::UNIT, 0.0);
        format!("0\u{a0}{unit}")
    }

    /// The scaled median absolute deviation, and the quartiles as a stretch.
    pub(crate) fn spread<Q: Quantity>(&self, spread: &Spread<Q>) -> [String; 2] {
        let ends = [spread.first_quartile(), spread.third_quartile()].map(Quantity::value);
        let (factor, unit) = self.prefix(Q::UNIT, ends[1]);
        let [low, high] = ends.map(|end| end / factor);
        let decimals = decimals(high, Some((low, high)));
        let quartiles = span(&self.fixed(low, decimals), &self.fixed(high, decimals));
        [self.amount(spread.scaled_mad()), format!("{quartiles}\u{a0}{unit}")]
    }
}

/// Two digits, but never the digits behind a hundredth.
fn places(percent: f64) -> usize {
    decimals_for_digits(percent, 2).min(2)
}

#[cfg(test)]
mod tests {
    use super::super::words::{EN, FR};
    use super::*;
    use crate::stats::Sample;
    use crate::units::Seconds;

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn shares_keep_two_digits_and_nothing_is_not_little() {
        let shown =
            [0.0, 0.000_03, 0.000_2, 0.002_2, 0.154, 0.999, 1.23].map(|s| plain(&EN.numerals.share(s)));
        assert_eq!(shown, ["0 %", "< 0.01 %", "0.02 %", "0.22 %", "15 %", "100 %", "123 %"]);
        assert_eq!(plain(&FR.numerals.share(0.002_2)), "0,22 %");
    }

    #[test]
    fn sizes_of_hardware_are_powers_of_two() {
        let shown = [24 << 30, 3 << 29, 3 << 28, 32 << 10, 48 << 20, 1_280 << 10]
            .map(|bytes| plain(&EN.numerals.binary(Bytes::new(bytes))));
        assert_eq!(shown, ["24 GiB", "1.5 GiB", "0.75 GiB", "32 KiB", "48 MiB", "1.25 MiB"]);
        assert_eq!(plain(&FR.numerals.binary(Bytes::new(3 << 29))), "1,5 Gio");
    }

    #[test]
    fn a_spread_is_two_named_amounts() {
        let times = [0.069, 0.070, 0.071, 0.072, 0.079].map(|time| Seconds::new(time).unwrap());
        let shown = EN.numerals.spread(&Sample::new(times.to_vec()).unwrap().spread());
        assert_eq!(shown.map(|text| plain(&text)), ["1.48 ms", "70.0 – 72.0 ms"]);
        let constant = Sample::new(vec![Seconds::new(2.0).unwrap(); 3]).unwrap();
        assert_eq!(EN.numerals.spread(&constant.spread()).map(|t| plain(&t)), ["0 s", "2.000 – 2.000 s"]);
    }

    #[test]
    fn bandwidths_share_a_unit() {
        let shown = [874e9, 1_008e9, 24.73e9]
            .map(|rate| plain(&EN.numerals.bandwidth(BytesPerSecond::new(rate).unwrap())));
        assert_eq!(shown, ["874 GB/s", "1,008 GB/s", "24.7 GB/s"]);
    }
}
