//! The interval methods that were weighed against order statistics and lost; they live here only.

use claimbench::stats::{CONFIDENCE, Sample};
use claimbench::units::{Seconds, count_as_usize, rounded_u64};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::noise::{Noise, length, share};

/// Resamples of the bootstrap.
const RESAMPLES: usize = 400;

/// A way to an interval for the centre of repetitions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    /// Two order statistics around the median: what the program uses.
    OrderStatistics,
    /// The mean of the repetitions and Student's t (Student 1908).
    StudentT,
    /// The median and its bootstrap, corrected for bias and acceleration (Efron 1987, Better Bootstrap Confidence
    /// Intervals).
    Bca,
}

impl Method {
    pub(crate) const ALL: [Self; 3] = [Self::OrderStatistics, Self::StudentT, Self::Bca];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OrderStatistics => "order statistics",
            Self::StudentT => "Student t of the mean",
            Self::Bca => "BCa of the median",
        }
    }

    /// Low and high end at 95 %, or nothing where the method has no interval.
    pub(crate) fn interval(self, times: &[Seconds], noise: &mut Noise) -> Option<(f64, f64)> {
        let values: Vec<f64> = times.iter().map(|t| t.value()).collect();
        match self {
            Self::OrderStatistics => {
                let interval = Sample::new(times.to_vec()).ok()?.median(CONFIDENCE).interval().ok()?;
                Some((interval.low().value(), interval.high().value()))
            }
            Self::StudentT => student_t(&values),
            Self::Bca => bca(&values, noise),
        }
    }
}

fn student_t(values: &[f64]) -> Option<(f64, f64)> {
    let n = length(values.len());
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(f64::midpoint(1.0, CONFIDENCE));
    let half = t * (variance / n).sqrt();
    Some((mean - half, mean + half))
}

fn bca(values: &[f64], noise: &mut Noise) -> Option<(f64, f64)> {
    let normal = Normal::new(0.0, 1.0).ok()?;
    let estimate = median(values.to_vec());
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| median((0..values.len()).map(|_| values[noise.below(values.len())]).collect()))
        .collect();
    resampled.sort_by(f64::total_cmp);
    let below = resampled.partition_point(|v| *v < estimate);
    let not_above = resampled.partition_point(|v| *v <= estimate);
    let bias = normal.inverse_cdf(f64::midpoint(share(below, RESAMPLES), share(not_above, RESAMPLES)));
    let acceleration = acceleration(values);
    let point = |p: f64| {
        let z = bias + normal.inverse_cdf(p);
        let level = normal.cdf(bias + z / (1.0 - acceleration * z));
        let index = count_as_usize(rounded_u64((level * length(RESAMPLES)).floor()));
        resampled[index.min(RESAMPLES - 1)]
    };
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let (low, high) = (point(tail), point(1.0 - tail));
    (low <= high).then_some((low, high))
}

/// The acceleration from the medians without one observation each; 0 where they are all equal.
fn acceleration(values: &[f64]) -> f64 {
    let without: Vec<f64> = (0..values.len())
        .map(|left_out| {
            median(values.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, v)| *v).collect())
        })
        .collect();
    let mean = without.iter().sum::<f64>() / length(without.len());
    let power = |exponent: i32| without.iter().map(|v| (mean - v).powi(exponent)).sum::<f64>();
    let squares = power(2);
    if squares > 0.0 { power(3) / (6.0 * squares.powf(1.5)) } else { 0.0 }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[test]
fn student_t_of_a_worked_example() {
    // Mean 3, standard deviation 1.5811, standard error 0.7071, t(0.975, 4) = 2.776.
    let (low, high) = student_t(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five values");
    assert!((low - 1.0367).abs() < 1e-3 && (high - 4.9633).abs() < 1e-3);
}

#[test]
fn bca_lies_within_the_sample_and_around_its_median() {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    let (low, high) = bca(&values, &mut Noise::new(5)).expect("nine values");
    assert!((1.0..5.0).contains(&low) && (5.0..=9.0).contains(&high), "{low} to {high}");
    assert!(acceleration(&values).abs() < 1e-9, "a symmetric sample has none");
}
