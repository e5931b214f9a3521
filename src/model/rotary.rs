//! What follows from a shape for positions: the rotary frequencies under each kind of scaling, and the factors of attention.
//! GGUF files of Llama 3 hold the factors of its frequencies as the tensor `rope_freqs.weight`.

use super::shape::{Family, RopeScaling, Shape, Yarn};
use crate::units::{count_as_f64, count_as_usize, nearest_f32, rounded_u64};

impl Shape {
    /// How far each pair of a head's values turns per position, in radians, before a file's own factors:
    /// `theta ^ (-2 i / rope_dim)` for pair `i`, scaled as the model was published. Pairs: `rope_dim / 2`.
    pub fn rotary_frequencies(&self) -> Vec<f64> {
        let pairs = self.rope_dim() / 2;
        let plain = |pair: u64| self.rope_theta.powf(-count_as_f64(2 * pair) / count_as_f64(self.rope_dim()));
        match &self.rope_scaling {
            RopeScaling::None => (0..pairs).map(plain).collect(),
            RopeScaling::Llama3 { .. } => {
                let factors = Llama3Factors::new(self).expect("the scaling is Llama 3's");
                (0..pairs).map(|pair| plain(pair) / f64::from(factors.factor(pair))).collect()
            }
            RopeScaling::Yarn(yarn) => {
                let kept = yarn.kept(self.rope_theta, self.rope_dim());
                (0..pairs).map(|pair| plain(pair) * (kept(pair) + (1.0 - kept(pair)) / yarn.factor)).collect()
            }
        }
    }

    /// What cosines and sines are multiplied by: 1 but for YaRN.
    pub fn rotary_magnitude(&self) -> f64 {
        match &self.rope_scaling {
            RopeScaling::Yarn(Yarn { attention_factor: None, magnitude: Some(_), .. })
            | RopeScaling::None
            | RopeScaling::Llama3 { .. } => 1.0,
            RopeScaling::Yarn(yarn) => yarn.attention_factor.unwrap_or(1.0) * yarn.magnitude(1.0),
        }
    }

    /// What scores are multiplied by: `1 / sqrt(head size)`, and in `DeepSeek`-V2 the square of YaRN's magnitude.
    pub fn attention_scale(&self) -> f64 {
        let plain = count_as_f64(self.head_dim()).sqrt().recip();
        match &self.rope_scaling {
            RopeScaling::Yarn(yarn) if self.family == Family::DeepSeek2 => {
                plain * yarn.magnitude.map_or(1.0, |all_dimensions| yarn.magnitude(all_dimensions)).powi(2)
            }
            _ => plain,
        }
    }
}

impl Yarn {
    /// `0.1 x ln(factor) + 1`, by which YaRN makes up for flatter attention.
    fn magnitude(&self, times: f64) -> f64 {
        0.1 * times * self.factor.ln() + 1.0
    }

    /// The part of a pair's frequency that is kept, from 1 (fast pairs) to 0 (slow ones, divided by the factor), in a straight
    /// line between the pairs that turn `beta_fast` and `beta_slow` times within the original positions. Source: Peng and
    /// others 2023, and the rounding of the ends of the line in the code they published.
    fn kept(&self, theta: f64, rope_dim: u64) -> impl Fn(u64) -> f64 {
        let dimensions = count_as_f64(rope_dim);
        let pair_with = |turns: f64| {
            let positions = count_as_f64(self.original_positions);
            dimensions * (positions / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln())
        };
        let first = pair_with(self.beta_fast).floor().max(0.0);
        let last = pair_with(self.beta_slow).ceil().min(dimensions - 1.0);
        let length = if (last - first).abs() < 1e-9 { 1e-3 } else { last - first };
        move |pair| 1.0 - ((count_as_f64(pair) - first) / length).clamp(0.0, 1.0)
    }

    /// What Ministral 3 multiplies the query at this position with: `1 + beta ln(1 + floor(position / original positions))`.
    pub fn query_scale(&self, position: f64) -> f64 {
        let stretches = (position / count_as_f64(self.original_positions)).floor();
        1.0 + self.query_beta.unwrap_or(0.0) * stretches.ln_1p()
    }
}

/// What the factors follow from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Llama3Factors {
    /// `theta ^ (2 / rope_dim)`: each pair of values turns slower than the one before by this.
    ratio: f64,
    factor: f64,
    low_frequency: f64,
    high_frequency: f64,
    original_positions: f64,
}

