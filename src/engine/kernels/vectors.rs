//! Loads and stores of vector registers over arrays, so that the kernels themselves need no pointers.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, __m512, __m512bh, __m512i, _MM_FROUND_TO_NEAREST_INT, _MM_HINT_T0, _MM_HINT_T1,
    _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_loadu_si128, _mm_movehdup_ps, _mm_movehl_ps, _mm_prefetch,
    _mm_storeu_si128, _mm256_castpd_ps, _mm256_castps256_ps128, _mm256_cvtph_ps, _mm256_cvtps_ph,
    _mm256_extractf128_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_set1_pd, _mm256_storeu_ps,
    _mm256_storeu_si256, _mm512_castpd_ps, _mm512_cvtph_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_set1_pd, _mm512_storeu_ps, _mm512_storeu_si512,
};
use std::ops::Range;

use half::bf16;

use super::{ROWS, RowBlock};

/// `N` bytes from `offset` on.
#[inline(always)]
pub(super) fn at<const N: usize>(bytes: &[u8], offset: usize) -> &[u8; N] {
    bytes[offset..offset + N].first_chunk().expect("the slice has N bytes")
}

/// 16 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_16(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 readable bytes; this load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// 32 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_32(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 readable bytes; this load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// 32 signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_i8x32(values: &[i8; 32]) -> __m256i {
    // SAFETY: 32 readable bytes; this load asks for no alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// Stores 32 bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_32(bytes: &mut [u8; 32], value: __m256i) {
    // SAFETY: 32 writable bytes; this store asks for no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), value) }
}

/// 8 floats.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_f32x8(values: &[f32; 8]) -> __m256 {
    // SAFETY: 8 readable floats; this load asks for no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

/// Stores 8 floats.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_f32x8(values: &mut [f32; 8], value: __m256) {
    // SAFETY: 8 writable floats; this store asks for no alignment.
    unsafe { _mm256_storeu_ps(values.as_mut_ptr(), value) }
}

/// 64 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_64(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 readable bytes; this load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Stores 64 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_64(bytes: &mut [u8; 64], value: __m512i) {
    // SAFETY: 64 writable bytes; this store asks for no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), value) }
}

/// 16 floats.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_f32x16(values: &[f32; 16]) -> __m512 {
    // SAFETY: 16 readable floats; this load asks for no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Stores 16 floats.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_f32x16(values: &mut [f32; 16], value: __m512) {
    // SAFETY: 16 writable floats; this store asks for no alignment.
    unsafe { _mm512_storeu_ps(values.as_mut_ptr(), value) }
}

/// Asks for the cache line `offset` bytes after the start of `bytes`, which may lie beyond their end.
#[inline(always)]
pub(super) fn fetch(bytes: &[u8], offset: usize) {
    // SAFETY: a hint; no address is read as far as the program can see, and none can fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(offset).cast()) }
}

/// The same into the second cache, for what is needed later.
#[inline(always)]
pub(super) fn fetch_later(bytes: &[u8], offset: usize) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(bytes.as_ptr().wrapping_add(offset).cast()) }
}

/// Asks for `length` bytes from byte `offset` on of a stream that goes on in `next` where `bytes` ends.
#[inline]
pub(super) fn fetch_stream(bytes: &[u8], next: &[u8], offset: usize, length: usize) {
    let (bytes, offset) = if offset < bytes.len() { (bytes, offset) } else { (next, offset - bytes.len()) };
    for line in 0..length.div_ceil(64) {
        fetch(bytes, offset + 64 * line);
    }
}

/// What a later piece of 16 rows will be read from: asked for while this one is worked on, spread as evenly as the work allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead<'a> {
    pub(super) block: RowBlock<'a>,
    pub(super) piece: usize,
    pub(super) piece_bytes: usize,
    pub(super) tokens: usize,
}

impl Ahead<'_> {
    /// With so many tokens or fewer, unpacking takes as long as the products.
    const FEW: usize = 8;

    /// How many bytes of a row further on at least, so that small pieces come in time.
    const FAR: usize = 1024;

    /// Step `step` of `steps` of unpacking.
    #[inline]
    pub(super) fn beside_unpacking(&self, step: usize, steps: usize) {
        if self.tokens <= Self::FEW {
            self.fetch(ROWS * step / steps..ROWS * (step + 1) / steps);
        }
    }

    /// Step `step` of `steps` of the products.
    #[inline]
    pub(super) fn beside_products(&self, step: usize, steps: usize) {
        if self.tokens > Self::FEW {
            self.fetch(ROWS * step / steps..ROWS * (step + 1) / steps);
        }
    }

    #[inline]
    fn fetch(&self, rows: Range<usize>) {
        let row_bytes = self.block.row_bytes;
        let start = self.piece * self.piece_bytes + self.piece_bytes.max(Self::FAR);
        let (bytes, start) =
            if start < row_bytes { (self.block.bytes, start) } else { (self.block.next, start - row_bytes) };
        for row in rows {
            for offset in (0..self.piece_bytes).step_by(64) {
                fetch_later(bytes, row * row_bytes + start + offset);
            }
        }
    }
}

