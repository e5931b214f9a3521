//! What the forward pass on a CPU computes with: products with weights as they lie in a file, attention, norms.
//!
//! This is the one place with `unsafe` code: loads and stores of vector registers (`vectors.rs`), calls of code for
//! instruction sets that were found on the processor (`level.rs`), threads that share a buffer in disjoint parts (`team.rs`),
//! and memory that the system maps (`mapped.rs`, `room.rs`). Each has its safety argument beside it; everything else is plain Rust over
//! slices.
//!
//! Layouts. Activations are cut into *pieces* of [`PIECE`] columns, `[piece][token]`, so that a product walks them as it walks
//! the weights. Products come in *panels* of [`ROWS`] rows, `[panel][token][ROWS]`, so that what a thread computes is one
//! contiguous part.

#![expect(unsafe_code, reason = "the one place with instructions of a processor and shared buffers")]
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into code for a set of instructions loses its registers"
)]

mod attend;
mod blocks_256;
mod blocks_32;
mod elementwise;
mod floats;
mod kind;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod level;
mod mapped;
mod panel_256;
mod panel_32;
mod portable;
mod q4_k;
mod q5_0;
mod q6_k;
mod q8_0;
mod room;
#[cfg(test)]
mod samples;
mod team;
#[cfg(target_arch = "x86_64")]
mod vectors;

pub(in crate::engine) use attend::{
    Attention, Cached, Head, KEY_BLOCK, QUERY_ROWS, Sight, attend, put_key, put_value,
};
pub(in crate::engine) use blocks_32::Block32;
pub(in crate::engine) use blocks_256::Block256;
pub(in crate::engine) use elementwise::{
    Part as AttendedPart, argmax, gate, merge, rms_factor, scale_by, turn_halves, turn_neighbours,
};
pub(in crate::engine) use floats::round_halves;
pub(in crate::engine) use kind::{InputKind, Kind};
pub(in crate::engine) use level::Level;
pub(in crate::engine) use mapped::Bytes;
pub(in crate::engine) use portable::to_floats;
pub(in crate::engine) use room::Room;
pub(in crate::engine) use team::{Part, Stretch, Team};

/// Rows of a matrix that are computed together.
pub(in crate::engine) const ROWS: usize = 16;

/// Columns of activations that lie together: a block of the `K` types, eight blocks of the others.
pub(in crate::engine) const PIECE: usize = 256;

/// Up to [`ROWS`] consecutive rows of a matrix.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct RowBlock<'a> {
    /// The rows, one after the other, as they lie in the file; at least one, whole ones only.
    pub(in crate::engine) bytes: &'a [u8],
    /// Bytes of a row.
    pub(in crate::engine) row_bytes: usize,
    /// Values of a row.
    pub(in crate::engine) columns: usize,
    /// What this thread will read after them, so that it can be fetched ahead; may be empty.
    pub(in crate::engine) next: &'a [u8],
}

impl<'a> RowBlock<'a> {
    /// How many rows there are.
    pub(in crate::engine) fn count(&self) -> usize {
        self.bytes.len() / self.row_bytes
    }

    /// A row; beyond the last one the last one again, whose results nobody reads.
    pub(in crate::engine) fn row(&self, index: usize) -> &'a [u8] {
        let start = index.min(self.count() - 1) * self.row_bytes;
        &self.bytes[start..start + self.row_bytes]
    }

    /// Pieces of a row, a started one counted whole.
    pub(in crate::engine) fn pieces(&self) -> usize {
        self.columns.div_ceil(PIECE)
    }
}

/// Activations of all tokens of a product, `[piece][token]`. A product reads the form that [`Kind::input`] or
/// [`Kind::input_for`] names.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Input<'a> {
    /// Rounded to 8 bits, one scale for 256 values.
    Blocks256(&'a [Block256]),
    /// Rounded to 8 bits, one scale for 32 values.
    Blocks32(&'a [[Block32; PIECE / 32]]),
    /// As they are; beyond the last column zero.
    Floats(&'a [[f32; PIECE]]),
    /// Rounded to BF16; beyond the last column zero.
    Halves(&'a [[half::bf16; PIECE]]),
}

/// What a thread needs for products: room for one panel of unpacked weights.
#[derive(Debug, Default)]
pub(in crate::engine) struct Scratch {
    panel_256: panel_256::Panel,
    floats: floats::Panel,
    blocks_32: panel_32::Panel,
}

/// Rows times activations: `out` is `[token][ROWS]` and is overwritten; of a block with fewer rows the rest is left undefined.
///
/// `input` holds `[block.pieces()][tokens]` in the form of `kind.input()` or `kind.input_for(level)`.
pub(in crate::engine) fn rows(
    level: Level,
    kind: Kind,
    block: RowBlock<'_>,
    input: Input<'_>,
    scratch: &mut Scratch,
    out: &mut [[f32; ROWS]],
) {
    match (kind, input) {
        (Kind::Q4K, Input::Blocks256(input)) => q4_k::rows(level, block, input, &mut scratch.panel_256, out),
        (Kind::Q6K, Input::Blocks256(input)) => q6_k::rows(level, block, input, &mut scratch.panel_256, out),
        (Kind::Q8_0, Input::Blocks32(input)) => {
            q8_0::rows(level, block, input, &mut scratch.blocks_32, out);
        }
        (Kind::Q5_0, Input::Blocks32(input)) => {
            q5_0::rows(level, block, input, &mut scratch.blocks_32, out);
        }
        (Kind::F32 | Kind::F16 | Kind::BF16, Input::Floats(input)) => {
            floats::rows(level, kind, block, input, &mut scratch.floats, out);
        }
        (Kind::BF16, Input::Halves(input)) => {
            floats::rows_of_halves(level, block, input, &mut scratch.floats, out);
        }
        _ => unreachable!("activations in the form that the kind names"),
    }
}
