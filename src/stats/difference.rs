//! Whether two runs differ, and how small a difference a run could have seen.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::CONFIDENCE;
use super::starts::{Starts, count, mean, variance};
use crate::units::{Quantity, Ratio};

/// The fewest process starts on each side of a comparison: two leave the spread between starts one degree of freedom,
/// with which hardly any difference could be seen.
pub const FEWEST_STARTS: usize = 3;
/// Fewer repetitions than this say nothing of their own noise.
const FEWEST_REPETITIONS: usize = 6;
/// The probability with which the smallest difference is found.
const POWER: f64 = 0.9;
/// The 97.5 % and the 90 % point of the standard normal distribution, added.
const NORMAL_SUM: f64 = 1.959_963_985 + 1.281_551_566;
/// By number of starts from 3 to 10: how many standard errors of the difference, as estimated from one run's own spread
/// between starts, a slowdown needs to be found with 90 % power on average over runs. Simulated with normal noise
/// (`cargo test --test statistics -- --ignored --nocapture factors`); three starts tell so little of their spread that
/// the factor is more than twice that of a known one, 3.24.
const FACTORS: [f64; 8] = [8.65, 5.60, 4.71, 4.30, 4.08, 3.93, 3.82, 3.74];

/// Why two runs cannot be compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoComparison {
    /// One side has fewer than [`FEWEST_STARTS`] process starts.
    #[error("a comparison needs {FEWEST_STARTS} process starts on each side: {first} and {second} here")]
    TooFewStarts {
        /// Process starts of the first side.
        first: usize,
        /// Process starts of the second side.
        second: usize,
    },
    /// The median of a start is zero, so that there is no ratio.
    #[error("the median of a process start is zero, so there is no ratio")]
    Zero,
}

/// The ratio of two runs with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    ratio: Ratio,
    low: Ratio,
    high: Ratio,
    differs: bool,
}

impl Difference {
    /// The second run over the first, by the geometric means of their start medians: 1.05 is 5 % more.
    pub fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// The lower end of the 95 % interval of the ratio.
    pub fn low(&self) -> Ratio {
        self.low
    }

    /// The upper end of the 95 % interval of the ratio.
    pub fn high(&self) -> Ratio {
        self.high
    }

    /// Whether the interval excludes 1, which is a two-sided test at 5 %.
    pub fn differs(&self) -> bool {
        self.differs
    }
}

/// Compares the second run with the first; swapped arguments give the reciprocal.
///
/// A t test with unequal variances on the logarithms of the start medians (Welch 1947, The Generalization of Student's
/// Problem; degrees of freedom after Satterthwaite 1946), with one change: the variance between the starts of a run
/// counts at least as much as the noise within its starts implies ([`Starts::new`] keeps both), because three starts may
/// agree by luck. So the process start is the unit, and repetitions only make its median steadier.
///
/// Start medians of 0.98, 1.00, 1.02 and 1.08, 1.10, 1.12 s, noise within far smaller: the logarithms have the means
/// -0.00013 and 0.0952 and the standard deviations 0.0200 and 0.0182, the standard error of their difference is 0.0156,
/// with 3.96 degrees of freedom t is 2.79: the ratio is 1.100, its interval 1.053 to 1.149, and the runs differ.
pub fn compare<Q: Quantity>(first: &Starts<Q>, second: &Starts<Q>) -> Result<Difference, NoComparison> {
    if first.count().min(second.count()) < FEWEST_STARTS {
        return Err(NoComparison::TooFewStarts { first: first.count(), second: second.count() });
    }
    let (a, b) = (LogMean::of(first)?, LogMean::of(second)?);
    let difference = b.mean - a.mean;
    let half = half_width(&a, &b);
    Ok(Difference {
        ratio: exponential(difference),
        low: exponential(difference - half),
        high: exponential(difference + half),
        differs: difference.abs() > half,
    })
}

/// Half the width of the interval of the difference of two means of logarithms.
fn half_width(a: &LogMean, b: &LogMean) -> f64 {
    let together = a.variance + b.variance;
    if together <= 0.0 {
        return 0.0;
    }
    let freedom =
        together * together / (a.variance * a.variance / a.freedom + b.variance * b.variance / b.freedom);
    student(f64::midpoint(1.0, CONFIDENCE), freedom) * together.sqrt()
}

/// The smallest slowdown that a comparison would have found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmallestDifference {
    slowdown: Ratio,
    is_lower_bound: bool,
}

impl SmallestDifference {
    /// One that was computed before and written down.
    pub(crate) fn new(slowdown: Ratio, is_lower_bound: bool) -> Self {
        Self { slowdown, is_lower_bound }
    }

    /// The relative slowdown: 0.05 is 5 % slower.
    pub fn slowdown(&self) -> Ratio {
        self.slowdown
    }

    /// True if the run has too few starts to know the spread between them: what it could see is larger than this.
    pub fn is_lower_bound(&self) -> bool {
        self.is_lower_bound
    }
}

