//! Draws quantised blocks, and plain floats, straight from random bits.
//!
//! Drawing floats and quantising them took 136 s for a 1.1 GB file; drawing the blocks takes a few. Real blocks hold
//! codes that spread like a Gaussian cut off at about two standard deviations, because the quantiser maps the extreme
//! values of a sub-block to the extreme codes. Ours do too, so that the bits that toggle are those of a real file.
//!
//! Same seed, same bytes, on every machine: the tables are written out, and the rest is integer arithmetic and the
//! operations IEEE 754 rounds exactly (multiplication, division, square root). `exp` and `ln` are not among them.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use super::floats::{BYTE_SUM_STD, SHORT_SUM_STD, bf16_bits, byte_sum, short_sums};
use super::rotary::Llama3Factors;
use super::shape::TensorType;
use crate::units::{count_as_f64, nearest_f32, rounded_u64};

/// How many of 256 equally likely bytes become the `Q4_K` codes 8 to 15; 7 to 0 mirror them. This is the code nearest to
/// `7.5 + 3.6 z` at the 256 quantiles `z` of a Gaussian: 32 Gaussian values reach 2.07 standard deviations on average,
/// and the quantiser puts that at code 15.
const NIBBLES: [usize; 8] = [28, 26, 22, 18, 13, 9, 5, 7];

/// The same for the `Q6_K` codes 0 to 31 and -1 to -31, nearest to `15 z`; the largest magnitude of 16 Gaussian values is
/// 2.07 standard deviations as well. Code 0 has no mirror.
const SIX_BITS: [usize; 32] =
    [6, 7, 7, 7, 6, 7, 6, 6, 6, 6, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 2, 1, 1, 5];

/// The same for the `Q5_0` codes 0 to 15 and -1 to -15, nearest to `7.31 z`: 2.07 standard deviations are 15 steps.
const FIVE_BITS: [usize; 16] = [14, 14, 13, 13, 12, 11, 10, 9, 8, 6, 6, 4, 4, 3, 2, 6];

/// The `Q8_0` codes of the upper 128 of 256 quantiles, nearest to `61.4 z`; the lower 128 mirror them. 2.07 standard
/// deviations are 127 steps.
const EIGHT_BITS: [u8; 128] = [
    0, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 9, 10, 11, 11, 12, 12, 13, 14, 14, 15, 15, 16, 17, 17, 18,
    19, 19, 20, 21, 21, 22, 22, 23, 24, 24, 25, 26, 26, 27, 28, 28, 29, 30, 30, 31, 32, 32, 33, 34, 34, 35,
    36, 37, 37, 38, 39, 40, 40, 41, 42, 43, 43, 44, 45, 46, 46, 47, 48, 49, 50, 51, 51, 52, 53, 54, 55, 56,
    57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 74, 75, 76, 77, 79, 80, 82, 83, 85, 86,
    88, 90, 91, 93, 95, 97, 99, 102, 104, 107, 110, 113, 116, 120, 124, 127, 127, 127, 127, 127,
];

/// Random byte to `Q4_K` code.
static LOW_NIBBLE: [u8; 256] = spread(&NIBBLES, 8);
/// Random byte to `Q4_K` code in the upper half of a byte.
static HIGH_NIBBLE: [u8; 256] = shifted(&LOW_NIBBLE);
/// Random byte to `Q6_K` code plus 32, as stored.
static SIX_BIT: [u8; 256] = spread(&SIX_BITS, 32);
/// Random byte to `Q5_0` code plus 16, as stored.
static FIVE_BIT: [u8; 256] = spread(&FIVE_BITS, 16);

/// Spells out `counts` for the codes `middle`, `middle + 1`, ..., and their mirror images below. If the counts of both
/// sides make 256, the mirror of `middle` is `middle - 1`; else `middle` stands alone.
const fn spread(counts: &[usize], middle: u8) -> [u8; 256] {
    let mut table = [0; 256];
    let (mut filled, mut i, mut code) = (0, 0, middle);
    while i < counts.len() {
        let mut n = 0;
        while n < counts[i] {
            table[filled] = code;
            filled += 1;
            n += 1;
        }
        code += 1;
        i += 1;
    }
    let alone = filled != 128;
    let (mut i, mut code) = (if alone { 1 } else { 0 }, middle);
    while i < counts.len() {
        code -= 1;
        let mut n = 0;
        while n < counts[i] {
            table[filled] = code;
            filled += 1;
            n += 1;
        }
        i += 1;
    }
    assert!(filled == 256, "the counts of both sides make 256");
    table
}

