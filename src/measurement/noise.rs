//! How much the repetitions of a case differ, by named measures, and what that lets a comparison see.

use super::sample::{Measurement, Repetition, by_start};
use crate::stats::{Outlier, Sample, SmallestDifference, Spread, classify, smallest_difference};
use crate::units::{Ratio, Seconds, index_as_u64};

/// The noise of a case's measured repetitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Of TPOT over all repetitions.
    pub time_per_output_token: Spread<Seconds>,
    /// Of TTFT over all repetitions.
    pub time_to_first_token: Spread<Seconds>,
    /// Repetitions whose TPOT lies far from the others; they are in every figure all the same.
    pub outliers: OutlierCounts,
    /// Process starts that the repetitions come from.
    pub process_starts: u64,
    /// Standard deviation of the median TPOTs of the process starts, over their mean; `None` for a single start.
    pub between_starts: Option<Ratio>,
    /// The smallest slowdown in TPOT that a comparison with an equally noisy run would have found; `None` for fewer than six
    /// repetitions.
    pub smallest_difference: Option<SmallestDifference>,
}

/// Outliers by their class, from low to high (Tukey's fences).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OutlierCounts(pub [u64; 4]);

impl OutlierCounts {
    /// How many of one class.
    pub fn of(self, class: Outlier) -> u64 {
        let place = Outlier::ALL.iter().position(|other| *other == class);
        place.map_or(0, |place| self.0[place])
    }

    /// How many in all.
    pub fn total(self) -> u64 {
        self.0.iter().sum()
    }
}

impl Noise {
    /// That of the measured repetitions; `None` where none has two output tokens.
    pub fn new(measurement: &Measurement) -> Option<Self> {
        let repetitions: Vec<&Repetition> = measurement.measured().collect();
        let first_token: Vec<Seconds> = repetitions.iter().map(|repetition| repetition.first_token).collect();
        let times: Vec<(u64, Seconds)> =
            repetitions.iter().filter_map(|r| Some((r.process_start, r.time_per_output_token()?))).collect();
        let nested = by_start(&times)?;
        let all: Vec<Seconds> = times.iter().map(|(_, time)| *time).collect();
        Some(Self {
            outliers: counted(&classify(&all)),
            time_per_output_token: Sample::new(all).ok()?.spread(),
            time_to_first_token: Sample::new(first_token).ok()?.spread(),
            process_starts: index_as_u64(nested.count()),
            between_starts: nested.spread_between(),
            smallest_difference: smallest_difference(&nested),
        })
    }
}

fn counted(classes: &[Option<Outlier>]) -> OutlierCounts {
    OutlierCounts(
        Outlier::ALL.map(|class| index_as_u64(classes.iter().filter(|c| **c == Some(class)).count())),
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::repetition;
    use super::super::{Measurement, Role};
    use super::*;

    fn measurement(times: &[(u64, f64)]) -> Measurement {
        let one = |(index, (start, time)): (usize, &(u64, f64))| Repetition {
            process_start: *start,
            ..repetition(index_as_u64(index), Role::Measured, 2.0, &[*time; 9])
        };
        Measurement { repetitions: times.iter().enumerate().map(one).collect(), ..Measurement::default() }
    }

    #[test]
    fn the_spread_between_starts_is_that_of_their_medians() {
        let times = [(0, 0.98), (0, 0.98), (1, 1.0), (1, 1.0), (2, 1.02), (2, 1.02)];
        let noise = Noise::new(&measurement(&times)).unwrap();
        assert_eq!(noise.process_starts, 3);
        assert!((noise.between_starts.unwrap().value() - 0.02).abs() < 1e-9);
        // The worked number of `stats::smallest_difference`.
        let smallest = noise.smallest_difference.unwrap();
        assert!((smallest.slowdown().value() - 0.152).abs() < 0.001 && !smallest.is_lower_bound());
    }

    #[test]
    fn one_start_has_no_spread_between_starts_and_a_lower_bound() {
        let times: Vec<(u64, f64)> = (0..8).map(|i| (0, 1.0 + f64::from(i) / 100.0)).collect();
        let noise = Noise::new(&measurement(&times)).unwrap();
        assert_eq!((noise.process_starts, noise.between_starts), (1, None));
        assert!(noise.smallest_difference.unwrap().is_lower_bound());
        assert_eq!(Noise::new(&measurement(&times[..5])).unwrap().smallest_difference, None);
        assert_eq!(Noise::new(&Measurement::default()), None);
    }

    #[test]
    fn outliers_are_counted_and_stay_in_the_spread() {
        let mut times: Vec<(u64, f64)> = (0..9).map(|i| (0, 1.0 + f64::from(i) / 1_000.0)).collect();
        times.push((0, 3.0));
        let noise = Noise::new(&measurement(&times)).unwrap();
        assert_eq!((noise.outliers.total(), noise.outliers.of(Outlier::HighSevere)), (1, 1));
        assert!(noise.time_per_output_token.third_quartile().value() < 1.1);
    }
}
