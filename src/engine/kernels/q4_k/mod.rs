//! Products with `Q4K` weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::level::{Level, Set};
use super::panel_256::Panel;
use super::{Block256, Input, Kind, ROWS, RowBlock, portable};

/// Bytes of a block.
const BYTES: usize = Kind::Q4K.block_bytes();

/// See [`super::rows`].
pub(super) fn rows(
    level: Level,
    block: RowBlock<'_>,
    input: &[Block256],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    match level.set() {
        Set::Portable => portable::rows(Kind::Q4K, block, Input::Blocks256(input), out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
        Set::Avx2 => unsafe { avx2::rows(block, input, panel, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512::rows(block, input, panel, out) },
    }
}

/// The eight scales and the eight minima of 6 bits that 12 bytes hold, one in a byte, the first in the lowest.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn scales_and_minima(packed: &[u8; 12]) -> (u64, u64) {
    const SIX: u32 = 0x3f3f_3f3f;
    const FOUR: u32 = 0x0f0f_0f0f;
    const TWO: u32 = 0x3030_3030;
    let [a, b, c] = [0, 1, 2].map(|i| u32::from_le_bytes(packed.as_chunks().0[i]));
    let upper = |low: u32, high: u32| u64::from(low & FOUR | high >> 2 & TWO) << 32;
    (u64::from(a & SIX) | upper(c, a), u64::from(b & SIX) | upper(c >> 4, b))
}
