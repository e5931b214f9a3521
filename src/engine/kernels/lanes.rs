//! Moving values between the lanes of registers: transposes and sums across a register.

use std::arch::x86_64::{
    __m256, __m256i, __m512i, _mm256_add_ps, _mm256_hadd_ps, _mm256_permute2f128_ps,
    _mm256_permute2x128_si256, _mm256_set_m128i, _mm256_shuffle_epi8, _mm256_srai_epi16,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm512_castsi128_si512, _mm512_castsi256_si512, _mm512_inserti32x4, _mm512_inserti64x4,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srai_epi16, _mm512_srai_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::vectors::{at, fetch_later, load_16, load_32, load_64, store_f32x8};
use super::{ROWS, RowBlock};

/// The sums of 8 registers, as an addition tree.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums_of_8(x: &[__m256; 8]) -> __m256 {
    let four = |i: usize| _mm256_hadd_ps(_mm256_hadd_ps(x[i], x[i + 1]), _mm256_hadd_ps(x[i + 2], x[i + 3]));
    let (low, high) = (four(0), four(4));
    _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
}

/// 32 bytes of 8 rows each, as 8 registers: lane `r` of register `i` is dword `i` of row `r`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn transpose_8x8<const N: usize>(rows: [&[u8; N]; 8], offset: usize) -> [__m256i; 8] {
    let row = |i: usize| load_32(at(rows[i], offset));
    let pair = |i: usize| {
        let (a, b) = (row(i), row(i + 1));
        (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b))
    };
    let four = |i: usize| {
        let ((a, b), (c, d)) = (pair(i), pair(i + 2));
        [
            _mm256_unpacklo_epi64(a, c),
            _mm256_unpackhi_epi64(a, c),
            _mm256_unpacklo_epi64(b, d),
            _mm256_unpackhi_epi64(b, d),
        ]
    };
    let (low, high) = (four(0), four(4));
    let front = |i: usize| _mm256_permute2x128_si256::<0x20>(low[i], high[i]);
    let back = |i: usize| _mm256_permute2x128_si256::<0x31>(low[i], high[i]);
    [front(0), front(1), front(2), front(3), back(0), back(1), back(2), back(3)]
}

/// 16 bytes of 8 rows each, as 4 registers: lane `r` of register `i` is dword `i` of row `r`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn transpose_8x4<const N: usize>(rows: [&[u8; N]; 8], offset: usize) -> [__m256i; 4] {
    let both = |i: usize| _mm256_set_m128i(load_16(at(rows[i + 4], offset)), load_16(at(rows[i], offset)));
    let [a, b, c, d] = [both(0), both(1), both(2), both(3)];
    let low = [_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d)];
    let high = [_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d)];
    [
        _mm256_unpacklo_epi64(low[0], low[1]),
        _mm256_unpackhi_epi64(low[0], low[1]),
        _mm256_unpacklo_epi64(high[0], high[1]),
        _mm256_unpackhi_epi64(high[0], high[1]),
    ]
}

/// The sums of 16 registers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sums_of_rows(x: &[__m256; ROWS], out: &mut [f32; ROWS]) {
    for (x, out) in x.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        store_f32x8(out, sums_of_8(x));
    }
}

/// Masks for a shuffle of bytes: mask `i` repeats 16-bit number `i` of 8.
static REPEAT_NUMBER: [[u8; 32]; 8] = {
    let mut masks = [[0; 32]; 8];
    let (mut number, mut first) = (0, 0);
    while number < 8 {
        let mut byte = 0;
        while byte < 32 {
            masks[number][byte] = first;
            masks[number][byte + 1] = first + 1;
            byte += 2;
        }
        number += 1;
        first += 2;
    }
    masks
};

/// [`REPEAT_NUMBER`] such that the compiler cannot see the masks: if it does, it replaces every shuffle by a shift and a
/// broadcast across lanes, which cost more.
#[inline(always)]
pub(super) fn repeat_number() -> &'static [[u8; 32]; 8] {
    std::hint::black_box(&REPEAT_NUMBER)
}

/// A mask for a shuffle of bytes within each lane of 32 bits: which byte comes to each place; [`NONE`] makes a zero.
const fn within_lanes(bytes: [u8; 4]) -> [u8; 64] {
    let mut mask = [NONE; 64];
    let (mut lane, mut first) = (0, 0);
    while lane < 16 {
        let mut place = 0;
        while place < 4 {
            if bytes[place] != NONE {
                mask[4 * lane + place] = first + bytes[place];
            }
            place += 1;
        }
        lane += 1;
        first = (first + 4) % 16;
    }
    mask
}

