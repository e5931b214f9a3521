//! What the fast levels share: the walk over positions in steps, with a running softmax.

use std::ops::Range;

use super::super::elementwise::exp;
use super::{Attention, Cached, Head, KEY_BLOCK, QUERY_ROWS, Sight};

/// Positions of a step.
pub(super) const STEP: usize = 64;

/// Room for what a step computes in between.
#[derive(Debug)]
pub(super) struct Room {
    /// `[group][key_width][row of the group]`: queries in the order that the products read them.
    turned: Vec<f32>,
    /// `[row][position of the step]`: scores, then their exponentials.
    weights: Vec<[f32; STEP]>,
    /// What sums so far are multiplied with, since the highest score grew.
    factors: [f32; QUERY_ROWS],
}

impl Room {
    pub(super) fn new(key_width: usize) -> Self {
        Self {
            turned: vec![0.0; QUERY_ROWS * key_width],
            weights: vec![[0.0; STEP]; QUERY_ROWS],
            factors: [0.0; QUERY_ROWS],
        }
    }
}

/// First product of a step: scores of whole groups of rows and whole blocks of positions.
#[derive(Debug)]
pub(super) struct Scores<'a, V> {
    /// `[group][key_width][row of the group]`.
    pub(super) queries: &'a [f32],
    /// `[block][key_width]`.
    pub(super) keys: &'a [[V; KEY_BLOCK]],
    pub(super) key_width: usize,
    /// `[row]`, to be filled from the front.
    pub(super) weights: &'a mut [[f32; STEP]],
}

/// Second product of a step: outputs of whole groups of rows, times a factor, plus weighted values.
#[derive(Debug)]
pub(super) struct Sums<'a, V> {
    /// `[row]`.
    pub(super) weights: &'a [[f32; STEP]],
    /// `[row]`.
    pub(super) factors: &'a [f32],
    /// `[position][value_width / 16]`, those that any row sees.
    pub(super) values: &'a [[V; 16]],
    pub(super) value_width: usize,
    /// The place in the step of the first of them.
    pub(super) first: usize,
    /// `[row][value_width]`.
    pub(super) outputs: &'a mut [f32],
}

/// Rows that products take together, for `rows` in all: the one of `sizes` with the least work. A group costs its rows, those that
/// fill it up counted too, and about three rows more for what it loads, widens and waits for.
pub(super) fn group_rows(rows: usize, sizes: &[usize]) -> usize {
    let fits = sizes.iter().copied().filter(|size| rows.next_multiple_of(*size) <= QUERY_ROWS);
    fits.min_by_key(|size| rows.div_ceil(*size) * (size + 3)).unwrap_or(1)
}

/// What each level has its own code for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<Scores, Sums, Largest, Total> {
    /// Rows that are taken together. The last group may be filled up with rows that nobody reads, for which [`QUERY_ROWS`] leaves
    /// room.
    pub(super) group: usize,
    pub(super) scores: Scores,
    pub(super) sums: Sums,
    /// The largest weight of a row.
    pub(super) largest: Largest,
    /// The sum of the weights of a row.
    pub(super) total: Total,
}

