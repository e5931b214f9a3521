//! Attention over a KV cache, blockwise with a running softmax (Milakov and Gimelshein 2018; Dao and others 2022).

use super::level::{Level, Set};

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
}

impl Cached for f32 {
    const ZERO: Self = 0.0;
    fn store(value: f32) -> Self {
        value
    }
    fn load(self) -> f32 {
        self
    }
}

impl Cached for half::f16 {
    const ZERO: Self = Self::ZERO;
    fn store(value: f32) -> Self {
        Self::from_f32(value)
    }
    fn load(self) -> f32 {
        self.to_f32()
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
}

impl Attention {
    /// Room for heads of these widths.
    pub(in crate::engine) fn new(key_width: usize, value_width: usize) -> Self {
        Self {
            queries: vec![0.0; QUERY_ROWS * key_width],
            outputs: vec![0.0; QUERY_ROWS * value_width],
            highest: [f32::NEG_INFINITY; QUERY_ROWS],
            sums: [0.0; QUERY_ROWS],
        }
    }
}

/// Stores the key of one position.
pub(in crate::engine) fn put_key<V: Cached>(keys: &mut [V], key_width: usize, position: usize, key: &[f32]) {
    let start = position / KEY_BLOCK * KEY_BLOCK * key_width + position % KEY_BLOCK;
    for (place, value) in keys[start..].iter_mut().step_by(KEY_BLOCK).zip(key) {
        *place = V::store(*value);
    }
}

/// Stores the value of one position.
pub(in crate::engine) fn put_value<V: Cached>(
    values: &mut [V],
    value_width: usize,
    position: usize,
    value: &[f32],
) {
    let start = position * value_width;
    for (place, value) in values[start..start + value_width].iter_mut().zip(value) {
        *place = V::store(*value);
    }
}

/// Attention of the first `sights.len()` rows of `room.queries` over those of the positions `span` that each row sees.
pub(in crate::engine) fn attend<V: Cached>(
    level: Level,
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: std::ops::Range<usize>,
) {
    match level.set() {
        _ => portable(head, room, sights, span),
    }
}

/// The reference: all scores of a row at once.
fn portable<V: Cached>(
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: std::ops::Range<usize>,
) {
    let Head { keys, values, key_width, value_width } = head;
    for (row, sight) in sights.iter().enumerate() {
        let query = &room.queries[row * key_width..(row + 1) * key_width];
        let seen = sight.first.max(span.start)..(sight.last + 1).min(span.end);
        let score = |position: usize| {
            let start = position / KEY_BLOCK * KEY_BLOCK * key_width + position % KEY_BLOCK;
            let key = keys[start..].iter().step_by(KEY_BLOCK);
            key.zip(query).map(|(key, query)| key.load() * query).sum::<f32>()
        };
        let scores: Vec<f32> = seen.clone().map(score).collect();
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let output = &mut room.outputs[row * value_width..(row + 1) * value_width];
        output.fill(0.0);
        let mut sum = 0.0;
        for (position, score) in seen.zip(scores) {
            let weight = (score - highest).exp();
            sum += weight;
            let value = &values[position * value_width..(position + 1) * value_width];
            output.iter_mut().zip(value).for_each(|(output, value)| *output += weight * value.load());
        }
        (room.highest[row], room.sums[row]) = (highest, sum);
    }
}
