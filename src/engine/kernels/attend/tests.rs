//! Every level against the portable one.

use super::super::samples::Draw;
use super::super::{AttendedPart, merge};
use super::*;

/// A head of random keys and values; positions that nobody has stored yet are zero.
struct Cache<V> {
    keys: Vec<V>,
    values: Vec<V>,
    widths: [usize; 2],
}

impl<V: Cached> Cache<V> {
    fn draw(positions: usize, widths: [usize; 2], draw: &mut Draw) -> Self {
        let whole = positions.next_multiple_of(KEY_BLOCK);
        let mut cache =
            Self { keys: vec![V::ZERO; whole * widths[0]], values: vec![V::ZERO; whole * widths[1]], widths };
        for position in 0..positions {
            let [key, value] = widths.map(|width| (0..width).map(|_| draw.value()).collect::<Vec<_>>());
            put_key(Level::PORTABLE, &mut cache.keys, widths[0], position, &key);
            put_value(Level::PORTABLE, &mut cache.values, widths[1], position, &value);
        }
        cache
    }

    fn head(&self) -> Head<'_, V> {
        let [key_width, value_width] = self.widths;
        Head { keys: &self.keys, values: &self.values, key_width, value_width }
    }
}

/// One call to compare.
#[derive(Clone, Debug)]
struct Call {
    widths: [usize; 2],
    sights: Vec<Sight>,
    span: Range<usize>,
    queries: Queries,
}

#[derive(Clone, Copy, Debug)]
enum Queries {
    /// Scores of about this size.
    Around(f32),
    /// One value of this size in each: scores up to it, which every order of additions gives exactly.
    Single(f32),
}

impl Call {
    /// A room with the queries, and with old results that must not show.
    fn room(&self, seed: u32) -> Attention {
        let mut draw = Draw(seed);
        let [width, value_width] = self.widths;
        let mut room = Attention::new(width, value_width);
        room.queries.fill(7.0);
        for (row, query) in room.queries.chunks_mut(width).take(self.sights.len()).enumerate() {
            match self.queries {
                Queries::Around(size) => {
                    let count = crate::units::count_as_f64(crate::units::index_as_u64(width));
                    let size = size * 3.0 / crate::units::nearest_f32(count.sqrt());
                    query.fill_with(|| size * draw.value());
                }
                Queries::Single(size) => {
                    query.fill(0.0);
                    query[row * 5 % width] = if row % 2 == 0 { size } else { -size };
                }
            }
        }
        room.outputs.fill(3.0);
        (room.highest, room.sums) = ([5.0; QUERY_ROWS], [5.0; QUERY_ROWS]);
        room
    }

    fn assert_levels_agree<V: Cached>(&self, cache: &Cache<V>, seed: u32) {
        let mut expected = self.room(seed);
        attend(Level::PORTABLE, cache.head(), &mut expected, &self.sights, self.span.clone());
        for level in &Level::all()[1..] {
            let mut found = self.room(seed);
            attend(*level, cache.head(), &mut found, &self.sights, self.span.clone());
            for row in 0..self.sights.len() {
                self.assert_row(&found, &expected, row, level.id());
            }
        }
    }

    fn assert_row(&self, found: &Attention, expected: &Attention, row: usize, level: &str) {
        let [found, expected] = [found, expected].map(|room| {
            let outputs = &room.outputs[row * self.widths[1]..(row + 1) * self.widths[1]];
            (room.highest[row], room.sums[row], outputs)
        });
        let place = || format!("{level} row {row} of {self:?}: {found:?} not {expected:?}");
        if expected.1 == 0.0 {
            assert!(found.0 == f32::NEG_INFINITY && found.1 == 0.0, "{}", place());
            assert!(found.2.iter().all(|value| *value == 0.0), "{}", place());
            return;
        }
        let bound = 1e-5 * expected.1;
        assert!((found.0 - expected.0).abs() <= 1e-6 * (1.0 + expected.0.abs()), "{}", place());
        assert!((found.1 - expected.1).abs() <= bound, "{}", place());
        let close = |(found, expected): (&f32, &f32)| (found - expected).abs() <= bound;
        assert!(found.2.iter().zip(expected.2).all(close), "{}", place());
    }
}

/// The sights of some tokens of `heads` rows each from position `from` on, with a window of positions.
fn causal(rows: usize, heads: usize, from: usize, window: usize) -> Vec<Sight> {
    let last = |row: usize| from + row / heads;
    (0..rows).map(|row| Sight { first: (last(row) + 1).saturating_sub(window), last: last(row) }).collect()
}

fn random_calls<V: Cached>(widths: [usize; 2], rows: &[usize], rounds: u32, seed: u32) {
    let mut draw = Draw(seed);
    let below = |limit: usize, draw: &mut Draw| usize::from(draw.byte()) % limit;
    let cache = Cache::<V>::draw(250, widths, &mut draw);
    for rows in rows {
        for round in 0..rounds {
            let heads = 1 + below(8, &mut draw);
            let window = [usize::MAX, 1 + below(90, &mut draw)][below(2, &mut draw)];
            let sights = causal(*rows, heads, below(200, &mut draw), window);
            let start = [0, below(250, &mut draw)][below(2, &mut draw)];
            let span = start..[250, start + below(251 - start, &mut draw)][below(2, &mut draw)];
            let queries = [Queries::Around(3.0), Queries::Single(1e4)][below(2, &mut draw)];
            Call { widths, sights, span, queries }.assert_levels_agree(&cache, seed + round);
        }
    }
}

