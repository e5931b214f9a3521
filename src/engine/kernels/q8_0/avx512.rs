//! Products with `Q8_0` weights on AVX-512 VNNI. One token is quicker on AVX2, whose code it shares (in cache 34 to 41 GB/s
//! against 26 to 29 with the multiply-add of four bytes, which starts from zero for each block).

use std::arch::x86_64::{_mm256_set1_epi8, _mm256_setzero_si256, _mm256_xor_si256};

use super::BLOCK;
use super::avx2::dot;
use crate::engine::kernels::panel_32::Panel;
use crate::engine::kernels::panel_32::avx2::{piece_rows, store_codes};
use crate::engine::kernels::panel_32::avx512::{multiply, tiles};
use crate::engine::kernels::vectors::{Ahead, at, load_32};
use crate::engine::kernels::{Block32, PIECE, ROWS, RowBlock};

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn rows(
    block: RowBlock<'_>,
    input: &[[Block32; PIECE / 32]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    if let [out] = out {
        panel.prepare(input);
        for (row, out) in out.iter_mut().enumerate().take(block.count()) {
            *out = dot(block, row, input, &panel.token_scales);
        }
    } else {
        many(block, input, panel, out);
    }
}

/// Many tokens: a piece of 16 rows is laid out once and meets all of them.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn many(block: RowBlock<'_>, input: &[[Block32; PIECE / 32]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), tiles(out.len()));
    out.fill([0.0; ROWS]);
    let raise = _mm256_set1_epi8(i8::MIN);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows::<BLOCK>(block, piece);
        let ahead = Ahead { block, piece, piece_bytes: 8 * BLOCK, tokens };
        panel.unpack_scales(&rows);
        for (index, codes) in panel.codes.iter_mut().enumerate().take(rows[0].len()) {
            ahead.beside_unpacking(index, rows[0].len());
            for half in 0..2 {
                let mut registers = [_mm256_setzero_si256(); 8];
                for (register, row) in registers.iter_mut().zip(&rows[8 * half..]) {
                    *register = _mm256_xor_si256(load_32(at(&row[index], 2)), raise);
                }
                store_codes(codes, half, registers);
            }
        }
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            multiply::<128>(panel, rows[0].len(), &values[range.clone()], &mut out[range]);
        }
    }
}