impl Llama3Factors {
    /// `None` for a shape that is scaled otherwise or not at all.
    pub(super) fn new(shape: &Shape) -> Option<Self> {
        let RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions } =
            shape.rope_scaling
        else {
            return None;
        };
        let original_positions = count_as_f64(original_positions);
        Some(Self { ratio: ratio(shape), factor, low_frequency, high_frequency, original_positions })
    }

    /// The scaling that gives these factors, of which a GGUF file holds nothing else: the largest is the divisor, and one
    /// that lies on the ramp gives the original positions, with the ramp's ends that every published model has, 1 and 4.
    pub(super) fn numbers(shape: &Shape, factors: &[f32]) -> Option<RopeScaling> {
        let (low_frequency, high_frequency) = (1.0, 4.0);
        let factor = f64::from(factors.iter().copied().fold(1.0, f32::max));
        let kept = |quotient: f32| (1.0 / f64::from(quotient) - 1.0 / factor) / (1.0 - 1.0 / factor);
        let (pair, kept) =
            (0..).zip(factors).map(|(pair, &quotient)| (pair, kept(quotient))).find(|(_, kept)| {
                // Away from the ends, where rounding would count.
                (0.05..0.95).contains(kept)
            })?;
        let ratio = ratio(shape);
        let slower = std::iter::repeat_n(ratio, pair).product::<f64>();
        let turns = low_frequency + kept * (high_frequency - low_frequency);
        let original_positions = rounded_u64(turns * std::f64::consts::TAU * slower);
        Some(RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions })
    }

    /// What the frequency of a pair is divided by.
    ///
    /// A frequency that turns fewer than `low_frequency` times within the original positions is divided by `factor`, one
    /// that turns more than `high_frequency` times is kept, and between the two the quotient goes from one to the other in a
    /// straight line. Source: `rope_scaling` of type `llama3` in Meta's reference code for Llama 3.1.
    pub(super) fn factor(self, pair: u64) -> f32 {
        let slower = std::iter::repeat_n(self.ratio, count_as_usize(pair)).product::<f64>();
        let turns = self.original_positions / (std::f64::consts::TAU * slower);
        let part = (turns - self.low_frequency) / (self.high_frequency - self.low_frequency);
        let kept = part.clamp(0.0, 1.0);
        nearest_f32(1.0 / ((1.0 - kept) / self.factor + kept))
    }
}

/// `theta ^ (2 / rope_dim)`. The number of pairs is a power of two (see `Shape::problems`), so the root is a chain of square
/// roots, which every machine rounds alike; a power function is not.
fn ratio(shape: &Shape) -> f64 {
    let halvings = (shape.rope_dim() / 2).max(1).ilog2();
    (0..halvings).fold(shape.rope_theta, |ratio, _| ratio.sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::shape::tests::distill_1_5b;
    use super::*;
    use crate::model::{Family, Shape};

    #[test]
    fn high_frequencies_are_kept_and_low_ones_divided() {
        let shape = Shape {
            family: Family::Llama,
            rope_theta: 500_000.0,
            rope_scaling: RopeScaling::Llama3 {
                factor: 8.0,
                low_frequency: 1.0,
                high_frequency: 4.0,
                original_positions: 8_192,
            },
            ..distill_1_5b()
        };
        let factors = Llama3Factors::new(&shape).unwrap();
        let all: Vec<f32> = (0..64).map(|pair| factors.factor(pair)).collect();
        // 8192 / (2 pi 500000^(2 i / 128)) is 4.19 for i = 28, 3.41 for i = 29, 1.22 for i = 34 and 0.997 for i = 35.
        assert!(all[..29].iter().all(|&f| f.to_bits() == 1.0_f32.to_bits()), "{all:?}");
        assert!(all[35..].iter().all(|&f| f.to_bits() == 8.0_f32.to_bits()), "{all:?}");
        assert!(all[28..36].windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        // The line at i = 29: turns = 3.41086, kept = 0.80362, 1 / (0.19638 / 8 + 0.80362) = 1.20748.
        assert!((all[29] - 1.207_48).abs() < 1e-5, "{}", all[29]);
        assert_eq!(Llama3Factors::new(&distill_1_5b()), None);
        assert_eq!(Llama3Factors::numbers(&shape, &all), Some(shape.rope_scaling));
        assert_eq!(Llama3Factors::numbers(&shape, &[1.0; 64]), None);
    }
}