/// Two floats, again and again.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn repeat_pair_256(pair: &[f32; 2]) -> __m256 {
    // SAFETY: 8 readable bytes, read without asking for alignment.
    let pair = unsafe { pair.as_ptr().cast::<f64>().read_unaligned() };
    _mm256_castpd_ps(_mm256_set1_pd(pair))
}

/// Two floats, again and again.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn repeat_pair_512(pair: &[f32; 2]) -> __m512 {
    // SAFETY: 8 readable bytes, read without asking for alignment.
    let pair = unsafe { pair.as_ptr().cast::<f64>().read_unaligned() };
    _mm512_castpd_ps(_mm512_set1_pd(pair))
}

/// Stores 32 signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_i8x32(values: &mut [i8; 32], value: __m256i) {
    // SAFETY: 32 writable bytes; this store asks for no alignment.
    unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), value) }
}

/// The bits of 16 floats as 32 BF16.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn as_bf16(bits: __m512) -> __m512bh {
    // SAFETY: two types for the same register; every pattern of bits is a value of both.
    unsafe { std::mem::transmute(bits) }
}

/// 32 BF16.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn load_bf16x32(values: &[bf16; 32]) -> __m512bh {
    // SAFETY: 64 readable bytes, of which a `bf16` is two; this load asks for no alignment.
    as_bf16(unsafe { _mm512_loadu_ps(values.as_ptr().cast()) })
}

/// Stores 32 BF16.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn store_bf16x32(values: &mut [bf16; 32], value: __m512bh) {
    // SAFETY: 64 writable bytes, of which a `bf16` is two; every pattern of bits is a value.
    unsafe { values.as_mut_ptr().cast::<__m512bh>().write_unaligned(value) }
}

/// Four BF16, again and again.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) fn repeat_bf16x4(four: &[bf16; 4]) -> __m512bh {
    // SAFETY: 8 readable bytes, read without asking for alignment.
    let four = unsafe { four.as_ptr().cast::<f64>().read_unaligned() };
    as_bf16(_mm512_castpd_ps(_mm512_set1_pd(four)))
}

/// The sum of 8 floats.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sum_8(values: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps::<1>(values));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// 8 whole numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_i16x8(values: &[i16; 8]) -> __m128i {
    // SAFETY: 16 readable bytes; this load asks for no alignment.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

/// 16 whole numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_i16x16(values: &[i16; 16]) -> __m256i {
    // SAFETY: 32 readable bytes; this load asks for no alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// 64 signed bytes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_i8x64(values: &[i8; 64]) -> __m512i {
    // SAFETY: 64 readable bytes; this load asks for no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// Four signed bytes as one dword, to be repeated in every lane.
#[inline(always)]
pub(super) fn four_i8(values: &[i8; 4]) -> i32 {
    // SAFETY: 4 readable bytes, and every pattern of bits is a number; this load asks for no alignment.
    unsafe { values.as_ptr().cast::<i32>().read_unaligned() }
}

/// Two numbers of 16 bits as one dword, to be repeated in every lane.
#[inline(always)]
pub(super) fn two_i16(values: &[i16; 2]) -> i32 {
    // SAFETY: as above.
    unsafe { values.as_ptr().cast::<i32>().read_unaligned() }
}

/// Stores 8 whole numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_i16x8(values: &mut [i16; 8], value: __m128i) {
    // SAFETY: 16 writable bytes; this store asks for no alignment.
    unsafe { _mm_storeu_si128(values.as_mut_ptr().cast(), value) }
}

/// 8 half floats, widened.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn load_f16x8(values: &[half::f16; 8]) -> __m256 {
    // SAFETY: 16 readable bytes (`f16` is a transparent `u16`); this load asks for no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(values.as_ptr().cast()) })
}

/// Stores 8 floats as half floats, rounded to nearest, ties to even.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn store_f16x8(values: &mut [half::f16; 8], value: __m256) {
    let rounded = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value);
    // SAFETY: 16 writable bytes (`f16` is a transparent `u16`); this store asks for no alignment.
    unsafe { _mm_storeu_si128(values.as_mut_ptr().cast(), rounded) }
}

/// 16 half floats, widened.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_f16x16(values: &[half::f16; 16]) -> __m512 {
    // SAFETY: 32 readable bytes (`f16` is a transparent `u16`); this load asks for no alignment.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) })
}

/// Asks for the cache line `bytes` after the start of `value`, which may lie beyond everything.
#[inline(always)]
pub(super) fn fetch_after<T>(value: &T, bytes: usize) {
    let address = std::ptr::from_ref(value).cast::<i8>().wrapping_add(bytes);
    // SAFETY: a hint; no address is read as far as the program can see, and none can fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}
