//! 16 rows of one piece of weights in blocks of 32, unpacked for many tokens; and what one token needs.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only kernels for x86-64 unpack weights"))]

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;

use super::{Block32, PIECE, ROWS};

/// Codes of one piece of 16 rows, and their scales.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Panel {
    /// `[block of 32 columns][4 columns][row][column of the four]`: 4 codes of a row in one lane.
    pub(super) codes: [[[u8; 4 * ROWS]; 8]; PIECE / 32],
    /// `[block of 32 columns][row]`.
    pub(super) scales: [[f32; ROWS]; PIECE / 32],
    /// For one token: `[piece][block of 32 columns]` the scales of activations, side by side.
    pub(super) token_scales: Vec<[f32; PIECE / 32]>,
    /// The same: the sums of codes, times their scales.
    pub(super) token_sums: Vec<[f32; PIECE / 32]>,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            codes: [[[0; 4 * ROWS]; 8]; PIECE / 32],
            scales: [[0.0; ROWS]; PIECE / 32],
            token_scales: Vec::new(),
            token_sums: Vec::new(),
        }
    }
}

impl Panel {
    /// Lays the scales and sums of one token side by side.
    pub(super) fn prepare(&mut self, input: &[[Block32; PIECE / 32]]) {
        self.token_scales.clear();
        self.token_scales.extend(input.iter().map(|piece| piece.each_ref().map(|block| block.scale)));
        self.token_sums.clear();
        // A sum of 32 codes is at most 4,064.
        let sum = |block: &Block32| block.scale * f32::from(i16::try_from(block.sum).unwrap_or_default());
        self.token_sums.extend(input.iter().map(|piece| piece.each_ref().map(sum)));
    }
}
