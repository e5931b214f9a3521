//! Products with `Q6K` weights.

use super::level::{Level, Set};
use super::{Block256, Input, Kind, ROWS, RowBlock, portable};

/// 16 rows of one block, unpacked for many tokens.
#[derive(Debug, Default)]
pub(super) struct Panel;

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    block: RowBlock<'_>,
    input: &[Block256],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    let _ = panel;
    match level.set() {
        _ => portable::rows(Kind::Q6K, block, Input::Blocks256(input), out),
    }
}
