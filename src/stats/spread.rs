//! How widely observations lie, by named measures: an unnamed "+-" is never printed.

use super::sample::Sample;
use crate::units::Quantity;

/// `1 / F(3/4)` with `F` the quantile function of the standard normal distribution. It makes the median absolute
/// deviation of normal noise equal to its standard deviation (Rousseeuw and Croux 1993, Alternatives to the Median
/// Absolute Deviation, section 1).
pub(crate) const NORMAL_MAD: f64 = 1.482_602_218_505_602;

/// The named measures of how widely a sample lies, in the unit of the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread<Q> {
    scaled_mad: Q,
    first_quartile: Q,
    third_quartile: Q,
}

impl<Q: Quantity> Spread<Q> {
    /// A spread that was computed before and written down.
    pub(crate) fn new(scaled_mad: Q, first_quartile: Q, third_quartile: Q) -> Self {
        Self { scaled_mad, first_quartile, third_quartile }
    }

    /// The scaled median absolute deviation: 1.4826 times the median distance from the median.
    ///
    /// Of 1, 2, 3, 4, 9 the median is 3, the distances are 2, 1, 0, 1, 6, their median is 1, the result 1.4826.
    pub fn scaled_mad(&self) -> Q {
        self.scaled_mad
    }

    /// The first quartile, by the definition of [`Sample::quantile`]: of 1, 2, 3, 4, 9 it is 2.
    pub fn first_quartile(&self) -> Q {
        self.first_quartile
    }

    /// The third quartile, by the definition of [`Sample::quantile`]: of 1, 2, 3, 4, 9 it is 4.
    pub fn third_quartile(&self) -> Q {
        self.third_quartile
    }

    /// The interquartile range as a bare number in `Q`'s unit, zero or more.
    pub(crate) fn interquartile_range(&self) -> f64 {
        (self.third_quartile.value() - self.first_quartile.value()).max(0.0)
    }
}

impl<Q: Quantity> Sample<Q> {
    /// The spread of the sample. A single observation has none: all distances are zero.
    pub fn spread(&self) -> Spread<Q> {
        let centre = self.quantile(0.5).value();
        let distances = self.ascending().iter().map(|q| (q.value() - centre).abs()).collect();
        // Cut at the largest number, so that not even amounts near it can overflow.
        let scaled = (NORMAL_MAD * median_of(distances)).min(f64::MAX);
        Spread {
            scaled_mad: Q::new(scaled).expect("a distance between two amounts is an amount"),
            first_quartile: self.quantile(0.25),
            third_quartile: self.quantile(0.75),
        }
    }
}

/// The median of bare numbers, 0 of none at all.
pub(crate) fn median_of(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => 0.0,
        odd if odd.len() % 2 == 1 => odd[middle],
        even => even[middle - 1] + (even[middle] - even[middle - 1]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::{Bytes, Seconds};

    fn spread(values: &[f64]) -> Spread<Seconds> {
        Sample::new(values.iter().map(|&v| Seconds::new(v).unwrap()).collect()).unwrap().spread()
    }

    #[test]
    fn the_example_of_the_docstrings_holds() {
        let spread = spread(&[9.0, 1.0, 3.0, 2.0, 4.0]);
        assert!((spread.scaled_mad().value() - 1.4826).abs() < 1e-5);
        assert!((spread.first_quartile().value() - 2.0).abs() < 1e-12);
        assert!((spread.third_quartile().value() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn one_observation_has_no_spread() {
        let spread = spread(&[0.07]);
        assert_eq!(spread.scaled_mad(), Seconds::ZERO);
        assert_eq!(spread.first_quartile(), spread.third_quartile());
    }

    #[test]
    fn amounts_near_the_largest_number_do_not_overflow() {
        let spread = spread(&[0.0, 0.0, f64::MAX, f64::MAX]);
        assert!(spread.scaled_mad().value().is_finite());
        let bytes = Sample::new(vec![Bytes::new(0), Bytes::new(u64::MAX)]).unwrap().spread();
        assert!(bytes.scaled_mad() <= Bytes::new(u64::MAX));
    }

    #[test]
    fn medians_of_bare_numbers() {
        assert!((median_of(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median_of(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median_of(Vec::new()).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn spread_scales_with_the_unit(values in proptest::collection::vec(0.01_f64..100.0, 1..40), by in 0.1_f64..10.0) {
            let scaled: Vec<f64> = values.iter().map(|v| v * by).collect();
            let (once, twice) = (spread(&values), spread(&scaled));
            prop_assert!((once.scaled_mad().value() * by - twice.scaled_mad().value()).abs() < 1e-9);
            prop_assert!((once.first_quartile().value() * by - twice.first_quartile().value()).abs() < 1e-9);
            prop_assert!((once.third_quartile().value() * by - twice.third_quartile().value()).abs() < 1e-9);
        }
    }
}
