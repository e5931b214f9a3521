//! Whether repetitions became slower or faster while they were made.

use super::spread::median_of;
use super::starts::count;
use crate::units::Quantity;

/// Fewer repetitions than this have thirds of a single one.
const FEWEST: usize = 6;
/// A smaller change does not matter: the interval aims at 2 % as well ([`super::Stopping`]).
pub(crate) const RELEVANT: f64 = 0.02;
/// The 98 % point of the standard normal distribution, for a two-sided test at 4 %: together with the search for bursts
/// it calls at most one undisturbed run of twenty disturbed (`tests/statistics`).
const BEYOND_NOISE: f64 = 2.054;

/// How far the last third of the repetitions lies from the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    change: f64,
    trend: f64,
}

impl Drift {
    /// The median of the last third over that of the first, less 1: 0.05 is 5 % more at the end.
    pub fn change(&self) -> f64 {
        self.change
    }

    /// Whether the order of the repetitions shows a trend that independent noise would not: the test of Mann (1945,
    /// Nonparametric Tests Against Trend) and Kendall at 4 %, two-sided.
    pub fn is_beyond_noise(&self) -> bool {
        self.trend.abs() > BEYOND_NOISE
    }

    /// Whether the change is over 2 %, the half-width that repetitions are made for.
    pub fn is_relevant(&self) -> bool {
        self.change.abs() > RELEVANT
    }

    /// Whether a reader must know: beyond what noise explains, and relevant.
    pub fn is_notable(&self) -> bool {
        self.is_beyond_noise() && self.is_relevant()
    }
}

/// The drift of repetitions given in the order of time: `None` below six, and where the
/// median of the first third is zero.
///
/// A third is `n / 3` repetitions, rounded down. Of 1.00, 1.01, 1.02, 1.03, 1.04, 1.05 s the thirds have the medians
/// 1.005 and 1.045 s, a change of 4.0 %, and all 15 pairs rise: S = 15, z = (15 - 1) / sqrt(28.33) = 2.63.
pub fn drift<Q: Quantity>(in_time_order: &[Q]) -> Option<Drift> {
    if in_time_order.len() < FEWEST {
        return None;
    }
    let values: Vec<f64> = in_time_order.iter().map(|q| q.value()).collect();
    let third = values.len() / 3;
    let first = median_of(values[..third].to_vec());
    let last = median_of(values[values.len() - third..].to_vec());
    let change = last / first - 1.0;
    change.is_finite().then(|| Drift { change, trend: trend(&values) })
}

/// The statistic of Mann and Kendall in standard deviations: S, the number of rising less that of falling pairs, moved
/// by one towards zero, over `sqrt(n (n - 1) (2n + 5) / 18)`. Equal values make it smaller than it need be.
fn trend(values: &[f64]) -> f64 {
    let mut rising: f64 = 0.0;
    for (at, early) in values.iter().enumerate() {
        for late in &values[at + 1..] {
            rising += if late > early {
                1.0
            } else if late < early {
                -1.0
            } else {
                0.0
            };
        }
    }
    let n = count(values.len());
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    rising.signum() * (rising.abs() - 1.0).max(0.0) / deviation
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Seconds;

    fn seconds(values: &[f64]) -> Vec<Seconds> {
        values.iter().map(|&v| Seconds::new(v).unwrap()).collect()
    }

    #[test]
    fn the_example_of_the_docstring_holds() {
        let drift = drift(&seconds(&[1.0, 1.01, 1.02, 1.03, 1.04, 1.05])).unwrap();
        assert!((drift.change() - (1.045 / 1.005 - 1.0)).abs() < 1e-12);
        assert!((drift.trend - 14.0 / 28.333_333_f64.sqrt()).abs() < 1e-6);
        assert!(drift.is_beyond_noise() && drift.is_relevant() && drift.is_notable());
    }

    #[test]
    fn a_small_or_unordered_change_is_not_notable() {
        let small = drift(&seconds(&[1.0, 1.001, 1.002, 1.003, 1.004, 1.005])).unwrap();
        assert!(small.is_beyond_noise() && !small.is_relevant() && !small.is_notable());
        let unordered = drift(&seconds(&[1.0, 1.2, 0.9, 1.3, 0.8, 1.3])).unwrap();
        assert!(!unordered.is_beyond_noise() && !unordered.is_notable());
        let constant = drift(&seconds(&[1.0; 20])).unwrap();
        assert!(constant.change().abs() < 1e-12 && !constant.is_beyond_noise());
    }

    #[test]
    fn too_few_and_nothing_have_no_drift() {
        assert_eq!(drift(&seconds(&[1.0, 2.0, 3.0, 4.0, 5.0])), None);
        assert_eq!(drift(&seconds(&[0.0; 12])), None);
        assert_eq!(drift(&seconds(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0])), None);
    }

    #[test]
    fn becoming_faster_is_a_drift_too() {
        let falling = drift(&seconds(&[1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7])).unwrap();
        assert!(falling.change() < 0.0 && falling.is_notable());
    }

    proptest! {
        #[test]
        fn the_unit_does_not_matter_and_time_backwards_turns_the_trend(
            values in proptest::collection::vec(0.5_f64..2.0, 6..40), power in -4_i32..8,
        ) {
            let scaled: Vec<f64> = values.iter().map(|v| v * 2.0_f64.powi(power)).collect();
            prop_assert_eq!(drift(&seconds(&values)), drift(&seconds(&scaled)));
            let backwards: Vec<f64> = values.iter().rev().copied().collect();
            prop_assert!((trend(&values) + trend(&backwards)).abs() < 1e-12);
        }
    }
}
