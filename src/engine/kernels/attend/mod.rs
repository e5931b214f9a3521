//! Attention over a KV cache, blockwise with a running softmax (Milakov and Gimelshein 2018; Dao and others 2022).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(target_arch = "x86_64")]
mod steps;
#[cfg(test)]
mod tests;

use std::ops::Range;

use half::f16;

use super::level::{Level, Set};
#[cfg(target_arch = "x86_64")]
use steps::Room;

/// Positions whose keys lie together.
pub(in crate::engine) const KEY_BLOCK: usize = 16;

/// Rows of queries that one call takes at most.
pub(in crate::engine) const QUERY_ROWS: usize = 48;

/// Where the keys and values of one head of one sequence lie.
///
/// Keys: `[position / KEY_BLOCK][key_width][KEY_BLOCK]`, so that the scores of 16 positions come out side by side. Values:
/// `[position][value_width]`. Both hold whole blocks of positions.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Head<'a, V> {
    pub(in crate::engine) keys: &'a [V],
    pub(in crate::engine) values: &'a [V],
    /// Values of a key; a multiple of 16, padded with zeros.
    pub(in crate::engine) key_width: usize,
    /// Values of a value; a multiple of 16, padded with zeros.
    pub(in crate::engine) value_width: usize,
}

/// A type that a cache stores: `f32` or [`half::f16`].
pub(in crate::engine) trait Cached: Copy + Send + Sync + 'static {
    /// Zero.
    const ZERO: Self;
    /// Rounds to nearest.
    fn store(value: f32) -> Self;
    /// Widens.
    fn load(self) -> f32;
    #[cfg(target_arch = "x86_64")]
    /// Which of the two it is, so that a kernel can load registers of it.
    fn either<const N: usize>(values: &[Self; N]) -> Either<'_, N>;
    #[cfg(target_arch = "x86_64")]
    /// The same to store registers.
    fn either_mut<const N: usize>(values: &mut [Self; N]) -> EitherMut<'_, N>;
}

/// Values of a cache, by their type.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Either<'a, const N: usize> {
    Single(&'a [f32; N]),
    Half(&'a [f16; N]),
}

/// Places of a cache, by their type.
#[cfg(target_arch = "x86_64")]
#[derive(Debug)]
pub(in crate::engine) enum EitherMut<'a, const N: usize> {
    Single(&'a mut [f32; N]),
    Half(&'a mut [f16; N]),
}

impl Cached for f32 {
    const ZERO: Self = 0.0;
    fn store(value: f32) -> Self {
        value
    }
    fn load(self) -> f32 {
        self
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn either<const N: usize>(values: &[Self; N]) -> Either<'_, N> {
        Either::Single(values)
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn either_mut<const N: usize>(values: &mut [Self; N]) -> EitherMut<'_, N> {
        EitherMut::Single(values)
    }
}

impl Cached for f16 {
    const ZERO: Self = Self::ZERO;
    fn store(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn load(self) -> f32 {
        self.to_f32()
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn either<const N: usize>(values: &[Self; N]) -> Either<'_, N> {
        Either::Half(values)
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn either_mut<const N: usize>(values: &mut [Self; N]) -> EitherMut<'_, N> {
        EitherMut::Half(values)
    }
}

/// The positions that one row of queries sees: `first..=last`. Both may only grow from row to row.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Sight {
    pub(in crate::engine) first: usize,
    pub(in crate::engine) last: usize,
}

/// Room of one thread for [`attend`], and what it gives.
#[derive(Debug)]
pub(in crate::engine) struct Attention {
    /// `[row][key_width]`, already times the scale; to be filled before.
    pub(in crate::engine) queries: Vec<f32>,
    /// `[row][value_width]`: sums of values, each times `exp(score - highest)`. Not yet divided by `sums`.
    pub(in crate::engine) outputs: Vec<f32>,
    /// The highest score of each row; minus infinity if it saw nothing.
    pub(in crate::engine) highest: [f32; QUERY_ROWS],
    /// The sum of `exp(score - highest)` of each row.
    pub(in crate::engine) sums: [f32; QUERY_ROWS],
    #[cfg(target_arch = "x86_64")]
    steps: Room,
}

impl Attention {
    /// Room for heads of these widths.
    pub(in crate::engine) fn new(key_width: usize, value_width: usize) -> Self {
        Self {
            queries: vec![0.0; QUERY_ROWS * key_width],
            outputs: vec![0.0; QUERY_ROWS * value_width],
            highest: [f32::NEG_INFINITY; QUERY_ROWS],
            sums: [0.0; QUERY_ROWS],
            #[cfg(target_arch = "x86_64")]
            steps: Room::new(key_width),
        }
    }
}

/// Stores the key of one position.
pub(in crate::engine) fn put_key<V: Cached>(
    level: Level,
    keys: &mut [V],
    key_width: usize,
    position: usize,
    key: &[f32],
) {
    let start = position / KEY_BLOCK * KEY_BLOCK * key_width;
    let block = keys[start..start + KEY_BLOCK * key_width].as_chunks_mut().0;
    let lane = position % KEY_BLOCK;
    match level.set() {
        Set::Portable => portable::put_key(block, lane, key),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        Set::Avx2 | Set::Avx512 => unsafe { avx2::put_key(block, lane, key) },
    }
}

/// Stores the value of one position.
pub(in crate::engine) fn put_value<V: Cached>(
    level: Level,
    values: &mut [V],
    value_width: usize,
    position: usize,
    value: &[f32],
) {
    let place = &mut values[position * value_width..(position + 1) * value_width];
    match level.set() {
        Set::Portable => portable::put_value(place, value),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        Set::Avx2 | Set::Avx512 => unsafe { avx2::put_value(place, value) },
    }
}

/// Attention of the first `sights.len()` rows of `room.queries` over those of the positions `span` that each row sees.
///
/// Outputs of rows beyond them are left undefined.
pub(in crate::engine) fn attend<V: Cached>(
    level: Level,
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: Range<usize>,
) {
    match level.set() {
        Set::Portable => portable::attend(head, room, sights, span),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        Set::Avx2 => unsafe { avx2::attend(head, room, sights, span) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512::attend(head, room, sights, span) },
    }
}
