//! Activations rounded to 8 bits, one scale for 32 values: what weights in blocks of 32 are multiplied with.

use super::PIECE;
use super::blocks_256::nearest_i8;
use super::level::{Level, Set};

/// 32 values: `scale * quants[i]`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(in crate::engine) struct Block32 {
    /// The codes, -127 to 127.
    pub(super) quants: [i8; 32],
    /// The value of code 1.
    pub(super) scale: f32,
    /// Sum of the codes.
    pub(super) sum: i32,
}

impl Block32 {
    /// All zero.
    pub(in crate::engine) const ZERO: Self = Self { quants: [0; 32], scale: 0.0, sum: 0 };

    /// Rounds the values of a piece.
    pub(in crate::engine) fn round_piece(
        level: Level,
        blocks: &mut [Self; PIECE / 32],
        values: &[f32; PIECE],
    ) {
        match level.set() {
            _ => {
                for (block, values) in blocks.iter_mut().zip(values.as_chunks().0) {
                    round(block, values);
                }
            }
        }
    }
}

/// The reference of the others: every level gives the same codes.
fn round(block: &mut Block32, values: &[f32; 32]) {
    let top = values.iter().fold(0.0_f32, |top, value| top.max(value.abs()));
    let inverse = if top == 0.0 { 0.0 } else { 127.0 / top };
    block.scale = top / 127.0;
    for (code, value) in block.quants.iter_mut().zip(values) {
        *code = nearest_i8(value * inverse);
    }
    block.sum = block.quants.iter().map(|code| i32::from(*code)).sum();
}
