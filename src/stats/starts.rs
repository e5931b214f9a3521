//! Repetitions nested in process starts: what differs between two starts of the same program on the same machine.

use super::sample::{EmptySample, Sample};
use super::spread::{NORMAL_MAD, median_of};
use crate::units::{Quantity, Ratio, count_as_f64, index_as_u64};

/// The repetitions of each process start, at least one start with at least one repetition.
///
/// Memory layout, page placement and clock state are drawn once per start, so two starts can differ by more than the
/// noise within either (Kalibera and Jones 2013, Rigorous Benchmarking in Reasonable Time).
#[derive(Clone, Debug, PartialEq)]
pub struct Starts<Q> {
    starts: Vec<Sample<Q>>,
}

impl<Q: Quantity> Starts<Q> {
    /// Takes the repetitions of each start, in any order; starts without a repetition count for nothing.
    pub fn new(starts: Vec<Vec<Q>>) -> Result<Self, EmptySample> {
        let starts: Vec<Sample<Q>> = starts.into_iter().filter_map(|start| Sample::new(start).ok()).collect();
        if starts.is_empty() { Err(EmptySample) } else { Ok(Self { starts }) }
    }

    /// The number of starts.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The repetitions of all starts together.
    pub fn repetitions(&self) -> usize {
        self.starts.iter().map(Sample::len).sum()
    }

    /// The median of each start, in the order given.
    pub fn medians(&self) -> Vec<Q> {
        self.starts.iter().map(|start| start.quantile(0.5)).collect()
    }

    /// The spread between starts: the standard deviation (divisor `k - 1`) of the `k` start medians over their mean.
    ///
    /// Medians of 0.98, 1.00 and 1.02 s have a standard deviation of 0.02 s and a spread of 0.02.
    /// `None` below two starts, and where the mean is zero. It holds what the repetitions of each start leave of their
    /// own noise in its median, too.
    pub fn spread_between(&self) -> Option<Ratio> {
        let medians: Vec<f64> = self.medians().into_iter().map(Quantity::value).collect();
        let deviation = variance(&medians)?.sqrt();
        Ratio::new(deviation / mean(&medians)).ok()
    }

    /// The natural logarithms of the start medians; `None` where a median is zero.
    pub(crate) fn logarithms(&self) -> Option<Vec<f64>> {
        let logarithms: Vec<f64> = self.medians().into_iter().map(|median| median.value().ln()).collect();
        logarithms.iter().all(|l| l.is_finite()).then_some(logarithms)
    }

    /// The variance that the noise within starts alone gives the logarithm of one start median, averaged over starts;
    /// `None` if no start has two repetitions or one has a zero.
    ///
    /// A median of `n` observations of standard deviation `s` has the variance `pi s^2 / (2n)` (David and Nagaraja,
    /// Order Statistics, 3rd edition, chapter 10: asymptotic, and above the exact value for few). `s` is the scaled
    /// median absolute deviation of all repetitions from their start's median, times `sqrt(N / (N - k))` because the
    /// `k` medians were fitted to the `N` repetitions.
    pub(crate) fn variance_within(&self) -> Option<f64> {
        let repeated: Vec<&Sample<Q>> = self.starts.iter().filter(|start| start.len() >= 2).collect();
        let mut distances = Vec::new();
        for start in &repeated {
            let centre = start.quantile(0.5).value();
            distances.extend(start.ascending().iter().map(|q| (q.value() / centre).ln().abs()));
        }
        if distances.is_empty() || distances.iter().any(|d| !d.is_finite()) {
            return None;
        }
        let (all, fitted) = (count(distances.len()), count(repeated.len()));
        let deviation = NORMAL_MAD * median_of(distances) * (all / (all - fitted)).sqrt();
        let per_start: f64 = self.starts.iter().map(|start| 1.0 / count(start.len())).sum();
        let factor = std::f64::consts::FRAC_PI_2 * per_start / count(self.count());
        Some(deviation * deviation * factor)
    }
}

/// A length as a number to divide by.
pub(crate) fn count(length: usize) -> f64 {
    count_as_f64(index_as_u64(length))
}

/// The arithmetic mean; not a number of none at all.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

/// The variance with divisor `n - 1`; `None` below two values.
pub(crate) fn variance(values: &[f64]) -> Option<f64> {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    (values.len() >= 2).then(|| squares / (count(values.len()) - 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Seconds;

    fn starts(values: &[&[f64]]) -> Starts<Seconds> {
        Starts::new(values.iter().map(|s| s.iter().map(|&v| Seconds::new(v).unwrap()).collect()).collect())
            .unwrap()
    }

    #[test]
    fn the_example_of_the_docstring_holds() {
        let three = starts(&[&[0.97, 0.98, 1.2], &[1.0], &[1.02, 1.02]]);
        assert_eq!(three.count(), 3);
        assert_eq!(three.repetitions(), 6);
        assert_eq!(three.medians().iter().map(|m| m.value()).collect::<Vec<_>>(), [0.98, 1.0, 1.02]);
        assert!((three.spread_between().unwrap().value() - 0.02).abs() < 1e-12);
    }

    #[test]
    fn one_start_has_no_spread_between_starts() {
        assert_eq!(starts(&[&[1.0, 2.0]]).spread_between(), None);
        assert_eq!(starts(&[&[0.0], &[0.0]]).spread_between(), None, "no share of nothing");
        assert_eq!(Starts::<Seconds>::new(vec![vec![], vec![]]), Err(EmptySample));
        assert_eq!(Starts::new(vec![vec![], vec![Seconds::ZERO]]).unwrap().count(), 1);
    }

    #[test]
    fn noise_within_starts_is_pooled() {
        // Distances from the medians: ln(1.1) four times, 0 twice; their median is ln(1.1). N = 6, k = 2, n = 3.
        let two = starts(&[&[1.0 / 1.1, 1.0, 1.1], &[2.0 / 1.1, 2.0, 2.2]]);
        let deviation = NORMAL_MAD * 1.1_f64.ln() * (6.0_f64 / 4.0).sqrt();
        let expected = deviation * deviation * std::f64::consts::FRAC_PI_2 / 3.0;
        assert!((two.variance_within().unwrap() - expected).abs() < 1e-12);
        assert_eq!(starts(&[&[1.0], &[2.0]]).variance_within(), None);
        assert_eq!(starts(&[&[0.0, 1.0]]).variance_within(), None);
        assert_eq!(starts(&[&[0.0, 0.0]]).variance_within(), None);
        assert_eq!(starts(&[&[0.0], &[1.0]]).logarithms(), None);
    }

    proptest! {
        #[test]
        fn the_order_within_a_start_and_the_unit_do_not_matter(
            values in proptest::collection::vec(proptest::collection::vec(0.5_f64..2.0, 1..8), 2..6), by in 0.1_f64..10.0,
        ) {
            let build = |change: &dyn Fn(&Vec<f64>) -> Vec<f64>| {
                let changed: Vec<Vec<f64>> = values.iter().map(change).collect();
                starts(&changed.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            let plain = build(&Clone::clone);
            let reversed = build(&|start| start.iter().rev().copied().collect());
            let scaled = build(&|start| start.iter().map(|v| v * by).collect());
            prop_assert_eq!(&plain, &reversed);
            let (a, b) = (plain.spread_between().unwrap().value(), scaled.spread_between().unwrap().value());
            prop_assert!((a - b).abs() < 1e-9);
        }
    }
}
