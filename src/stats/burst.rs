//! Stretches of consecutive repetitions that something else on the machine disturbed.

use super::drift::RELEVANT;
use super::spread::{NORMAL_MAD, median_of};
use super::starts::count;
use crate::units::Quantity;

/// Below this number no rule can tell a burst from chance.
const FEWEST: usize = 8;
/// Scaled median absolute deviations from the median beyond which a repetition counts as disturbed.
const FAR: f64 = 4.0;
/// A shorter stretch does not move a median, so it is left to the outliers: at least two, and 15 % of all.
const SHORTEST: usize = 2;
const SMALLEST_SHARE: f64 = 0.15;
/// From here on ranks alone can show a burst.
const FEWEST_FOR_RANKS: usize = 12;

/// A stretch of consecutive repetitions unlike the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    first: usize,
    length: usize,
    change: f64,
}

impl Burst {
    /// The index of its first repetition in the order given.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The number of its repetitions.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The median within over the median of all others, less 1: 0.3 is 30 % more.
    pub fn change(&self) -> f64 {
        self.change
    }
}

/// The clearest burst among repetitions in the order of time; `None` below eight, and where
/// nothing stands out by more than 2 %.
///
/// Two rules, because each is blind where the other sees; `tests/statistics` holds their false alarms and what they find.
/// 1. *Far and together*: a stretch of at least two repetitions and 15 % of all, each more than 4 scaled median absolute
///    deviations from the median, on the same side. Blind when the burst makes up much of the sample.
/// 2. *Ranks*, from 12 repetitions on: the stretch of two up to half of all whose ranks are the most unlike those of the
///    others (rank sum of Wilcoxon, in standard deviations, largest over all stretches), if beyond what chance gives in
///    2 % of all orders. Blind to short bursts in small samples.
///
/// Of ten repetitions of 1.00 to 1.03 s, two neighbours of which took 1.5 s, the first rule names these two.
pub fn burst<Q: Quantity>(in_time_order: &[Q]) -> Option<Burst> {
    if in_time_order.len() < FEWEST {
        return None;
    }
    let values: Vec<f64> = in_time_order.iter().map(|q| q.value()).collect();
    let relevant = |stretch| relevant_burst(&values, stretch);
    far_together(&values).and_then(relevant).or_else(|| unlike_by_rank(&values).and_then(relevant))
}

/// The burst of a stretch (first index and length), if its change is relevant.
fn relevant_burst(values: &[f64], (first, length): (usize, usize)) -> Option<Burst> {
    let others = values[..first].iter().chain(&values[first + length..]).copied().collect();
    let change = median_of(values[first..first + length].to_vec()) / median_of(others) - 1.0;
    (change.is_finite() && change.abs() > RELEVANT).then_some(Burst { first, length, change })
}

/// The longest stretch of repetitions far from the median on one side, if it is long enough.
fn far_together(values: &[f64]) -> Option<(usize, usize)> {
    let centre = median_of(values.to_vec());
    let deviation = NORMAL_MAD * median_of(values.iter().map(|v| (v - centre).abs()).collect());
    let is_far = |value: f64, side: f64| (value - centre) * side > FAR * deviation;
    let mut longest = (0, 0);
    for side in [1.0, -1.0] {
        let mut length = 0;
        for (at, value) in values.iter().enumerate() {
            length = if is_far(*value, side) { length + 1 } else { 0 };
            if length > longest.1 {
                longest = (at + 1 - length, length);
            }
        }
    }
    let is_long = longest.1 >= SHORTEST && count(longest.1) >= SMALLEST_SHARE * count(values.len());
    is_long.then_some(longest)
}

/// The stretch whose ranks are the most unlike the others', if chance does not explain it.
fn unlike_by_rank(values: &[f64]) -> Option<(usize, usize)> {
    if values.len() < FEWEST_FOR_RANKS {
        return None;
    }
    let (stretch, unlikeness) = most_unlike(values);
    (unlikeness > largest_by_chance(values.len())).then_some(stretch)
}

