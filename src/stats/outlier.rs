//! Observations far from the others, classified so that they can be shown. Nothing is ever dropped for it.

use super::sample::Sample;
use crate::units::Quantity;

/// Fences of mild and severe outliers, in interquartile ranges beyond the quartiles
/// (Tukey 1977, Exploratory Data Analysis, section 2D: inner and outer fences).
const MILD: f64 = 1.5;
const SEVERE: f64 = 3.0;

/// On which side of the quartiles an observation lies far out, and how far.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Outlier {
    /// More than 3 interquartile ranges below the first quartile.
    LowSevere,
    /// More than 1.5 and at most 3 interquartile ranges below the first quartile.
    LowMild,
    /// More than 1.5 and at most 3 interquartile ranges above the third quartile.
    HighMild,
    /// More than 3 interquartile ranges above the third quartile.
    HighSevere,
}

impl Outlier {
    /// All classes, from low to high.
    pub const ALL: [Self; 4] = [Self::LowSevere, Self::LowMild, Self::HighMild, Self::HighSevere];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LowSevere => "low-severe",
            Self::LowMild => "low-mild",
            Self::HighMild => "high-mild",
            Self::HighSevere => "high-severe",
        }
    }

    /// True beyond the outer fences.
    pub const fn is_severe(self) -> bool {
        matches!(self, Self::LowSevere | Self::HighSevere)
    }
}

/// The class of each observation, in the order given; `None` lies within the fences.
///
/// Of 10, 11, 12, 13, 14, 18, 40 the quartiles are 11.5 and 16, the fences 4.75 and 22.75 (mild), -2 and 29.5
/// (severe): 40 is `HighSevere`.
/// Up to three observations are never outliers: the quartiles follow the extremes. Where the middle half is one single
/// value the interquartile range is 0, both fences lie on that value, and whatever differs from it is severe.
pub fn classify<Q: Quantity>(observations: &[Q]) -> Vec<Option<Outlier>> {
    let Ok(sample) = Sample::new(observations.to_vec()) else {
        return Vec::new();
    };
    let spread = sample.spread();
    let range = spread.interquartile_range();
    let (first, third) = (spread.first_quartile().value(), spread.third_quartile().value());
    observations
        .iter()
        .map(|observation| {
            let (below, above) = (first - observation.value(), observation.value() - third);
            if below > SEVERE * range {
                Some(Outlier::LowSevere)
            } else if below > MILD * range {
                Some(Outlier::LowMild)
            } else if above > SEVERE * range {
                Some(Outlier::HighSevere)
            } else if above > MILD * range {
                Some(Outlier::HighMild)
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::Seconds;

    fn classes(values: &[f64]) -> Vec<Option<Outlier>> {
        classify(&values.iter().map(|&v| Seconds::new(v).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn each_observation_is_classed_in_the_given_order() {
        let found = classes(&[40.0, 10.0, 11.0, 12.0, 13.0, 14.0, 18.0]);
        assert_eq!(found[0], Some(Outlier::HighSevere));
        assert!(found[1..].iter().all(Option::is_none));
        // Quartiles 11 and 14: fences 6.5 and 18.5, 2 and 23.
        let low_and_high = classes(&[4.0, 11.0, 11.0, 12.0, 13.0, 13.0, 14.0, 14.0, 20.0]);
        assert_eq!((low_and_high[0], low_and_high[8]), (Some(Outlier::LowMild), Some(Outlier::HighMild)));
        let far_below = classes(&[0.5, 11.0, 11.0, 12.0, 13.0, 13.0, 14.0, 14.0, 14.0]);
        assert_eq!(far_below[0], Some(Outlier::LowSevere));
    }

    #[test]
    fn a_value_on_a_fence_is_no_outlier() {
        // Quartiles 1 and 2 of 0, 1, 1, 1, 2, 2, 2, 3.5: the upper inner fence is 3.5.
        assert!(classes(&[0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.5]).iter().all(Option::is_none));
    }

    #[test]
    fn tiny_samples_and_constants_follow_the_same_rule() {
        assert!(classes(&[]).is_empty());
        assert_eq!(classes(&[5.0]), [None]);
        assert_eq!(classes(&[1.0, 1.0, 900.0]), [None, None, None]);
        assert_eq!(classes(&[1.0, 1.0, 1.0, 1.0]), [None; 4]);
        let one_differs = classes(&[1.0, 1.0, 1.0, 1.0, 1.000_1]);
        assert_eq!(one_differs[4], Some(Outlier::HighSevere), "an interquartile range of 0");
    }

    #[test]
    fn ids_differ_and_two_classes_are_severe() {
        assert_eq!(Outlier::ALL.map(Outlier::id), ["low-severe", "low-mild", "high-mild", "high-severe"]);
        assert_eq!(Outlier::ALL.map(Outlier::is_severe), [true, false, false, true]);
    }

    proptest! {
        #[test]
        fn every_observation_has_an_answer_whatever_the_unit(
            values in proptest::collection::vec(1_u32..1_000, 0..30), power in 0_i32..8,
        ) {
            // Powers of two scale without rounding, so not even a value on a fence may change its class.
            let plain: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let scaled: Vec<f64> = plain.iter().map(|v| v * 2.0_f64.powi(power)).collect();
            prop_assert_eq!(classes(&plain).len(), plain.len());
            prop_assert_eq!(classes(&plain), classes(&scaled));
        }

        #[test]
        fn three_are_never_outliers(values in proptest::array::uniform3(0.0_f64..1e6)) {
            prop_assert_eq!(classes(&values), vec![None; 3]);
        }
    }
}
