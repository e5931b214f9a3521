//! Products with `Q8_0` weights.

use super::level::{Level, Set};
use super::{Block32, Input, Kind, PIECE, ROWS, RowBlock, portable};

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    block: RowBlock<'_>,
    input: &[[Block32; PIECE / 32]],
    out: &mut [[f32; ROWS]],
) {
    match level.set() {
        _ => portable::rows(Kind::Q8_0, block, Input::Blocks32(input), out),
    }
}
