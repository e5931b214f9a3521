//! A checked sample, its quantiles, and the distribution-free interval of its median.

use super::estimate::{Estimate, Interval, IntervalMethod, NoInterval};
use crate::units::{Quantity, count_as_f64, count_as_usize, index_as_u64, rounded_u64};

/// A statistic was asked of no observations at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a sample needs at least one observation")]
pub struct EmptySample;

/// At least one observation, in ascending order. The quantity type has already refused NaN and infinities.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<Q> {
    ascending: Vec<Q>,
}

impl<Q: Quantity> Sample<Q> {
    /// Takes the observations in any order.
    pub fn new(mut observations: Vec<Q>) -> Result<Self, EmptySample> {
        if observations.is_empty() {
            return Err(EmptySample);
        }
        observations.sort_by(|a, b| a.value().total_cmp(&b.value()));
        Ok(Self { ascending: observations })
    }

    /// The number of observations.
    pub fn len(&self) -> usize {
        self.ascending.len()
    }

    /// Never true; here because a type with `len` is expected to answer.
    pub fn is_empty(&self) -> bool {
        self.ascending.is_empty()
    }

    /// The observations in ascending order.
    pub fn ascending(&self) -> &[Q] {
        &self.ascending
    }

    /// The `p` quantile, `0 <= p <= 1`, by linear interpolation between the closest ranks
    /// (definition 7 of Hyndman and Fan 1996, the default of R and NumPy): of 1, 2, 3, 4 the median is 2.5.
    pub fn quantile(&self, p: f64) -> Q {
        let position = p.clamp(0.0, 1.0) * count_as_f64(index_as_u64(self.len() - 1));
        let below = count_as_usize(rounded_u64(position.floor()));
        let above = (below + 1).min(self.len() - 1);
        let share = position - position.floor();
        let (low, high) = (self.ascending[below].value(), self.ascending[above].value());
        Q::new(low + (high - low) * share).expect("an interpolation between two amounts is an amount")
    }

    /// The median with the narrowest symmetric pair of order statistics that covers it with at least
    /// `confidence` (distribution-free; see `order_statistic_ranks`).
    ///
    /// With ten observations and 95 % that is the second smallest to the second largest, coverage 97.9 %.
    pub fn median(&self, confidence: f64) -> Estimate<Q> {
        let interval = match order_statistic_ranks(self.len(), confidence) {
            Some((rank, coverage)) => Ok(Interval::new(
                self.ascending[rank - 1],
                self.ascending[self.len() - rank],
                coverage,
                IntervalMethod::OrderStatistics,
            )),
            None => {
                Err(NoInterval::TooFewObservations { have: self.len(), need: smallest_sample(confidence) })
            }
        };
        Estimate::new(self.quantile(0.5), self.len(), interval)
    }
}

/// The largest rank `k` such that the `k`-th smallest and the `k`-th largest of `n` independent observations of one
/// continuous distribution enclose its median with probability of at least `confidence`, and that probability:
/// `1 - 2 x P(Binomial(n, 1/2) <= k - 1)` (David and Nagaraja, Order Statistics, 3rd edition, section 7.1).
///
/// `None` where even the extremes do not reach it, that is below six observations for 95 %.
pub(crate) fn order_statistic_ranks(n: usize, confidence: f64) -> Option<(usize, f64)> {
    let count = count_as_f64(index_as_u64(n));
    // Logarithms, because (1/2)^n is zero in floating point from 1,075 observations on.
    let mut log_probability = count * 0.5_f64.ln();
    let mut tail = 0.0;
    let mut best = None;
    for k in 1..=n / 2 {
        tail += log_probability.exp();
        let coverage = 1.0 - 2.0 * tail;
        if coverage < confidence {
            break;
        }
        best = Some((k, coverage));
        let done = count_as_f64(index_as_u64(k));
        log_probability += ((count - done + 1.0) / done).ln();
    }
    best
}

/// The fewest observations whose extremes enclose the median with `confidence`.
fn smallest_sample(confidence: f64) -> usize {
    (2..usize::MAX).find(|&n| order_statistic_ranks(n, confidence).is_some()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    fn sample(values: &[f64]) -> Sample<Seconds> {
        Sample::new(values.iter().map(|&v| Seconds::new(v).unwrap()).collect()).unwrap()
    }

    #[test]
    fn an_empty_sample_is_refused() {
        assert_eq!(Sample::<Seconds>::new(vec![]), Err(EmptySample));
    }

    #[test]
    fn quantiles_interpolate_as_r_and_numpy_do() {
        let four = sample(&[4.0, 1.0, 3.0, 2.0]);
        assert!((four.quantile(0.5).value() - 2.5).abs() < 1e-12);
        assert!((four.quantile(0.95).value() - 3.85).abs() < 1e-12); // numpy.percentile([1,2,3,4], 95)
        assert!((four.quantile(1.0).value() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn ten_observations_give_ranks_two_to_nine() {
        // Table value: n = 10, k = 2 covers with 1 - 2 x 11/1024.
        let (rank, coverage) = order_statistic_ranks(10, 0.95).unwrap();
        assert_eq!(rank, 2);
        assert!((coverage - (1.0 - 22.0 / 1024.0)).abs() < 1e-12);
    }

    #[test]
    fn many_observations_follow_the_normal_approximation() {
        // Conover, Practical Nonparametric Statistics: k is about (n - 1.96 sqrt(n)) / 2.
        for (n, expected) in [(1_000, 469), (100_000, 49_690)] {
            let (rank, coverage) = order_statistic_ranks(n, 0.95).unwrap();
            assert!(rank.abs_diff(expected) <= 1, "{rank} of {n}");
            assert!((0.95..0.955).contains(&coverage), "{coverage}");
        }
    }

    #[test]
    fn five_observations_cannot_reach_95_percent_and_say_so() {
        let estimate = sample(&[1.0, 2.0, 3.0, 4.0, 5.0]).median(0.95);
        assert_eq!(estimate.interval(), Err(NoInterval::TooFewObservations { have: 5, need: 6 }));
    }

    #[test]
    fn six_observations_use_the_extremes() {
        let estimate = sample(&[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]).median(0.95);
        let interval = estimate.interval().unwrap();
        assert!(
            (interval.low().value() - 1.0).abs() < 1e-12 && (interval.high().value() - 9.0).abs() < 1e-12
        );
        assert!((interval.coverage() - (1.0 - 2.0 / 64.0)).abs() < 1e-12);
    }

    #[test]
    fn coverage_holds_by_simulation() {
        // 2,000 samples of 11 skewed observations: the true median is ln 2 for an exponential of mean 1.
        use rand_xoshiro::rand_core::{RngCore, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(7);
        let mut uniform = || (count_as_f64(rng.next_u64() >> 11) + 0.5) / 9_007_199_254_740_992.0;
        let truth = std::f64::consts::LN_2;
        let hits = (0..2_000)
            .filter(|_| {
                let draw: Vec<f64> = (0..11).map(|_| -f64::ln(uniform())).collect();
                let estimate = sample(&draw).median(0.95);
                let interval = estimate.interval().unwrap();
                interval.low().value() <= truth && truth <= interval.high().value()
            })
            .count();
        // Exact coverage at n = 11 is 98.8 %; four standard errors of 2,000 draws are one percent.
        assert!((1_956..=1_996).contains(&hits), "{hits} of 2000 covered");
    }
}
