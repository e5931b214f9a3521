//! Products with weights that are plain floats.

use super::level::{Level, Set};
use super::{Input, Kind, PIECE, ROWS, RowBlock, portable};

/// 16 rows of one piece as 32-bit floats, for many tokens.
#[derive(Debug, Default)]
pub(super) struct Panel;

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    kind: Kind,
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    let _ = panel;
    match level.set() {
        _ => portable::rows(kind, block, Input::Floats(input), out),
    }
}
