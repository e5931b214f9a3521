//! Products with weights that are plain floats.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod bf16;

use super::level::{Level, Set};
use super::{Input, Kind, PIECE, ROWS, RowBlock, portable};

/// 16 rows of one piece as 32-bit floats, for many tokens: `[pair of columns][row][column of the pair]`, rows in an order that
/// suits the registers. Pairs, since a pair of activations is repeated in a register as quickly as one is, and then serves
/// twice as many products.
type Weights = [[f32; 2 * ROWS]; PIECE / 2];

/// Room for many tokens.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Panel {
    weights: Weights,
    /// One piece of all tokens, rounded to BF16, two in a number.
    rounded: Vec<[f32; PIECE / 2]>,
}

impl Default for Panel {
    fn default() -> Self {
        Self { weights: [[0.0; 2 * ROWS]; PIECE / 2], rounded: Vec::new() }
    }
}

/// The formats, as parameters of types: 32-bit floats, 16-bit ones, and the upper half of 32-bit ones.
#[cfg(target_arch = "x86_64")]
mod format {
    pub(super) const F32: u8 = 0;
    pub(super) const F16: u8 = 1;
    pub(super) const BF16: u8 = 2;

    /// Bytes of a value.
    pub(super) const fn bytes(format: u8) -> usize {
        if format == F32 { 4 } else { 2 }
    }
}

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    kind: Kind,
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    match level.set() {
        Set::Portable => portable::rows(kind, block, Input::Floats(input), out),
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { avx2::rows(kind, block, input, panel, out) },
        // SAFETY: as above; `has_bf16` is found in the same way.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 if kind == Kind::BF16 && level.has_bf16() && out.len() > 1 => unsafe {
            bf16::rows(block, input, panel, out);
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { avx512::rows(kind, block, input, panel, out) },
    }
}

/// The piece of each row: columns up to the end of the piece or of the row.
#[cfg(target_arch = "x86_64")]
fn piece_rows(block: RowBlock<'_>, piece: usize, value_bytes: usize) -> [&[u8]; ROWS] {
    let start = piece * PIECE * value_bytes;
    let end = block.row_bytes.min(start + PIECE * value_bytes);
    std::array::from_fn(|row| &block.row(row)[start..end])
}
