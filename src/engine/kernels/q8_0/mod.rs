//! Products with `Q8_0` weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::level::{Level, Set};
use super::panel_32::Panel;
use super::{Block32, Input, Kind, PIECE, ROWS, RowBlock, portable};

/// Bytes of a block: the scale, then 32 codes.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 34;

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    block: RowBlock<'_>,
    input: &[[Block32; PIECE / 32]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    #[cfg(not(target_arch = "x86_64"))]
    let _ = panel;
    match level.set() {
        Set::Portable => portable::rows(Kind::Q8_0, block, Input::Blocks32(input), out),
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => unsafe { avx2::rows(block, input, panel, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => unsafe { avx512::rows(block, input, panel, out) },
    }
}
