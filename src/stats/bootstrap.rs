//! Quantiles of observations that come in clusters, such as the token gaps of several repetitions.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use super::estimate::{Estimate, Interval, IntervalMethod, NoInterval};
use super::sample::{EmptySample, Sample};
use crate::units::{Quantity, count_as_usize, index_as_u64};

/// Resamples drawn; the 2.5 % tail then rests on 25 of them.
const RESAMPLES: usize = 1_000;
/// Fewer clusters than this give no interval: with five, resamples of a single cluster are already common.
const FEWEST_CLUSTERS: usize = 6;
/// Fixed, so that one run file always gives the same interval.
const SEED: u64 = 0x636c_6169_6d62_656e;

/// The `p` quantile of all observations pooled, with a percentile interval from resampling whole clusters.
///
/// Gaps inside one repetition are not independent (a disturbed second slows many of them), so single gaps must not
/// be resampled: the cluster is the unit (Davison and Hinkley 1997, section 3.8). `observations` of the result counts
/// single observations. Percentile intervals from few clusters are too narrow rather than too wide; the interval's
/// `coverage` is the nominal one.
pub fn clustered_quantile<Q: Quantity>(
    clusters: &[Vec<Q>],
    p: f64,
    confidence: f64,
) -> Result<Estimate<Q>, EmptySample> {
    let filled: Vec<&Vec<Q>> = clusters.iter().filter(|cluster| !cluster.is_empty()).collect();
    let pooled = Sample::new(filled.iter().flat_map(|cluster| cluster.iter().copied()).collect())?;
    let point = pooled.quantile(p);
    if filled.len() < FEWEST_CLUSTERS {
        let reason = NoInterval::TooFewObservations { have: filled.len(), need: FEWEST_CLUSTERS };
        return Ok(Estimate::new(point, pooled.len(), Err(reason)));
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut statistics = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let draw =
            (0..filled.len()).flat_map(|_| filled[below(&mut rng, filled.len())].iter().copied()).collect();
        statistics.push(Sample::new(draw)?.quantile(p));
    }
    let spread = Sample::new(statistics)?;
    let tail = (1.0 - confidence) / 2.0;
    let (low, high) = (spread.quantile(tail), spread.quantile(1.0 - tail));
    Ok(Estimate::new(
        point,
        pooled.len(),
        Ok(Interval::new(low, high, confidence, IntervalMethod::ClusterBootstrap)),
    ))
}

/// A whole number below `bound`, by Lemire's multiplication; the bias is below `bound / 2^64`.
fn below(rng: &mut Xoshiro256PlusPlus, bound: usize) -> usize {
    let product = u128::from(rng.next_u64()) * u128::from(index_as_u64(bound));
    count_as_usize(u64::try_from(product >> 64).expect("the high half of a 128-bit product fits 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    fn clusters(values: &[&[f64]]) -> Vec<Vec<Seconds>> {
        values.iter().map(|c| c.iter().map(|&v| Seconds::new(v).unwrap()).collect()).collect()
    }

    #[test]
    fn the_point_is_the_quantile_of_everything_pooled() {
        let estimate = clustered_quantile(&clusters(&[&[1.0, 2.0], &[3.0, 4.0]]), 0.5, 0.95).unwrap();
        assert!((estimate.value().value() - 2.5).abs() < 1e-12);
        assert_eq!(estimate.observations(), 4);
        assert_eq!(estimate.interval(), Err(NoInterval::TooFewObservations { have: 2, need: 6 }));
    }

    #[test]
    fn the_interval_comes_from_the_spread_between_clusters() {
        // Each cluster is constant, so resampling single gaps would see 400 observations and a far narrower range.
        let spread: Vec<Vec<f64>> = (1..=8).map(|i| vec![f64::from(i); 50]).collect();
        let borrowed: Vec<&[f64]> = spread.iter().map(Vec::as_slice).collect();
        let estimate = clustered_quantile(&clusters(&borrowed), 0.5, 0.95).unwrap();
        let interval = estimate.interval().unwrap();
        assert!(interval.low().value() <= 3.0 && interval.high().value() >= 6.0, "{interval:?}");
    }

    #[test]
    fn the_same_data_give_the_same_interval() {
        let data: Vec<Vec<f64>> = (1..=6).map(|i| vec![f64::from(i), f64::from(i) * 1.5]).collect();
        let borrowed: Vec<&[f64]> = data.iter().map(Vec::as_slice).collect();
        let once = clustered_quantile(&clusters(&borrowed), 0.95, 0.95);
        assert_eq!(once, clustered_quantile(&clusters(&borrowed), 0.95, 0.95));
    }

    #[test]
    fn nothing_at_all_is_an_error() {
        assert_eq!(clustered_quantile::<Seconds>(&[vec![]], 0.5, 0.95), Err(EmptySample));
    }
}
