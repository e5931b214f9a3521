//! When a case has enough repetitions.

use super::CONFIDENCE;
use super::sample::Sample;
use crate::units::{Quantity, count_as_f64, count_as_usize, index_as_u64, rounded_u64};

/// The rule by which repetitions end: as soon as the interval of the median is narrow enough, but only at a few
/// sizes of the sample.
///
/// Each look at the interval is one more chance to stop at one that is narrow by luck, and costs coverage. So the rule
/// looks at `fewest` and then at every size that is half as large again: 10, 15, 23, 35 and so on up to `most`.
/// The simulation behind this choice is `tests/statistics`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stopping {
    /// No look before so many repetitions.
    pub fewest: usize,
    /// The end, whatever the interval.
    pub most: usize,
    /// Half the interval's width over the median, below which the interval is narrow enough: 0.02 is 2 %.
    pub relative_half_width: f64,
}

/// What one process start has to do with the repetitions of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part {
    /// Fewest that it does.
    pub fewest: usize,
    /// Most that it does.
    pub most: usize,
    /// Process starts of the run.
    pub starts: usize,
    /// True for the last of them.
    pub is_last: bool,
}

/// The half-width of the interval of a median at 95 %, in standard deviations of one repetition times `1 / sqrt(n)`.
const HALF_WIDTHS_OF_A_MEDIAN: f64 = 1.959_963_985 * 1.253_314_137;

impl Default for Stopping {
    /// 10 to 30 repetitions and 2 %: the sizes for which the simulation was made.
    fn default() -> Self {
        Self { fewest: 10, most: 30, relative_half_width: 0.02 }
    }
}

impl Stopping {
    /// The same rule with other bounds.
    #[must_use]
    pub fn between(fewest: usize, most: usize) -> Self {
        Self { fewest, most, ..Self::default() }
    }

    /// Whether these repetitions, the measured ones of a case in any order, are enough.
    pub fn is_enough<Q: Quantity>(&self, observations: &[Q]) -> bool {
        if observations.len() >= self.most {
            return true;
        }
        self.looks_at(observations.len())
            && Sample::new(observations.to_vec()).is_ok_and(|sample| {
                let half_width = sample.median(CONFIDENCE).relative_half_width();
                half_width.is_some_and(|half| half < self.relative_half_width)
            })
    }

    /// How many repetitions should bring the half-width down to the aim, by the noise of those that are there, between
    /// [`Self::fewest`] and [`Self::most`]. It looks at their spread and not at the interval, so it costs no coverage worth
    /// the name (two stages, as Stein 1945).
    ///
    /// The median of `n` repetitions with the scaled median absolute deviation `s` has about the half-width
    /// `1.96 x sqrt(pi / 2) x s / sqrt(n)`: noise of 3 % needs (2.456 x 0.03 / 0.02)^2 = 14 repetitions.
    pub fn forecast<Q: Quantity>(&self, observations: &[Q]) -> usize {
        let Ok(sample) = Sample::new(observations.to_vec()) else { return self.fewest };
        let relative = sample.spread().scaled_mad().value() / sample.quantile(0.5).value();
        let needed = (HALF_WIDTHS_OF_A_MEDIAN * relative / self.relative_half_width).powi(2).ceil();
        let most = count_as_f64(index_as_u64(self.most));
        // Not a number where the median is zero: then nothing is known.
        let needed = if needed.is_finite() { needed.min(most) } else { 0.0 };
        count_as_usize(rounded_u64(needed)).clamp(self.fewest.min(self.most), self.most)
    }

    /// Whether a process start goes on, that has done `here` of all `observations` of the run so far. Every one does its fewest.
    /// Then those before the last do their part of what the noise so far asks for, and the last goes on until the interval is
    /// narrow: so the starts have about equally many.
    pub fn goes_on<Q: Quantity>(&self, observations: &[Q], here: usize, part: &Part) -> bool {
        if here < part.fewest {
            return true;
        }
        here < part.most
            && if part.is_last {
                !self.is_enough(observations)
            } else {
                here < self.forecast(observations).div_ceil(part.starts.max(1))
            }
    }

