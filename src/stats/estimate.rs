//! A number that carries its interval, or the reason why it has none.

use std::fmt;

use crate::units::Quantity;

/// How an interval was computed; printed beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntervalMethod {
    /// Whole clusters (repetitions) resampled with replacement; the percentiles of the resampled statistic.
    ClusterBootstrap,
    /// Two order statistics that enclose the median whatever the distribution.
    OrderStatistics,
}

impl IntervalMethod {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::ClusterBootstrap, Self::OrderStatistics];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ClusterBootstrap => "cluster-bootstrap",
            Self::OrderStatistics => "order-statistics",
        }
    }

    /// The method with this name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }
}

/// Why an estimate has no interval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoInterval {
    /// The sample is too small for the confidence asked.
    TooFewObservations {
        /// Observations in the sample.
        have: usize,
        /// Observations the method needs.
        need: usize,
    },
}

impl NoInterval {
    /// The reason that [`fmt::Display`] writes so.
    pub fn from_text(text: &str) -> Option<Self> {
        let (have, need) = text.split_once("; an interval needs ")?;
        let have = have.split_once(" observation")?.0.parse().ok()?;
        let reason = Self::TooFewObservations { have, need: need.parse().ok()? };
        (reason.to_string() == text).then_some(reason)
    }
}

impl fmt::Display for NoInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewObservations { have: 1, need } => {
                write!(f, "1 observation; an interval needs {need}")
            }
            Self::TooFewObservations { have, need } => {
                write!(f, "{have} observations; an interval needs {need}")
            }
        }
    }
}

/// A range that encloses the true value with the stated probability, for repetition noise on one machine only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval<Q> {
    low: Q,
    high: Q,
    coverage: f64,
    method: IntervalMethod,
}

impl<Q: Quantity> Interval<Q> {
    pub(crate) fn new(low: Q, high: Q, coverage: f64, method: IntervalMethod) -> Self {
        assert!(low <= high, "an interval runs upwards: {low:?} to {high:?}");
        Self { low, high, coverage, method }
    }

    /// Lower end.
    pub fn low(&self) -> Q {
        self.low
    }

    /// Upper end.
    pub fn high(&self) -> Q {
        self.high
    }

    /// The probability with which the method encloses the true value, between 0 and 1.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// The method that gave it.
    pub fn method(&self) -> IntervalMethod {
        self.method
    }
}

/// A point estimate, how many observations it rests on, and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate<Q> {
    value: Q,
    observations: usize,
    interval: Result<Interval<Q>, NoInterval>,
}

impl<Q: Quantity> Estimate<Q> {
    pub(crate) fn new(value: Q, observations: usize, interval: Result<Interval<Q>, NoInterval>) -> Self {
        Self { value, observations, interval }
    }

    /// The point estimate.
    pub fn value(&self) -> Q {
        self.value
    }

    /// The number of observations behind it.
    pub fn observations(&self) -> usize {
        self.observations
    }

    /// The interval, or why there is none.
    pub fn interval(&self) -> Result<Interval<Q>, NoInterval> {
        self.interval
    }

    /// The estimate of a strictly monotone function of the quantity; a falling function swaps the interval's ends.
    ///
    /// Order-statistic and percentile intervals survive such a change exactly. `None` if `f` has no value at the
    /// estimate or at an end of its interval (a rate of zero, say).
    pub fn map<R: Quantity>(&self, f: impl Fn(Q) -> Option<R>) -> Option<Estimate<R>> {
        let interval = match self.interval {
            Ok(interval) => {
                let (a, b) = (f(interval.low)?, f(interval.high)?);
                let (low, high) = if a <= b { (a, b) } else { (b, a) };
                Ok(Interval::new(low, high, interval.coverage, interval.method))
            }
            Err(reason) => Err(reason),
        };
        Some(Estimate::new(f(self.value)?, self.observations, interval))
    }

    /// Half the interval's width over the point estimate, or `None` without an interval or at zero.
    pub fn relative_half_width(&self) -> Option<f64> {
        let interval = self.interval.ok()?;
        let relative = (interval.high.value() - interval.low.value()) / (2.0 * self.value.value());
        relative.is_finite().then_some(relative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Seconds, Tokens, TokensPerSecond};

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    #[test]
    fn a_falling_function_swaps_the_ends() {
        let interval = Interval::new(seconds(2.0), seconds(8.0), 0.95, IntervalMethod::OrderStatistics);
        let time = Estimate::new(seconds(4.0), 10, Ok(interval));
        let rate: Estimate<TokensPerSecond> = time.map(|t| Tokens::new(8).per(t)).unwrap();
        assert!((rate.value().value() - 2.0).abs() < 1e-12);
        let ends = rate.interval().unwrap();
        assert!((ends.low().value() - 1.0).abs() < 1e-12 && (ends.high().value() - 4.0).abs() < 1e-12);
        assert!((time.relative_half_width().unwrap() - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_missing_interval_keeps_its_reason_through_a_map() {
        let missing = NoInterval::TooFewObservations { have: 1, need: 6 };
        let time = Estimate::new(seconds(4.0), 1, Err(missing));
        assert_eq!(time.map(|t| Tokens::new(8).per(t)).unwrap().interval(), Err(missing));
        assert_eq!(missing.to_string(), "1 observation; an interval needs 6");
    }

    #[test]
    fn methods_and_reasons_are_read_back_from_files() {
        for method in IntervalMethod::ALL {
            assert_eq!(IntervalMethod::from_id(method.id()), Some(method));
        }
        assert_eq!(IntervalMethod::from_id("guess"), None);
        for have in [1, 5] {
            let reason = NoInterval::TooFewObservations { have, need: 6 };
            assert_eq!(NoInterval::from_text(&reason.to_string()), Some(reason));
        }
        for other in
            ["", "1 observations; an interval needs 6", "5 observations; an interval needs", "bad luck"]
        {
            assert_eq!(NoInterval::from_text(other), None, "{other}");
        }
    }
}
