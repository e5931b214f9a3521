//! Loads and stores of vector registers over arrays, so that the kernels themselves need no pointers.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, __m512, __m512i, _MM_HINT_T0, _MM_HINT_T1, _mm_loadu_si128, _mm_prefetch,
    _mm_storeu_si128, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_storeu_ps, _mm256_storeu_si256,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_storeu_ps, _mm512_storeu_si512,
};

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

/// Stores 32 signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store_i8x32(values: &mut [i8; 32], value: __m256i) {
    // SAFETY: 32 writable bytes; this store asks for no alignment.
    unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), value) }
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