const NONE: u8 = 0x80;

static BYTES_TO_HALVES: [[u8; 64]; 4] = [
    within_lanes([0, NONE, 0, NONE]),
    within_lanes([1, NONE, 1, NONE]),
    within_lanes([2, NONE, 2, NONE]),
    within_lanes([3, NONE, 3, NONE]),
];
static PAIRS_TO_HALVES: [[u8; 64]; 2] = [within_lanes([0, NONE, 1, NONE]), within_lanes([2, NONE, 3, NONE])];
static SIGNED_TO_HALVES: [[u8; 64]; 4] = [
    within_lanes([NONE, 0, NONE, 0]),
    within_lanes([NONE, 1, NONE, 1]),
    within_lanes([NONE, 2, NONE, 2]),
    within_lanes([NONE, 3, NONE, 3]),
];
static SIGNED_PAIRS_TO_HALVES: [[u8; 64]; 2] =
    [within_lanes([NONE, 0, NONE, 1]), within_lanes([NONE, 2, NONE, 3])];

/// Byte `index` of each lane in both of its halves.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bytes_to_halves(x: __m256i, index: usize) -> __m256i {
    _mm256_shuffle_epi8(x, load_32(at(&BYTES_TO_HALVES[index], 0)))
}

/// Bytes `2 index` and `2 index + 1` of each lane in its halves.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn pairs_to_halves(x: __m256i, index: usize) -> __m256i {
    _mm256_shuffle_epi8(x, load_32(at(&PAIRS_TO_HALVES[index], 0)))
}

/// [`bytes_to_halves`] of signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn signed_to_halves(x: __m256i, index: usize) -> __m256i {
    _mm256_srai_epi16::<8>(_mm256_shuffle_epi8(x, load_32(at(&SIGNED_TO_HALVES[index], 0))))
}

/// [`pairs_to_halves`] of signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn signed_pairs_to_halves(x: __m256i, index: usize) -> __m256i {
    _mm256_srai_epi16::<8>(_mm256_shuffle_epi8(x, load_32(at(&SIGNED_PAIRS_TO_HALVES[index], 0))))
}

/// A walk over weights from the first byte to the last, with what is a little further on fetched ahead: what comes after a page
/// of memory the processor does not foresee.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream<'a> {
    now: &'a [u8],
    next: &'a [u8],
    at: usize,
}

impl<'a> Stream<'a> {
    /// Bytes fetched ahead.
    const AHEAD: usize = 12 * 1024;

    /// Over a block, and then the one after it.
    pub(super) fn of(block: &RowBlock<'a>) -> Self {
        Self { now: block.bytes, next: block.next, at: Self::AHEAD }
    }

    /// Fetches as many bytes ahead as the next block of `N` bytes has, and goes on by them.
    #[inline(always)]
    pub(super) fn fetch<const N: usize>(&mut self) {
        // A line of 64 bytes that is left out now and then comes with its neighbour.
        let lines = N / 64;
        for line in 0..lines {
            fetch_later(self.now, self.at + line * N / lines);
        }
        self.at += N;
        if self.at >= self.now.len() && !self.next.is_empty() {
            (self.at, self.now, self.next) = (self.at - self.now.len(), self.next, &[]);
        }
    }
}

/// A mask for a shuffle of 16 bytes: the even ones first, then the odd ones.
pub(super) static EVEN_THEN_ODD: [u8; 16] = [0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15];

/// 16 bytes of 16 rows each, as 4 registers: lane `r` of register `i` is dword `i` of row `r`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose_16x4<const N: usize>(rows: &[&[u8; N]; 16], offset: usize) -> [__m512i; 4] {
    let row = |i: usize| load_16(at(rows[i], offset));
    let four = |i: usize| {
        let x = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(row(i)), row(i + 4));
        _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(x, row(i + 8)), row(i + 12))
    };
    transpose_quarters([four(0), four(1), four(2), four(3)])
}

/// The transpose of the 4 x 4 dwords in each quarter of four registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let low = [_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d)];
    let high = [_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d)];
    [
        _mm512_unpacklo_epi64(low[0], low[1]),
        _mm512_unpackhi_epi64(low[0], low[1]),
        _mm512_unpacklo_epi64(high[0], high[1]),
        _mm512_unpackhi_epi64(high[0], high[1]),
    ]
}

