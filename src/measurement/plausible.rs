//! What cannot be: more bytes per second than the memory gives, an energy that is not power times time, more power than the
//! limit. The same rules serve our own figures and cited ones.

use super::roofline::NoRoofline;
use crate::units::{Bytes, BytesPerSecond, Joules, Ratio, Seconds, TokensPerSecond, Watts};

/// A utilisation of the memory above this cannot be: the ceiling was measured too, and is off by a few percent at most.
pub const IMPLAUSIBLE_ABOVE: f64 = 1.05;

/// Weights at least so many times as large as the last-level cache cannot be read from it in any relevant part.
pub const CACHES_PER_WEIGHTS: u64 = 4;

/// An energy may differ from mean power times duration by this share: both are sampled.
pub const ENERGY_TOLERANCE: f64 = 0.05;

/// What the rule says of a speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plausibility {
    /// The memory can be read so fast.
    Plausible,
    /// It cannot: so many times the device's read bandwidth would be needed.
    Implausible(Ratio),
    /// The rule does not apply.
    NotJudged(NotJudged),
}

/// Why a speed is not judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotJudged {
    /// There is no utilisation.
    NoRatio(NoRoofline),
    /// Nobody says how many sequences were decoded together, and all of them share one reading of the weights.
    BatchUnknown,
    /// The size of the last-level cache is not known.
    CacheUnknown,
    /// The weights are less than four times the cache, so a part of them may stay in it.
    NearCache,
}

impl Plausibility {
    /// Judges a utilisation of the read bandwidth. It is implausible above [`IMPLAUSIBLE_ABOVE`] if the batch is stated and the
    /// weights are at least [`CACHES_PER_WEIGHTS`] times the last-level cache; what is not known is not judged.
    pub fn of(utilisation: Ratio, batch: Option<u64>, weights: Bytes, cache: Option<Bytes>) -> Self {
        let Some(cache) = cache else { return Self::NotJudged(NotJudged::CacheUnknown) };
        if batch.is_none() {
            Self::NotJudged(NotJudged::BatchUnknown)
        } else if weights.count() < cache.count().saturating_mul(CACHES_PER_WEIGHTS) {
            Self::NotJudged(NotJudged::NearCache)
        } else if is_above(utilisation) {
            Self::Implausible(utilisation)
        } else {
            Self::Plausible
        }
    }

    /// True if the figure must not be believed.
    pub const fn is_implausible(self) -> bool {
        matches!(self, Self::Implausible(_))
    }
}

fn is_above(utilisation: Ratio) -> bool {
    utilisation.value() > IMPLAUSIBLE_ABOVE
}

/// A cited decode speed of one sequence beside the published bandwidth of the card it is said of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CitedSpeed {
    /// Bytes per second that the weights would have to be read with.
    pub needed: BytesPerSecond,
    /// That over the published bandwidth.
    pub utilisation: Ratio,
    /// True if it is above the card's bandwidth for one sequence without speculation, beyond the tolerance of 5 %.
    pub is_above: bool,
}

/// Holds a cited speed of one sequence, each token of which reads `bytes_per_step`, against a published bandwidth. `None` if
/// the bandwidth is zero.
///
/// A speed above it is not a lie by itself: it may be the sum of several sequences, or several tokens of a draft may have
/// been checked in one step. It is one of neither without such a thing.
///
/// ```
/// # use claimbench::{measurement::cited_speed, units::{Bytes, BytesPerSecond, TokensPerSecond}};
/// let published = BytesPerSecond::new(448e9).unwrap();
/// let cited = cited_speed(TokensPerSecond::new(115.0).unwrap(), Bytes::new(7_600_000_000), published).unwrap();
/// assert!((cited.needed.value() - 874e9).abs() < 1.0);
/// assert!((cited.utilisation.value() - 1.95).abs() < 0.001 && cited.is_above);
/// ```
pub fn cited_speed(
    speed: TokensPerSecond,
    bytes_per_step: Bytes,
    published: BytesPerSecond,
) -> Option<CitedSpeed> {
    let needed = speed.reading(bytes_per_step)?;
    let utilisation = needed.over(published)?;
    Some(CitedSpeed { needed, utilisation, is_above: is_above(utilisation) })
}