const fn shifted(table: &[u8; 256]) -> [u8; 256] {
    let mut high = [0; 256];
    let mut i = 0;
    while i < 256 {
        high[i] = table[i] << 4;
        i += 1;
    }
    high
}

/// How the values of one tensor are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Draw {
    /// F32: ones, the neutral weights of a norm.
    Ones,
    /// F32: multiples of 1/1024 around zero, at most 1/4 away and 0.1 on average, so every program reads the same bias.
    SmallBias,
    /// F32: the factors of Llama 3's rotary frequencies.
    Rotary(Llama3Factors),
    /// F32 around zero, of this standard deviation: sums of eight random bytes, close to a Gaussian.
    Floats {
        /// What a sum of bytes is multiplied with.
        step: f32,
    },
    /// BF16 around zero, of this standard deviation: sums of four random bytes, as close to a Gaussian as speed allows.
    ShortFloats {
        /// What a sum of bytes is multiplied with.
        step: f32,
    },
    /// `Q5_0` blocks.
    Q5_0(BlockScale),
    /// `Q8_0` blocks.
    Q8_0(BlockScale),
    /// `Q4_K` blocks.
    Q4K(BlockScale),
    /// `Q6_K` blocks.
    Q6K(BlockScale),
}

impl Draw {
    /// Values of `kind` with mean 0 and standard deviation `std`, within 1 %; `None` for types that are not drawn.
    pub(super) fn gaussian(kind: TensorType, std: f64) -> Option<Self> {
        Some(match kind {
            TensorType::F32 => Self::Floats { step: nearest_f32(std / BYTE_SUM_STD) },
            TensorType::BF16 => Self::ShortFloats { step: nearest_f32(std / SHORT_SUM_STD) },
            TensorType::Q5_0 => Self::Q5_0(BlockScale::fit(std, table_std(&FIVE_BIT, 32), 1, 0)),
            TensorType::Q8_0 => Self::Q8_0(BlockScale::fit(std, eight_bit_std(), 1, 0)),
            TensorType::Q4K => Self::Q4K(BlockScale::fit(std, table_std(&LOW_NIBBLE, 15), 32, 1)),
            TensorType::Q6K => Self::Q6K(BlockScale::fit(std, table_std(&SIX_BIT, 64), 64, 0)),
            TensorType::Q5_1 | TensorType::Q5K => return None,
        })
    }

    /// Fills `out`, a whole number of blocks (or of F32 values), from `seed`.
    pub(super) fn fill(self, seed: u64, out: &mut [u8]) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        match self {
            Self::Ones => out.as_chunks_mut::<4>().0.fill(1.0_f32.to_le_bytes()),
            Self::SmallBias => {
                for value in out.as_chunks_mut::<4>().0 {
                    let [a, b, ..] = rng.next_u64().to_le_bytes();
                    *value = ((f32::from(a) - f32::from(b)) / 1024.0).to_le_bytes();
                }
            }
            Self::Rotary(factors) => {
                for (pair, value) in (0..).zip(out.as_chunks_mut::<4>().0) {
                    *value = factors.factor(pair).to_le_bytes();
                }
            }
            Self::Floats { step } => {
                for value in out.as_chunks_mut::<4>().0 {
                    *value = (byte_sum(&mut rng) * step).to_le_bytes();
                }
            }
            Self::ShortFloats { step } => {
                for pair in out.as_chunks_mut::<4>().0 {
                    let [[a, b], [c, d]] = short_sums(&mut rng).map(|sum| bf16_bits(sum * step));
                    *pair = [a, b, c, d];
                }
            }
            Self::Q5_0(scale) => {
                out.as_chunks_mut().0.iter_mut().for_each(|block| scale.draw_q5_0(&mut rng, block));
            }
            Self::Q8_0(scale) => {
                out.as_chunks_mut().0.iter_mut().for_each(|block| scale.draw_q8_0(&mut rng, block));
            }
            Self::Q4K(scale) => {
                out.as_chunks_mut().0.iter_mut().for_each(|block| scale.draw_q4_k(&mut rng, block));
            }
            Self::Q6K(scale) => {
                out.as_chunks_mut().0.iter_mut().for_each(|block| scale.draw_q6_k(&mut rng, block));
            }
        }
    }
}

