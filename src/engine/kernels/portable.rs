//! The same in plain Rust: the reference of all others, and how rows of an embedding table are read.

use half::{bf16, f16};

use super::{Block32, Block256, Input, Kind, PIECE, ROWS, RowBlock};
use crate::units::nearest_f32;

/// The values of a row, or of whole blocks of one, as 32-bit floats: `out` has as many as `bytes` holds.
pub(in crate::engine) fn to_floats(kind: Kind, bytes: &[u8], out: &mut [f32]) {
    let blocks = bytes.chunks_exact(kind.block_bytes()).zip(out.chunks_exact_mut(kind.block_values()));
    blocks.for_each(|(block, out)| match kind {
        Kind::Q4K => q4_k(block, out),
        Kind::Q6K => q6_k(block, out),
        Kind::Q8_0 => q8_0(block, out),
        Kind::Q5_0 => q5_0(block, out),
        Kind::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
        Kind::F16 => out[0] = half(block, 0),
        Kind::BF16 => out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32(),
    });
}

/// The 16-bit float at byte `at`.
fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// `d, dmin: f16; 12 bytes of scales and minima; 128 bytes of codes`: `d scale code - dmin minimum`.
fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half(block, 0), half(block, 2));
    for (sub, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = six_bits(&block[4..16], sub);
        let codes = &block[16 + 32 * (sub / 2)..];
        for (value, code) in out.iter_mut().zip(codes) {
            let code = if sub % 2 == 0 { code & 15 } else { code >> 4 };
            *value = d * f32::from(scale) * f32::from(code) - dmin * f32::from(minimum);
        }
    }
}

/// Scale and minimum of sub-block `sub` of 8: the first four have their 6 bits in bytes `sub` and `sub + 4`; the upper two bits
/// of the others are the upper two of these.
fn six_bits(packed: &[u8], sub: usize) -> (u8, u8) {
    if sub < 4 {
        return (packed[sub] & 63, packed[sub + 4] & 63);
    }
    let low = packed[sub + 4];
    ((low & 15) | ((packed[sub - 4] >> 6) << 4), (low >> 4) | ((packed[sub] >> 6) << 4))
}

/// `128 bytes of low bits; 64 of high bits; 16 scales: i8; d: f16`: `d scale (code - 32)`.
fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = half(block, 208);
    for (index, value) in out.iter_mut().enumerate() {
        let (side, quarter, lane) = (index / 128, index / 32 % 4, index % 32);
        let low = block[64 * side + 32 * (quarter % 2) + lane] >> (4 * (quarter / 2)) & 15;
        let high = block[128 + 32 * side + lane] >> (2 * quarter) & 3;
        let scale = i8::from_le_bytes([block[192 + index / 16]]);
        *value = d * f32::from(scale) * (f32::from(low | high << 4) - 32.0);
    }
}

/// `d: f16; 32 codes: i8`: `d code`.
fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = half(block, 0);
    for (value, code) in out.iter_mut().zip(&block[2..]) {
        *value = d * f32::from(i8::from_le_bytes([*code]));
    }
}

/// `d: f16; 32 fifth bits; 16 bytes of codes`: `d (code - 16)`; the lower halves of bytes are the first 16 values.
fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = half(block, 0);
    for (index, value) in out.iter_mut().enumerate() {
        let fifth = block[2 + index / 8] >> (index % 8) & 1;
        let four = block[6 + index % 16] >> (4 * (index / 16)) & 15;
        *value = d * (f32::from(four | fifth << 4) - 16.0);
    }
}

/// See [`super::rows`]. Sums are 64-bit floats, so that what is left is the rounding of the activations.
pub(super) fn rows(kind: Kind, block: RowBlock<'_>, input: Input<'_>, out: &mut [[f32; ROWS]]) {
    let tokens = out.len();
    let mut weights = vec![0.0; block.columns];
    for row in 0..block.count() {
        to_floats(kind, block.row(row), &mut weights);
        for (token, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (piece, weights) in weights.chunks(PIECE).enumerate() {
                let values = values(input, piece * tokens + token);
                sum += weights.iter().zip(&values).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
            }
            out[row] = nearest_f32(sum);
        }
    }
}

/// What one piece of activations stands for.
pub(super) fn values(input: Input<'_>, slot: usize) -> [f32; PIECE] {
    match input {
        Input::Floats(pieces) => pieces[slot],
        Input::Halves(pieces) => pieces[slot].map(bf16::to_f32),
        Input::Blocks256(blocks) => {
            let Block256 { quants, scale, .. } = &blocks[slot];
            quants.map(|code| scale * f32::from(code))
        }
        Input::Blocks32(blocks) => {
            let mut values = [0.0; PIECE];
            for (values, Block32 { quants, scale, .. }) in values.chunks_exact_mut(32).zip(&blocks[slot]) {
                values.iter_mut().zip(quants).for_each(|(value, code)| *value = scale * f32::from(*code));
            }
            values
        }
    }
}
