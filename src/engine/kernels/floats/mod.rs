//! Products with weights that are plain floats.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::level::{Level, Set};
use super::{Input, Kind, PIECE, ROWS, RowBlock, portable};

/// 16 rows of one piece as 32-bit floats, for many tokens: `[pair of columns][row][column of the pair]`, rows in an order that
/// suits the registers. Pairs, since a pair of activations is repeated in a register as quickly as one is, and then serves
/// twice as many products.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Panel([[f32; 2 * ROWS]; PIECE / 2]);

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

/// The bytes of one piece of 16 rows, and what will be read after them.
#[cfg(target_arch = "x86_64")]
struct PieceRows<'a> {
    /// The piece of each row: columns up to the end of the piece or of the row.
    rows: [&'a [u8]; ROWS],
    /// The block, to fetch from.
    block: RowBlock<'a>,
    /// Byte of a row where the piece after this one starts.
    after: usize,
}

#[cfg(target_arch = "x86_64")]
impl<'a> PieceRows<'a> {
    fn new(block: RowBlock<'a>, piece: usize, value_bytes: usize) -> Self {
        let start = piece * PIECE * value_bytes;
        let after = block.row_bytes.min(start + PIECE * value_bytes);
        Self { rows: std::array::from_fn(|row| &block.row(row)[start..after]), block, after }
    }

    /// Asks for part `part` of `parts` of the piece that comes next: spread over the work on this piece, it costs less than in
    /// one burst.
    #[inline]
    fn fetch(&self, part: usize, parts: usize) {
        let last = self.after >= self.block.row_bytes;
        let (bytes, start) = if last { (self.block.next, 0) } else { (self.block.bytes, self.after) };
        for row in ROWS * part / parts..ROWS * (part + 1) / parts {
            for offset in (0..self.rows[0].len()).step_by(64) {
                super::vectors::fetch_later(bytes, start + row * self.block.row_bytes + offset);
            }
        }
    }
}