/// The smallest relative slowdown that [`compare`] of this run with another, equally noisy one of as many starts would
/// find with 90 % power, from the run's own noise.
///
/// The standard error of the difference is sqrt(2) times that of the mean of this run's logarithms, and the slowdown is
/// as many of them as the number of starts asks for: see `FACTORS` where the starts differ by more than the noise
/// within them implies, else the 97.5 % point of Student's t for two such runs plus its 90 % point for one.
/// Start medians of 0.98, 1.00 and 1.02 s: the standard error is 0.0200 / sqrt(3) = 0.0116, of the difference 0.0163;
/// times 8.65 that is 0.141, and exp(0.141) - 1 a slowdown of 15.2 %. With ten starts of that spread it is 3.4 %.
///
/// Below three starts the figure comes from the noise within them alone and is a lower bound. `None` below six
/// repetitions in all, where their noise is not known, and where a median is zero.
pub fn smallest_difference<Q: Quantity>(run: &Starts<Q>) -> Option<SmallestDifference> {
    if run.repetitions() < FEWEST_REPETITIONS {
        return None;
    }
    let is_lower_bound = run.count() < FEWEST_STARTS;
    let standard_errors = if is_lower_bound {
        run.logarithms()?;
        NORMAL_SUM * (2.0 * run.variance_within()? / count(run.count())).sqrt()
    } else {
        let own = LogMean::of(run).ok()?;
        own.factor() * (2.0 * own.variance).sqrt()
    };
    let slowdown = Ratio::new(standard_errors.exp_m1().min(f64::MAX)).ok()?;
    Some(SmallestDifference { slowdown, is_lower_bound })
}

/// The mean of the logarithms of the start medians.
struct LogMean {
    mean: f64,
    /// The variance of that mean.
    variance: f64,
    /// Starts less one.
    freedom: f64,
    /// Whether the noise within starts explains all of the variance.
    is_noise_within: bool,
}

impl LogMean {
    /// Needs two starts or more.
    fn of<Q: Quantity>(run: &Starts<Q>) -> Result<Self, NoComparison> {
        let logarithms = run.logarithms().ok_or(NoComparison::Zero)?;
        let between = variance(&logarithms).unwrap_or(0.0);
        let within = run.variance_within().unwrap_or(0.0);
        let starts = count(run.count());
        Ok(Self {
            mean: mean(&logarithms),
            variance: between.max(within) / starts,
            freedom: starts - 1.0,
            is_noise_within: within >= between,
        })
    }

    /// Standard errors of the difference that a slowdown needs to be found with [`POWER`].
    fn factor(&self) -> f64 {
        let known =
            student(f64::midpoint(1.0, CONFIDENCE), 2.0 * self.freedom) + student(POWER, self.freedom);
        if self.is_noise_within {
            return known;
        }
        let starts = self.freedom + 1.0;
        let listed = FACTORS.iter().enumerate().find(|(at, _)| (count(*at) + 3.0 - starts).abs() < 0.5);
        // Beyond the table its last entry and a simulation for 20 starts (3.45) lie on this curve.
        listed.map_or(known * (1.0 + 0.75 / starts), |(_, factor)| *factor)
    }
}

/// The `p` quantile of Student's t distribution; `freedom` is at least one.
fn student(p: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.max(1.0)).expect("one degree of freedom or more").inverse_cdf(p)
}

