//! Activations rounded to 8 bits, one scale for 256 values: what weights of the `K` types are multiplied with.

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
            _ => round(self, values),
        }
    }
}

/// The reference of the others: every level gives the same codes.
fn round(block: &mut Block256, values: &[f32; PIECE]) {
    let top =
        values.iter().copied().fold(0.0_f32, |top, value| if value.abs() > top.abs() { value } else { top });
    let inverse = if top == 0.0 { 0.0 } else { -127.0 / top };
    block.scale = if top == 0.0 { 0.0 } else { inverse.recip() };
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

/// The nearest whole number, ties to even, of a value within -127 to 127.
pub(super) fn nearest_i8(value: f32) -> i8 {
    crate::units::nearest_i8(value)
}
