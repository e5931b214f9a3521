//! Activations rounded to 8 bits, one scale for 256 values: what weights of the `K` types are multiplied with.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::PIECE;
use super::level::{Level, Set};

/// 256 values: `scale * quants[i]`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(in crate::engine) struct Block256 {
    /// The codes; the value of largest magnitude has -127 (as ggml's `Q8_K`, so that one comparison finds it).
    pub(super) quants: [i8; PIECE],
    /// Sums of 32 codes each: what a minimum is multiplied with.
    pub(super) sums_32: [i16; 8],
    /// Sums of 16 codes each: what an offset of codes is multiplied with.
    pub(super) sums_16: [i16; 16],
    /// The value of code 1.
    pub(super) scale: f32,
}

impl Block256 {
    /// All zero.
    pub(in crate::engine) const ZERO: Self =
        Self { quants: [0; PIECE], sums_32: [0; 8], sums_16: [0; 16], scale: 0.0 };

    /// Rounds values.
    pub(in crate::engine) fn round(&mut self, level: Level, values: &[f32; PIECE]) {
        match level.set() {
            Set::Portable => round(self, values),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
            Set::Avx2 | Set::Avx512 => unsafe { avx2::round(self, values) },
        }
    }
}

/// The reference of the others: every level gives the same codes.
fn round(block: &mut Block256, values: &[f32; PIECE]) {
    let inverse = inverse(top(values));
    block.scale = scale(inverse);
    for (code, value) in block.quants.iter_mut().zip(values) {
        *code = nearest_i8(value * inverse);
    }
    for (sum, codes) in block.sums_16.iter_mut().zip(block.quants.chunks_exact(16)) {
        *sum = codes.iter().map(|code| i16::from(*code)).sum();
    }
    for (sum, halves) in block.sums_32.iter_mut().zip(block.sums_16.chunks_exact(2)) {
        *sum = halves.iter().sum();
    }
}

/// The value of largest magnitude, the first of several.
fn top(values: &[f32; PIECE]) -> f32 {
    values.iter().copied().fold(0.0, |top: f32, value| if value.abs() > top.abs() { value } else { top })
}

/// What values are multiplied with to get codes: 0 if all are zero, or so small that the factor would not be finite.
fn inverse(top: f32) -> f32 {
    let inverse = -127.0 / top;
    if inverse.is_finite() { inverse } else { 0.0 }
}

/// The value of code 1.
fn scale(inverse: f32) -> f32 {
    if inverse == 0.0 { 0.0 } else { inverse.recip() }
}

/// The nearest whole number, ties to even, of a value within -127 to 127.
pub(super) fn nearest_i8(value: f32) -> i8 {
    crate::units::nearest_i8(value)
}

#[cfg(test)]
mod tests {
    use super::super::samples::Draw;
    use super::*;

    #[test]
    fn every_level_gives_the_same_codes() {
        let mut draw = Draw(3);
        for case in 0..200 {
            let mut values = [0.0; PIECE];
            values.fill_with(|| draw.value() * 3.0);
            match case {
                0 => values.fill(0.0),
                1 => values.fill(-1.0),
                // Of a largest value of either sign the first one counts.
                2 => (values[17], values[200]) = (5.0, -5.0),
                3 => (values[17], values[200]) = (-5.0, 5.0),
                // Halves between two codes, where the value of code 1 is 1: ties go to the even one.
                4 => {
                    values.fill_with(|| f32::from(i8::from_ne_bytes([draw.byte()]).clamp(-126, 125)) + 0.5);
                    values[0] = -127.0;
                }
                5 => values.fill(f32::MIN_POSITIVE / 4.0),
                _ => {}
            }
            let mut expected = Block256::ZERO;
            expected.round(Level::PORTABLE, &values);
            for level in Level::all() {
                let mut found = Block256::ZERO;
                found.round(level, &values);
                assert_eq!(found.quants, expected.quants, "{} case {case}", level.id());
                assert_eq!(found.sums_16, expected.sums_16, "{} case {case}", level.id());
                assert_eq!(found.sums_32, expected.sums_32, "{} case {case}", level.id());
                assert_eq!(found.scale.to_bits(), expected.scale.to_bits(), "{} case {case}", level.id());
            }
        }
    }
}
