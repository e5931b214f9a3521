//! Amounts that are known between two ends, and their arithmetic.

/// Everything from a low end to a high end, with the central value where one was stated.
///
/// Ends are finite and `low <= central <= high`. Sums and products follow interval arithmetic: the result encloses
/// whatever the inputs could give. An input that stands twice in a formula counts as two inputs, so the result can be
/// wider than the truth, never narrower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    central: Option<f64>,
}

impl Range {
    /// One exact value.
    pub fn exact(value: f64) -> Option<Self> {
        Self::new(value, value, Some(value))
    }

    /// From `low` to `high`, no central value stated.
    pub fn between(low: f64, high: f64) -> Option<Self> {
        Self::new(low, high, None)
    }

    /// `None` for an end that is not finite, for ends out of order, and for a central value outside of them.
    pub fn new(low: f64, high: f64, central: Option<f64>) -> Option<Self> {
        let inside = central.is_none_or(|value| low <= value && value <= high);
        (low.is_finite() && high.is_finite() && low <= high && inside).then_some(Self { low, high, central })
    }

    /// Lower end.
    pub const fn low(self) -> f64 {
        self.low
    }

    /// Upper end.
    pub const fn high(self) -> f64 {
        self.high
    }

    /// The value that was stated or computed from stated ones, if any: a rent "from 1.70 to 2.99" has none.
    pub const fn central(self) -> Option<f64> {
        self.central
    }

    /// True if both ends are one value.
    pub fn is_exact(self) -> bool {
        self.low >= self.high
    }

    /// True if every value of `other` lies in `self`.
    pub fn encloses(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// True if no value lies in both.
    pub fn is_apart_from(self, other: Self) -> bool {
        self.high < other.low || other.high < self.low
    }

    /// The sum; `None` beyond the largest number.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::new(self.low + other.low, self.high + other.high, self.both(other, |a, b| a + b))
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Option<Self> {
        Self::new(self.low - other.high, self.high - other.low, self.both(other, |a, b| a - b))
    }

    /// The product; `None` beyond the largest number.
    pub fn times(self, other: Self) -> Option<Self> {
        self.corners(other, |a, b| a * b)
    }

    /// The quotient; `None` if the divisor could be zero.
    pub fn over(self, other: Self) -> Option<Self> {
        let could_be_zero = other.low <= 0.0 && other.high >= 0.0;
        if could_be_zero { None } else { self.corners(other, |a, b| a / b) }
    }

    /// Everything between the two, both included. The central values are given up: neither stands for the pair.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high), central: None }
    }

    /// Both operations grow or shrink steadily in each operand, so the extremes stand at the four corners.
    fn corners(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let corners = [
            f(self.low, other.low),
            f(self.low, other.high),
            f(self.high, other.low),
            f(self.high, other.high),
        ];
        if corners.iter().any(|corner| !corner.is_finite()) {
            return None;
        }
        let low = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::new(low, high, self.both(other, f))
    }

    fn both(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Option<f64> {
        Some(f(self.central?, other.central?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(low: f64, high: f64) -> Range {
        Range::between(low, high).unwrap()
    }

    #[test]
    fn ends_out_of_order_or_infinite_are_no_range() {
        assert_eq!(Range::between(2.0, 1.0), None);
        assert_eq!(Range::between(0.0, f64::INFINITY), None);
        assert_eq!(Range::exact(f64::NAN), None);
        assert_eq!(Range::new(1.0, 2.0, Some(3.0)), None);
    }

    #[test]
    fn arithmetic_takes_the_worst_corners() {
        assert_eq!(between(1.0, 2.0).plus(between(10.0, 20.0)), Range::between(11.0, 22.0));
        assert_eq!(between(1.0, 2.0).minus(between(10.0, 20.0)), Range::between(-19.0, -8.0));
        assert_eq!(between(-1.0, 2.0).times(between(10.0, 20.0)), Range::between(-20.0, 40.0));
        assert_eq!(between(1.0, 2.0).over(between(4.0, 8.0)), Range::between(0.125, 0.5));
        assert_eq!(between(1.0, 2.0).over(between(-1.0, 8.0)), None);
        assert_eq!(between(3.0, 4.0).to(between(1.0, 2.0)), between(1.0, 4.0));
    }

    #[test]
    fn central_values_are_computed_only_from_central_values() {
        let run = Range::exact(2_788_000.0).unwrap();
        assert_eq!(run.times(Range::exact(2.0).unwrap()).unwrap().central(), Some(5_576_000.0));
        assert_eq!(run.times(between(1.7, 2.99)).unwrap().central(), None);
    }

    fn ranges() -> impl Strategy<Value = (Range, f64)> {
        (-1e6..1e6_f64, 0.0..1e6_f64, 0.0..=1.0_f64).prop_map(|(low, width, share)| {
            (between(low, low + width), (low + width * share).min(low + width))
        })
    }

    proptest! {
        #[test]
        fn a_result_encloses_the_result_of_any_members((a, x) in ranges(), (b, y) in ranges()) {
            let holds = |range: Option<Range>, value: f64| {
                range.is_none_or(|range| range.low() <= value && value <= range.high())
            };
            prop_assert!(holds(a.plus(b), x + y));
            prop_assert!(holds(a.minus(b), x - y));
            prop_assert!(holds(a.times(b), x * y));
            prop_assert!(holds(a.over(b), x / y));
            prop_assert!(holds(Some(a.to(b)), x) && holds(Some(a.to(b)), y));
        }
    }
}
