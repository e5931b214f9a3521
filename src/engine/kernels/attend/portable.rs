//! The reference: all scores of a row at once.

use std::ops::Range;

use super::{Attention, Cached, Head, KEY_BLOCK, Sight};

/// See [`super::attend`].
pub(super) fn attend<V: Cached>(
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: Range<usize>,
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

/// Stores a key as lane `lane` of a block of positions.
pub(super) fn put_key<V: Cached>(block: &mut [[V; KEY_BLOCK]], lane: usize, key: &[f32]) {
    block.iter_mut().zip(key).for_each(|(places, value)| places[lane] = V::store(*value));
}

/// Stores a value.
pub(super) fn put_value<V: Cached>(places: &mut [V], value: &[f32]) {
    places.iter_mut().zip(value).for_each(|(place, value)| *place = V::store(*value));
}