/// The stretch with the largest standardised rank sum, and that sum.
fn most_unlike(values: &[f64]) -> ((usize, usize), f64) {
    let n = count(values.len());
    let mut sums = vec![0.0];
    for rank in ranks(values) {
        sums.push(sums[sums.len() - 1] + rank);
    }
    let mut best = ((0, 0), 0.0);
    for length in SHORTEST..=values.len() / 2 {
        let l = count(length);
        let expected = l * (n + 1.0) / 2.0;
        let deviation = (l * (n - l) * (n + 1.0) / 12.0).sqrt();
        for first in 0..=values.len() - length {
            let unlikeness = (sums[first + length] - sums[first] - expected).abs() / deviation;
            if unlikeness > best.1 {
                best = ((first, length), unlikeness);
            }
        }
    }
    best
}

/// The 98 % point of [`most_unlike`] over all orders of `n` repetitions: a curve through simulated points, such as 3.13
/// at 20, 3.38 at 30 and 3.82 at 100 (20,000 orders each).
fn largest_by_chance(n: usize) -> f64 {
    4.39 - 5.54 / count(n).sqrt()
}

/// The rank of each value, counted from 1; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    values
        .iter()
        .map(|value| {
            let below = ascending.partition_point(|other| other < value);
            let not_above = ascending.partition_point(|other| other <= value);
            (count(below) + count(not_above) + 1.0) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Seconds;

    fn found(values: &[f64]) -> Option<Burst> {
        burst(&values.iter().map(|&v| Seconds::new(v).unwrap()).collect::<Vec<_>>())
    }

    /// `n` values that wander between 1.00 and 1.03 in no order, those of the stretch times `factor`.
    fn disturbed(n: u32, stretch: std::ops::Range<u32>, factor: f64) -> Vec<f64> {
        (0..n)
            .map(|i| {
                let noise = 1.0 + 0.01 * f64::from(i * 7 % 4);
                if stretch.contains(&i) { noise * factor } else { noise }
            })
            .collect()
    }

    #[test]
    fn the_example_of_the_docstring_holds() {
        let burst = found(&disturbed(10, 4..6, 1.5)).unwrap();
        assert_eq!((burst.first(), burst.length()), (4, 2));
        assert!((burst.change() - 0.5).abs() < 0.03);
    }

    #[test]
    fn long_bursts_are_found_by_their_ranks() {
        let values = disturbed(30, 10..22, 1.1);
        assert_eq!(far_together(&values), None, "they make up much of the sample");
        let burst = found(&values).unwrap();
        assert_eq!((burst.first(), burst.length()), (10, 12));
        assert!((burst.change() - 0.1).abs() < 0.03);
    }

    #[test]
    fn faster_stretches_are_bursts_too() {
        assert!(found(&disturbed(15, 0..3, 0.7)).unwrap().change() < -0.2);
    }

    #[test]
    fn single_outliers_and_noise_are_no_bursts() {
        assert_eq!(found(&disturbed(10, 4..5, 9.0)), None);
        assert_eq!(found(&disturbed(30, 4..6, 9.0)), None, "two of thirty do not move a median");
        assert_eq!(found(&disturbed(30, 0..0, 1.0)), None);
        assert_eq!(found(&[1.0; 30]), None);
        assert_eq!(found(&[0.0; 30]), None);
    }

    #[test]
    fn few_repetitions_and_small_changes_are_left_alone() {
        assert_eq!(found(&disturbed(7, 2..4, 9.0)), None);
        let steps: Vec<f64> = (0..30).map(|i| if (10..20).contains(&i) { 1.01 } else { 1.0 }).collect();
        assert_eq!(found(&steps), None, "1 % is not relevant");
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
    }

    #[test]
    fn the_most_unlike_stretch_of_a_worked_example() {
        // Ranks 1, 3, 5, 6, 2, 4: the two largest have the sum 11, expected 7, deviation sqrt(2 * 4 * 7 / 12).
        let (stretch, unlikeness) = most_unlike(&[0.1, 0.3, 0.5, 0.6, 0.2, 0.4]);
        assert_eq!(stretch, (2, 2));
        assert!((unlikeness - 4.0 / (56.0_f64 / 12.0).sqrt()).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_unit_does_not_matter(values in proptest::collection::vec(0.5_f64..2.0, 0..40), power in -4_i32..8) {
            let scaled: Vec<f64> = values.iter().map(|v| v * 2.0_f64.powi(power)).collect();
            prop_assert_eq!(found(&values), found(&scaled));
        }
    }
}