/// Standard deviation of a table's codes around `centre_twice / 2`.
fn table_std(table: &[u8; 256], centre_twice: u64) -> f64 {
    let squares: u64 = table.iter().map(|&code| (2 * u64::from(code)).abs_diff(centre_twice).pow(2)).sum();
    (count_as_f64(squares) / (4.0 * 256.0)).sqrt()
}

/// The same for the codes of `Q8_0`, which lie on both sides of 0.
fn eight_bit_std() -> f64 {
    let squares: u64 = EIGHT_BITS.iter().map(|&code| u64::from(code).pow(2)).sum();
    (count_as_f64(squares) / 128.0).sqrt()
}

/// The scales of a tensor's blocks: `value = step x sub-scale x centred code`.
///
/// The step is a 16-bit float `significand x 2^(exponent - 24)`, its significand within 7 of `significand`. Sub-scales are
/// drawn evenly from the upper half of their range, as many in real blocks are, and shifted right where the step would
/// otherwise be too small for a 16-bit float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BlockScale {
    significand: u64,
    exponent: u32,
    shift: u32,
}

impl BlockScale {
    /// The scales for values of standard deviation `std`, given that of the codes and the half range of the sub-scales
    /// (they run from `half` to `2 half - 1`). `least_exponent` leaves room below the step for smaller floats.
    fn fit(std: f64, code_std: f64, half: u64, least_exponent: u32) -> Self {
        let mut shift = 0;
        loop {
            let squares: u64 = (half..2 * half).map(|sub| (sub >> shift).pow(2)).sum();
            let sub_std = (count_as_f64(squares) / count_as_f64(half)).sqrt();
            // 2^24 units of the smallest 16-bit float make 1.
            let mut significand =
                std / (code_std * sub_std) * 16_777_216.0 / count_as_f64(1 << least_exponent);
            let mut exponent = least_exponent;
            while significand >= 128.0 {
                significand /= 2.0;
                exponent += 1;
            }
            // 64 and more: rounding moves the scale by under 1 %.
            if significand >= 64.0 || half >> (shift + 1) == 0 {
                return Self { significand: rounded_u64(significand), exponent, shift };
            }
            shift += 1;
        }
    }

    /// One block's significand: the tensor's own, moved by up to 7 either way.
    fn significand(self, random: u8) -> u64 {
        (self.significand + u64::from(random & 7)).saturating_sub(u64::from(random >> 3 & 7)).max(1)
    }

    /// A `Q5_0` block: step, 32 upper bits, 16 bytes of two lower nibbles each. A value is `step x (code - 16)`. The step's sign
    /// is random too, as the quantiser gives the largest magnitude the code that has no mirror.
    fn draw_q5_0(self, rng: &mut Xoshiro256PlusPlus, block: &mut [u8; 22]) {
        let [jitter, sign, ..] = rng.next_u64().to_le_bytes();
        let [low, high] = f16_bits(self.significand(jitter), self.exponent);
        block[..2].copy_from_slice(&[low, high | sign & 128]);
        let mut upper = 0_u32;
        for half in 0..2 {
            let bytes = [rng.next_u64(), rng.next_u64()].map(u64::to_le_bytes);
            for (i, random) in bytes.as_flattened().iter().enumerate() {
                let code = FIVE_BIT[usize::from(*random)];
                upper |= u32::from(code >> 4) << (16 * half + i);
                block[6 + i] = if half == 0 { code & 15 } else { block[6 + i] | code << 4 };
            }
        }
        block[2..6].copy_from_slice(&upper.to_le_bytes());
    }

