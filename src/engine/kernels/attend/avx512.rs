//! Attention for AVX-512.

use std::ops::Range;

use super::{Attention, Cached, Head, Sight};

/// See [`super::attend`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn attend<V: Cached>(
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: Range<usize>,
) {
    super::avx2::attend(head, room, sights, span);
}
