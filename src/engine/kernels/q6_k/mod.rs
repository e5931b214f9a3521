//! Products with `Q6K` weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::level::{Level, Set};
use super::panel_256::Panel;
use super::{Block256, Input, Kind, ROWS, RowBlock, portable};

/// Bytes of a block.
const BYTES: usize = Kind::Q6K.block_bytes();

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    block: RowBlock<'_>,
    input: &[Block256],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    match level.set() {
        Set::Portable => portable::rows(Kind::Q6K, block, Input::Blocks256(input), out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        Set::Avx2 => unsafe { avx2::rows(block, input, panel, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512::rows(block, input, panel, out) },
    }
}