    /// A `Q8_0` block: step, 32 signed codes. A value is `step x code`.
    fn draw_q8_0(self, rng: &mut Xoshiro256PlusPlus, block: &mut [u8; 34]) {
        let [jitter, ..] = rng.next_u64().to_le_bytes();
        block[..2].copy_from_slice(&f16_bits(self.significand(jitter), self.exponent));
        for eight in block[2..].as_chunks_mut::<8>().0 {
            for (code, random) in eight.iter_mut().zip(rng.next_u64().to_le_bytes()) {
                let magnitude = EIGHT_BITS[usize::from(random & 127)];
                *code = if random & 128 == 0 { magnitude } else { magnitude.wrapping_neg() };
            }
        }
    }

    /// A `Q4_K` block: step, step of the minima, eight 6-bit sub-scales and minima, 256 nibbles. Minimum and sub-scale are
    /// equal and the minima's step is 7.5 steps, so a value is `step x sub-scale x (nibble - 7.5)`: exactly centred.
    fn draw_q4_k(self, rng: &mut Xoshiro256PlusPlus, block: &mut [u8; 144]) {
        let random = rng.next_u64();
        let byte = |shift: usize| (random >> shift).to_le_bytes()[0];
        let subs: [u8; 8] = std::array::from_fn(|i| (32 + (byte(5 * i) & 31)) >> self.shift);
        let significand = self.significand(byte(40));
        // 15 x significand stays below 2^11, so the half steps fit a 16-bit float too.
        block[..2].copy_from_slice(&f16_bits(significand, self.exponent));
        block[2..4].copy_from_slice(&f16_bits(15 * significand, self.exponent - 1));
        for i in 0..4 {
            let (first, second) = (subs[i], subs[i + 4]);
            block[4 + i] = first | second >> 4 << 6;
            block[8 + i] = first | second >> 4 << 6;
            block[12 + i] = second & 15 | second << 4;
        }
        for bytes in block[16..].as_chunks_mut::<4>().0 {
            let random = rng.next_u64().to_le_bytes();
            for (byte, [low, high]) in bytes.iter_mut().zip(random.as_chunks().0) {
                *byte = LOW_NIBBLE[usize::from(*low)] | HIGH_NIBBLE[usize::from(*high)];
            }
        }
    }

    /// A `Q6_K` block: 256 lower nibbles, 256 upper pairs of bits, sixteen signed sub-scales, step. A value is
    /// `step x sub-scale x (code - 32)`.
    fn draw_q6_k(self, rng: &mut Xoshiro256PlusPlus, block: &mut [u8; 210]) {
        for half in 0..2 {
            let (low, high) = (64 * half, 128 + 32 * half);
            for i in (0..32).step_by(2) {
                let random = rng.next_u64().to_le_bytes();
                for (i, bytes) in (i..).zip(random.as_chunks::<4>().0) {
                    let [a, b, c, d] = bytes.map(|byte| SIX_BIT[usize::from(byte)]);
                    block[low + i] = a & 15 | c << 4;
                    block[low + i + 32] = b & 15 | d << 4;
                    block[high + i] = a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6;
                }
            }
        }
        for eight in block[192..208].as_chunks_mut::<8>().0 {
            for (sub, random) in eight.iter_mut().zip(rng.next_u64().to_le_bytes()) {
                let magnitude = (64 + (random & 63)) >> self.shift;
                *sub = if random & 128 == 0 { magnitude } else { magnitude.wrapping_neg() };
            }
        }
        let [jitter, ..] = rng.next_u64().to_le_bytes();
        block[208..].copy_from_slice(&f16_bits(self.significand(jitter), self.exponent));
    }
}

