//! Draws plain floats from random bytes.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::RngCore;

/// Standard deviation of [`byte_sum`]: that of one byte, squared, is (256^2 - 1) / 12.
pub(super) const BYTE_SUM_STD: f64 = 209.020_334_1;

/// Four random bytes less four others: a whole number, exact as a float.
pub(super) fn byte_sum(rng: &mut Xoshiro256PlusPlus) -> f32 {
    let [plus, minus] = *rng.next_u64().to_le_bytes().as_chunks::<4>().0 else {
        unreachable!("eight bytes are two times four");
    };
    let sum = |bytes: [u8; 4]| bytes.iter().map(|&byte| f32::from(byte)).sum::<f32>();
    sum(plus) - sum(minus)
}

/// Standard deviation of [`short_sums`]: that of one byte, squared, is (256^2 - 1) / 12.
pub(super) const SHORT_SUM_STD: f64 = 147.800_541_3;

/// Two sums from eight random bytes, of two bytes less two others each: whole numbers from -510 to 510, exact as floats. A
/// file of plain floats has three times the bytes of a quantised one, so both are worked out at once, as 16-bit parts of one
/// number.
pub(super) fn short_sums(rng: &mut Xoshiro256PlusPlus) -> [f32; 2] {
    const LOW_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    let random = rng.next_u64();
    // Each part is a byte plus 255 less another, at most 510; then neighbours are added, and no sum runs into the next.
    let parts = (random & LOW_BYTES) + (LOW_BYTES - (random >> 8 & LOW_BYTES));
    let [a, b, _, _, c, d, ..] = (parts + (parts >> 16)).to_le_bytes();
    [[a, b], [c, d]].map(|sum| f32::from(u16::from_le_bytes(sum)) - 510.0)
}

/// The BF16 nearest to a float, to even where two are equally near; little-endian. BF16 is the upper half of a 32-bit float.
pub(super) fn bf16_bits(value: f32) -> [u8; 2] {
    let bits = value.to_bits();
    let [_, _, low, high] = (bits + (0x7fff + (bits >> 16 & 1))).to_le_bytes();
    [low, high]
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn short_floats_are_the_nearest() {
        for value in [1.0, -0.0, 1.0 / 3.0, 257.0 / 256.0, 259.0 / 256.0, -510.0 * 0.000_7, 3.0e38, 1e-30] {
            assert_eq!(bf16_bits(value), half::bf16::from_f32(value).to_le_bytes(), "{value}");
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let sums: Vec<f32> = (0..10_000).flat_map(|_| short_sums(&mut rng)).collect();
        assert!(sums.iter().all(|sum| sum.abs() <= 510.0 && sum.fract() == 0.0));
        let neighbours: f32 = sums.as_chunks::<2>().0.iter().map(|[a, b]| a * b).sum();
        // The two of one random number do not depend on each other: their mean product is 0, within five standard errors.
        assert!((neighbours / 10_000.0).abs() < 5.0 * 147.8 * 147.8 / 100.0, "{neighbours}");
    }
}