/// A ratio from its logarithm, cut where numbers end.
fn exponential(logarithm: f64) -> Ratio {
    Ratio::new(logarithm.exp().min(f64::MAX)).expect("an exponential is an amount")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Seconds;

    fn run(starts: &[&[f64]]) -> Starts<Seconds> {
        Starts::new(starts.iter().map(|s| s.iter().map(|&v| Seconds::new(v).unwrap()).collect()).collect())
            .unwrap()
    }

    fn close(ratio: Ratio, expected: f64) -> bool {
        (ratio.value() - expected).abs() < 5e-4
    }

    #[test]
    fn student_agrees_with_the_printed_tables() {
        for (p, freedom, expected) in
            [(0.975, 2.0, 4.303), (0.975, 4.0, 2.776), (0.975, 10.0, 2.228), (0.9, 2.0, 1.886)]
        {
            assert!((student(p, freedom) - expected).abs() < 1e-3, "t({p}, {freedom})");
        }
    }

    #[test]
    fn the_example_of_the_docstring_holds() {
        let (a, b) = (run(&[&[0.98], &[1.0], &[1.02]]), run(&[&[1.08], &[1.1], &[1.12]]));
        let difference = compare(&a, &b).unwrap();
        assert!(close(difference.ratio(), 1.100), "{difference:?}");
        assert!(close(difference.low(), 1.053) && close(difference.high(), 1.149), "{difference:?}");
        assert!(difference.differs());
    }

    #[test]
    fn starts_that_agree_by_luck_do_not_make_a_difference() {
        // The medians are equal within each run and 1 % apart, but single repetitions scatter by 10 %.
        let a: &[f64] = &[0.9, 0.95, 1.0, 1.05, 1.1];
        let b: &[f64] = &[0.909, 0.96, 1.01, 1.06, 1.11];
        assert!(!compare(&run(&[a, a, a]), &run(&[b, b, b])).unwrap().differs());
        // Without noise the same 1 % is a difference.
        let same = [&[1.0, 1.0, 1.0][..]; 3];
        let other = [&[1.01, 1.01, 1.01][..]; 3];
        let exact = compare(&run(&same), &run(&other)).unwrap();
        assert!(exact.differs() && close(exact.low(), 1.01) && close(exact.high(), 1.01));
        assert!(!compare(&run(&same), &run(&same)).unwrap().differs());
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let (two, three) = (run(&[&[1.0], &[1.0]]), run(&[&[1.0], &[1.0], &[1.0]]));
        let refused = compare(&two, &three).unwrap_err();
        assert_eq!(refused, NoComparison::TooFewStarts { first: 2, second: 3 });
        assert_eq!(refused.to_string(), "a comparison needs 3 process starts on each side: 2 and 3 here");
        assert_eq!(compare(&run(&[&[0.0], &[1.0], &[1.0]]), &three), Err(NoComparison::Zero));
    }

    #[test]
    fn extreme_amounts_give_extreme_ratios_and_no_panic() {
        let small = run(&[&[f64::MIN_POSITIVE; 2], &[f64::MIN_POSITIVE; 2], &[1.0; 2]]);
        let large = run(&[&[f64::MAX; 2], &[f64::MAX; 2], &[1.0; 2]]);
        assert!(compare(&small, &large).unwrap().high().value() > 1e300);
        assert!(smallest_difference(&small).unwrap().slowdown().value() > 1e300);
    }

    #[test]
    fn the_smallest_difference_of_worked_examples() {
        let pairs = run(&[&[0.98, 0.98], &[1.0, 1.0], &[1.02, 1.02]]);
        let smallest = smallest_difference(&pairs).unwrap();
        assert!(close(smallest.slowdown(), 0.152), "{smallest:?}");
        assert!(!smallest.is_lower_bound());
        let constant = run(&[&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0]]);
        assert_eq!(smallest_difference(&constant).unwrap().slowdown(), Ratio::ZERO);
    }

    #[test]
    fn one_start_gives_a_lower_bound() {
        let one = run(&[&[0.96, 0.98, 1.0, 1.0, 1.02, 1.04]]);
        let smallest = smallest_difference(&one).unwrap();
        assert!(smallest.is_lower_bound());
        let expected = (NORMAL_SUM * (2.0 * one.variance_within().unwrap()).sqrt()).exp_m1();
        assert!((smallest.slowdown().value() - expected).abs() < 1e-12);
        assert!((0.02..0.2).contains(&expected), "{expected}");
        assert_eq!(smallest_difference(&run(&[&[1.0, 1.1, 1.2, 1.3, 1.4]])), None, "five repetitions");
        assert_eq!(smallest_difference(&run(&[&[0.0; 6]])), None);
    }

    #[test]
    fn more_starts_see_smaller_differences() {
        let medians = [0.98, 1.0, 1.02];
        let of = |starts: usize| {
            let repetitions: Vec<Vec<f64>> = (0..starts).map(|i| vec![medians[i % 3]; 2]).collect();
            let borrowed: Vec<&[f64]> = repetitions.iter().map(Vec::as_slice).collect();
            smallest_difference(&run(&borrowed)).unwrap().slowdown().value()
        };
        let sizes: Vec<f64> = [3, 6, 9, 12, 15, 30].into_iter().map(of).collect();
        assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "{sizes:?}");
    }

    proptest! {
        #[test]
        fn swapped_runs_give_the_reciprocal_and_no_unit_matters(
            a in proptest::collection::vec(proptest::collection::vec(0.5_f64..2.0, 1..6), 3..6),
            b in proptest::collection::vec(proptest::collection::vec(0.5_f64..2.0, 1..6), 3..6),
            by in 0.1_f64..10.0,
        ) {
            let build = |starts: &[Vec<f64>], by: f64| {
                let scaled: Vec<Vec<f64>> = starts.iter().map(|s| s.iter().map(|v| v * by).collect()).collect();
                run(&scaled.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            let (one, other) = (build(&a, 1.0), build(&b, 1.0));
            let (there, back) = (compare(&one, &other).unwrap(), compare(&other, &one).unwrap());
            prop_assert!((there.ratio().value() * back.ratio().value() - 1.0).abs() < 1e-9);
            prop_assert!((there.low().value() * back.high().value() - 1.0).abs() < 1e-9);
            prop_assert_eq!(there.differs(), back.differs());
            let scaled = compare(&build(&a, by), &build(&b, by)).unwrap();
            prop_assert!((scaled.ratio().value() / there.ratio().value() - 1.0).abs() < 1e-9);
            prop_assert!((scaled.high().value() / there.high().value() - 1.0).abs() < 1e-6);
        }
    }
}
