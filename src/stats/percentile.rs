//! Which percentiles a sample supports.

use std::fmt;

use super::bootstrap::clustered_quantile;
use super::estimate::Estimate;
use crate::units::{Quantity, count_as_usize, rounded_u64};

/// Why a percentile is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoPercentile {
    /// The sample is too small for this percentile.
    TooFewObservations {
        /// The quantile asked for, between 0 and 1.
        p: f64,
        /// Observations in the sample.
        have: usize,
        /// Observations that this percentile needs.
        need: usize,
    },
}

impl NoPercentile {
    /// The reason that [`fmt::Display`] writes so.
    pub fn from_text(text: &str) -> Option<Self> {
        let (have, rest) = text.strip_prefix("no percentile: ")?.split_once(" observation")?;
        let (percent, need) = rest.split_once("; p")?.1.split_once(" needs ")?;
        let p = percent.parse::<f64>().ok()? / 100.0;
        let reason = Self::TooFewObservations { p, have: have.parse().ok()?, need: need.parse().ok()? };
        (reason.to_string() == text).then_some(reason)
    }
}

impl fmt::Display for NoPercentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::TooFewObservations { p, have, need } = *self;
        let noun = if have == 1 { "observation" } else { "observations" };
        // Rounded to a millionth, so that 0.99 reads 99 and not 99.00000000000001.
        let percent = (p * 1e8).round() / 1e6;
        write!(f, "no percentile: {have} {noun}; p{percent} needs {need}")
    }
}

/// Whether `observations` support the `p` quantile: at least one of them is expected beyond it, on its nearer side.
///
/// `n (1 - p) >= 1` for p above one half and `n p >= 1` below: p95 needs 20, p99 needs 100, p99.9 needs 1,000. With
/// fewer, the percentile would be an interpolation towards the maximum. The median needs one observation.
pub fn supports_percentile(observations: usize, p: f64) -> Result<(), NoPercentile> {
    let need = observations_for_percentile(p);
    if observations >= need {
        Ok(())
    } else {
        Err(NoPercentile::TooFewObservations { p, have: observations, need })
    }
}

/// The fewest observations that support the `p` quantile; `usize::MAX` for the extremes, which no number supports.
pub fn observations_for_percentile(p: f64) -> usize {
    if (p - 0.5).abs() < 1e-9 {
        return 1;
    }
    let beyond = p.min(1.0 - p);
    // Not a number and whatever is outside 0 to 1 lands here too.
    if beyond.is_nan() || beyond <= 0.0 {
        return usize::MAX;
    }
    // The subtraction rounds: 1 / (1 - 0.99) is a hair away from 100.
    count_as_usize(rounded_u64((1.0 / beyond - 1e-6).ceil()))
}

/// [`clustered_quantile`] where the pooled observations support the percentile, and the reason where they do not.
pub fn supported_quantile<Q: Quantity>(
    clusters: &[Vec<Q>],
    p: f64,
    confidence: f64,
) -> Result<Estimate<Q>, NoPercentile> {
    let have = clusters.iter().map(Vec::len).sum();
    supports_percentile(have, p)?;
    clustered_quantile(clusters, p, confidence).map_err(|_| NoPercentile::TooFewObservations {
        p,
        have,
        need: observations_for_percentile(p),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn the_table_of_needs() {
        let needs = [0.5, 0.9, 0.95, 0.99, 0.999, 0.01, 0.05].map(observations_for_percentile);
        assert_eq!(needs, [1, 10, 20, 100, 1_000, 100, 20]);
        for impossible in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
            assert_eq!(observations_for_percentile(impossible), usize::MAX);
        }
    }

    #[test]
    fn refusals_say_what_is_missing() {
        assert_eq!(
            supports_percentile(63, 0.99).unwrap_err().to_string(),
            "no percentile: 63 observations; p99 needs 100"
        );
        assert_eq!(
            supports_percentile(1, 0.999).unwrap_err().to_string(),
            "no percentile: 1 observation; p99.9 needs 1000"
        );
        assert_eq!(supports_percentile(100, 0.99), Ok(()));
        assert_eq!(supports_percentile(1, 0.5), Ok(()));
        assert!(supports_percentile(0, 0.5).is_err());
    }

    #[test]
    fn a_supported_percentile_is_the_clustered_quantile() {
        let clusters: Vec<Vec<Seconds>> = (0..10)
            .map(|c| (0..10).map(|i| Seconds::new(f64::from(10 * c + i)).unwrap()).collect())
            .collect();
        let p99 = supported_quantile(&clusters, 0.99, 0.95).unwrap();
        // Rank 98.01 of 0 to 99, by linear interpolation.
        assert!((p99.value().value() - 98.01).abs() < 1e-9);
        assert_eq!(Ok(p99), clustered_quantile(&clusters, 0.99, 0.95));
        let refused = supported_quantile(&clusters[..9], 0.99, 0.95).unwrap_err();
        assert_eq!(refused, NoPercentile::TooFewObservations { p: 0.99, have: 90, need: 100 });
        assert!(supported_quantile::<Seconds>(&[], 0.5, 0.95).is_err());
    }
}