/// 32 bytes of 16 rows each, as 8 registers: lane `r` of register `i` is dword `i` of row `r`.
#[inline]
#[target_feature(enable = "avx2,avx512f")]
pub(super) fn transpose_16x8<const N: usize>(rows: &[&[u8; N]; 16], offset: usize) -> [__m512i; 8] {
    let two = |i: usize| {
        let low = _mm512_castsi256_si512(load_32(at(rows[i], offset)));
        _mm512_inserti64x4::<1>(low, load_32(at(rows[i + 4], offset)))
    };
    // Of eight rows: four rows in each quarter of a register, dword `i` and dword `i + 4` by turns.
    let eight = |i: usize| transpose_quarters([two(i), two(i + 1), two(i + 2), two(i + 3)]);
    let (low, high) = (eight(0), eight(8));
    let front = |i: usize| _mm512_shuffle_i32x4::<0b10_00_10_00>(low[i], high[i]);
    let back = |i: usize| _mm512_shuffle_i32x4::<0b11_01_11_01>(low[i], high[i]);
    [front(0), front(1), front(2), front(3), back(0), back(1), back(2), back(3)]
}

static BYTES_TO_LANES: [[u8; 64]; 4] = [
    within_lanes([0, NONE, NONE, NONE]),
    within_lanes([1, NONE, NONE, NONE]),
    within_lanes([2, NONE, NONE, NONE]),
    within_lanes([3, NONE, NONE, NONE]),
];
static SIGNED_TO_LANES: [[u8; 64]; 4] = [
    within_lanes([NONE, NONE, NONE, 0]),
    within_lanes([NONE, NONE, NONE, 1]),
    within_lanes([NONE, NONE, NONE, 2]),
    within_lanes([NONE, NONE, NONE, 3]),
];

/// Byte `index` of each lane as a number of 32 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn bytes_to_lanes(x: __m512i, index: usize) -> __m512i {
    _mm512_shuffle_epi8(x, load_64(&BYTES_TO_LANES[index]))
}

/// [`bytes_to_lanes`] of signed bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn signed_to_lanes(x: __m512i, index: usize) -> __m512i {
    _mm512_srai_epi32::<24>(_mm512_shuffle_epi8(x, load_64(&SIGNED_TO_LANES[index])))
}

/// [`pairs_to_halves`] of 16 lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn pairs_to_halves_16(x: __m512i, index: usize) -> __m512i {
    _mm512_shuffle_epi8(x, load_64(&PAIRS_TO_HALVES[index]))
}

/// [`signed_pairs_to_halves`] of 16 lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn signed_pairs_to_halves_16(x: __m512i, index: usize) -> __m512i {
    _mm512_srai_epi16::<8>(_mm512_shuffle_epi8(x, load_64(&SIGNED_PAIRS_TO_HALVES[index])))
}

/// A mask for a shuffle of 16 bytes: byte `4 i + j` to place `4 j + i`.
pub(super) static TRANSPOSE_4X4: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// The mask for a shuffle of bytes that repeats 16-bit number `lower` of 8 in the lower half of a register, and `upper` in the
/// upper half.
const fn repeat(lower: u8, upper: u8) -> [u8; 64] {
    let mut mask = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        let number = if byte < 32 { lower } else { upper };
        mask[byte] = 2 * number;
        mask[byte + 1] = 2 * number + 1;
        byte += 2;
    }
    mask
}

static REPEAT_TWO: [[u8; 64]; 4] = [repeat(0, 1), repeat(2, 3), repeat(4, 5), repeat(6, 7)];
static REPEAT_EVEN: [[u8; 64]; 4] = [repeat(0, 0), repeat(2, 2), repeat(4, 4), repeat(6, 6)];

/// Mask `i` repeats 16-bit numbers `2 i` and `2 i + 1`. Hidden as in [`repeat_number`].
#[inline(always)]
pub(super) fn repeat_two_numbers() -> &'static [[u8; 64]; 4] {
    std::hint::black_box(&REPEAT_TWO)
}

/// Mask `i` repeats 16-bit number `2 i`. Hidden as in [`repeat_number`].
#[inline(always)]
pub(super) fn repeat_even_numbers() -> &'static [[u8; 64]; 4] {
    std::hint::black_box(&REPEAT_EVEN)
}
