//! When a case has enough repetitions.

use super::CONFIDENCE;
use super::sample::Sample;
use crate::units::Quantity;

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
}
