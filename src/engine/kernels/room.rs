//! Room for a KV cache, in the largest pages that the system gives.
//!
//! A step of decode reads all of a cache. In pages of 4 KiB the processor has to look up where each of them lies: a step of the
//! 1.5B distill after 3,000 tokens took 25 to 27 ms, and takes 20 to 22 in large ones (`docs/PERFORMANCE.md`).

use std::marker::PhantomData;

use memmap2::MmapMut;

use super::Cached;

/// Values that are zero at first; what nobody has touched takes no memory.
#[derive(Debug)]
pub(in crate::engine) struct Room<V> {
    map: Option<MmapMut>,
    count: usize,
    values: PhantomData<V>,
}

impl<V: Cached> Room<V> {
    /// No room.
    pub(in crate::engine) const EMPTY: Self = Self { map: None, count: 0, values: PhantomData };

    /// Room for `count` values, or the reason why there is none.
    pub(in crate::engine) fn zeros(count: usize) -> std::io::Result<Self> {
        let too_many = || std::io::Error::from(std::io::ErrorKind::OutOfMemory);
        let bytes = count.checked_mul(size_of::<V>()).ok_or_else(too_many)?;
        if bytes == 0 {
            return Ok(Self::EMPTY);
        }
        let map = MmapMut::map_anon(bytes)?;
        // A wish: where the system has no such pages, the room is slower and as good.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map: Some(map), count, values: PhantomData })
    }

    /// The values.
    pub(in crate::engine) fn as_slice(&self) -> &[V] {
        let Some(map) = &self.map else { return &[] };
        // SAFETY: the map has `count` times the size of `V` bytes, begins at a page, and is borrowed for as long as the slice. `V`
        // is `f32` or `f16`, the two that `Cached` is written for: every pattern of bits is one of their values.
        unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), self.count) }
    }

    /// The same to write.
    pub(in crate::engine) fn as_mut_slice(&mut self) -> &mut [V] {
        let Some(map) = &mut self.map else { return &mut [] };
        // SAFETY: as above, and nobody else borrows the map.
        unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), self.count) }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn it_is_zero_at_first_and_keeps_what_is_written() {
        let mut room = Room::<f16>::zeros(3 << 20).unwrap();
        assert!(room.as_slice().iter().all(|value| *value == f16::ZERO));
        room.as_mut_slice()[(3 << 20) - 1] = f16::ONE;
        assert_eq!((room.as_slice().len(), room.as_slice()[(3 << 20) - 1]), (3 << 20, f16::ONE));
        let mut empty = Room::<f32>::EMPTY;
        assert!(Room::<f32>::zeros(0).unwrap().as_slice().is_empty() && empty.as_mut_slice().is_empty());
    }

    #[test]
    fn more_than_can_be_addressed_is_an_error() {
        assert!(Room::<f32>::zeros(usize::MAX).is_err());
        assert!(Room::<f32>::zeros(usize::MAX / 8).is_err());
    }
}
