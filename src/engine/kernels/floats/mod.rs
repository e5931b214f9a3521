//! Products with weights that are plain floats.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod halves;

use half::bf16;

use super::level::{Level, Set};
use super::{Input, Kind, PIECE, ROWS, RowBlock, portable};

/// 16 rows of one piece as 32-bit floats, for many tokens: `[pair of columns][row][column of the pair]`, rows in an order that
/// suits the registers. Pairs, since a pair of activations is repeated in a register as quickly as one is, and then serves
/// twice as many products.
type Weights = [[f32; 2 * ROWS]; PIECE / 2];

/// Room for many tokens.
#[derive(Debug)]
#[repr(align(64))]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only kernels for x86-64 unpack weights"))]
pub(super) struct Panel(Weights);

impl Default for Panel {
    fn default() -> Self {
        Self([[0.0; 2 * ROWS]; PIECE / 2])
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
    #[cfg(not(target_arch = "x86_64"))]
    let _ = panel;
    match level.set() {
        Set::Portable => portable::rows(kind, block, Input::Floats(input), out),
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { avx2::rows(kind, block, input, panel, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { avx512::rows(kind, block, input, panel, out) },
    }
}

/// The same with BF16 weights and activations rounded to BF16.
pub(super) fn rows_of_halves(
    level: Level,
    block: RowBlock<'_>,
    input: &[[bf16; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    #[cfg(target_arch = "x86_64")]
    if level.has_bf16() {
        // SAFETY: such a level exists only where the processor has these instructions (level.rs).
        unsafe { halves::rows(block, input, panel, out) };
        return;
    }
    let _ = (level, panel);
    portable::rows(Kind::BF16, block, Input::Halves(input), out);
}

/// Rounds a piece of activations to BF16, to nearest with ties to even. Levels may differ where values are too small for a
/// normal float.
pub(in crate::engine) fn round_halves(level: Level, rounded: &mut [bf16; PIECE], values: &[f32; PIECE]) {
    #[cfg(target_arch = "x86_64")]
    if level.has_bf16() {
        // SAFETY: as above.
        unsafe { halves::round(rounded, values) };
        return;
    }
    let _ = level;
    rounded.iter_mut().zip(values).for_each(|(rounded, value)| *rounded = bf16::from_f32(*value));
}

/// The piece of each row: columns up to the end of the piece or of the row.
#[cfg(target_arch = "x86_64")]
fn piece_rows(block: RowBlock<'_>, piece: usize, value_bytes: usize) -> [&[u8]; ROWS] {
    let start = piece * PIECE * value_bytes;
    let end = block.row_bytes.min(start + PIECE * value_bytes);
    std::array::from_fn(|row| &block.row(row)[start..end])
}

#[cfg(test)]
mod tests {
    use super::super::samples::Draw;
    use super::*;

    #[test]
    fn every_level_rounds_to_bf16_alike() {
        let mut draw = Draw(5);
        let mut values: [f32; PIECE] = std::array::from_fn(|_| draw.value() * 1e3);
        // Halfway between two, below an even one and below an odd one.
        (values[3], values[4]) = (f32::from_bits(0x3f80_8000), f32::from_bits(0x3f81_8000));
        let mut expected = [bf16::ZERO; PIECE];
        round_halves(Level::PORTABLE, &mut expected, &values);
        assert_eq!((expected[3].to_bits(), expected[4].to_bits()), (0x3f80, 0x3f82));
        for level in Level::all() {
            let mut found = [bf16::ZERO; PIECE];
            round_halves(level, &mut found, &values);
            assert_eq!(found, expected, "{}", level.id());
        }
    }
}