/// See [`super::attend`].
#[inline(always)]
pub(super) fn walk<V: Cached>(
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: Range<usize>,
    code: &Code<
        impl Fn(Scores<'_, V>),
        impl Fn(Sums<'_, V>),
        impl Fn(&[f32; STEP]) -> f32,
        impl Fn(&[f32; STEP]) -> f32,
    >,
) {
    let Head { keys, values, key_width, value_width } = head;
    room.outputs[..sights.len() * value_width].fill(0.0);
    room.highest.fill(f32::NEG_INFINITY);
    room.sums.fill(0.0);
    let group = code.group;
    let (Some(first), Some(last)) = (sights.first(), sights.last()) else { return };
    let span = first.first.max(span.start)..last.last.saturating_add(1).min(span.end);
    turn(&room.queries, key_width, sights.len(), group, &mut room.steps.turned);
    let mut base = span.start / KEY_BLOCK * KEY_BLOCK;
    while base < span.end {
        let step = base.max(span.start)..span.end.min(base + STEP);
        // Both ends of what rows see only grow: those that see something of the step are neighbours.
        let from = sights.partition_point(|sight| sight.last < step.start);
        let to = sights.partition_point(|sight| sight.first < step.end);
        if from < to {
            let groups = from / group..to.div_ceil(group);
            let rows = groups.start * group..groups.end * group;
            let end = step.end.min(sights[to - 1].last.saturating_add(1));
            let blocks = base / KEY_BLOCK * key_width..end.div_ceil(KEY_BLOCK) * key_width;
            (code.scores)(Scores {
                queries: &room.steps.turned[rows.start * key_width..rows.end * key_width],
                keys: &keys.as_chunks().0[blocks],
                key_width,
                weights: &mut room.steps.weights[rows.clone()],
            });
            let shown = rows.start..rows.end.min(sights.len());
            soften(room, shown, sights, base, &step, &code.largest, &code.total);
            (code.sums)(Sums {
                weights: &room.steps.weights[rows.clone()],
                factors: &room.steps.factors[rows.clone()],
                values: values[step.start * value_width..end * value_width].as_chunks().0,
                value_width,
                first: step.start - base,
                outputs: &mut room.outputs[rows.start * value_width..rows.end * value_width],
            });
        }
        base += STEP;
    }
}

/// Queries in the order that the products read them; rows that fill up the last group are zero.
#[inline(always)]
fn turn(queries: &[f32], width: usize, rows: usize, group: usize, turned: &mut [f32]) {
    for row in 0..rows.next_multiple_of(group) {
        let places = turned[row / group * group * width..].iter_mut().skip(row % group).step_by(group);
        if row < rows {
            let query = &queries[row * width..(row + 1) * width];
            places.zip(query).for_each(|(place, value)| *place = *value);
        } else {
            places.take(width).for_each(|place| *place = 0.0);
        }
    }
}

/// One step, from position `base` on, of the running softmax of some rows: scores become `exp(score - highest)`, exactly 0 where a
/// row sees nothing.
#[inline(always)]
fn soften(
    room: &mut Attention,
    rows: Range<usize>,
    sights: &[Sight],
    base: usize,
    step: &Range<usize>,
    largest: impl Fn(&[f32; STEP]) -> f32,
    total: impl Fn(&[f32; STEP]) -> f32,
) {
    for row in rows {
        let (weights, factor) = (&mut room.steps.weights[row], &mut room.steps.factors[row]);
        let first = sights[row].first.max(step.start);
        let end = sights[row].last.saturating_add(1).min(step.end);
        *factor = 1.0;
        if first >= end {
            weights.fill(0.0);
            continue;
        }
        weights[..first - base].fill(f32::NEG_INFINITY);
        weights[end - base..].fill(f32::NEG_INFINITY);
        let (highest, sum) = (&mut room.highest[row], &mut room.sums[row]);
        let largest = largest(weights);
        if largest > *highest {
            *factor = exp(*highest - largest);
            *highest = largest;
        }
        let top = *highest;
        for weight in &mut *weights {
            *weight = exp(*weight - top);
        }
        *sum = *sum * *factor + total(weights);
    }
}

/// 16 floats of a row.
#[inline(always)]
pub(super) fn lanes(row: &[f32], at: usize) -> &[f32; 16] {
    row[at..at + 16].first_chunk().expect("the slice has 16 floats")
}

/// The same to write.
#[inline(always)]
pub(super) fn lanes_mut(row: &mut [f32], at: usize) -> &mut [f32; 16] {
    row[at..at + 16].first_chunk_mut().expect("the slice has 16 floats")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_little_to_fill_up_and_never_exceed_the_room() {
        let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 12];
        let best = |rows| group_rows(rows, &sizes);
        assert_eq!([1, 6, 7, 16, 40, 42, 48].map(best), [1, 6, 7, 8, 8, 7, 12]);
        assert!((1..=QUERY_ROWS).all(|rows| rows.next_multiple_of(best(rows)) <= QUERY_ROWS));
    }
}