#[test]
fn every_level_agrees_with_the_portable_one_on_any_rows() {
    let rows: Vec<usize> = (1..=QUERY_ROWS).collect();
    random_calls::<f16>([16, 32], &rows, 2, 11);
    random_calls::<f32>([32, 16], &rows, 2, 12);
}

#[test]
fn every_level_agrees_with_the_portable_one_on_any_width() {
    for (width, seed) in [48, 64, 80, 96, 112, 128, 256].into_iter().zip(20..) {
        random_calls::<f16>([width, width], &[1, 3, 6, 31], 1, seed);
        random_calls::<f32>([width, width], &[2, 4, 12], 1, seed);
    }
    random_calls::<f16>([192, 128], &[1, 16], 1, 31);
    random_calls::<f16>([576, 512], &[16], 2, 32);
    random_calls::<f32>([576, 512], &[5], 1, 33);
}

#[test]
fn rows_that_see_nothing_give_nothing() {
    let cache = Cache::<f16>::draw(100, [16, 16], &mut Draw(7));
    let sights = causal(20, 2, 30, 4);
    for span in [0..0, 0..20, 90..100, 34..36, 64..64] {
        let call = Call { widths: [16, 16], sights: sights.clone(), span, queries: Queries::Around(1.0) };
        call.assert_levels_agree(&cache, 8);
    }
}

#[test]
fn what_no_row_sees_is_never_read() {
    for level in Level::all() {
        let mut cache = Cache::<f32>::draw(96, [16, 16], &mut Draw(9));
        for position in (0..20).chain(60..96) {
            put_key(level, &mut cache.keys, 16, position, &[f32::NAN; 16]);
            put_value(level, &mut cache.values, 16, position, &[f32::INFINITY; 16]);
        }
        let sights = causal(7, 1, 53, 30);
        let call = Call { widths: [16, 16], sights, span: 20..60, queries: Queries::Around(1.0) };
        let mut room = call.room(1);
        attend(level, cache.head(), &mut room, &call.sights, 20..60);
        assert!(room.outputs[..7 * 16].iter().chain(&room.sums[..7]).all(|value| value.is_finite()));
    }
}

fn part_of(room: &Attention, row: usize, place: Range<usize>) -> AttendedPart<'_> {
    AttendedPart { highest: room.highest[row], sum: room.sums[row], output: &room.outputs[place] }
}

#[test]
fn parts_of_the_positions_merge_to_the_whole() {
    let mut draw = Draw(13);
    let widths = [64, 48];
    let cache = Cache::<f16>::draw(230, widths, &mut draw);
    for (rows, queries) in [(1, Queries::Around(4.0)), (6, Queries::Around(1.0)), (14, Queries::Single(1e4))]
    {
        let call = Call { widths, sights: causal(rows, 2, 223, 200), span: 0..230, queries };
        let mut whole = call.room(2);
        attend(Level::PORTABLE, cache.head(), &mut whole, &call.sights, call.span.clone());
        for level in Level::all() {
            let parts = [0..64, 64..65, 65..200, 200..230].map(|span| {
                let mut room = call.room(2);
                attend(level, cache.head(), &mut room, &call.sights, span);
                room
            });
            for row in 0..rows {
                let place = row * widths[1]..(row + 1) * widths[1];
                let parts = parts.iter().map(|room| part_of(room, row, place.clone()));
                let mut out = vec![0.0; widths[1]];
                merge(level, parts, &mut out);
                for (found, sum) in out.iter().zip(&whole.outputs[place.clone()]) {
                    assert!((found - sum / whole.sums[row]).abs() <= 1e-5, "{} row {row}", level.id());
                }
            }
        }
    }
}

#[test]
fn every_level_stores_the_same() {
    fn assert_same<V: Cached + PartialEq + std::fmt::Debug>() {
        let mut draw = Draw(17);
        for level in Level::all() {
            let mut stores =
                [Level::PORTABLE, level].map(|_| (vec![V::ZERO; 48 * 80], vec![V::ZERO; 48 * 80]));
            for position in [0, 5, 15, 16, 40, 47] {
                let mut values: Vec<f32> = (0..80).map(|_| 100.0 * draw.value()).collect();
                values[..6].copy_from_slice(&[1e-8, -0.0, 65_519.0, 1e6, -1e6, 3.0e-5]);
                for ((keys, places), level) in stores.iter_mut().zip([Level::PORTABLE, level]) {
                    let values = &values[..80 - position % 15];
                    put_key(level, keys, 80, position, values);
                    put_value(level, places, 80, position, values);
                }
            }
            let [(keys, values), (level_keys, level_values)] = stores;
            assert!(keys == level_keys && values == level_values, "{}", level.id());
        }
    }
    assert_same::<f32>();
    assert_same::<f16>();
}