    /// Whether the rule looks at the interval after so many repetitions.
    pub fn looks_at(&self, observations: usize) -> bool {
        // From at least 2 on, or half as much again would not grow.
        let mut look = self.fewest.max(2);
        while look < observations {
            look = look.saturating_add(look.div_ceil(2));
        }
        look == observations && observations < self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    fn repetitions(n: usize, step: f64) -> Vec<Seconds> {
        (0..n).map(|i| Seconds::new(1.0 + step * f64::from(u32::try_from(i).unwrap())).unwrap()).collect()
    }

    #[test]
    fn it_looks_at_a_few_sizes_only() {
        let rule = Stopping::default();
        let looks: Vec<usize> = (0..=40).filter(|&n| rule.looks_at(n)).collect();
        assert_eq!(looks, [10, 15, 23]);
        assert!(!Stopping::between(0, 10).looks_at(0) && !Stopping::between(0, 0).looks_at(1));
    }

    #[test]
    fn steady_repetitions_stop_at_the_first_look() {
        let rule = Stopping::default();
        assert!(!rule.is_enough(&repetitions(9, 0.0)), "never before the fewest");
        assert!(rule.is_enough(&repetitions(10, 0.0)));
        assert!(!rule.is_enough(&repetitions(11, 0.0)), "no look at 11");
        // Ten values 1.00 to 1.09 have the interval 1.01 to 1.08 around 1.045: half of it is 3.3 %.
        assert!(!rule.is_enough(&repetitions(10, 0.01)));
    }

    #[test]
    fn the_most_ends_it_whatever_the_interval() {
        assert!(Stopping::default().is_enough(&repetitions(30, 1.0)));
        assert!(Stopping::between(3, 3).is_enough(&repetitions(3, 1.0)));
        assert!(Stopping::between(5, 8).is_enough(&repetitions(8, 1.0)));
    }

    #[test]
    fn without_an_interval_it_goes_on() {
        assert!(!Stopping::between(3, 30).is_enough(&repetitions(3, 0.0)), "three have no interval");
        assert!(!Stopping::default().is_enough(&[Seconds::ZERO; 10]), "no share of a median of zero");
    }

    #[test]
    fn the_noise_says_how_many_are_needed() {
        let rule = Stopping::default();
        let times = |values: &[f64]| values.iter().map(|v| Seconds::new(*v).unwrap()).collect::<Vec<_>>();
        // A scaled deviation of 1.4826 x 2 % asks for (2.456 x 0.02965 / 0.02)^2 = 13.3, so 14.
        assert_eq!(rule.forecast(&times(&[0.96, 0.98, 1.0, 1.02, 1.04])), 14);
        assert_eq!(rule.forecast(&times(&[1.0, 1.0, 1.0, 1.001])), 10, "never below the fewest");
        assert_eq!(rule.forecast(&times(&[1.0, 2.0, 3.0, 4.0])), 30, "never above the most");
        assert_eq!(rule.forecast::<Seconds>(&[]), 10);
        assert_eq!(rule.forecast(&times(&[0.0, 0.0])), 10);
    }

    #[test]
    fn each_start_does_its_part_and_the_last_looks_at_the_interval() {
        let rule = Stopping::between(12, 30);
        let quiet: Vec<Seconds> = (0..12).map(|i| Seconds::new(1.0 + f64::from(i) / 1e4).unwrap()).collect();
        let loud: Vec<Seconds> = (0..12).map(|i| Seconds::new(1.0 + f64::from(i) / 10.0).unwrap()).collect();
        let first = Part { fewest: 4, most: 10, starts: 3, is_last: false };
        assert!(rule.goes_on(&quiet[..3], 3, &first) && !rule.goes_on(&quiet[..4], 4, &first));
        assert!(rule.goes_on(&loud[..4], 4, &first) && !rule.goes_on(&loud[..10], 10, &first));
        let last = Part { is_last: true, ..first };
        assert!(!rule.goes_on(&quiet, 4, &last) && rule.goes_on(&loud, 4, &last));
        assert!(!rule.goes_on(&loud, 10, &last), "never more than its most");
    }
}