/// True if an energy differs from mean power times duration by more than `tolerance` of the latter.
pub fn energy_contradicts(energy: Joules, mean_power: Watts, time: Seconds, tolerance: f64) -> bool {
    let expected = mean_power.during(time);
    expected.is_none_or(|expected| (energy.value() - expected.value()).abs() > tolerance * expected.value())
}

/// True if more power was drawn on average than the device is allowed to draw.
pub fn power_over_limit(mean_power: Watts, limit: Watts) -> bool {
    mean_power > limit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CACHE: Option<Bytes> = Some(Bytes::new(32 << 20));

    fn judged(utilisation: f64, batch: Option<u64>, weights: u64, cache: Option<Bytes>) -> Plausibility {
        Plausibility::of(Ratio::new(utilisation).unwrap(), batch, Bytes::new(weights), cache)
    }

    #[test]
    fn more_than_the_memory_gives_is_implausible_and_the_tolerance_is_five_percent() {
        assert_eq!(judged(1.05, Some(1), 1 << 30, CACHE), Plausibility::Plausible);
        assert!(judged(1.051, Some(1), 1 << 30, CACHE).is_implausible());
        assert!(judged(1.2, Some(64), 128 << 20, CACHE).is_implausible(), "exactly four caches");
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let not = |why| Plausibility::NotJudged(why);
        assert_eq!(judged(9.0, None, 1 << 30, CACHE), not(NotJudged::BatchUnknown));
        assert_eq!(judged(9.0, Some(1), 1 << 30, None), not(NotJudged::CacheUnknown));
        assert_eq!(judged(9.0, Some(1), (128 << 20) - 1, CACHE), not(NotJudged::NearCache));
        assert_eq!(judged(9.0, Some(1), 1, Some(Bytes::new(u64::MAX))), not(NotJudged::NearCache));
    }

    #[test]
    fn a_cited_speed_at_the_bandwidth_stands() {
        let (bytes, published) = (Bytes::new(8_000_000_000), BytesPerSecond::new(448e9).unwrap());
        let cited = |speed| cited_speed(TokensPerSecond::new(speed).unwrap(), bytes, published);
        assert!(!cited(56.0).unwrap().is_above && !cited(58.7).unwrap().is_above);
        assert!(cited(59.0).unwrap().is_above);
        assert_eq!(cited_speed(TokensPerSecond::ZERO, bytes, BytesPerSecond::ZERO), None);
    }

    #[test]
    fn energy_is_power_times_time_and_power_is_within_its_limit() {
        let [watts, more] = [300.0, 300.1].map(|value| Watts::new(value).unwrap());
        let (time, joules) = (Seconds::new(10.0).unwrap(), |value| Joules::new(value).unwrap());
        for (energy, contradicts) in [(3_000.0, false), (2_851.0, false), (3_151.0, true), (2_849.0, true)] {
            assert_eq!(
                energy_contradicts(joules(energy), watts, time, ENERGY_TOLERANCE),
                contradicts,
                "{energy}"
            );
        }
        assert!(energy_contradicts(joules(0.0), watts, time, ENERGY_TOLERANCE), "a counter that stood still");
        assert!(!energy_contradicts(joules(0.0), Watts::ZERO, time, ENERGY_TOLERANCE));
        assert!(power_over_limit(more, watts) && !power_over_limit(watts, watts));
    }

    proptest! {
        #[test]
        fn a_faster_figure_is_never_more_plausible(
            slow in 0.0_f64..3.0, more in 0.0_f64..3.0, weights in 0_u64..1 << 34,
        ) {
            let (slow, fast) = (judged(slow, Some(1), weights, CACHE), judged(slow + more, Some(1), weights, CACHE));
            prop_assert!(!slow.is_implausible() || fast.is_implausible());
        }
    }
}
