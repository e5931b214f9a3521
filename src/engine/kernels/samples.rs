//! Weights and activations for the tests of kernels, and the comparison with the portable ones.

use super::{
    Block32, Block256, Input, InputKind, Kind, Level, PIECE, ROWS, RowBlock, Scratch, portable, round_halves,
    rows, to_floats,
};

/// Steps of a linear congruential generator: tests need variety, not quality.
#[derive(Clone, Debug)]
pub(super) struct Draw(pub(super) u32);

impl Draw {
    pub(super) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[1]
    }

    /// Between -1 and 1.
    pub(super) fn value(&mut self) -> f32 {
        f32::from(i16::from_le_bytes([self.byte(), self.byte()])) / 32_768.0
    }
}

/// A matrix of random blocks. With `extreme`, the codes and scales of the first row are the largest there are: sums that do not fit
/// would show.
pub(super) fn weights(kind: Kind, rows: usize, columns: usize, extreme: bool, draw: &mut Draw) -> Vec<u8> {
    let scale = |draw: &mut Draw| half::f16::from_f32(0.01 + 0.01 * draw.value().abs()).to_le_bytes();
    let mut bytes = Vec::new();
    for block in 0..rows * columns / kind.block_values() {
        let largest = extreme && block < columns / kind.block_values();
        let start = bytes.len();
        bytes.extend((0..kind.block_bytes()).map(|_| if largest { 0xff } else { draw.byte() }));
        let block = &mut bytes[start..];
        match kind {
            Kind::Q4K => {
                block[..2].copy_from_slice(&scale(draw));
                block[2..4].copy_from_slice(&scale(draw));
            }
            Kind::Q6K => {
                block[208..].copy_from_slice(&scale(draw));
                if largest {
                    block[192..208].fill(0x80);
                }
            }
            Kind::Q8_0 | Kind::Q5_0 => {
                block[..2].copy_from_slice(&scale(draw));
                if largest && kind == Kind::Q8_0 {
                    block[2..].fill(0x80);
                }
            }
            Kind::F32 => block.copy_from_slice(&draw.value().to_le_bytes()),
            Kind::F16 => block.copy_from_slice(&half::f16::from_f32(draw.value()).to_le_bytes()),
            Kind::BF16 => block.copy_from_slice(&half::bf16::from_f32(draw.value()).to_le_bytes()),
        }
    }
    bytes
}

/// Activations in every form, `[piece][token]`.
#[derive(Debug)]
pub(super) struct Activations {
    floats: Vec<[f32; PIECE]>,
    blocks_256: Vec<Block256>,
    blocks_32: Vec<[Block32; PIECE / 32]>,
    halves: Vec<[half::bf16; PIECE]>,
}

impl Activations {
    /// Random ones; those of token 0 are all 1, the largest code. BF16 holds all of them, so that rounding to it changes nothing.
    pub(super) fn draw(tokens: usize, columns: usize, draw: &mut Draw) -> Self {
        let mut floats = vec![[0.0; PIECE]; columns.div_ceil(PIECE) * tokens];
        for column in 0..columns {
            for token in 0..tokens {
                floats[column / PIECE * tokens + token][column % PIECE] =
                    if token == 0 { 1.0 } else { half::bf16::from_f32(draw.value()).to_f32() };
            }
        }
        let mut blocks_256 = vec![Block256::ZERO; floats.len()];
        let mut blocks_32 = vec![[Block32::ZERO; PIECE / 32]; floats.len()];
        for (slot, values) in floats.iter().enumerate() {
            blocks_256[slot].round(Level::PORTABLE, values);
            Block32::round_piece(Level::PORTABLE, &mut blocks_32[slot], values);
        }
        let mut halves = vec![[half::bf16::ZERO; PIECE]; floats.len()];
        for (halves, floats) in halves.iter_mut().zip(&floats) {
            round_halves(Level::PORTABLE, halves, floats);
        }
        Self { floats, blocks_256, blocks_32, halves }
    }

    pub(super) fn input(&self, kind: InputKind) -> Input<'_> {
        match kind {
            InputKind::Blocks256 => Input::Blocks256(&self.blocks_256),
            InputKind::Blocks32 => Input::Blocks32(&self.blocks_32),
            InputKind::Floats => Input::Floats(&self.floats),
            InputKind::Halves => Input::Halves(&self.halves),
        }
    }
}

/// Compares every level of this processor with the portable one, for one matrix and some numbers of tokens.
pub(super) fn assert_levels_agree(kind: Kind, rows_count: usize, columns: usize, tokens: usize, seed: u32) {
    let mut draw = Draw(seed);
    let weights = weights(kind, rows_count, columns, seed % 2 == 1, &mut draw);
    let activations = Activations::draw(tokens, columns, &mut draw);
    let input = activations.input(kind.input());
    let row_bytes = columns / kind.block_values() * kind.block_bytes();
    let mut scratch = Scratch::default();
    for first in (0..rows_count).step_by(ROWS) {
        let last = rows_count.min(first + ROWS);
        let block =
            RowBlock { bytes: &weights[first * row_bytes..last * row_bytes], row_bytes, columns, next: &[] };
        let mut expected = vec![[0.0; ROWS]; tokens];
        portable::rows(kind, block, input, &mut expected);
        for level in Level::all() {
            let mut found = vec![[f32::NAN; ROWS]; tokens];
            rows(level, kind, block, activations.input(kind.input_for(level)), &mut scratch, &mut found);
            for token in 0..tokens {
                for row in 0..last - first {
                    let size = size(kind, block.row(row), input, token, tokens, columns);
                    let (found, expected) = (found[token][row], expected[token][row]);
                    assert!(
                        (found - expected).abs() <= 1e-5 * size + 1e-6,
                        "{kind:?} {} {columns} columns, {tokens} tokens, token {token}, row {}: {found} not {expected}",
                        level.id(),
                        first + row
                    );
                }
            }
        }
    }
}

/// The sum of the magnitudes of all products: what rounding is relative to.
fn size(kind: Kind, row: &[u8], input: Input<'_>, token: usize, tokens: usize, columns: usize) -> f32 {
    let mut weights = vec![0.0; columns];
    to_floats(kind, row, &mut weights);
    let pieces = weights.chunks(PIECE).enumerate().map(|(piece, weights)| {
        let values = portable::values(input, piece * tokens + token);
        weights.iter().zip(&values).map(|(weight, value)| (weight * value).abs()).sum::<f32>()
    });
    pieces.sum()
}

#[test]
fn every_level_agrees_with_the_portable_one() {
    for kind in Kind::ALL {
        for (rows, columns) in [(16, 256), (37, 1536), (3, 512)] {
            for tokens in [1, 2, 3, 4, 5, 7, 8, 13, 33] {
                assert_levels_agree(kind, rows, columns, tokens, 7);
                assert_levels_agree(kind, rows, columns, tokens, 8);
            }
        }
    }
    for kind in [Kind::Q8_0, Kind::Q5_0, Kind::F32, Kind::F16, Kind::BF16] {
        for columns in [32, 64, 160, 1408] {
            for tokens in [1, 4, 9] {
                assert_levels_agree(kind, 18, columns, tokens, 9);
            }
        }
    }
    for kind in [Kind::F32, Kind::F16, Kind::BF16] {
        assert_levels_agree(kind, 5, 37, 1, 9);
        assert_levels_agree(kind, 5, 37, 5, 9);
    }
}