/// The 16-bit float `significand x 2^(exponent - 24)`, little-endian; exact for significands below 2^11.
fn f16_bits(significand: u64, exponent: u32) -> [u8; 2] {
    let width = u64::BITS - significand.leading_zeros();
    let bits = if width + exponent <= 10 {
        significand << exponent
    } else {
        u64::from(width + exponent - 10) << 10 | (significand << (11 - width) & 0x3ff)
    };
    let [low, high, ..] = bits.to_le_bytes();
    [low, high]
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QStorage, QTensor};
    use candle_core::{Device, Shape};

    use super::*;

    /// The values of many drawn blocks, as candle reads them.
    fn values(kind: TensorType, dtype: GgmlDType, std: f64) -> Vec<f32> {
        let (per_block, block_bytes) = kind.block();
        let blocks = (1 << 20) / usize::try_from(per_block).unwrap();
        let mut bytes = vec![0; usize::try_from(block_bytes).unwrap() * blocks];
        Draw::gaussian(kind, std).unwrap().fill(7, &mut bytes);
        let count = usize::try_from(per_block).unwrap() * blocks;
        let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype).unwrap();
        let tensor = QTensor::new(storage, Shape::from(count)).unwrap();
        tensor.dequantize(&Device::Cpu).unwrap().to_vec1().unwrap()
    }

    fn mean_and_std(values: &[f32]) -> (f64, f64) {
        let n = count_as_f64(values.len().try_into().unwrap());
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        (mean, square.sqrt())
    }

    #[test]
    fn blocks_have_the_mean_and_spread_asked_for() {
        for (kind, dtype) in [
            (TensorType::F32, GgmlDType::F32),
            (TensorType::Q5_0, GgmlDType::Q5_0),
            (TensorType::Q8_0, GgmlDType::Q8_0),
            (TensorType::Q4K, GgmlDType::Q4K),
            (TensorType::Q6K, GgmlDType::Q6K),
            (TensorType::BF16, GgmlDType::BF16),
        ] {
            // From an embedding table to the down projection of the largest models: the last needs smaller sub-scales.
            for std in [2.0, 1.0, 0.05, 0.01, 0.0014, 0.0004] {
                let values = values(kind, dtype, std);
                let (mean, measured) = mean_and_std(&values);
                assert!((measured / std - 1.0).abs() < 0.015, "{kind:?} {std}: std {measured}");
                // The standard error of the mean of 2^20 values is std / 1024.
                assert!(mean.abs() < 5.0 * std / 1024.0, "{kind:?} {std}: mean {mean}");
                assert!(values.iter().all(|v| f64::from(v.abs()) < 5.5 * std), "{kind:?} {std}");
            }
        }
    }

    #[test]
    fn the_tables_are_quantiles_of_a_gaussian() {
        // Abramowitz and Stegun 26.2.23, error below 4.5e-4; no quantile lies closer to a step of its table than 0.014 codes.
        let quantile = |p: f64| {
            let t = (-2.0 * p.ln()).sqrt();
            t - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t)
                / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t.powi(3))
        };
        let (mut nibbles, mut five, mut six, mut eight) = ([0; 8], [0; 16], [0; 32], [0; 128]);
        for i in 0..128 {
            let z = quantile((f64::from(i) + 0.5) / 256.0);
            nibbles[usize::try_from(rounded_u64(7.5 + 3.6 * z).clamp(8, 15) - 8).unwrap()] += 1;
            five[usize::try_from(rounded_u64(7.31 * z).min(15)).unwrap()] += 1;
            six[usize::try_from(rounded_u64(15.0 * z).min(31)).unwrap()] += 1;
            eight[usize::try_from(127 - i).unwrap()] = u8::try_from(rounded_u64(61.4 * z).min(127)).unwrap();
        }
        // Half of those of code 0 lie above zero.
        (five[0], six[0]) = (2 * five[0], 2 * six[0]);
        assert_eq!((nibbles, five, six), (NIBBLES, FIVE_BITS, SIX_BITS));
        // Eight bits are finer than the approximation.
        let near = eight.iter().zip(EIGHT_BITS).filter(|(a, b)| a.abs_diff(*b) <= 1).count();
        assert_eq!(near, 128);
    }

    #[test]
    fn small_floats_are_exact() {
        // 1.0, the largest significand (2047/2048), the smallest normal and the smallest subnormal number of the format.
        assert_eq!(f16_bits(64, 18), 0x3c00_u16.to_le_bytes());
        assert_eq!(f16_bits(2047, 13), 0x3bff_u16.to_le_bytes());
        assert_eq!(f16_bits(1024, 0), 0x0400_u16.to_le_bytes());
        assert_eq!(f16_bits(1, 0), 0x0001_u16.to_le_bytes());
    }

    #[test]
    fn a_bias_is_small_and_exact() {
        let mut bytes = vec![0; 4096];
        Draw::SmallBias.fill(7, &mut bytes);
        for value in bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)) {
            assert!(value.abs() <= 0.25 && (value * 1024.0).fract() == 0.0, "{value}");
        }
    }
}
